# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts messages by outcome, domain, cause and time. Private: names and behaviour may change."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator

from ._record import to_iso

SPANS = 120


class MessageCount:
    """How many messages there are, and how many of them are delivered and have failed."""

    __slots__ = ("deliveries", "failed", "messages")

    def __init__(self, messages: int = 0, deliveries: int = 0, failed: int = 0) -> None:
        self.messages = messages
        self.deliveries = deliveries
        self.failed = failed

    @classmethod
    def total(cls, counts: list[MessageCount]) -> MessageCount:
        """Return the sum of several."""
        return cls(
            sum(count.messages for count in counts),
            sum(count.deliveries for count in counts),
            sum(count.failed for count in counts),
        )

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, and how many messages are under way."""
        under_way = self.messages - self.deliveries - self.failed
        return {
            "messages": self.messages,
            "deliveries": self.deliveries,
            "failed": self.failed,
            "under_way": under_way,
        }


class Timeline:
    """At most 120 equal spans from the first message to the last; moments in seconds since 1970."""

    def __init__(self, first: int = 0, last: int = -1) -> None:
        self._first = first
        self._seconds = max(1, -(-(last - first + 1) // SPANS))
        self._spans = [MessageCount() for _span in range(-(-(last - first + 1) // self._seconds))]

    def at(self, moment: int) -> MessageCount:
        """Return the counts of the span that a moment is in."""
        return self._spans[(moment - self._first) // self._seconds]

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the spans as results show them."""
        for number, count in enumerate(self._spans):
            yield {
                "at": to_iso(moment_of(self._first + number * self._seconds)),
                "seconds": self._seconds,
                "messages": count.messages,
                "deliveries": count.deliveries,
                "failed": count.failed,
            }


class Tally:
    """Counts the messages of an outcome; moments in seconds since 1970."""

    def __init__(self, timeline: Timeline) -> None:
        self.messages = self.deliveries = self.failed = self.returned = self.left_out = self.contradicted = 0
        self.oldest: int | None = None
        self.last_taken: int | None = None
        self.last_moved: int | None = None
        self.domains: dict[int, MessageCount] = {}
        self.causes: Counter[tuple[int, int]] = Counter()
        self.timeline = timeline

    def add(self, taken: int, moved: int, domain: int, is_delivered: bool, has_failed: bool) -> None:
        """Count a message."""
        by_domain = self.domains.get(domain)
        if by_domain is None:
            by_domain = self.domains[domain] = MessageCount()
        for count in (self, by_domain, self.timeline.at(taken)):
            count.messages += 1
            count.deliveries += is_delivered
            count.failed += has_failed
        if not is_delivered and not has_failed and (self.oldest is None or taken < self.oldest):
            self.oldest = taken
        if self.last_taken is None or taken > self.last_taken:
            self.last_taken = taken
        if self.last_moved is None or moved > self.last_moved:
            self.last_moved = moved


def moment_of(seconds: int | None) -> datetime | None:
    """Return the moment so many seconds after 1970, in UTC; None for None."""
    # datetime.fromtimestamp refuses moments before 1970 on some platforms.
    return None if seconds is None else datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
