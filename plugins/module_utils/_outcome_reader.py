# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the outcomes of many tags. Private: names and behaviour may change."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Callable, Iterable, Tuple

from ._answer import Answer
from ._client import Client
from ._errors import OptionError, StatsError
from ._events import EventError, EventStream
from ._outcomes import Outcome, OutcomeCollector
from ._privacy import DescriptionMask
from ._reader import TagResults, read_each
from ._recent import Suggestions
from ._record import age_notes, unknown_tag

# The service shortens a longer period to a month from its start, and the shortest month has so many days.
MONTH = timedelta(days=28)
TOP_LIMIT = 1000
_PERMISSION = (
    "the token may lack the permission to read events, which counters do not need (judge_by: counters, tag_stats_info)"
)

Period = Tuple[date, date]


def read_outcomes(
    client: Client,
    tags: Iterable[str],
    parallel: int,
    missing: str,
    since: datetime | None,
    top: int,
    until: datetime | None = None,
) -> TagResults[Outcome]:
    """Read what became of the messages of each tag that were taken in at `since` or later, and before `until`.

    `parallel` is as in `read_each`, `missing` as in `read_tags`, and `top` (1 to 1,000) is the most causes and domains
    to name. Raises OptionError before anything is sent.
    """
    if not 1 <= top <= TOP_LIMIT:
        raise OptionError("top", f"{top} is not from 1 to {TOP_LIMIT}")
    reader = _OutcomeReader(client, since, top, until)
    suggestions = Suggestions(client)

    def read(tag: str) -> Outcome:
        outcome = reader.read(tag)
        if outcome.known:
            return outcome
        suggestion = suggestions.for_tag(tag)
        if missing == "error":
            raise StatsError("unknown_tag", tag, "; ".join(filter(None, [unknown_tag(tag), suggestion])))
        return outcome.with_notes(suggestion) if suggestion else outcome

    return read_each(tags, parallel, read, client.connection.api_token)


def periods(since: datetime | None, now: datetime) -> list[Period | None]:
    """Return the periods to ask for: the first UTC day, and the day after the last. They follow on each other.

    Without `since` it is one without dates. The last period ends after tomorrow, since clocks may differ.
    """
    if since is None:
        return [None]
    start = since.astimezone(timezone.utc).date()
    end = max(start, now.astimezone(timezone.utc).date()) + timedelta(days=2)
    found: list[Period | None] = []
    while start < end:
        found.append((start, min(start + MONTH, end)))
        start += MONTH
    return found


class _OutcomeReader:
    """Reads the outcome of one tag at a time, from any number of threads. `clock` is monotonic, `now` in UTC."""

    def __init__(
        self,
        client: Client,
        since: datetime | None,
        top: int,
        until: datetime | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._client = client
        self._mask = DescriptionMask(client.connection.api_token)
        self._since = since
        self._top = top
        self._until = until
        self._clock = clock
        self._now = now

    def read(self, tag: str) -> Outcome:
        """Return the outcome of a tag, from its events; raises StatsError."""
        self._client.prepare()
        start = self._clock()
        collector = OutcomeCollector(tag, self._mask)
        fetched_at = self._now()
        is_found = False
        ages: list[int] = []
        for period in periods(self._since, fetched_at):
            answer = self._collect(tag, period, collector)
            fetched_at = answer.fetched_at
            is_found = is_found or answer.body is not None
            ages += [] if answer.age is None else [answer.age]
        outcome = collector.outcome(self._since, fetched_at, self._top, self._clock() - start, is_found, self._until)
        age = max(ages, default=None)
        return replace(outcome.with_notes(*age_notes(age)), age=age)

    def _collect(self, tag: str, period: Period | None, collector: OutcomeCollector) -> Answer:
        """Add the events of a period to the collector, and return the answer that they came in."""
        stream = EventStream()

        def open_feed() -> Callable[[bytes], None]:
            # The events of an attempt that was cut short come again, and count once.
            nonlocal stream
            stream = EventStream()
            return lambda piece: collector.add(stream.feed(piece))

        try:
            answer = self._client.fetch_events(tag, period, open_feed)
            if answer.body is not None:
                collector.add(stream.close())
            return answer
        except StatsError as error:
            if error.is_token_refused:
                error.problem += f"; {_PERMISSION}"
            raise
        except EventError as error:
            problem = str(error)
        # Raised here, so that no context keeps an event.
        raise StatsError("answer", tag, f"the events cannot be understood: {problem}; check api_url")
