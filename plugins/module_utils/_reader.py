# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads many tags at once. Private: names and behaviour may change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Callable, Generic, Iterable, Iterator, Protocol, TypeVar

from ._answer import parse
from ._client import Client
from ._connection import checked_tags
from ._errors import OptionError, StatsError
from ._pacer import not_tried, pause_asked
from ._recent import Suggestions, read_recent
from ._record import Record

PARALLEL_LIMIT = 64
# The service is taken to be down after so many tags in a row without an answer: thousands more would take hours.
_DOWN_AFTER = 25

Found = TypeVar("Found")


class RecordReader(Protocol):
    """Reads the record of one tag at a time, from any number of threads."""

    def read(self, tag: str) -> Record:
        """Return the record of a tag; raises StatsError."""


class ServiceReader:
    """Reads records from the service. For an unknown tag, a note names the recently active tag that may be meant."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._suggestions = Suggestions(client)

    def read(self, tag: str) -> Record:
        """Return the record of a tag; raises StatsError, and OptionError or LibraryMissing as `Client.fetch` does."""
        record = parse(self._client.fetch(tag), self._client.excerpt)
        suggestion = "" if record.known else self._suggestions.for_tag(tag)
        return replace(record, notes=(*record.notes, suggestion)) if suggestion else record


@dataclass(frozen=True)
class TagResults(Generic[Found]):
    """What was read and what could not be read, by tag in the order asked; each tag is in one of the two."""

    found: dict[str, Found]
    errors: dict[str, StatsError]


def read_tags(reader: RecordReader, tags: Iterable[str], parallel: int, missing: str, token: str) -> TagResults[Record]:
    """Read the record of each tag. `missing` is `zero`, or `error` if an unknown tag is an error.

    When reading stops, and what is refused, is as in `read_each`.
    """

    def read(tag: str) -> Record:
        record = reader.read(tag)
        if missing == "error" and not record.known:
            raise StatsError("unknown_tag", tag, "; ".join(record.notes))
        return record

    return read_each(tags, parallel, read, token)


def read_recent_tags(client: Client) -> TagResults[Record]:
    """Read the most recently active tags, in the service's order. An error is under the name `recent`."""
    try:
        return TagResults(read_recent(client), {})
    except StatsError as error:
        return TagResults({}, {"recent": error})


def read_each(tags: Iterable[str], parallel: int, read: Callable[[str], Found], token: str) -> TagResults[Found]:
    """Call `read`, which may raise StatsError, once for each tag, at most `parallel` (1 to 64) at a time.

    Once the service refuses the token (401, 403), asks for a pause of more than 30 seconds, or has not answered for 25
    tags in a row, with all their retries, no further tag is read. Raises OptionError, before anything is read, if a tag
    cannot be one or contains `token`. Whatever else `read` raises ends the reading.
    """
    unique = checked_tags(tags, token)
    if not 1 <= parallel <= PARALLEL_LIMIT:
        raise OptionError("parallel", f"{parallel} is not from 1 to {PARALLEL_LIMIT}")
    queue = _Queue(unique)
    records: dict[str, Found] = {}
    errors: dict[str, StatsError] = {}

    def work() -> None:
        for tag in queue:
            try:
                records[tag] = read(tag)
            except StatsError as error:
                # Its traceback would keep the URL, and up to a MiB of the answer.
                errors[tag] = error.with_traceback(None)
            queue.note_result(errors.get(tag))

    workers = min(parallel, len(unique))
    if workers == 1:
        work()
    else:
        _run_in_threads(work, workers)
    return TagResults(
        {tag: records[tag] for tag in unique if tag in records},
        {tag: errors.get(tag) or not_tried(tag, queue.stopped) for tag in unique if tag not in records},
    )


def failures(errors: dict[str, StatsError]) -> str:
    """Return one text that names every failed tag and why."""
    return "; ".join(str(error) for error in errors.values())


def module_result(client: Client, results: TagResults[Any], key: str) -> dict[str, Any]:
    """Return the result of a module that has read records or outcomes, which are returned as `key`."""
    result: dict[str, Any] = {
        "changed": False,
        key: {tag: found.as_dict() for tag, found in results.found.items()},
        "errors": {tag: error.as_dict() for tag, error in results.errors.items()},
        "ages": {tag: found.age for tag, found in results.found.items() if found.age is not None},
        "retry_after": client.longest_pause or None,
    }
    if results.errors:
        result["failed"] = True
        result["msg"] = failures(results.errors)
    return result


def _run_in_threads(work: Callable[[], None], workers: int) -> None:
    """Run `work` in so many threads, and raise what the first one of them raised, once all have ended.

    A process does not wait for them to end: what it reads at its end is of no use to it.
    """
    problems: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the threads are waited for
            problems.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


class _Queue:
    """Hands the tags to the threads, one by one, until it is empty or more requests are pointless."""

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

    def note_result(self, error: StatsError | None) -> None:
        """Note how a tag ended, and stop the queue if more requests are pointless."""
        with self._lock:
            self._unanswered = self._unanswered + 1 if error is not None and error.retryable else 0
            if error is None:
                return
            if error.is_token_refused:
                self._stop("the service had refused the token")
            elif error.asks_for_long_pause:
                self._stop(f"the service {pause_asked(error.retry_after or 0.0)}")
            elif self._unanswered == _DOWN_AFTER:
                self._stop(f"the service had not answered for {_DOWN_AFTER} tags in a row")

    def _stop(self, reason: str) -> None:
        self._tags = iter(())
        self.stopped = self.stopped or reason
