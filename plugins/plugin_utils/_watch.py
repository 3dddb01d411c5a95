# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate's own readings tell of one tag over time. Private: names and behaviour may change."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from ..module_utils._health import Look
from ..module_utils._policy import Policy
from ..module_utils._record import Record, difference

_OLD_MAIL = timedelta(days=1)
_COUNTS_KEPT = 500
OLD_MAIL_NOTE = (
    "the tag was first used more than a day before the gate began, so old mail can hide a new wave: judge one tag per "
    "wave, or give since"
)


class _Moved(NamedTuple):
    """When and at which reading a figure was last seen to move."""

    at: float
    reading: int


class Watch:
    """Watches one tag: each good reading goes in, with the time; what is known of the tag comes out.

    Times are seconds on a monotonic clock. C(began) and C(ended) are those of a look: what it read was so at some
    moment between the two, so that ages are counted from the end of one to the beginning of another.
    """

    # The first reading gives these their values.
    _messages_moved: _Moved
    _any_moved: _Moved
    _under_way: int

    def __init__(self, tag: str, policy: Policy, before: Record | None) -> None:
        self.tag = tag
        self._policy = policy
        self._before = before
        self._highest = (before.messages, before.deliveries) if before else (0, 0)
        self._latest: Record | None = None
        self._last_seen: tuple[int, int] | None = None
        self._readings = 0
        self._moved_ever = False
        self._deliveries_ahead = False
        # When each number of messages was first counted; the first entry is what is due.
        self._counted: deque[tuple[float, int]] = deque()
        self._is_old = False

    @property
    def reading(self) -> Record | None:
        """The last good cumulative reading, with what may be under way; null where there was none."""
        return None if self._latest is None else self._marked(self._latest)

    @property
    def needs_note(self) -> bool:
        """Whether the tag had mail long before the gate began, and no C(since) tells it apart."""
        return self._is_old

    def runs_backward(self, record: Record) -> str | None:
        """Say so where a reading is below the highest one so far, as it then decides nothing."""
        for name, count, highest in zip(("messages", "deliveries"), _figures(record), self._highest):
            if count < highest:
                return self._fell(name, highest, count)
        # There is no difference to a reading that was higher.
        for name in ("opens", "clicks") if self._before else ():
            count, earlier = getattr(record, name), getattr(self._before, name)
            if count is not None and earlier is not None and count < earlier:
                return self._fell(name, earlier, count)
        return None

    def take_backward(self, record: Record, ended: float) -> None:
        """Take a reading that is below the highest one: it may show that something moved, and no message more."""
        self._note_movement(record, ended)
        self._deliveries_ahead = self._deliveries_ahead or record.deliveries > record.messages

    def take(self, record: Record, began: float, ended: float, tags: int) -> Look:
        """Take a good reading and return what is known of the tag while it waits; C(tags) are judged together."""
        if self._latest is None:
            old_since = record.first_at and record.fetched_at and record.fetched_at - record.first_at > _OLD_MAIL
            self._is_old = bool(old_since) and self._before is None
        self._note_movement(record, ended)
        self._count(record.messages, ended)
        self._latest = record
        self._highest = _figures(record)
        self._deliveries_ahead = self._deliveries_ahead or record.deliveries > record.messages
        policy = self._policy
        quiet = not self._moved_ever and (record.idle_seconds() or 0) > policy.grace_period
        still = quiet or self._stood(self._any_moved, began, policy.grace_period)
        due = record.messages if still else self._due(began)
        self._under_way = 0 if still else min(record.messages - due, record.undelivered)
        judged = self._judged(record)
        self._deliveries_ahead = self._deliveries_ahead or judged.deliveries - judged.carried_over > judged.messages
        expected = policy.expected(self.tag)
        if expected is None:
            stopped = still or self._stood(self._messages_moved, began, policy.sending_gap)
        else:
            stopped = judged.messages >= expected
        return Look(
            record=judged,
            messages_due=max(0, due - (self._before.messages if self._before else 0)),
            sending_stopped=stopped,
            still=still,
            time_up=False,
            ratio_decides=policy.at_deadline == "ratio",
            deliveries_ahead=self._deliveries_ahead,
            tags=tags,
        )

    def _fell(self, name: str, earlier: int, count: int) -> str:
        return f"{self.tag}: {name} fell from {earlier} to {count}, so nothing is decided until they catch up"

    def _note_movement(self, record: Record, ended: float) -> None:
        """Compare a reading, good or not, with the one before it."""
        self._readings += 1
        moved = _Moved(ended, self._readings)
        seen, self._last_seen = self._last_seen, _figures(record)
        if seen is None:
            self._messages_moved = self._any_moved = moved
        elif seen != self._last_seen:
            self._any_moved = moved
            self._moved_ever = True
            if seen[0] != record.messages:
                self._messages_moved = moved

    def _count(self, messages: int, ended: float) -> None:
        counted = self._counted
        if counted and messages <= counted[-1][1]:
            return
        # Entries closer than this become one, at the later time: memory stays bounded, and nothing is due too early.
        step = self._policy.grace_period / _COUNTS_KEPT
        if len(counted) > 1 and ended - counted[-2][0] < step:
            counted.pop()
        counted.append((ended, messages))

    def _due(self, began: float) -> int:
        """Return the messages that were counted at least a grace period ago."""
        counted = self._counted
        limit = began - self._policy.grace_period
        while len(counted) > 1 and counted[1][0] <= limit:
            counted.popleft()
        return counted[0][1] if counted[0][0] <= limit else 0

    def _stood(self, moved: _Moved, began: float, seconds: float) -> bool:
        return self._readings > moved.reading and began - moved.at >= seconds

    def _judged(self, record: Record) -> Record:
        marked = self._marked(record)
        return difference(marked, self._before, self._policy.grace_period) if self._before else marked

    def _marked(self, record: Record) -> Record:
        notes = (*record.notes, OLD_MAIL_NOTE) if self._is_old else record.notes
        return replace(record, under_way=self._under_way, notes=notes)


def _figures(record: Record) -> tuple[int, int]:
    return record.messages, record.deliveries
