# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages and the times at which something happens to them, in one SQLite file.

Private: names and behaviour may change.

A send stores its messages with all these times, most of them in the future. The counters of a tag are one query over
the times that have passed, so nothing has to run in between.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import json
import os
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from typing import Callable, Iterator, Sequence, TypeVar

from .datafile import check_format, connect, prepare, reason_of, store_error, transaction, uri
from .errors import LockBusyError, StoreError
from .lock import Lock
from .mail import Mail
from .message import Message
from .plan import Plan
from .schema import (
    ADD_REACTION,
    ADD_TAGGED,
    CLICKED,
    DELIVERED,
    FIRST_CLICKED,
    FIRST_OPENED,
    OPENED,
    SENT,
)

PAGE = 250
MOST_RECENT = 10

_COUNT = """
SELECT kind, SUM(messages), MIN(at), MAX(at) FROM moment
WHERE tag = (SELECT id FROM tag WHERE name = ?) AND kind IN (0, 1, 2, 3, 4, 5) AND at <= ? GROUP BY kind
"""
# One step into the index for each tag and kind, however many moments there are.
_LAST = "COALESCE((SELECT at FROM moment WHERE tag = id AND kind = {} AND at <= :now ORDER BY at DESC LIMIT 1), -1)"
_RECENT = f"""
SELECT name, MAX({", ".join(_LAST.format(kind) for kind in (SENT, DELIVERED, OPENED, CLICKED))}) AS last
FROM tag WHERE last >= 0 ORDER BY last DESC, id DESC LIMIT {MOST_RECENT}
"""  # noqa: S608 (numbers of our own)
_ADD_MOMENT = """
INSERT INTO moment (tag, kind, at, messages) VALUES (?, ?, ?, ?)
ON CONFLICT (tag, kind, at) DO UPDATE SET messages = messages + excluded.messages
"""
_COLUMNS = (
    "number, id, recipient, tags, envelope, properties, templateid, sent_at, delivered_at, failed_at, cause, attempt"
)
_ADD_MESSAGE = f"""
INSERT INTO message ({_COLUMNS}, opened_at, clicked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608 (names of our own)
_PAGE = f"""
SELECT {_COLUMNS} FROM tagged JOIN message ON number = tagged.message
WHERE tagged.tag = ? AND tagged.message > ? AND tagged.message <= ? ORDER BY tagged.message LIMIT {PAGE}
"""  # noqa: S608 (names of our own)
_REACTIONS = "SELECT message, kind, at, times FROM reaction WHERE tag = ? AND message BETWEEN ? AND ?"

# Takes the running number of a message, from 1, and its recipient.
Planner = Callable[[int, str], Plan]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Counters:
    """The counters of a tag. `first` and `last` are seconds since 1970."""

    first: float
    last: float
    messages: int
    deliveries: int
    opens: int
    unique_opens: int
    clicks: int
    unique_clicks: int


class Store:
    """The open data file. Several threads may use it; sends and reads do not wait for each other."""

    def __init__(self, path: str) -> None:
        """Open or create the file. Raises StoreError if it is in use, damaged, not a sandbox's, or not writable."""
        self.path = os.path.realpath(path)
        if not os.path.isdir(os.path.dirname(self.path)):
            raise StoreError(f"data: the directory {os.path.dirname(self.path)} does not exist; create it first")
        self._writing, self._reading = threading.Lock(), threading.Lock()
        with contextlib.ExitStack() as undo:
            self._lock = self._acquire_lock()
            undo.callback(self._lock.release)
            try:
                check_format(self.path)
                self._writer = undo.enter_context(contextlib.closing(connect(uri(self.path, "rwc"))))
                prepare(self._writer)
                self._reader = undo.enter_context(contextlib.closing(connect(uri(self.path, "ro"))))
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"data: {self.path} cannot be used: {reason_of(error)}") from None
            self._undo = undo.pop_all()

    def _acquire_lock(self) -> Lock:
        try:
            return Lock.acquire(self.path + ".lock")
        except LockBusyError:
            raise StoreError(
                f"data: {self.path} is in use by another sandbox; stop that one, or give this one a file of its own"
            ) from None
        except OSError as error:
            raise StoreError(f"data: {self.path} cannot be used: {reason_of(error)}") from None

    def add(self, mail: Mail, planner: Planner, now: float) -> dict[str, str]:
        """Store the messages of a send accepted at `now` (seconds since 1970), all or none. Return recipients by id.

        `planner` returns what becomes of each message. Raises StoreError, and StoreFullError when the disk is full.
        """
        sent_at = int(now * 10) * 100
        with self._writing:
            try:
                with transaction(self._writer) as database:
                    ids = _add(database, mail, planner, sent_at)
            except sqlite3.Error as error:
                raise store_error(error) from None
        return ids

    def counters(self, tag: str, now: float) -> Counters | None:
        """Return the counters of a tag at `now` (seconds since 1970); null without mail. Raises StoreError."""
        rows = self._read(lambda database: database.execute(_COUNT, (tag, int(now * 1000))).fetchall())
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

    def recent(self, now: float) -> list[str]:
        """Return the most recently active tags at `now` (seconds since 1970), at most ten. Raises StoreError."""
        rows = self._read(lambda database: database.execute(_RECENT, {"now": int(now * 1000)}).fetchall())
        return [name for name, _last in rows]

    def messages(self, tags: Sequence[str]) -> Iterator[Message]:
        """Return all stored messages that carry all these tags, as a stream. Reading it may raise StoreError."""
        tag, newest = self._read(lambda database: _find(database, tags[0]))
        return self._stream(tag, newest, frozenset(tags)) if tag is not None else iter(())

    def _stream(self, tag: int, newest: int, wanted: frozenset[str]) -> Iterator[Message]:
        page = self._read(functools.partial(_page, tag=tag, after=0, newest=newest))
        while page:
            yield from (message for message in page if wanted.issubset(message.tags))
            last = page[-1].number
            page = self._read(functools.partial(_page, tag=tag, after=last, newest=newest))

    def _read(self, query: Callable[[sqlite3.Connection], _Result]) -> _Result:
        with self._reading:
            try:
                return query(self._reader)
            except sqlite3.Error as error:
                raise store_error(error) from None

    def close(self) -> None:
        """Finish writing, then close the file and free it for other sandboxes."""
        with self._writing, self._reading:
            self._undo.close()


def _add(database: sqlite3.Connection, mail: Mail, planner: Planner, sent_at: int) -> dict[str, str]:
    (before,) = database.execute("SELECT COALESCE(MAX(number), 0) FROM message").fetchone()
    messages = [
        _message(number, recipient, mail, planner(number, recipient), sent_at)
        for number, recipient in enumerate(mail.recipients, before + 1)
    ]
    database.executemany(_ADD_MESSAGE, [_row(message) for message in messages])
    moments: collections.Counter[tuple[int, int]] = collections.Counter()
    reactions: collections.Counter[tuple[int, int, int]] = collections.Counter()
    for message in messages:
        moments.update(_moments(message))
        for kind, times in ((OPENED, message.opened_at), (CLICKED, message.clicked_at)):
            reactions.update((message.number, kind, at) for at in times)
    for tag in mail.tags:
        database.execute("INSERT OR IGNORE INTO tag (name) VALUES (?)", (tag,))
        (tag_id,) = database.execute("SELECT id FROM tag WHERE name = ?", (tag,)).fetchone()
        database.executemany(_ADD_MOMENT, [(tag_id, *key, many) for key, many in sorted(moments.items())])
        database.executemany(ADD_TAGGED, [(tag_id, message.number) for message in messages])
        database.executemany(ADD_REACTION, [(tag_id, *key, many) for key, many in reactions.items()])
    return {message.id: message.recipient for message in messages}


def _message(number: int, recipient: str, mail: Mail, plan: Plan, sent_at: int) -> Message:
    return Message(
        number=number,
        id=secrets.token_hex(16),
        recipient=recipient,
        tags=mail.tags,
        envelope=mail.envelope,
        properties=mail.properties,
        templateid=mail.templateid,
        sent_at=sent_at,
        delivered_at=None if plan.delivered is None else _moment(sent_at, plan.delivered),
        failed_at=None if plan.failed is None else _moment(sent_at, plan.failed),
        cause=plan.cause,
        attempt=plan.attempt,
        opened_at=tuple(_moment(sent_at, delay) for delay in plan.opened) if mail.trackopens else (),
        clicked_at=tuple(_moment(sent_at, delay) for delay in plan.clicked) if mail.trackclicks else (),
    )


def _row(message: Message) -> tuple[object, ...]:
    plain = {**vars(message), "tags": json.dumps(message.tags, ensure_ascii=False)}
    values = [plain[column] for column in _COLUMNS.split(", ")]
    return (*values, _first(message.opened_at), _first(message.clicked_at))


def _moments(message: Message) -> Iterator[tuple[int, int]]:
    """Yield what the counters count of a message: kinds and times. Failures are not counted."""
    yield SENT, message.sent_at
    if message.delivered_at is not None:
        yield DELIVERED, message.delivered_at
    for kind, first, times in (
        (OPENED, FIRST_OPENED, message.opened_at),
        (CLICKED, FIRST_CLICKED, message.clicked_at),
    ):
        yield from ((kind, at) for at in times)
        yield from ((first, at) for at in times[:1])


def _find(database: sqlite3.Connection, tag: str) -> tuple[int | None, int]:
    """Return the number of the tag, null without mail, and that of the newest message."""
    found = database.execute("SELECT id FROM tag WHERE name = ?", (tag,)).fetchone()
    (newest,) = database.execute("SELECT COALESCE(MAX(number), 0) FROM message").fetchone()
    return (found[0] if found else None), newest


def _page(database: sqlite3.Connection, tag: int, after: int, newest: int) -> list[Message]:
    """Return the next messages of the tag, after the one with this number."""
    rows = database.execute(_PAGE, (tag, after, newest)).fetchall()
    reactions: dict[tuple[int, int], list[int]] = collections.defaultdict(list)
    if rows:
        for number, kind, at, times in database.execute(_REACTIONS, (tag, rows[0][0], rows[-1][0])):
            reactions[number, kind].extend([at] * times)
    return [
        Message(
            **{**dict(zip(_COLUMNS.split(", "), row)), "tags": tuple(json.loads(row[3]))},
            opened_at=tuple(reactions.get((row[0], OPENED), ())),
            clicked_at=tuple(reactions.get((row[0], CLICKED), ())),
        )
        for row in rows
    ]


def _moment(sent_at: int, delay: float) -> int:
    if delay <= 0:
        return sent_at
    grid = 1000 if delay >= 60 else 100
    return -(-(sent_at + int(delay * 1000)) // grid) * grid


def _first(times: Sequence[int]) -> int | None:
    return times[0] if times else None
