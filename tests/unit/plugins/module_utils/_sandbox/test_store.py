"""The store: counters as a query over moments, one owner, files that are not ours, and data of the first version."""

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import datafile, schema
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import StoreError, StoreFullError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.mail import Mail
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import Plan
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Counters, Store
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import NOW, Clocked, agree

NO_ROOM = Mock(side_effect=sqlite3.OperationalError("database or disk is full"))


@pytest.fixture
def store(tmp_path):
    """A new store."""
    with closing(Store(str(tmp_path / "mail.sqlite"))) as opened:
        yield opened


def add(store, recipients=1, *moments):
    """Add mail of tag a to so many recipients, delivered at once or with other moments, all with the same plan."""
    plan = Plan(*(moments or (0.0,)))
    store.add(Mail(("a@example.com",) * recipients, ("a",)), lambda _number, _recipient: plan, NOW)


def counted(store):
    """The messages and deliveries of tag a in the end."""
    found = store.counters("a", NOW + 1e6)
    return found.messages, found.deliveries


def test_counters_are_moments_that_have_passed(store):
    """What lies in the future is not counted, and moves neither first nor last."""
    add(store, 1, 10.0, (20.0, 30.0), (40.0, 50.0))
    assert store.counters("a", NOW - 0.1) is None
    for after, last, *counts in (
        (0, 0, 1, 0, 0, 0, 0, 0), (9.9, 0, 1, 0, 0, 0, 0, 0), (10, 10, 1, 1, 0, 0, 0, 0),
        (20, 20, 1, 1, 1, 1, 0, 0), (40, 40, 1, 1, 2, 1, 1, 1), (1e6, 50, 1, 1, 2, 1, 2, 1),
    ):  # fmt: skip
        assert store.counters("a", NOW + after) == Counters(NOW, NOW + last, *counts)


@pytest.mark.parametrize(("planned", "kept"), [(0, 0), (0.01, 0.1), (0.1, 0.1), (59.91, 60), (60, 60), (60.01, 61)])
def test_times_are_rounded_up(store, planned, kept):
    """Nothing happens earlier than planned, and at most a tenth of a second later, a second from a minute on."""
    add(store, 1, planned, (planned,), (planned,), planned)
    (message,) = store.messages(["a"])
    at = int((NOW + kept) * 1000)
    assert (message.delivered_at, message.failed_at, message.opened_at, message.clicked_at) == (at, at, (at,), (at,))
    assert store.counters("a", NOW + 1e6) == Counters(NOW, NOW + kept, 1, 1, 1, 1, 1, 1)


def test_full_disk(store):
    """Where there is no room, the send is refused whole, and what was stored before stays."""
    add(store, 2)
    # SQLite's own limit gives the error that a full disk gives.
    store._writer.execute("PRAGMA max_page_count = 20")
    with pytest.raises(StoreFullError, match="no room"):
        add(store, 1000)
    assert counted(store) == (2, 2)


def test_all_or_nothing(store):
    """A send that fails in the middle leaves nothing, and the next one is stored."""
    plans = [Plan(0.0)]
    with pytest.raises(IndexError):
        store.add(Mail(("a@example.com",) * 2, ("a",)), lambda _number, _recipient: plans.pop(), NOW)
    add(store)
    assert counted(store) == (1, 1)


def test_reopened(tmp_path, monkeypatch):
    """What was stored is there again, in nothing but its file, which may be empty or unfinished at the first start."""
    path = tmp_path / "mail # 100%?.sqlite"
    path.touch()
    monkeypatch.setattr(datafile, "create_or_upgrade", NO_ROOM)
    with pytest.raises(StoreError, match="disk is full"):
        Store(str(path))
    monkeypatch.undo()
    for number in range(1, 4):
        with closing(Store(str(path))) as store:
            # A send is on the disk, not only with the operating system, before it is answered (2 is FULL).
            assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
            assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            add(store)
            assert counted(store) == (number, number)
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_one_owner(tmp_path):
    """A file in use is refused, also by another name, and so are places that cannot be; a late thread gets an error."""
    (tmp_path / "link").symlink_to(tmp_path / "mail.sqlite")
    problems = dict.fromkeys(("mail.sqlite", "link"), "in use by another sandbox")
    problems.update({"": "Is a directory", "missing/mail.sqlite": "create it first"})
    with closing(Store(str(tmp_path / "mail.sqlite"))) as store:
        for name, problem in problems.items():
            with pytest.raises(StoreError, match=problem):
                Store(str(tmp_path / name))
    Store(str(tmp_path / "link")).close()
    for use in (add, counted):
        with pytest.raises(StoreError):
            use(store)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda _good: b"a list of things to do\n", "not a sandbox's data file"),
        (lambda good: good[:16], "not a sandbox's data file"),
        (lambda good: good[:68] + bytes(4) + good[72:], "not a sandbox's data file"),  # of another application
        (lambda good: good[:60] + bytes([0, 0, 0, 99]) + good[64:], "newer version"),
        (lambda good: good[: len(good) // 2], "is damaged"),
    ],
)
def test_files_left_alone(tmp_path, change, problem):
    """A file that is not a sandbox's, or is damaged, is refused and stays as it is, with nothing beside it."""
    path = tmp_path / "mail.sqlite"
    with closing(Store(str(path))) as store:
        add(store, 1000)
    before = change(path.read_bytes())
    path.write_bytes(before)
    with pytest.raises(StoreError, match=problem) as caught:
        Store(str(path))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["mail.sqlite"]


def test_data_of_the_first_version(tmp_path, monkeypatch):
    """It is upgraded, or stays as it is until it can be; counters stay as they were, and events agree with them."""
    data = str(tmp_path / "mail.sqlite")
    with closing(sqlite3.connect(data)) as database:
        database.executescript(Path(__file__).with_name("first_version.sql").read_text(encoding="utf-8"))
        database.execute("PRAGMA journal_mode = WAL")
        moments = [at / 1000 for (at,) in database.execute("SELECT DISTINCT at FROM moment ORDER BY at")]
    monkeypatch.setattr(schema, "_upgrade_reactions", NO_ROOM)
    with pytest.raises(StoreError, match="cannot be used: database or disk is full"):
        Store(data)
    monkeypatch.undo()
    for _each in range(2):
        with closing(Store(data)) as store:
            # What the first version itself counted, so many seconds after its first send.
            for tag, after, first, last, *counts in (
                ("a", 0, 0, 0, 8, 0, 0, 0, 0, 0), ("a", 30, 0, 29.9, 22, 16, 20, 9, 19, 9),
                ("a", 1e6, 0, 161, 22, 19, 38, 11, 22, 11), ("b", 30, 1, 27.7, 16, 13, 24, 10, 6, 4),
                ("b", 1e6, 1, 102, 16, 15, 38, 12, 6, 4), ("c", 3, 2, 2, 8, 0, 0, 0, 0, 0),
                ("c", 1e6, 2, 87, 14, 11, 18, 6, 4, 2),
            ):  # fmt: skip
                assert store.counters(tag, NOW + after) == Counters(NOW + first, NOW + last, *counts)
    running = Clocked(data)
    with closing(running.store):
        for moment in moments[::3]:
            for running.now in (moment - 0.001, moment):
                agree(running, "abc")
        events = running.get("events/tags/a")
        running.send(recipients=["ann@example.com"] * 3, tags=["a"])
        agree(running, "abc")
        assert running.get("stats/a")["messages"] == 25
    # What it lost failed when it was sent, as refused, nothing else.
    sent = {event["data"]["id"]: event["data"]["time"] for event in events if event["type"] == "attempt"}
    failed = [event["data"] for event in events if event["type"] == "failure"]
    assert len(failed) == 22 - 19
    for each in failed:
        assert (each["code"], each["status"], each["time"]) == (550, "5.0.0", sent[each["id"]])
