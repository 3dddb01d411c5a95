"""Data of the first version is taken over: what was counted is still counted, and events say the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import schema
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import StoreError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Counters, Store
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import NOW, Clocked, agree

# What the first version itself counted of this data, so many seconds after its first send.
COUNTED = {
    ("a", 0): (NOW, NOW, 8, 0, 0, 0, 0, 0),
    ("a", 30): (NOW, NOW + 29.9, 22, 16, 20, 9, 19, 9),
    ("a", 1e6): (NOW, NOW + 161, 22, 19, 38, 11, 22, 11),
    ("b", 30): (NOW + 1, NOW + 27.7, 16, 13, 24, 10, 6, 4),
    ("b", 1e6): (NOW + 1, NOW + 102, 16, 15, 38, 12, 6, 4),
    ("c", 3): (NOW + 2, NOW + 2, 8, 0, 0, 0, 0, 0),
    ("c", 1e6): (NOW + 2, NOW + 87, 14, 11, 18, 6, 4, 2),
}


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data file as the first version left it."""
    path = str(tmp_path / "mail.sqlite")
    with closing(sqlite3.connect(path)) as database:
        database.executescript(Path(__file__).with_name("first_version.sql").read_text(encoding="utf-8"))
        database.execute("PRAGMA journal_mode = WAL")
    return path


def query(data: str, statement: str) -> list[Any]:
    """The first column of what the file says."""
    with closing(sqlite3.connect(data)) as database:
        return [row[0] for row in database.execute(statement)]


def test_counters_stay(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is that of the first version, at every moment; where it cannot be, the file stays as it is until it can."""

    def fail(*_arguments: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "_upgrade_reactions", fail)
        with pytest.raises(StoreError, match="cannot be used: database or disk is full"):
            Store(data)
    assert query(data, "PRAGMA user_version") == [1]
    for _each in range(2):
        with closing(Store(data)) as store:
            found = {(tag, after): store.counters(tag, NOW + after) for tag, after in COUNTED}
            assert found == {key: Counters(*counted) for key, counted in COUNTED.items()}
    assert query(data, "PRAGMA user_version") == [schema.VERSION]


def test_views_agree(data: str) -> None:
    """Before and at moments at which something happens, events say what the counters count, also beside new mail.

    What the first version lost failed when it was sent, as refused, nothing else.
    """
    moments = [at / 1000 for at in query(data, "SELECT DISTINCT at FROM moment ORDER BY at")]
    running = Clocked(data)
    with closing(running.store):
        assert len(moments) > 50
        for moment in moments[::3]:
            for running.now in (moment - 0.001, moment):
                agree(running, "abc")
        events = running.get("events/tags/a")
        running.send(recipients=["ann@example.com"] * 3, tags=["a"])
        agree(running, "abc")
        assert running.get("stats/a")["messages"] == 25
    failed = [event["data"] for event in events if event["type"] == "failure"]
    assert len(failed) == 22 - 19
    sent = {event["data"]["id"]: event["data"]["time"] for event in events if event["type"] == "attempt"}
    expected = [(550, "5.0.0", sent[each["id"]]) for each in failed]
    assert [(each["code"], each["status"], each["time"]) for each in failed] == expected
