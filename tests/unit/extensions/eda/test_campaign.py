"""The event source by a clock and a service that the tests make up, and in a process of its own that is killed."""

import asyncio
import functools
import gc
import importlib
import json
import re
import threading
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate_options import argument_spec
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import Clock, StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins import watching
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import START, outcome
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes, until

campaign = importlib.import_module("ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign")

pytestmark = pytest.mark.ansible
TOKEN = "a-token-of-nobody"
BUSY = {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}
REFUSED = {"kind": "refused", "status": 401, "msg": "tag 'a': answered 401"}
KEYS = {"tag", "verdict", "previous", "msg", "reasons", "at", "window", "record", "outcome"}
by_both = pytest.mark.parametrize("judge_by", ["counters", "outcomes"])


class World:
    """A clock, a service that has messages as (second when it was taken in, its end: delivered, failed or neither)."""

    def __init__(self, **args):
        self.second = self.slept = 0.0
        self.trouble = None
        self.messages, self.asked, self.warnings = {}, [], []
        self.args = {
            "tags": ["a"], "api_token": TOKEN, "grace_period": 90, "sending_gap": 30, "min_messages": 20,
            "interval": 10, **args,
        }  # fmt: skip
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
        found = {}
        for tag in tags:
            mail = self.messages.get(tag, [])
            delivered = sum(ends == "delivered" for _at, ends in mail)
            last = START + timedelta(seconds=mail[-1][0]) if mail else None
            now = self.now().replace(microsecond=0)
            found[tag] = Record(tag, len(mail), delivered, 0, 0, first_at=last, last_at=last, fetched_at=now)
        return Answers({}, dict.fromkeys(tags, self.trouble)) if self.trouble else Answers(found, {})

    def outcomes(self, tags, since, until):
        """What became of the messages in a window."""
        self.asked.append((since, until))
        return Answers({tag: self._outcome(tag, since, until) for tag in tags}, {})

    def _outcome(self, tag, since, until):
        begin, end = (moment and (moment - START).total_seconds() for moment in (since, until))
        mail = [(at, ends) for at, ends in self.messages.get(tag, []) if (begin or 0) <= at and (not end or at < end)]
        ends = Counter(ends for _at, ends in mail)
        counts = len(mail), ends["delivered"], ends["failed"]
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

    def run(self, seconds, rate=1, every=0):
        """Look for so many seconds, `every` messages sent before each, of which a share is delivered."""
        told = []
        end = self.second + seconds
        while self.second < end:
            good = round(every * rate)
            self.send(good)
            self.send(every - good, "failed")
            told += self.look()
            self.second += self.source.pause
        return told


def verdicts(events):
    """The verdicts before and after each event."""
    return [(event["previous"], event["verdict"]) for event in events]


@by_both
def test_without_a_window(judge_by):
    """A tag is told once, and again when it is judged otherwise."""
    world = World(judge_by=judge_by)
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
@by_both
def test_windows(judge_by):
    """Each window is judged on its own: it goes bad and recovers, and nothing is told twice."""
    world = World(judge_by=judge_by, window=600)
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
    edges = [START + timedelta(seconds=600 * number) for number in range(len(windows) + 1)]
    assert windows == list(zip(edges, edges[1:]))
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


@by_both
@pytest.mark.parametrize("window", [None, 600])
def test_a_service_that_goes_away(judge_by, window):
    """For more looks than are tolerated it is an error, its end is told, and no false verdict comes of the time."""
    world = World(judge_by=judge_by, window=window, max_consecutive_errors=3)
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


def test_a_refused_token():
    """It is told at once; another failed look is not its end, which is told as null before there was a verdict."""
    world = World()
    world.trouble = REFUSED
    assert verdicts(world.look()) == [(None, "error")]
    world.trouble = BUSY
    world.second += 10
    assert world.look() == []
    world.trouble = None
    world.second += 10
    (event,) = world.look()
    assert (event["verdict"], event["previous"], event["record"]["messages"]) == (None, "error", 0)


def test_heartbeat():
    """The last event comes again after so many seconds without one."""
    world = World(heartbeat=60)
    world.send(100)
    told = world.run(400)
    assert len(told) == 7
    assert all(event == told[0] for event in told)


def test_each_tag_on_its_own():
    """One that fails tells nothing of another."""
    world = World(tags=["a", "b"], judge_by="outcomes")
    world.send(200)
    world.send(200, "failed", tag="b")
    told = world.run(300)
    assert {event["tag"]: event["verdict"] for event in told} == {"a": "pass", "b": "fail"}
    assert len(told) == 2


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("window", [None, 600])
def test_restarted_after_each_look(tmp_path, judge_by, window):
    """A source that is killed after each look tells the same events as one that is not, each once."""
    told = []
    for restarts in (False, True):
        world = World(judge_by=judge_by, window=window, max_consecutive_errors=2)
        clock = Clock(lambda world=world: world.second, lambda world=world: world.now().timestamp(), "one")
        file = functools.partial(StateFile, str(tmp_path / f"{restarts}.state"), {"window": window}, clock)
        world.source = world.start(file())
        events = []
        for step in range(200):
            world.send(5, "failed" if 60 <= step < 130 else "delivered")
            world.trouble = BUSY if 150 <= step < 170 else None
            events += world.look()
            world.second += world.source.pause
            if restarts:
                world.source = world.start(file())
        told.append(events)
        assert world.warnings == []
    assert told[0] == told[1]
    assert len(told[0]) >= 3


def test_damaged_state(tmp_path):
    """It is a start from the beginning, with a warning."""
    world, file = World(), StateFile(str(tmp_path / "source.state"), {})
    file.save({"watches": {"a": {}}}, 0)
    world.start(file)
    assert len(world.warnings) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"interval": 0}, "interval: 0 is not above 0"),
        ({"window": -1}, "window: "),
        ({"min_delivery_ratio": 95}, "did you mean 0.95"),
        ({"wait_timeout": 5}, "wait_timeout: there is no such option; give one of"),
        ({"api_token": ""}, "api_token: it is not set"),
        ({"window": 60, "judge_by": "outcomes", "since": "2026-01-01T00:00:00Z"}, "since: each window has its own"),
    ],
)
def test_refused_arguments(args, said):
    """They are refused by name, by the definitions of the gate."""
    with pytest.raises(SmtpeterError, match=re.escape(said)):
        campaign.read_settings({"tags": ["a"], "api_token": TOKEN, **args}, {}, print)


def test_settings():
    """Token and address come from the environment where they are not given; numbers of a rulebook may be text."""
    found = {"SMTPETER_API_TOKEN": TOKEN, "SMTPETER_API_URL": "https://there.example/v1"}
    given = {"tags": "a", "eda_feedback_queue": object(), "window": "600", "interval": "5"}
    settings = campaign.read_settings(given, found, print)
    assert [settings.args[name] for name in ("api_token", "api_url", "tags")] == [*found.values(), ["a"]]
    assert (settings.window, settings.interval) == (600, 5)
    own = {"api_token": "another-token", "api_url": "https://here.example/v1"}
    assert own.items() <= campaign.read_settings({**given, **own}, found, print).args.items()


@pytest.fixture(autouse=True)
def _thawed():
    """Other tests of this process measure memory."""
    yield
    gc.unfreeze()


def test_no_secret_in_an_error(monkeypatch):
    """What ends the source has no cause that could show the token."""
    monkeypatch.setenv("SMTPETER_API_TOKEN", TOKEN)
    with pytest.raises(campaign.SourceError, match=r"^mailops.smtpeter.campaign: interval: ") as raised:
        asyncio.run(campaign.main(asyncio.Queue(), {"tags": ["a"], "interval": 0}))
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_documentation():
    """Its form is that of ansible.eda, its options have the gate's types and defaults, and its example works."""
    doc, spec = yaml.safe_load(campaign.DOCUMENTATION), argument_spec()
    assert {"short_description", "description", "options"} <= set(doc)
    for name in doc["options"].keys() & spec.keys():
        option, default = doc["options"][name], spec[name].get("default")
        assert option["type"] == spec[name]["type"], name
        assert default is None or option.get("default", default) == default, name
    (example,) = yaml.safe_load(campaign.EXAMPLES)
    campaign.read_settings({**example["mailops.smtpeter.campaign"], "api_token": TOKEN}, {}, print)


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("under_way", [15, 200])
@pytest.mark.parametrize("away", [700, 3600])
def test_a_service_that_goes_away_while_mail_is_under_way(judge_by, under_way, away):
    """A window that ends meanwhile is not judged by what was last read of it."""
    world = World(judge_by=judge_by, window=600, max_consecutive_errors=3)
    world.run(10)
    world.send(under_way, "under way")
    world.run(10)
    world.trouble = BUSY
    world.messages["a"] = [(at, "delivered") for at, _ends in world.messages["a"]]
    told = world.run(away, 1, 10)
    world.trouble = None
    told += world.run(1800, 1, 10)
    assert verdicts(told) == [(None, "error"), ("error", "pass")]


def test_events_that_cannot_be_read_at_the_end_of_a_window():
    """The window is judged once they can be read, and until then asked for once an interval."""
    world = World(judge_by="outcomes", window=600, max_consecutive_errors=1000)
    world.run(300)
    world.send(200)
    read, watch = world.outcomes, world.source._watches["a"]
    world.outcomes = lambda tags, *_period: Answers({}, dict.fromkeys(tags, BUSY))
    before = watch.gate.looks
    assert world.run(600) == []
    assert watch.gate.looks == before + 60
    world.outcomes = read
    (event,) = world.run(10)
    assert (event["verdict"], event["outcome"]["messages"]) == ("pass", 200)


@by_both
@pytest.mark.parametrize("slept", [300, 3600])
def test_a_machine_that_slept(judge_by, slept):
    """The mail went on meanwhile, and is all there when it wakes up."""
    world = World(judge_by=judge_by, window=600)
    told = world.run(630, 1, 10)
    for _step in range(0, slept, 10):
        world.slept += 10
        world.send(10)
    told += world.run(1800, 1, 10)
    assert verdicts(told) == [(None, "pass")]


@pytest.mark.parametrize("goes_on", [False, True])
def test_ended_in_the_middle_of_a_look(tmp_path, monkeypatch, caplog, goes_on):
    """The loop goes on meanwhile and ends at once, and the thread of the look ends later without a word.

    What the look finds is told to nobody, so it is not kept either: the source that follows tells it.
    """
    world, queue, said = World(), asyncio.Queue(), []
    path = str(tmp_path / "source.state")
    source = world.start(StateFile(path, {}))
    reading, may_go_on = threading.Event(), threading.Event()
    read, before = world.records, set(threading.enumerate())

    def read_slowly(tags):
        reading.set()
        assert may_go_on.wait(30)
        return read(tags)

    def end_the_look():
        (thread,) = set(threading.enumerate()) - before
        may_go_on.set()
        thread.join(10)
        assert not thread.is_alive()

    async def run():
        task = asyncio.create_task(campaign.main(queue, {}))
        while not reading.is_set():
            await asyncio.sleep(0.001)
        assert gc.get_freeze_count() > 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if goes_on:
            end_the_look()
            await asyncio.sleep(0)

    monkeypatch.setattr(campaign, "make_source", lambda _args, _warn: source)
    monkeypatch.setattr(threading, "excepthook", said.append)
    world.send(100)
    # By the time that passes, nothing is news before the second look.
    world.second, world.records = 100, read_slowly
    asyncio.run(run())
    if not goes_on:
        end_the_look()
    assert (said, caplog.text, queue.empty()) == ([], "", True)
    world.records = read
    world.source = world.start(StateFile(path, {}))
    assert verdicts(world.run(200)) == [(None, "pass")]


@pytest.mark.parametrize("seconds", [10, 100])
def test_reading_that_is_too_much_work(seconds):
    """Events are read in less than a tenth of a core, and in any case when a window is over.

    A window without enough mail is inconclusive at its end; it is told once, for as long as that lasts.
    """
    world = World(judge_by="outcomes", window=600, min_messages=10**6)
    world.source._busy = lambda: seconds * len(world.asked)
    told = world.run(6000, 1, 10)
    assert verdicts(told) == [(None, "inconclusive")]
    periods = Counter(world.asked)
    assert 9 <= len(periods) < sum(periods.values()) <= max(6000 * 0.1 / seconds, 11)


@pytest.mark.slow
@by_both
def test_killed(tmp_path, judge_by):
    """A source that is killed tells what one tells that is not, each event once, and its file is always whole."""
    with sandboxes(tmp_path) as service:
        watched = watching.Watched(service.run(scenario={"default": watching.SCENARIO}), tmp_path, judge_by)
        watched.run(6)
    assert watched.kills == 6
    # An event is kept before it is put, so a kill in between loses it; the next one goes on from there.
    told = watched.told()
    assert [event for event in watching.VERDICTS if event in told] == told
    assert told


@pytest.mark.slow
def test_ended_while_the_service_does_not_answer(tmp_path):
    """The requests that are under way keep the process from nothing, and no secret is in what it says."""
    with closing(Hostile(lambda _target: [])) as service:
        args = {"tags": [f"tag-{number}" for number in range(30)], "api_url": service.url}
        process = watching.start(args, tmp_path / "told")
        try:
            until(lambda: service.requests, 30)
            process.terminate()
            # A single request may take 10 s. Ending takes a fraction of one second where the machine is not busy.
            _output, errors = process.communicate(timeout=5)
        finally:
            process.kill()
    assert "CancelledError" in errors
    assert watching.TOKEN not in errors
    assert service.url not in errors
