# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data file: how it is recognised and opened. Private: names and behaviour may change."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Iterator
from urllib.parse import quote

from .errors import StoreError, StoreFullError
from .schema import APPLICATION_ID, VERSION, create_or_upgrade


def check_format(path: str) -> None:
    """Raise StoreError for a file that is not a sandbox's, or is damaged. It changes nothing in the file."""
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    # A journal beside it means that the process died while creating the file. SQLite undoes that when it opens it.
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
        # A problem of the disk, such as being full, not of the file.
        raise
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise StoreError(f"data: {path} is damaged ({verdict}); it was left as it is: give another file")


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables of this version, in an empty file or one of the earlier version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        # Before there is a write-ahead log, so that an interrupted creation leaves a journal to recognise it by.
        with transaction(database):
            create_or_upgrade(database)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    # It writes even if nothing has to change, so that a read-only file is refused now and not at the first send.
    with transaction(database):
        create_or_upgrade(database)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write everything in the block, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def connect(address: str) -> sqlite3.Connection:
    """Return a connection that several threads may use, one at a time."""
    return sqlite3.connect(address, uri=True, timeout=5, isolation_level=None, check_same_thread=False)


def uri(path: str, mode: str, immutable: bool = False) -> str:
    """Return the URI of a file, to open it with the mode `ro` or `rwc`."""
    return f"file:{quote(path)}?mode={mode}" + ("&immutable=1" if immutable else "")


def reason_of(error: OSError | sqlite3.Error) -> str:
    """Return what went wrong, in the words of the system or of SQLite."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # SQLite says this for a quota, a limit on the size of files, and a broken disk.
    hint = ": is the disk full, or a limit reached?" if "disk I/O" in str(error) else ""
    return f"{error}{hint}"


def store_error(error: sqlite3.Error) -> StoreError:
    """Return the error to raise for an error of SQLite."""
    if "full" in str(error):
        return StoreFullError("there is no room left for the data file; nothing of this request was stored")
    return StoreError(f"the data file cannot be used ({reason_of(error)}); nothing of this request was stored")
