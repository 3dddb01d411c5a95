# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a tag when it is judged. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass

from ...module_utils._record import Record
from .policy import Policy


@dataclass(frozen=True)
class TagState:
    """What is known of a tag when it is judged.

    `messages_due` are the messages counted at least a grace period ago. `settled` tells that neither messages nor
    deliveries moved for a grace period, `ratio_decides` that the bare ratio decides when `time_up`. `deliveries_ahead`
    tells that deliveries were ever seen above messages, `tags` how many tags are judged together, and `fallen` which of
    opens and clicks are below an earlier reading.
    """

    record: Record
    messages_due: int
    sending_stopped: bool
    settled: bool
    time_up: bool
    ratio_decides: bool
    deliveries_ahead: bool
    tags: int
    fallen: tuple[str, ...] = ()

    @property
    def tag(self) -> str | None:
        """The tag judged."""
        return self.record.tag

    @property
    def carried_over(self) -> int:
        """At most so many of the deliveries belong to messages from before."""
        return self.record.carried_over

    @property
    def messages(self) -> int:
        """Messages judged."""
        return self.record.messages

    @property
    def delivered_at_most(self) -> int:
        """Deliveries, never more than messages: the counters do not tell lost mail from slow mail."""
        return min(self.record.deliveries, self.record.messages)

    @property
    def delivered_at_least(self) -> int:
        """Deliveries that cannot be those of messages from before."""
        return min(self.delivered_at_most, max(0, self.record.deliveries - self.record.carried_over))

    @property
    def contradicts_itself(self) -> bool:
        """Whether more deliveries are counted than there are messages."""
        return self.record.deliveries - self.record.carried_over > self.record.messages


def state_of_record(record: Record, policy: Policy, tags: int) -> TagState:
    """Return what one record alone tells: the mail is settled where its last activity is old enough."""
    idle = record.idle_seconds()
    settled = idle is not None and idle > policy.grace_period
    expected = policy.expected(record.tag)
    return TagState(
        record=record,
        messages_due=record.messages if settled else 0,
        sending_stopped=settled if expected is None else record.messages >= expected,
        settled=settled,
        time_up=True,
        ratio_decides=policy.confidence == 0,
        deliveries_ahead=False,
        tags=tags,
    )
