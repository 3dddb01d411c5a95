"""Looks of a gate at a service with all faults, and of an event source at many tags: what one costs, what grows."""

import asyncio
import gc
import importlib
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import requests
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, look_at, sample, service
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes

campaign = importlib.import_module("ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign")

MEBIBYTE = 2**20
LOOKS = 1000
# Seven looks in ten are good ones, give or take; so many good ones take a thousand looks.
MESSAGES = 740 * STEP
TAGS = [f"tag-{number}" for number in range(1000)]
# Enough to show what grows with each look, and a thousand take ten times as long.
FEWER_TAGS = TAGS[:100]
INTERVAL = 60
SHARE_OF_A_CORE = 0.1
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.94, "fail")])
def test_a_thousand_looks_of_a_gate(rate, verdict):
    """They end in the right verdict, and in no more memory, file descriptors or threads than the first two hundred."""
    seed = time.time_ns()
    with service(seed, MESSAGES, rate) as url:
        result, samples = look_at(url, MESSAGES, every=100)
    early, late = samples[1], samples[-1]
    assert (result["verdict"], result["stats"]["wave-1"]["messages"]) == (verdict, MESSAGES), seed
    assert result["looks"] >= LOOKS
    assert result["errors"] >= LOOKS / 4
    assert len(result["history"]) <= 60
    assert {(sample.descriptors, sample.threads) for sample in samples} == {(early.descriptors, early.threads)}
    assert late.resident - early.resident < 8 * MEBIBYTE


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_a_thousand_tags(tmp_path, judge_by):
    """Looks at the sandbox, with the state kept, take a tenth of a core at most, though all counters move each time."""
    with sandboxes(tmp_path) as service, requests.Session() as session:
        sandbox = service.run(scenario={"default": {"delivery_rate": 0.98, "delay": 0, "open_rate": 0}})
        args = {
            "tags": TAGS, "api_token": TOKEN, "api_url": sandbox["api_url"], "judge_by": judge_by,
            "interval": INTERVAL, "window": 3600, "min_messages": 10_000,
        }  # fmt: skip
        settings, state = campaign.read_settings(args, {}, print), tmp_path / "source.state"
        reader, file, spent = campaign.Reader(settings.args), StateFile(str(state), {}), []
        source = campaign.Source(settings, reader, print, lambda: time.monotonic() + INTERVAL * len(spent), file=file)
        gc.freeze()  # as `main` does
        for _look in range(5):
            for tag in TAGS:
                body = {"recipients": [f"{number}@{number % 7}.example" for number in range(40)], "tags": [tag]}
                sent = session.post(f"{sandbox['api_url']}/send", params={"access_token": TOKEN}, json=body)
                sent.raise_for_status()
            before = time.process_time()
            asyncio.run(campaign.in_thread(source.look))
            spent.append(time.process_time() - before)
    assert sum(spent) / (len(spent) * INTERVAL) < SHARE_OF_A_CORE


class Steady:
    """Reads a service, made up in this process, in which each tag gets ten messages a second, of which 98% arrive."""

    def __init__(self):
        self.second = 0.0

    def now(self):
        """The time of day."""
        return START + timedelta(seconds=self.second)

    def records(self, tags):
        """What a look finds."""
        sent, now = int(10 * self.second), self.now()
        record = Record("", sent, sent * 98 // 100, 0, 0, first_at=START, last_at=now, fetched_at=now)
        return Answers({tag: replace(record, tag=tag) for tag in tags}, {})

    def outcomes(self, tags, since, until):
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
def test_a_thousand_looks_of_a_source(judge_by, window):
    """Memory is what it was after the first hundred: nothing is kept of a look, a window or an event that is over."""
    # Nothing is ever decided, so nothing is ever left out.
    args = {"tags": FEWER_TAGS, "api_token": TOKEN, "judge_by": judge_by, "window": window, "min_messages": 10**9}
    steady, samples = Steady(), []
    settings = campaign.read_settings(args, {}, print)
    source = campaign.Source(settings, steady, print, lambda: steady.second, steady.now)
    for look in range(1, LOOKS + 1):
        steady.second += INTERVAL
        source.look()
        if look % 100 == 0:
            samples.append(sample().resident)
    assert max(samples) - samples[0] < 2 * MEBIBYTE
