# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a tag when it is judged by its outcomes. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Iterator

from .outcome import Outcome
from .policy import Policy

# The ages of the groups of messages that are judged apart, as parts of the grace period.
_GROUP_AGES = (1 / 15, 1 / 3, 1.0, 4 / 3)


@dataclass(frozen=True)
class Group:
    """The messages that are at least so old, and how many of them are delivered and failed."""

    messages: int
    deliveries: int
    failed: int


@dataclass(frozen=True)
class OutcomeState:
    """An outcome at a moment, and what it means for the decision.

    `now` is when the outcome was last known to be true. `sending_stopped` and `settled` are as for counters, by the
    times of the events. `ratio_decides` tells that the bare ratio decides when `time_up`, `tags` how many tags are
    judged together.
    """

    outcome: Outcome
    now: datetime
    sending_stopped: bool
    settled: bool
    time_up: bool
    ratio_decides: bool
    tags: int

    @property
    def tag(self) -> str | None:
        """The tag judged."""
        return self.outcome.tag

    @property
    def carried_over(self) -> int:
        """None: no message is anybody else's."""
        return 0

    @property
    def messages(self) -> int:
        """Messages judged."""
        return self.outcome.messages

    @property
    def messages_due(self) -> int:
        """Messages that can count against the campaign: all of them, since a failure is final."""
        return self.outcome.messages

    @property
    def delivered_at_least(self) -> int:
        """Messages delivered."""
        return self.outcome.deliveries

    @property
    def delivered_at_most(self) -> int:
        """Messages that have not failed."""
        return self.outcome.messages - self.outcome.failed

    def group(self, seconds: float) -> Group:
        """Return the messages that were taken in at least so many seconds ago, by whole spans of the timeline."""
        limit = self.now - timedelta(seconds=seconds)
        spans = [span for span in self.outcome.timeline if span.ends <= limit]
        return Group(
            sum(span.messages for span in spans),
            sum(span.deliveries for span in spans),
            sum(span.failed for span in spans),
        )

    def groups(self, policy: Policy) -> Iterator[Group]:
        """Yield the groups that are large enough to be judged: all messages, and the older ones."""
        outcome = self.outcome
        every = Group(outcome.messages, outcome.deliveries, outcome.failed)
        for group in (every, *(self.group(part * policy.grace_period) for part in _GROUP_AGES)):
            if group.messages >= policy.min_messages:
                yield group


def state_of_outcome(outcome: Outcome, policy: Policy, tags: int, now: datetime | None = None) -> OutcomeState:
    """Return what an outcome alone tells, at `now` or when it was read.

    By the events' own times, sending has stopped when the last message is older than the sending gap, or as many were
    taken in as are expected; the mail is settled when nothing happened to it for the grace period.
    """
    at = now or outcome.fetched_at
    expected = policy.expected(outcome.tag)
    if expected is None:
        stopped = _is_older(outcome.last_taken_at, at, policy.sending_gap)
    else:
        stopped = outcome.messages >= expected
    return OutcomeState(
        outcome=outcome,
        now=at,
        sending_stopped=stopped,
        settled=_is_older(outcome.last_moved_at, at, policy.grace_period),
        time_up=True,
        ratio_decides=policy.confidence == 0,
        tags=tags,
    )


def _is_older(moment: datetime | None, now: datetime, seconds: float) -> bool:
    return moment is not None and (now - moment).total_seconds() >= seconds
