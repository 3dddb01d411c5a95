"""The event source by a clock and a service that the tests make up: what is told, when, and after a restart."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import re
import threading
import time
from datetime import datetime, timedelta

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate_options import argument_spec
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import Clock, StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import START, outcome

campaign = importlib.import_module("ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign")

pytestmark = pytest.mark.ansible
TOKEN = "a-token-of-nobody"
BUSY = {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}
REFUSED = {"kind": "refused", "status": 401, "msg": "tag 'a': answered 401"}
KEYS = {"tag", "verdict", "previous", "msg", "reasons", "at", "window", "record", "outcome"}


class World:
    """A clock, a service that has messages as (second when it was taken in, its end: delivered, failed or neither)."""

    def __init__(self, **args):
        self.second = 0.0
        self.slept = 0.0
        self.messages = {}
        self.trouble = None
        self.asked = []
        self.warnings = []
        common = {"tags": ["a"], "api_token": TOKEN, "grace_period": 90, "sending_gap": 30, "min_messages": 20}
        self.args = {**common, **args}
        self.source = self.start()

    def start(self, file=None):
        """A source, which may go on from a file."""
        settings = campaign.read_settings(self.args, {}, self.warnings.append)
        return campaign.Source(settings, self, self.warnings.append, lambda: self.second, self.now, file)

    def now(self):
        """The calendar, which goes on while the machine sleeps."""
        return START + timedelta(seconds=self.second + self.slept)

    def send(self, count, ends="delivered", tag="a"):
        """Have the service take in messages."""
        at = int(self.second + self.slept)
        self.messages.setdefault(tag, []).extend([(at, ends)] * count)

    def records(self, tags):
        """What a look finds."""
        if self.trouble:
            return Answers({}, dict.fromkeys(tags, self.trouble))
        found = {}
        for tag in tags:
            mail = self.messages.get(tag, [])
            delivered = sum(ends == "delivered" for _at, ends in mail)
            last = START + timedelta(seconds=mail[-1][0]) if mail else None
            now = self.now().replace(microsecond=0)
            found[tag] = Record(tag, len(mail), delivered, 0, 0, first_at=last, last_at=last, fetched_at=now)
        return Answers(found, {})

    def outcomes(self, tags, since, until):
        """What became of the messages in a window."""
        self.asked.append((to_iso(since), to_iso(until)))
        return Answers({tag: self._outcome(tag, since, until) for tag in tags}, {})

    def _outcome(self, tag, since, until):
        mail = [
            (at, ends)
            for at, ends in self.messages.get(tag, [])
            if (since is None or START + timedelta(seconds=at) >= since)
            and (until is None or START + timedelta(seconds=at) < until)
        ]
        ends = [ends for _at, ends in mail]
        counts = len(mail), ends.count("delivered"), ends.count("failed")
        last = {} if mail else {"last_taken_at": None, "last_moved_at": None}
        return outcome(self.second + self.slept, *counts, taken=mail[-1][0] if mail else 0, tag=tag, **last)

    def look(self):
        """One look; what it tells is whole, and plain JSON."""
        events = self.source.look()
        for event in events:
            assert set(event["campaign"]) == KEYS
            assert json.loads(json.dumps(event, allow_nan=False)) == event
            assert TOKEN not in json.dumps(event)
        return [event["campaign"] for event in events]

    def run(self, seconds, rate=None, every=0, tag="a"):
        """Look for so many seconds, `every` messages sent before each, of which a share is delivered."""
        told = []
        end = self.second + seconds
        while self.second < end:
            if every:
                good = round(every * rate)
                self.send(good, tag=tag)
                self.send(every - good, "failed", tag)
            told += self.look()
            self.second += self.source.pause
        return told


def verdicts(events):
    """The verdicts before and after each event."""
    return [(event["previous"], event["verdict"]) for event in events]


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_without_a_window(judge_by):
    """A tag is told once, and again when it is judged otherwise."""
    world = World(judge_by=judge_by, interval=10)
    world.send(100)
    (event,) = world.run(200)
    assert (event["tag"], event["verdict"], event["previous"], event["window"]) == ("a", "pass", None, None)
    assert event["record"]["messages"] == 100
    assert (event["outcome"] is None) == (judge_by == "counters")
    assert "100 of 100 messages are delivered" in event["msg"]
    assert world.run(1000) == []
    world.send(400, "failed")
    assert verdicts(world.run(400)) == [("pass", "fail")]


@pytest.mark.slow
@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_windows(judge_by):
    """Each window is judged on its own: it goes bad and recovers, and nothing is told twice."""
    world = World(judge_by=judge_by, window=600, interval=10)
    assert verdicts(world.run(1800, 1, 10)) == [(None, "pass")]
    assert verdicts(world.run(1800, 0.5, 10)) == [("pass", "fail")]
    told = verdicts(world.run(1800, 1, 10))
    # Counters cannot tell the lost mail of earlier windows from mail that is still under way.
    assert told == ([("fail", "pass")] if judge_by == "outcomes" else [("fail", "inconclusive")])


def test_windows_by_outcomes_follow_each_other():
    """There is no gap between them, and no overlap; each message is in one, and the slept time changes nothing."""
    world = World(judge_by="outcomes", window=600, interval=7)
    world.run(3000, 1, 1)
    world.slept = 2000
    world.run(1500, 1, 1)
    windows = sorted(set(world.asked))
    assert windows[0][0] == to_iso(START)
    assert [since for since, _until in windows[1:]] == [until for _since, until in windows[:-1]]
    lengths = [datetime.fromisoformat(until[:-1]) - datetime.fromisoformat(since[:-1]) for since, until in windows]
    assert set(lengths) == {timedelta(seconds=600)}
    assert len(windows) >= 10


def test_windows_by_counters_follow_each_other():
    """The record at the edge ends one and begins the next: the messages of all windows are all messages."""
    world = World(window=600, interval=7)
    edges = []
    for _look in range(600):
        world.send(1)
        before = world.source._watches["a"].before
        if not edges or before is not edges[-1]:
            edges.append(before)
        world.look()
        world.second += world.source.pause
    counts = [edge.messages for edge in edges if edge is not None]
    assert counts == sorted(set(counts))
    assert len(counts) >= 6
    assert all(edge.under_way is not None for edge in edges[2:])


def test_little_mail():
    """A window without enough mail is inconclusive at its end, once, for as long as that lasts."""
    world = World(judge_by="outcomes", window=600, interval=10)
    world.send(3)
    assert verdicts(world.run(3000)) == [(None, "inconclusive")]


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
@pytest.mark.parametrize("window", [None, 600])
def test_a_service_that_goes_away(judge_by, window):
    """For more looks than are tolerated it is an error, its end is told, and no false verdict comes of the time."""
    world = World(judge_by=judge_by, window=window, interval=10, max_consecutive_errors=3)
    told = world.run(600, 1, 10)
    assert verdicts(told) == [(None, "pass")]
    world.trouble = BUSY
    assert world.run(30, 1, 10) == []
    (event,) = world.run(3600, 1, 10)
    assert (event["verdict"], event["previous"]) == ("error", "pass")
    assert "answered 503" in event["msg"]
    world.trouble = None
    told = world.run(600, 1, 10)
    assert verdicts(told)[0] == ("error", "pass")
    assert {verdict for _previous, verdict in verdicts(told)} == {"pass"}


def test_short_trouble_is_not_told():
    """Fewer failed looks than that are nobody's business."""
    world = World(interval=10)
    world.run(100, 1, 10)
    for _time in range(5):
        world.trouble = BUSY
        assert world.run(40) == []
        world.trouble = None
        assert world.run(10) == []


def test_a_refused_token():
    """It is told at once, and before there was a verdict its end is told as null."""
    world = World(interval=10)
    world.trouble = REFUSED
    assert verdicts(world.look()) == [(None, "error")]
    world.trouble = None
    world.second += 10
    (event,) = world.look()
    assert (event["verdict"], event["previous"], event["record"]["messages"]) == (None, "error", 0)


def test_heartbeat():
    """The last event comes again after so many seconds without one."""
    world = World(interval=10, heartbeat=60)
    world.send(100)
    told = world.run(400)
    assert len(told) == 7
    assert all(event == told[0] for event in told)


def test_each_tag_on_its_own():
    """One that fails tells nothing of another."""
    world = World(tags=["a", "b"], judge_by="outcomes", interval=10)
    world.send(200)
    world.send(200, "failed", tag="b")
    told = world.run(300)
    assert {event["tag"]: event["verdict"] for event in told} == {"a": "pass", "b": "fail"}
    assert len(told) == 2


@pytest.mark.slow
@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
@pytest.mark.parametrize("window", [None, 600])
def test_restarted_after_each_look(tmp_path, judge_by, window):
    """A source that is killed after each look tells the same events as one that is not, each once."""
    told = []
    for restarts in (False, True):
        world = World(judge_by=judge_by, window=window, interval=10, max_consecutive_errors=2)
        path = str(tmp_path / f"{restarts}.state")
        world.source = world.start(_file(world, path))
        events = []
        for step in range(200):
            world.send(5, "failed" if 60 <= step < 130 else "delivered")
            world.trouble = BUSY if 150 <= step < 170 else None
            events += world.look()
            world.second += world.source.pause
            if restarts:
                world.source = world.start(_file(world, path))
        told.append(events)
        assert world.warnings == []
    assert told[0] == told[1]
    assert len(told[0]) >= 3


def _file(world, path):
    clock = Clock(lambda: world.second, lambda: world.now().timestamp(), "one")
    return StateFile(path, {"window": world.args["window"]}, clock)


def test_damaged_state(tmp_path):
    """It is a start from the beginning, with a warning."""
    world = World()
    file = StateFile(str(tmp_path / "s"), {})
    (tmp_path / "s").write_text("half")
    world.start(file)
    file.save({"watches": {"a": {}}}, 0)
    world.start(file)
    assert len(world.warnings) == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"tags": [8]}, "quote it"),
        ({"tags": []}, "tags: it is empty"),
        ({"interval": 0}, "interval: 0 is not above 0"),
        ({"window": -1}, "window: "),
        ({"heartbeat": 0}, "heartbeat: 0 is not above 0"),
        ({"min_delivery_ratio": 95}, "did you mean 0.95"),
        ({"wait_timeout": 5}, "wait_timeout: there is no such option; give one of"),
        ({"intervall": 5}, "intervall: there is no such option"),
        ({"api_token": ""}, "api_token: it is not set"),
        ({"api_url": "http://example.com"}, "api_url"),
        ({"window": 60, "judge_by": "outcomes", "since": "2026-01-01T00:00:00Z"}, "since: each window has its own"),
        ({"judge_by": "x"}, "judge_by"),
        ({"state": 5}, "state: a number came"),
    ],
)
def test_refused_arguments(args, said):
    """They are refused by name, by the definitions of the gate."""
    with pytest.raises(SmtpeterError, match=re.escape(said)):
        campaign.read_settings({"tags": ["a"], "api_token": TOKEN, **args}, {}, print)


def test_the_environment():
    """The token and the address come from there, where they are not given."""
    found = {"SMTPETER_API_TOKEN": TOKEN, "SMTPETER_API_URL": "https://there.example/v1"}
    args = campaign.read_settings({"tags": ["a"], "eda_feedback_queue": object()}, found, print).args
    assert (args["api_token"], args["api_url"]) == (TOKEN, "https://there.example/v1")
    args = campaign.read_settings({"tags": ["a"], "api_token": TOKEN[:9]}, found, print).args
    assert args["api_token"] == TOKEN[:9]


def test_numbers_as_text():
    """Variables of a rulebook may come as text."""
    settings = campaign.read_settings({"tags": "a", "api_token": TOKEN, "window": "600", "interval": "5"}, {}, print)
    assert (settings.window, settings.interval, settings.args["tags"]) == (600, 5, ["a"])


@pytest.fixture(autouse=True)
def _thawed():
    """Other tests of this process measure memory."""
    yield
    gc.unfreeze()


def test_the_loop_is_not_blocked_and_ends_at_once(monkeypatch):
    """The loop goes on while a look takes long, and the look is not waited for when it is over."""
    began, free = threading.Event(), threading.Event()

    class Slow:
        pause = 0.01

        def look(self):
            began.set()
            free.wait(30)
            return []

    monkeypatch.setattr(campaign, "make_source", lambda _args, _warn: Slow())

    async def run():
        task = asyncio.create_task(campaign.main(asyncio.Queue(), {}))
        while not began.is_set():
            await asyncio.sleep(0.001)
        for _tick in range(50):
            await asyncio.sleep(0.002)
        assert gc.get_freeze_count() > 0
        ended = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - ended

    try:
        assert asyncio.run(run()) < 1
    finally:
        free.set()


def test_no_secret_in_an_error(monkeypatch):
    """What ends the source has no cause that could show the token."""
    monkeypatch.setenv("SMTPETER_API_TOKEN", TOKEN)
    with pytest.raises(campaign.SourceError, match=r"^mailops.smtpeter.campaign: interval: ") as raised:
        asyncio.run(campaign.main(asyncio.Queue(), {"tags": ["a"], "interval": 0}))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_documentation():
    """Its form is that of ansible.eda, its options have the gate's types and defaults."""
    doc = yaml.safe_load(campaign.DOCUMENTATION)
    assert {"short_description", "description", "options"} <= set(doc)
    spec = argument_spec()
    for name, option in doc["options"].items():
        if name in spec:
            assert option["type"] == spec[name]["type"], name
            assert option.get("default", spec[name].get("default")) == (
                spec[name].get("default") or option.get("default")
            )
    (example,) = yaml.safe_load(campaign.EXAMPLES)
    campaign.read_settings({**example["mailops.smtpeter.campaign"], "api_token": TOKEN}, {}, print)
