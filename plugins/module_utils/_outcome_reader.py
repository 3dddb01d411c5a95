# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the outcomes of many tags. Private: names and behaviour may change."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Callable, Iterable, Tuple

from ._errors import OptionError, StatsError
from ._events import EventError, EventStream
from ._fetch import Readings, read_each
from ._outcomes import Outcome, OutcomeCollector
from ._privacy import DescriptionMask
from ._recent import Suggestions
from ._record import age_notes, unknown_tag

if TYPE_CHECKING:
    from ._client import Answer, Client

# The service cuts a longer period to a month from its start, and the shortest month has so many days.
MONTH = timedelta(days=28)
TOP_LIMIT = 1000
_RIGHT = "the token may lack the right to read events, which counters do not need (judge_by: counters, tag_stats_info)"

Period = Tuple[date, date]


def read_outcomes(
    client: Client,
    tags: Iterable[str],
    parallel: int,
    missing: str,
    since: datetime | None,
    top: int,
    until: datetime | None = None,
) -> Readings[Outcome]:
    """Read what became of the messages of each tag that were taken in at `since` or later, and before `until`.

    `parallel` and `missing` are as in `read_tags`, `top` (1 to 1,000) is the most causes and domains to name. Raises
    OptionError before anything is sent.
    """
    if not 1 <= top <= TOP_LIMIT:
        raise OptionError("top", f"{top} is not from 1 to {TOP_LIMIT}")
    reader = _OutcomeReader(client, since, top, until)
    suggestions = Suggestions(client)

    def read(tag: str) -> Outcome:
        outcome = reader.read(tag)
        if outcome.known:
            return outcome
        meant = suggestions.for_tag(tag)
        if missing == "error":
            raise StatsError("unknown_tag", tag, "; ".join(filter(None, [unknown_tag(tag), meant])))
        return outcome.with_notes(meant) if meant else outcome

    return read_each(tags, client.connection.api_token, parallel, read)


def periods(since: datetime | None, now: datetime) -> list[Period | None]:
    """Return the periods to ask for, in UTC days without their last one: no day is in two of them, none is left out.

    Without `since` it is one without dates. The last period ends after tomorrow, whatever the clocks.
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
        """Ask for the events of a tag and return its outcome; raises StatsError."""
        self._client.prepare()
        start = self._clock()
        collector = OutcomeCollector(tag, self._mask)
        fetched_at = self._now()
        is_found = False
        ages: list[int] = []
        for period in periods(self._since, fetched_at):
            answer = self._fetch(tag, period, collector)
            fetched_at = answer.fetched_at
            is_found = is_found or answer.body is not None
            ages += [] if answer.age is None else [answer.age]
        outcome = collector.outcome(self._since, fetched_at, self._top, self._clock() - start, is_found, self._until)
        age = max(ages, default=None)
        return replace(outcome.with_notes(*age_notes(age)), age=age)

    def _fetch(self, tag: str, period: Period | None, collector: OutcomeCollector) -> Answer:
        streams: list[EventStream] = []

        def begin() -> Callable[[bytes], None]:
            # What an attempt that broke off has added is the same again, and counts once.
            streams[:] = [EventStream()]
            return lambda piece: collector.add(streams[0].feed(piece))

        error: StatsError
        try:
            answer = self._client.fetch_events(tag, period, begin)
            if answer.body is not None:
                collector.add(streams[0].close())
            return answer
        except EventError as problem:
            error = StatsError("answer", tag, f"the events cannot be understood: {problem}; check api_url")
        except StatsError as refusal:
            if refusal.forbids_more:
                refusal.problem += f"; {_RIGHT}"
            error = refusal
        # Raised here, so that no context keeps an event.
        raise error
