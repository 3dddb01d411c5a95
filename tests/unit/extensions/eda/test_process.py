"""The event source in a process of its own: killed and started again, and ended while the service does not answer."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes
from ansible_collections.mailops.smtpeter.tests.unit.plugins.watching import SCENARIO, VERDICTS, Watched, start

pytestmark = [pytest.mark.ansible, pytest.mark.slow]


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_killed(tmp_path: Path, judge_by: str) -> None:
    """A source that is killed tells what one tells that is not, each event once, and its file is always whole."""
    (tmp_path / "tmp").mkdir()
    with sandboxes(tmp_path / "tmp") as service:
        watched = Watched(service.run(scenario={"default": SCENARIO}), tmp_path, judge_by)
        watched.run(6)
    assert watched.kills == 6
    # An event is kept before it is put, so a kill in between loses it; the next one goes on from there.
    told = watched.told()
    assert [event for event in VERDICTS if event in told] == told
    assert len(told) >= 1


def test_ended_while_the_service_does_not_answer(tmp_path: Path) -> None:
    """The requests that are under way keep the process from nothing, and no secret is in what it says."""
    asked, free = threading.Event(), threading.Event()

    def never(_target: str) -> list[bytes]:
        asked.set()
        free.wait(30)
        return []

    service = Hostile(never)
    args = {"tags": [f"tag-{number}" for number in range(30)], "api_url": service.url}
    process = start(args, tmp_path / "told")
    try:
        assert asked.wait(30)
        began = time.monotonic()
        process.terminate()
        _output, errors = process.communicate(timeout=30)
        # A single request may take 10 s. Ending takes a fraction of one second where the machine is not busy.
        assert time.monotonic() - began < 5
    finally:
        process.kill()
        free.set()
        service.close()
    assert "CancelledError" in errors
    assert TOKEN not in errors
    assert service.url not in errors
