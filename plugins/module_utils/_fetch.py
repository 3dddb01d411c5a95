# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads many tags at once. Private: names and behaviour may change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Callable, Generic, Iterable, Iterator, TypeVar

from ._client import Client, check_tag, not_tried, pause_asked
from ._errors import OptionError, StatsError
from ._recent import Suggestions, read_recent
from ._record import Record, parse

PARALLEL_LIMIT = 64
# After so many tags in a row that it did not answer, the service is down: thousands more would take hours.
_DOWN_AFTER = 25

Read = Callable[[], Record]
Fill = Callable[[str, Read], Record]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Readings(Generic[Found]):
    """What was read, by tag in the order asked: each tag is in one of the two."""

    records: dict[str, Found]
    errors: dict[str, StatsError]


def checked_tags(tags: Iterable[str], token: str) -> list[str]:
    """Return each tag once, in order; `token` is empty where it is not known. Raises OptionError for what is none."""
    unique = list(dict.fromkeys(tags))
    if not unique:
        raise OptionError("tags", "it is empty; give at least one tag")
    for tag in unique:
        check_tag(tag, token)
    return unique


def read_tags(
    client: Client,
    tags: Iterable[str],
    parallel: int,
    missing: str,
    fill: Fill | None = None,
) -> Readings[Record]:
    """Read each tag once, at most `parallel` (1 to 64) at a time.

    `missing` is `zero`, for a record that says so, or `error`. Once the service refuses the token (401, 403), asks for
    a pause of more than 30 seconds, or has not answered for 25 tags in a row, with all their retries, no further tag
    is asked for. `fill`, where given, takes a tag and what reads it, and returns the record to go on with.
    Where a tag is unknown, a note says which recently active one may be meant.
    Raises OptionError, before anything is sent, where a tag cannot be one or the environment's proxy cannot be used,
    and LibraryMissing where that needs PySocks.
    """
    suggestions = Suggestions(client)
    return read_each(
        tags, client.connection.api_token, parallel, lambda tag: _read(client, tag, missing, fill, suggestions)
    )


def read_recent_tags(client: Client) -> Readings[Record]:
    """Read the most recently active tags, as the service orders them; an error is under the name C(recent)."""
    try:
        return Readings(read_recent(client), {})
    except StatsError as error:
        return Readings({}, {"recent": error})


def read_each(tags: Iterable[str], token: str, parallel: int, read: Callable[[str], Found]) -> Readings[Found]:
    """Call `read` for each tag once, at most `parallel` (1 to 64) at a time; it may raise StatsError.

    When to stop, and what is refused, is as in `read_tags`.
    """
    unique = checked_tags(tags, token)
    if not 1 <= parallel <= PARALLEL_LIMIT:
        raise OptionError("parallel", f"{parallel} is not from 1 to {PARALLEL_LIMIT}")
    outcomes: dict[str, Found | StatsError] = {}
    queue = _Queue(unique)

    def work(_worker: int) -> None:
        for tag in queue:
            try:
                outcome: Found | StatsError = read(tag)
            except StatsError as error:
                outcome = error
            outcomes[tag] = outcome
            queue.note_outcome(outcome)

    workers = min(parallel, len(unique))
    if workers == 1:
        work(0)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            for _done in pool.map(work, range(workers)):
                pass
    records: dict[str, Found] = {}
    errors: dict[str, StatsError] = {}
    for tag in unique:
        outcome = outcomes.get(tag) or not_tried(tag, queue.stopped)
        if isinstance(outcome, StatsError):
            errors[tag] = outcome
        else:
            records[tag] = outcome
    return Readings(records, errors)


def failures(errors: dict[str, StatsError]) -> str:
    """Return one text that names every failed tag and why."""
    return "; ".join(str(error) for error in errors.values())


def as_result(client: Client, readings: Readings[Any], key: str) -> dict[str, Any]:
    """Return the result of a module that has read records or outcomes, which are under `key`."""
    result: dict[str, Any] = {
        "changed": False,
        key: {tag: found.as_dict() for tag, found in readings.records.items()},
        "errors": {tag: error.as_dict() for tag, error in readings.errors.items()},
        "ages": {tag: found.age for tag, found in readings.records.items() if found.age is not None},
        "retry_after": client.longest_pause or None,
    }
    if readings.errors:
        result["failed"] = True
        result["msg"] = failures(readings.errors)
    return result


class _Queue:
    """Hands out the tags to the threads, one by one, until it is empty or asking for more is pointless."""

    def __init__(self, tags: list[str]) -> None:
        self._tags = iter(tags)
        self._lock = threading.Lock()
        self._unanswered = 0
        self.stopped = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        with self._lock:
            return next(self._tags)

    def note_outcome(self, outcome: object) -> None:
        """Stop the queue when more requests are pointless."""
        with self._lock:
            if not isinstance(outcome, StatsError):
                self._unanswered = 0
                return
            self._unanswered = self._unanswered + 1 if outcome.retryable else 0
            if outcome.forbids_more:
                self._stop("the service had refused the token")
            elif outcome.asks_for_long_pause:
                self._stop(f"the service {pause_asked(outcome.retry_after or 0.0)}")
            elif self._unanswered == _DOWN_AFTER:
                self._stop(f"the service had not answered for {_DOWN_AFTER} tags in a row")

    def _stop(self, reason: str) -> None:
        self._tags = iter(())
        self.stopped = self.stopped or reason


def _read(client: Client, tag: str, missing: str, fill: Fill | None, suggestions: Suggestions) -> Record:
    def read() -> Record:
        record = parse(client.fetch(tag), client.excerpt)
        meant = "" if record.known else suggestions.for_tag(tag)
        return replace(record, notes=(*record.notes, meant)) if meant else record

    record = fill(tag, read) if fill else read()
    if missing == "error" and not record.known:
        raise StatsError("unknown_tag", tag, "; ".join(record.notes))
    return record
