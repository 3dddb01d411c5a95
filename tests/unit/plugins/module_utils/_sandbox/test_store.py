# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store: counters as a query over moments, one owner, and files that are not ours left alone."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Callable, Iterator

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import datafile
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import StoreError, StoreFullError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.mail import Mail
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import Plan, plan_message, random_of
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import SCENARIOS
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Counters, Store

NOW = 1_700_000_000.0
LATER = NOW + 1e6


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with closing(Store(str(tmp_path / "mail.sqlite"))) as opened:
        yield opened


def always(*moments: object) -> Callable[[int, str], Plan]:
    """A plan that gives every message the same plan."""
    return lambda _number, _recipient: Plan(*moments)  # type: ignore[arg-type]


def mail(recipients: int = 1, *tags: str, **tracking: bool) -> Mail:
    """A send to so many recipients, with these tags."""
    return Mail(tuple(f"{number}@example.com" for number in range(recipients)), tags or ("a",), **tracking)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-0.1, None),
        (0, Counters(NOW, NOW, 1, 0, 0, 0, 0, 0)),
        (9.9, Counters(NOW, NOW, 1, 0, 0, 0, 0, 0)),
        (10, Counters(NOW, NOW + 10, 1, 1, 0, 0, 0, 0)),
        (20, Counters(NOW, NOW + 20, 1, 1, 1, 1, 0, 0)),
        (40, Counters(NOW, NOW + 40, 1, 1, 2, 1, 1, 1)),
        (1e6, Counters(NOW, NOW + 50, 1, 1, 2, 1, 2, 1)),
    ],
)
def test_counters_are_moments_that_have_passed(store: Store, after: float, expected: Counters | None) -> None:
    """What lies in the future is not counted, and moves neither first nor last."""
    store.add(mail(), always(10.0, (20.0, 30.0), (40.0, 50.0)), NOW)
    assert store.counters("a", NOW + after) == expected


@pytest.mark.parametrize(
    ("tracking", "opens", "clicks", "last"),
    [
        ({}, 1, 1, 30),
        ({"trackopens": False}, 0, 1, 30),
        ({"trackclicks": False}, 1, 0, 20),
        ({"trackopens": False, "trackclicks": False}, 0, 0, 10),
    ],
)
def test_tracking_off(store: Store, tracking: dict[str, bool], opens: int, clicks: int, last: int) -> None:
    """Without tracking, opens and clicks are not counted, and do not move last."""
    store.add(mail(1, "a", **tracking), always(10.0, (20.0,), (30.0,)), NOW)
    found = store.counters("a", LATER)
    assert found is not None
    assert (found.opens, found.clicks, found.last) == (opens, clicks, NOW + last)


def test_several_tags_and_sends(store: Store) -> None:
    """A message counts under each of its tags, and counters accumulate over sends."""
    store.add(mail(3, "a", "b"), always(0.0), NOW)
    store.add(mail(2, "b", "\N{PARTY POPPER}"), always(None), NOW + 5)
    counted = {tag: store.counters(tag, LATER) for tag in ("a", "b", "\N{PARTY POPPER}", "A")}
    assert {tag: (each.messages, each.deliveries) for tag, each in counted.items() if each} == {
        "a": (3, 3),
        "b": (5, 3),
        "\N{PARTY POPPER}": (2, 0),
    }
    both = counted["b"]
    assert both is not None
    assert (both.first, both.last) == (NOW, NOW + 5)


def test_ids_and_numbers(store: Store) -> None:
    """Every message has an id of its own, also to the same recipient, and a running number that goes on."""
    numbers: list[int] = []

    def plan(number: int, _recipient: str) -> Plan:
        numbers.append(number)
        return Plan(None)

    ids = store.add(Mail(("a@b", "a@b")), plan, NOW)
    ids.update(store.add(Mail(("c@d",)), plan, NOW))
    assert sorted(ids.values()) == ["a@b", "a@b", "c@d"]
    assert numbers == [1, 2, 3]


def test_moments_agree_with_messages(store: Store) -> None:
    """The moments by tag are those of the messages that carry it, none lost and none moved earlier."""

    def plan(number: int, recipient: str) -> Plan:
        return plan_message(SCENARIOS["deferred"], recipient, random_of(1, number))

    for number in range(5):
        store.add(mail(400), plan, NOW + number)
    with closing(sqlite3.connect(store.path)) as database:
        for kind, column in enumerate(("sent_at", "delivered_at", None, "opened_at", None, "clicked_at")):
            if column is not None:
                query = f"SELECT {column}, COUNT(*) FROM message WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
                expected = database.execute(query).fetchall()
                assert expected
                assert (
                    database.execute("SELECT at, messages FROM moment WHERE kind = ?", (kind,)).fetchall() == expected
                )
        rows = database.execute("SELECT number, sent_at, delivered_at FROM message").fetchall()
    for number, sent_at, delivered_at in rows:
        planned = plan(number, "@").delivered
        assert (planned is None) == (delivered_at is None)
        if planned is not None:
            assert 0 <= delivered_at - sent_at - planned * 1000 + 1 <= 1001


def test_a_failed_send_stores_nothing(store: Store) -> None:
    """When one message of a send cannot be planned, none of it is stored, and the store goes on working."""

    def plan(number: int, _recipient: str) -> Plan:
        if number == 3:
            raise ValueError(number)
        return Plan(0.0)

    with pytest.raises(ValueError, match="3"):
        store.add(mail(5), plan, NOW)
    assert store.counters("a", LATER) is None
    store.add(mail(1), always(0.0), NOW)
    found = store.counters("a", LATER)
    assert found is not None
    assert found.messages == 1


def test_full_disk(store: Store) -> None:
    """Where there is no room, the send is refused whole, and what was stored before stays."""
    store.add(mail(2), always(0.0), NOW)
    # SQLite's own limit gives the error that a full disk gives.
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFullError, match="no room"):
        store.add(mail(5000), always(0.0), NOW)
    found = store.counters("a", LATER)
    assert found is not None
    assert found.messages == 2


def test_answers_wait_for_the_disk(store: Store) -> None:
    """A send is on the disk, not only with the operating system, before it is answered (2 is FULL)."""
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reopened(tmp_path: Path) -> None:
    """What was stored is there when the file is opened again, and nothing but the file is left meanwhile."""
    path = tmp_path / "mail.sqlite"
    for number in range(1, 4):
        with closing(Store(str(path))) as store:
            store.add(mail(), always(0.0), NOW)
            found = store.counters("a", LATER)
            assert found is not None
            assert found.messages == number
        assert [entry.name for entry in tmp_path.iterdir()] == ["mail.sqlite"]


def test_one_owner(tmp_path: Path) -> None:
    """A file in use is refused, also by another name, until it is closed."""
    path = tmp_path / "mail.sqlite"
    link = tmp_path / "link"
    link.symlink_to(path)
    with closing(Store(str(path))):
        for name in (path, link):
            with pytest.raises(StoreError, match="in use by another sandbox"):
                Store(str(name))
    Store(str(link)).close()


def test_closed_store_says_so(tmp_path: Path) -> None:
    """A thread that comes too late gets an error of the family, not a traceback of the database."""
    store = Store(str(tmp_path / "mail.sqlite"))
    store.close()
    with pytest.raises(StoreError):
        store.add(mail(), always(0.0), NOW)
    with pytest.raises(StoreError):
        store.counters("a", NOW)


def _foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE message (anything TEXT)")


def _damaged(path: Path) -> None:
    with closing(Store(str(path))) as store:
        store.add(mail(2000), always(0.0), NOW)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _newer(path: Path) -> None:
    Store(str(path)).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("a list of things to do\n"), "not a sandbox's data file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "not a sandbox's data file"),
        (_foreign_database, "not a sandbox's data file"),
        (_damaged, "is damaged"),
        (_newer, "newer version"),
    ],
)
def test_files_left_alone(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    """A file that is not a sandbox's, or is damaged, is refused and stays as it is, with nothing beside it."""
    path = tmp_path / "mail.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=problem) as caught:
        Store(str(path))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["mail.sqlite"]


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    """A directory, or a path below nothing, is refused with what is wrong with it."""
    with pytest.raises(StoreError, match="cannot be used: Is a directory"):
        Store(str(tmp_path))
    with pytest.raises(StoreError, match="create it first"):
        Store(str(tmp_path / "missing" / "mail.sqlite"))


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    """A file that something created empty beforehand, such as a temporary one, is used."""
    path = tmp_path / "mail # 100%?.sqlite"
    path.touch()
    with closing(Store(str(path))) as store:
        store.add(mail(), always(0.0), NOW)
    assert path.stat().st_size > 0


def test_an_interrupted_creation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose tables could not be made is no foreign one: the next start makes them."""

    def fail(_database: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    path = str(tmp_path / "mail.sqlite")
    with monkeypatch.context() as patched:
        patched.setattr(datafile, "create_or_upgrade", fail)
        with pytest.raises(StoreError, match="disk is full"):
            Store(path)
    with closing(Store(path)) as store:
        store.add(mail(), always(0.0), NOW)


@pytest.mark.slow
def test_many_messages_stay_quick(store: Store) -> None:
    """With 100,000 messages under a tag, and all that happens to them, asking takes a few milliseconds."""

    chance = random_of(1, 1)

    def plan(_number: int, recipient: str) -> Plan:
        return plan_message(SCENARIOS["deferred"], recipient, chance)

    for number in range(20):
        store.add(mail(5000), plan, NOW + number)
    taken = []
    for _each in range(20):
        begin = time.perf_counter()
        found = store.counters("a", LATER)
        taken.append(time.perf_counter() - begin)
    assert found is not None
    assert found.messages == 100_000
    # About 2 ms on a slow machine; counting messages one by one takes ten times as long.
    assert min(taken) < 0.015


def test_threads(store: Store) -> None:
    """Sends and questions from many threads at once lose nothing, and never see half a send."""
    seen: list[int] = []

    def send() -> None:
        for _each in range(10):
            store.add(mail(10), always(0.0), NOW)

    def ask() -> None:
        for _each in range(50):
            found = store.counters("a", LATER)
            seen.append(found.messages if found else 0)

    threads = [threading.Thread(target=work) for work in (send, ask) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(count % 10 == 0 for count in seen)
    found = store.counters("a", LATER)
    assert found is not None
    assert found.messages == found.deliveries == 400
