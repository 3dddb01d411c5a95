# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a gate sees over time: movement, age, and falls. Private: names and behaviour may change.

Times are seconds on a monotonic clock. A look begins and ends; what it read was true at some moment between the two, so
ages are counted from the end of one look to the beginning of another.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Mapping, NamedTuple

from ...module_utils._record import Record
from .saved import read_figures

_COUNTS_KEPT = 500
# Dates are in whole seconds, so that of a copy may seem a second younger than it is.
_DATE_STEP = timedelta(seconds=1)


class _Moved(NamedTuple):
    """When, and in which record, a figure was last seen to move."""

    at: float
    record: int


class Movement:
    """Follows whether messages and deliveries move from one record to the next."""

    def __init__(self) -> None:
        self._records = 0
        # The first record sets these.
        self._messages = self._any = _Moved(0.0, 0)
        self._last: tuple[int, int] | None = None
        self._messages_changed_at: float | None = None
        self._changed_at: float | None = None

    def note(self, record: Record, began: float, ended: float) -> None:
        """Note what a look read, judged or not."""
        self._records += 1
        moved = _Moved(ended, self._records)
        figures = (record.messages, record.deliveries)
        if self._last is None:
            self._messages = self._any = moved
        elif self._last != figures:
            self._any = moved
            self._changed_at = began
            if self._last[0] != record.messages:
                self._messages = moved
                self._messages_changed_at = began
        self._last = figures

    def state(self) -> dict[str, Any]:
        """Return what was seen so far, in plain JSON types."""
        return {
            "records": self._records,
            "last": self._last,
            "messages": list(self._messages),
            "any": list(self._any),
            "messages_changed_at": self._messages_changed_at,
            "changed_at": self._changed_at,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._records = state["records"]
        self._last = read_figures(state["last"])
        self._messages = _Moved(*state["messages"])
        self._any = _Moved(*state["any"])
        self._messages_changed_at = state["messages_changed_at"]
        self._changed_at = state["changed_at"]

    @property
    def was_seen(self) -> bool:
        """Whether anything ever moved."""
        return self._changed_at is not None

    def start_over(self, ended: float) -> None:
        """Count from this record on, as if the counters had moved."""
        self._messages = self._any = _Moved(ended, self._records)

    def messages_unmoved(self, began: float, seconds: float) -> bool:
        """Whether messages stood still for so many seconds, over at least two records."""
        return self._unmoved(self._messages, began, seconds)

    def unmoved(self, began: float, seconds: float) -> bool:
        """Whether messages and deliveries stood still for so many seconds, over at least two records."""
        return self._unmoved(self._any, began, seconds)

    def messages_changed(self, began: float, seconds: float) -> bool:
        """Whether a look of the last so many seconds saw messages move."""
        return self._messages_changed_at is not None and began - self._messages_changed_at < seconds

    def changed(self, began: float, seconds: float) -> bool:
        """Whether a look of the last so many seconds saw messages or deliveries move."""
        return self._changed_at is not None and began - self._changed_at < seconds

    def _unmoved(self, moved: _Moved, began: float, seconds: float) -> bool:
        return self._records > moved.record and began - moved.at >= seconds


class Ages:
    """Knows how many messages were counted at least a grace period ago."""

    def __init__(self, grace_period: float) -> None:
        self._grace_period = grace_period
        # When each number of messages was first counted; the first entry is what is due.
        self._counted: deque[tuple[float, int]] = deque()

    def note(self, messages: int, ended: float) -> None:
        """Note the messages of a record that can be judged."""
        counted = self._counted
        if counted and messages <= counted[-1][1]:
            return
        # Entries closer than this become one, at the later time: memory stays bounded, and nothing is due too early.
        step = self._grace_period / _COUNTS_KEPT
        if len(counted) > 1 and ended - counted[-2][0] < step:
            counted.pop()
        counted.append((ended, messages))

    def due(self, began: float) -> int:
        """Return the messages that were counted at least a grace period ago."""
        counted = self._counted
        limit = began - self._grace_period
        while len(counted) > 1 and counted[1][0] <= limit:
            counted.popleft()
        return counted[0][1] if counted[0][0] <= limit else 0

    def start_over(self) -> None:
        """Forget all counts."""
        self._counted.clear()

    def state(self) -> list[list[float]]:
        """Return the counts kept, in plain JSON types."""
        return [list(entry) for entry in self._counted]

    def restore(self, state: list[list[float]]) -> None:
        """Go on from a state."""
        self._counted = deque((at, int(messages)) for at, messages in state)


@dataclass(frozen=True)
class Fall:
    """Readings of messages or deliveries below the highest ones.

    `text` says what fell, `began` is when the look ended that first saw it, `lowest` the figures then. `most_messages`
    and `least_deliveries` are those seen from the highest record on, that one included.
    """

    text: str
    began: float
    records: int
    lowest: tuple[int, int]
    most_messages: int
    least_deliveries: int

    @classmethod
    def begin(cls, text: str, record: Record, highest: Record, ended: float) -> Fall:
        """Return a fall that begins with a record."""
        figures = (record.messages, record.deliveries)
        fall = cls(text, ended, 0, figures, highest.messages, highest.deliveries)
        return fall.continued(text, record, ended)

    def continued(self, text: str, record: Record, ended: float) -> Fall:
        """Return the fall with one more record; one that falls further starts its time over."""
        figures = (record.messages, record.deliveries)
        fell_further = any(now < then for now, then in zip(figures, self.lowest))
        start = replace(self, text=text, began=ended, records=0, lowest=figures) if fell_further else self
        return replace(
            start,
            records=start.records + 1,
            most_messages=max(self.most_messages, record.messages),
            least_deliveries=min(self.least_deliveries, record.deliveries),
        )

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Fall:
        """Return a fall whose fields were saved."""
        return cls(**{**state, "lowest": tuple(state["lowest"])})

    def has_lasted(self, began: float, seconds: float) -> bool:
        """Whether it lasted for so long, over at least two looks."""
        return self.records > 1 and began - self.began >= seconds


def fallen(record: Record, highest: Record, names: tuple[str, ...]) -> list[str]:
    """Return a text for each of the counters that is below the highest one, such as `opens fell from 50 to 49`."""
    texts = []
    for name in names:
        count, most = getattr(record, name), getattr(highest, name)
        if count is not None and most is not None and count < most:
            texts.append(f"{name} fell from {most} to {count}")
    return texts


def is_copy(record: Record, previous: Record) -> bool:
    """Return whether a cache or a standby gave the record before once more, by its counters and dates."""
    same = all(
        getattr(record, name) == getattr(previous, name) for name in ("messages", "deliveries", "opens", "clicks")
    )
    if not same or record.fetched_at is None or previous.fetched_at is None:
        return False
    if record.fetched_at <= previous.fetched_at:
        return True
    # A cache that writes a Date of its own tells by its Age how old the answer is.
    if record.age is None:
        return False
    since = (record.fetched_at - timedelta(seconds=record.age)) - (
        previous.fetched_at - timedelta(seconds=previous.age or 0)
    )
    return since <= _DATE_STEP
