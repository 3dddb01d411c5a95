"""The event source in trouble: no false verdict comes of what could not be read, and no event is lost on the way."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections import Counter

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import StateFile
from ansible_collections.mailops.smtpeter.tests.unit.extensions.eda.test_campaign import BUSY, World, campaign, verdicts

pytestmark = pytest.mark.ansible


def let_arrive(world):
    """Have all mail that is under way delivered."""
    for mail in world.messages.values():
        mail[:] = [(at, "failed" if ends == "failed" else "delivered") for at, ends in mail]


@pytest.mark.slow
@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
@pytest.mark.parametrize("under_way", [15, 200])
@pytest.mark.parametrize("away", [700, 3600])
def test_a_service_that_goes_away_while_mail_is_under_way(judge_by, under_way, away):
    """A window that ends meanwhile is not judged by what was last read of it."""
    world = World(judge_by=judge_by, window=600, interval=10, max_consecutive_errors=3)
    world.run(10)
    world.send(under_way, "under way")
    world.run(10)
    world.trouble = BUSY
    let_arrive(world)
    told = world.run(away, 1, 10)
    world.trouble = None
    told += world.run(1800, 1, 10)
    assert verdicts(told) == [(None, "error"), ("error", "pass")]


def test_events_that_cannot_be_read_at_the_end_of_a_window(monkeypatch):
    """The window is judged once they can be read, and until then asked for once an interval."""
    world = World(judge_by="outcomes", window=600, interval=10, max_consecutive_errors=1000)
    world.run(300)
    world.send(200)
    with monkeypatch.context() as patched:
        patched.setattr(world, "outcomes", lambda tags, *_period: Answers({}, dict.fromkeys(tags, BUSY)))
        before = world.source._watches["a"].gate.looks
        assert world.run(600) == []
        assert world.source._watches["a"].gate.looks == before + 60
    (event,) = world.run(10)
    assert (event["verdict"], event["outcome"]["messages"]) == ("pass", 200)


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
@pytest.mark.parametrize("slept", [300, 3600])
def test_a_machine_that_slept(judge_by, slept):
    """The mail went on meanwhile, and is all there when it wakes up."""
    world = World(judge_by=judge_by, window=600, interval=10)
    told = world.run(630, 1, 10)
    for _step in range(0, slept, 10):
        world.slept += 10
        world.send(10)
    told += world.run(1800, 1, 10)
    assert verdicts(told) == [(None, "pass")]


def test_ended_in_the_middle_of_a_look(tmp_path, monkeypatch):
    """What it finds is told to nobody, so it is not kept either: the source that follows tells it."""
    world = World(interval=10)
    path = str(tmp_path / "source.state")
    source = world.start(StateFile(path, {}))
    world.send(100)
    reading, may_go_on, ended = threading.Event(), threading.Event(), threading.Event()
    read, look = world.records, source.look

    def read_slowly(tags):
        reading.set()
        assert may_go_on.wait(10)
        return read(tags)

    def look_to_the_end():
        try:
            return look()
        finally:
            ended.set()

    async def run():
        queue = asyncio.Queue()
        task = asyncio.create_task(campaign.main(queue, {}))
        await asyncio.to_thread(reading.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_go_on.set()
        await asyncio.to_thread(ended.wait, 10)
        assert queue.empty()

    monkeypatch.setattr(source, "look", look_to_the_end)
    monkeypatch.setattr(campaign, "make_source", lambda _args, _warn: source)
    # By the time that passes, nothing is news before the second look.
    with monkeypatch.context() as patched:
        patched.setattr(world, "records", read_slowly)
        world.second = 100
        asyncio.run(run())
    world.source = world.start(StateFile(path, {}))
    assert verdicts(world.run(200)) == [(None, "pass")]


def test_a_thread_that_outlives_the_loop():
    """It ends without a word, though nobody waits for what it returns."""
    may_end, ended = threading.Event(), []

    async def run():
        waiting = asyncio.create_task(campaign.in_thread(functools.partial(may_end.wait, 10)))
        await asyncio.sleep(0.01)
        waiting.cancel()

    before = set(threading.enumerate())
    asyncio.run(run())
    (thread,) = set(threading.enumerate()) - before
    hook, threading.excepthook = threading.excepthook, ended.append
    try:
        may_end.set()
        thread.join(10)
    finally:
        threading.excepthook = hook
    assert not thread.is_alive()
    assert ended == []


def test_counters_that_fall_again_and_again(monkeypatch):
    """Of the corrections, the last few are noted: what is kept does not grow for as long as the source runs."""
    world = World(interval=10)
    counts = [0]

    def records(tags):
        return Answers({tag: Record(tag, *counts * 2, 0, 0, fetched_at=world.now()) for tag in tags}, {})

    monkeypatch.setattr(world, "records", records)
    sizes = []
    for step in range(60):
        counts[0] = 10_000 - 100 * (step % 2)
        world.run(100)
        sizes.append(len(json.dumps(world.source._watches["a"].state())))
    notes = world.source._watches["a"].gate.result()["stats"]["a"]["notes"]
    assert [note.startswith("messages fell from 10000 to 9900") for note in notes] == [True] * 5
    assert max(sizes[30:]) <= max(sizes[:30]) + 100


def test_reading_that_is_too_much_work(monkeypatch):
    """Events are read in less than a tenth of a core, and in any case when a window is over."""
    world = World(judge_by="outcomes", window=600, interval=10, min_messages=10**6)
    work = [0.0]
    read = world.outcomes

    def read_slowly(*asked):
        work[0] += 10
        return read(*asked)

    monkeypatch.setattr(world, "outcomes", read_slowly)
    monkeypatch.setattr(world.source, "_busy", lambda: work[0])
    told = world.run(6000, 1, 10)
    assert verdicts(told) == [(None, "inconclusive")]
    periods = Counter(world.asked)
    assert sum(periods.values()) <= 6000 * 0.1 / 10
    assert len(periods) >= 9
    assert max(periods.values()) > 1
