# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages and the moments at which something happens to them, in one SQLite file.

Private: names and behaviour may change.

A send stores its messages with all their moments, most of them in the future. The counters of a tag are one query
over the moments that have passed when it is asked, so nothing has to happen in between.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import secrets
import sqlite3
import threading
import typing as t
from urllib.parse import quote

from .errors import LockBusyError, StoreError, StoreFullError
from .lock import Lock
from .mail import Mail
from .scenario import Fate

APPLICATION_ID = 0x534D5450
VERSION = 1
SENT, DELIVERED, OPENED, FIRST_OPENED, CLICKED, FIRST_CLICKED = range(6)

# Moments are in milliseconds since 1970, on a grid of a tenth of a second (a whole one where the delay is a minute or
# more). "messages" is how many of the tag's messages share the moment, so a tag is a few thousand rows, not millions.
_SCHEMA = """
CREATE TABLE message (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, recipient TEXT NOT NULL, tags TEXT NOT NULL,
    sent_at INTEGER NOT NULL, delivered_at INTEGER, opened_at INTEGER, clicked_at INTEGER);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE moment (
    tag INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, messages INTEGER NOT NULL,
    PRIMARY KEY (tag, kind, at)) WITHOUT ROWID;
"""
_COUNT = """
SELECT kind, SUM(messages), MIN(at), MAX(at) FROM moment
WHERE tag = (SELECT id FROM tag WHERE name = ?) AND kind IN (0, 1, 2, 3, 4, 5) AND at <= ? GROUP BY kind
"""
_ADD_MOMENT = """
INSERT INTO moment (tag, kind, at, messages) VALUES (?, ?, ?, ?)
ON CONFLICT (tag, kind, at) DO UPDATE SET messages = messages + excluded.messages
"""

Plan = t.Callable[[int, str], Fate]


@dataclasses.dataclass(frozen=True)
class Counters:
    """What has happened under a tag. C(first) and C(last) are seconds since 1970."""

    first: float
    last: float
    messages: int
    deliveries: int
    opens: int
    unique_opens: int
    clicks: int
    unique_clicks: int


class Store:
    """The open data file. Safe to use from several threads; a send never waits for a reader, nor the reverse."""

    def __init__(self, path: str) -> None:
        """Open or create it. Raises StoreError when it is in use, damaged, not a sandbox's, or cannot be written."""
        self.path = os.path.realpath(path)
        if not os.path.isdir(os.path.dirname(self.path)):
            raise StoreError(f"data: the directory {os.path.dirname(self.path)} does not exist; create it first")
        self._writing, self._reading = threading.Lock(), threading.Lock()
        with contextlib.ExitStack() as undo:
            self._lock = self._locked()
            undo.callback(self._lock.release)
            try:
                _inspect(self.path)
                self._writer = undo.enter_context(contextlib.closing(_connect(_uri(self.path, "rwc"))))
                _prepare(self._writer)
                self._reader = undo.enter_context(contextlib.closing(_connect(_uri(self.path, "ro"))))
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"data: {self.path} cannot be used: {_reason(error)}") from None
            self._undo = undo.pop_all()

    def _locked(self) -> Lock:
        try:
            return Lock.take(self.path + ".lock")
        except LockBusyError:
            raise StoreError(
                f"data: {self.path} is in use by another sandbox; stop that one, or give this one a file of its own"
            ) from None
        except OSError as error:
            raise StoreError(f"data: {self.path} cannot be used: {_reason(error)}") from None

    def add(self, mail: Mail, plan: Plan, now: float) -> dict[str, str]:
        """Store a send that was accepted now (seconds since 1970), all of it or nothing, and give the recipients by id.

        C(plan) gives a message's fate from its running number (from 1) and its recipient. Raises StoreError, and
        StoreFullError when the disk is full.
        """
        sent_at = int(now * 10) * 100
        with self._writing:
            try:
                with _transaction(self._writer) as database:
                    ids = _add(database, mail, plan, sent_at)
            except sqlite3.Error as error:
                raise _store_error(error) from None
        return ids

    def counters(self, tag: str, now: float) -> Counters | None:
        """What has happened under the tag until now (seconds since 1970), or None. Raises StoreError."""
        with self._reading:
            try:
                rows = self._reader.execute(_COUNT, (tag, int(now * 1000))).fetchall()
            except sqlite3.Error as error:
                raise _store_error(error) from None
        if not rows:
            return None
        count = {kind: messages for kind, messages, _first, _last in rows}
        return Counters(
            first=min(row[2] for row in rows) / 1000,
            last=max(row[3] for row in rows) / 1000,
            messages=count.get(SENT, 0),
            deliveries=count.get(DELIVERED, 0),
            opens=count.get(OPENED, 0),
            unique_opens=count.get(FIRST_OPENED, 0),
            clicks=count.get(CLICKED, 0),
            unique_clicks=count.get(FIRST_CLICKED, 0),
        )

    def close(self) -> None:
        """Finish what is being written, then close the file and free it for others."""
        with self._writing, self._reading:
            self._undo.close()


def _add(database: sqlite3.Connection, mail: Mail, plan: Plan, sent_at: int) -> dict[str, str]:
    (before,) = database.execute("SELECT COALESCE(MAX(number), 0) FROM message").fetchone()
    tags = json.dumps(mail.tags, ensure_ascii=False)
    rows: list[tuple[object, ...]] = []
    moments: t.Counter[tuple[int, int]] = collections.Counter()
    for number, recipient in enumerate(mail.recipients, before + 1):
        fate = plan(number, recipient)
        delivered = [] if fate.delivered is None else [_moment(sent_at, fate.delivered)]
        opened = [_moment(sent_at, delay) for delay in fate.opened] if mail.trackopens else []
        clicked = [_moment(sent_at, delay) for delay in fate.clicked] if mail.trackclicks else []
        happened = (_first(delivered), _first(opened), _first(clicked))
        rows.append((number, secrets.token_hex(16), recipient, tags, sent_at, *happened))
        moments[SENT, sent_at] += 1
        for kind, times in (
            (DELIVERED, delivered),
            (OPENED, opened),
            (FIRST_OPENED, opened[:1]),
            (CLICKED, clicked),
            (FIRST_CLICKED, clicked[:1]),
        ):
            moments.update((kind, at) for at in times)
    database.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    for tag in mail.tags:
        database.execute("INSERT OR IGNORE INTO tag (name) VALUES (?)", (tag,))
        (tag_id,) = database.execute("SELECT id FROM tag WHERE name = ?", (tag,)).fetchone()
        database.executemany(_ADD_MOMENT, [(tag_id, kind, at, many) for (kind, at), many in sorted(moments.items())])
    return {str(row[1]): str(row[2]) for row in rows}


def _moment(sent_at: int, delay: float) -> int:
    if delay <= 0:
        return sent_at
    grid = 1000 if delay >= 60 else 100
    return -(-(sent_at + int(delay * 1000)) // grid) * grid


def _first(times: t.Sequence[int]) -> int | None:
    return times[0] if times else None


def _inspect(path: str) -> None:
    """Refuse a file that is not a sandbox's, or is damaged. Reads only, so that such a file stays as it is."""
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    # With a journal beside it, the process died while creating the file, and SQLite undoes that when it opens it.
    if not header or os.path.exists(path + "-journal"):
        return
    foreign = StoreError(f"data: {path} is not a sandbox's data file; it was left as it is: give another file")
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise foreign
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise foreign
    if int.from_bytes(header[60:64], "big") > VERSION:
        raise StoreError(
            f"data: {path} was written by a newer version of this collection; it was left as it is: give another file"
        )
    try:
        with contextlib.closing(_connect(_uri(path, "ro", immutable=not os.path.exists(path + "-wal")))) as database:
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        # The disk's trouble, such as being full, and not the file's.
        raise
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise StoreError(f"data: {path} is damaged ({verdict}); it was left as it is: give another file")


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with _transaction(database):
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    # Writing is tried now, so that a file that cannot be written is refused at the start and not at the first send.
    with _transaction(database):
        database.execute(f"PRAGMA user_version = {VERSION}")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> t.Iterator[sqlite3.Connection]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None, check_same_thread=False)


def _uri(path: str, mode: str, immutable: bool = False) -> str:
    return f"file:{quote(path)}?mode={mode}" + ("&immutable=1" if immutable else "")


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # What SQLite makes of a quota, of a limit on the size of files, and of a disk that is out of order.
    hint = ": is the disk full, or a limit reached?" if "disk I/O" in str(error) else ""
    return f"{error}{hint}"


def _store_error(error: sqlite3.Error) -> StoreError:
    if "full" in str(error):
        return StoreFullError("there is no room left for the data file; nothing of this request was stored")
    return StoreError(f"the data file cannot be used ({_reason(error)}); nothing of this request was stored")
