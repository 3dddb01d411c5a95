# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data file: whether a file is one, and how it is opened. Private: names and behaviour may change."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t
from urllib.parse import quote

from .errors import StoreError, StoreFullError
from .schema import APPLICATION_ID, VERSION, bring_up_to_date


def refuse_foreign(path: str) -> None:
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
        with contextlib.closing(connect(uri(path, "ro", immutable=not os.path.exists(path + "-wal")))) as database:
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        # The disk's trouble, such as being full, and not the file's.
        raise
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise StoreError(f"data: {path} is damaged ({verdict}); it was left as it is: give another file")


def prepare(database: sqlite3.Connection) -> None:
    """Have the tables of this version, also where the file is empty or of the earlier version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        # Before there is a write-ahead log, so that a file whose creation was interrupted is known by its journal.
        with transaction(database):
            bring_up_to_date(database)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    # Also writes where nothing has to change, so that a file that cannot be written is refused now and not at a send.
    with transaction(database):
        bring_up_to_date(database)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> t.Iterator[sqlite3.Connection]:
    """All that is written in it, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def connect(address: str) -> sqlite3.Connection:
    """A connection that threads may share, one after the other."""
    return sqlite3.connect(address, uri=True, timeout=5, isolation_level=None, check_same_thread=False)


def uri(path: str, mode: str, immutable: bool = False) -> str:
    """The file's address, to be opened with the mode `ro` or `rwc`."""
    return f"file:{quote(path)}?mode={mode}" + ("&immutable=1" if immutable else "")


def reason(error: OSError | sqlite3.Error) -> str:
    """What went wrong, in the words of the system or of SQLite."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # What SQLite makes of a quota, of a limit on the size of files, and of a disk that is out of order.
    hint = ": is the disk full, or a limit reached?" if "disk I/O" in str(error) else ""
    return f"{error}{hint}"


def store_error(error: sqlite3.Error) -> StoreError:
    """The error for a request that met this one."""
    if "full" in str(error):
        return StoreFullError("there is no room left for the data file; nothing of this request was stored")
    return StoreError(f"the data file cannot be used ({reason(error)}); nothing of this request was stored")
