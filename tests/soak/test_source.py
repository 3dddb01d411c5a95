"""The event source killed a hundred times, and with a thousand tags: what a look costs, and whether memory grows."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import random
import resource
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes
from ansible_collections.mailops.smtpeter.tests.unit.plugins.watching import SCENARIO, VERDICTS, Watched

campaign = importlib.import_module("ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign")

KILLS = 50
TAGS = [f"tag-{number}" for number in range(1000)]
INTERVAL = 60
LOOKS = 5
SHARE_OF_A_CORE = 0.1
MANY_LOOKS = 1000
# Enough to show what grows with each look, and a thousand take ten times as long.
FEWER_TAGS = TAGS[:100]
GROWTH_LIMIT = 2 * 2**20
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_a_source_killed_again_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str], judge_by: str) -> None:
    """It tells what a source tells that nobody disturbs, each event once, and its file is always whole."""
    seed = time.time_ns()
    told = []
    for kills in (0, KILLS):
        directory = tmp_path / str(kills)
        (directory / "tmp").mkdir(parents=True)
        with sandboxes(directory / "tmp") as service:
            sandbox = service.run(scenario={"default": SCENARIO}, idle_timeout=300)
            watched = Watched(sandbox, directory, judge_by, chance=random.Random(seed))
            watched.run(kills)
        assert watched.kills == kills
        told.append(watched.told())
    undisturbed, killed = told
    with capsys.disabled():
        print(f"\n{KILLS} kills by {judge_by} (seed {seed}), {watched.looks} looks kept: told {killed}")
    assert undisturbed == VERDICTS
    # An event is kept before it is put, so a kill in between loses it. It is never told twice.
    assert [event for event in VERDICTS if event in killed] == killed
    assert len(killed) >= 1


def resident() -> int:
    """The bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def send(sandbox: dict[str, Any], messages: int) -> None:
    """Send so many messages under each tag."""
    body = {"recipients": [f"{number}@{number % 7}.example" for number in range(messages)]}
    with requests.Session() as session:
        session.verify = sandbox["ca_path"]
        for tag in TAGS:
            url = f"{sandbox['api_url']}/send"
            session.post(url, params={"access_token": TOKEN}, json={**body, "tags": [tag]}).raise_for_status()


async def watch(source: Any) -> tuple[float, float]:
    """Return the processor seconds of a look, and the longest time for which the loop was kept from going on."""
    late, before = 0.0, time.process_time()
    look = asyncio.ensure_future(campaign.in_thread(source.look))
    while not look.done():
        waited = time.monotonic()
        await asyncio.sleep(0.01)
        late = max(late, time.monotonic() - waited - 0.01)
    look.result()
    return time.process_time() - before, late


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_a_thousand_tags(tmp_path: Path, capsys: pytest.CaptureFixture[str], judge_by: str) -> None:
    """Looks at the sandbox, with the state kept, take a tenth of a core at most, though all counters move each time."""
    (tmp_path / "tmp").mkdir()
    with sandboxes(tmp_path / "tmp") as service:
        sandbox = service.run(scenario={"default": {"delivery_rate": 0.98, "delay": 0, "open_rate": 0}})
        args = {
            "tags": TAGS, "api_token": TOKEN, "api_url": sandbox["api_url"], "judge_by": judge_by,
            "interval": INTERVAL, "window": 3600, "min_messages": 10_000,
        }  # fmt: skip
        settings = campaign.read_settings(args, {}, print)
        file = StateFile(str(tmp_path / "source.state"), {})
        passed = 0
        source = campaign.Source(
            settings, campaign.Reader(settings.args), print, lambda: time.monotonic() + passed, file=file
        )
        gc.freeze()  # as `main` does
        spent, late = [], 0.0
        for _look in range(LOOKS):
            send(sandbox, 40)
            seconds, lateness = asyncio.run(watch(source))
            spent.append(seconds)
            passed += INTERVAL
            late = max(late, lateness)
    share = sum(spent) / (LOOKS * INTERVAL)
    size = os.path.getsize(tmp_path / "source.state")
    with capsys.disabled():
        print(
            f"\n{len(TAGS)} tags by {judge_by}: {', '.join(f'{seconds:.1f}' for seconds in spent)} processor seconds a "
            f"look ({share:.1%} of a core), the loop was late by up to {1000 * late:.0f} ms (load "
            f"{os.getloadavg()[0]:.0f}), {size / 2**20:.1f} MiB of state"
        )
    assert share < SHARE_OF_A_CORE


class Steady:
    """Reads a service, made up in this process, in which each tag gets ten messages a second, of which 98% arrive."""

    def __init__(self) -> None:
        self.second = 0.0

    def now(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.second)

    def records(self, tags: list[str]) -> Answers[Record]:
        """What a look finds."""
        sent, now = int(10 * self.second), self.now()
        record = Record("", sent, sent * 98 // 100, 0, 0, first_at=START, last_at=now, fetched_at=now)
        return Answers({tag: replace(record, tag=tag) for tag in tags}, {})

    def outcomes(self, tags: list[str], since: datetime | None, until: datetime | None) -> Answers[Outcome]:
        """What became of the messages of a window."""
        begin, end = since or START, min(until or self.now(), self.now())
        sent, at = int(10 * (end - begin).total_seconds()), to_iso(end)
        counts = {"messages": sent, "deliveries": sent * 98 // 100, "failed": sent // 100}
        spans = [{"at": to_iso(begin), "seconds": 60, **counts} for _span in range(10)]
        given = {
            "known": True, "notes": [], "fetched_at": to_iso(self.now()), **counts, "returned": 0, "read_seconds": 0.0,
            "last_taken_at": at, "last_moved_at": at, "failures": [], "domains": [], "timeline": spans,
        }  # fmt: skip
        return Answers({tag: Outcome.from_dict({"tag": tag, **given}) for tag in tags}, {})


@pytest.mark.parametrize(("judge_by", "window"), [("counters", None), ("counters", 3600), ("outcomes", 3600)])
def test_a_thousand_looks(capsys: pytest.CaptureFixture[str], judge_by: str, window: float | None) -> None:
    """Memory is what it was after the first hundred: nothing is kept of a look, a window or an event that is over."""
    # Nothing is ever decided, so nothing is ever left out.
    args = {"tags": FEWER_TAGS, "api_token": TOKEN, "judge_by": judge_by, "window": window, "min_messages": 10**9}
    service = Steady()
    settings = campaign.read_settings(args, {}, print)
    source = campaign.Source(settings, service, print, lambda: service.second, service.now)
    samples, spent = [], time.process_time()
    for look in range(1, MANY_LOOKS + 1):
        service.second += INTERVAL
        source.look()
        if look % 100 == 0:
            gc.collect()
            samples.append(resident())
    spent = time.process_time() - spent
    growth = max(samples) - samples[0]
    with capsys.disabled():
        print(
            f"\n{MANY_LOOKS} looks at {len(FEWER_TAGS)} tags by {judge_by}, window {window}: "
            f"{samples[0] / 2**20:.0f} MiB "
            f"after 100, {growth / 2**20:+.1f} MiB since; {spent / MANY_LOOKS:.2f} processor seconds a look"
        )
    assert growth < GROWTH_LIMIT
