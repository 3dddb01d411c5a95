# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the data file, and the upgrade of data files of the first version.

Private: names and behaviour may change.
"""

from __future__ import annotations

import bisect
import collections
import json
import sqlite3

APPLICATION_ID = 0x534D5450
VERSION = 2
SENT, DELIVERED, OPENED, FIRST_OPENED, CLICKED, FIRST_CLICKED = range(6)

# Moments are in milliseconds since 1970, on a grid of a tenth of a second (a whole one where the delay is a minute or
# more). "messages" is how many of the tag's messages share the moment, so a tag is a few thousand rows, not millions.
_FIRST_VERSION = """
CREATE TABLE message (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, recipient TEXT NOT NULL, tags TEXT NOT NULL,
    sent_at INTEGER NOT NULL, delivered_at INTEGER, opened_at INTEGER, clicked_at INTEGER);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE moment (
    tag INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, messages INTEGER NOT NULL,
    PRIMARY KEY (tag, kind, at)) WITHOUT ROWID
"""
# "reaction" has the opens and clicks of each message, under each of its tags, so that they add up to the moments also
# where data of the first version does not say which message was opened again.
_SECOND_VERSION = """
ALTER TABLE message ADD COLUMN failed_at INTEGER;
ALTER TABLE message ADD COLUMN cause TEXT;
ALTER TABLE message ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN envelope TEXT NOT NULL DEFAULT 'bounces@smtpeter.example';
ALTER TABLE message ADD COLUMN properties TEXT NOT NULL DEFAULT 'trackbounces;trackopens;trackclicks';
ALTER TABLE message ADD COLUMN templateid INTEGER NOT NULL DEFAULT 0;
CREATE TABLE tagged (tag INTEGER NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (tag, message)) WITHOUT ROWID;
CREATE TABLE reaction (
    tag INTEGER NOT NULL, message INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (tag, message, kind, at)) WITHOUT ROWID
"""
ADD_TAGGED = "INSERT INTO tagged (tag, message) VALUES (?, ?)"
ADD_REACTION = """
INSERT INTO reaction (tag, message, kind, at, times) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tag, message, kind, at) DO UPDATE SET times = times + excluded.times
"""


def create_or_upgrade(database: sqlite3.Connection) -> None:
    """Create the tables, or upgrade those of the first version. Call it in a transaction."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    for before, statements in ((0, _FIRST_VERSION), (1, _SECOND_VERSION)):
        if version <= before:
            for statement in statements.split(";\n"):
                database.execute(statement)
    if version == 1:
        _upgrade(database)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {VERSION}")


def _upgrade(database: sqlite3.Connection) -> None:
    """Fill the tables and columns that the first version did not have. It did not store why mail was lost."""
    database.execute("UPDATE message SET failed_at = sent_at, cause = 'unrecorded' WHERE delivered_at IS NULL")
    tags: dict[str, int] = dict(database.execute("SELECT name, id FROM tag"))
    messages = database.execute("SELECT number, tags FROM message")
    database.executemany(ADD_TAGGED, ((tags[tag], number) for number, names in messages for tag in json.loads(names)))
    for tag in tags.values():
        for kind, column in ((OPENED, "opened_at"), (CLICKED, "clicked_at")):
            _upgrade_reactions(database, tag, kind, column)


def _upgrade_reactions(database: sqlite3.Connection, tag: int, kind: int, column: str) -> None:
    """Store the opens or clicks of each message.

    The first version stored the first one by message, and further ones by tag and time only. Further ones go to the
    message whose first one is the latest before them.
    """
    found = database.execute(
        f"SELECT {column}, number FROM tagged JOIN message ON number = tagged.message "  # noqa: S608 (a fixed name)
        f"WHERE tagged.tag = ? AND {column} IS NOT NULL ORDER BY 1, 2",
        (tag,),
    ).fetchall()
    database.executemany(ADD_REACTION, [(tag, number, kind, at, 1) for at, number in found])
    moments = [at for at, _number in found]
    firsts = collections.Counter(moments)
    counted = database.execute("SELECT at, messages FROM moment WHERE tag = ? AND kind = ?", (tag, kind)).fetchall()
    database.executemany(
        ADD_REACTION,
        [
            (tag, found[bisect.bisect_right(moments, at) - 1][1], kind, at, count - firsts[at])
            for at, count in counted
            if count > firsts[at]
        ],
    )
