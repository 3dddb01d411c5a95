# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads many tags at once. Private: names and behaviour may change."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator

from ._client import Client, check_tag, not_tried, pause_asked
from ._errors import OptionError, StatsError
from ._record import Record, parse, unknown_tag

PARALLEL_LIMIT = 64
# After so many tags in a row that it did not answer, the service is down: thousands more would take hours.
_DOWN_AFTER = 25

Read = Callable[[], Record]
Fill = Callable[[str, Read], Record]


@dataclass(frozen=True)
class Readings:
    """What was read, by tag in the order asked: each tag is in one of the two."""

    records: dict[str, Record]
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
) -> Readings:
    """Read each tag once, at most `parallel` (1 to 64) at a time.

    `missing` is `zero`, for a record that says so, or `error`. Once the service refuses the token (401, 403), asks for
    a pause of more than 30 seconds, or has not answered for 25 tags in a row, with all their retries, no further tag
    is asked for. `fill`, where given, takes a tag and what reads it, and returns the record to go on with.
    Raises OptionError, before anything is sent, where a tag cannot be one or the environment's proxy cannot be used,
    and LibraryMissing where that needs PySocks.
    """
    unique = checked_tags(tags, client.connection.api_token)
    if not 1 <= parallel <= PARALLEL_LIMIT:
        raise OptionError("parallel", f"{parallel} is not from 1 to {PARALLEL_LIMIT}")
    outcomes: dict[str, Record | StatsError] = {}
    queue = _Queue(unique)

    def work(_worker: int) -> None:
        for tag in queue:
            outcome = outcomes[tag] = _read(client, tag, missing, fill)
            queue.note_outcome(outcome)

    workers = min(parallel, len(unique))
    if workers == 1:
        work(0)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            for _done in pool.map(work, range(workers)):
                pass
    records, errors = {}, {}
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

    def note_outcome(self, outcome: Record | StatsError) -> None:
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


def _read(client: Client, tag: str, missing: str, fill: Fill | None) -> Record | StatsError:
    def read() -> Record:
        return parse(client.fetch(tag), client.excerpt)

    try:
        record = fill(tag, read) if fill else read()
    except StatsError as error:
        return error
    if missing == "error" and not record.known:
        return StatsError("unknown_tag", tag, unknown_tag(tag))
    return record
