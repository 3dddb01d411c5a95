# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a baseline requires of a tag. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Protocol

from . import reasons
from .judgement import Judged, Judgement
from .policy import Policy


class Baseline(Protocol):
    """The record or the outcome of the tag to judge against."""

    @property
    def tag(self) -> str | None:
        """The tag judged."""

    @property
    def known(self) -> bool:
        """Whether the service has anything under the tag."""

    @property
    def messages(self) -> int:
        """Messages."""

    @property
    def deliveries(self) -> int:
        """Deliveries."""


def required_ratio(policy: Policy, baseline: Baseline | None) -> float:
    """Return the least share of messages delivered: the policy's own, or the baseline's less the drop, if higher."""
    if baseline is None or not baseline.messages:
        return policy.min_delivery_ratio
    share = min(1.0, baseline.deliveries / baseline.messages)
    return max(policy.min_delivery_ratio, round(share - policy.max_delivery_drop, 12))


def is_contradictory(baseline: Baseline) -> bool:
    """Return whether a baseline counts more deliveries than messages."""
    return baseline.deliveries > baseline.messages


def held_by_baseline(
    state: Judged, policy: Policy, baseline: Baseline | None, undecided: str | None
) -> Judgement | None:
    """Return the judgement of a tag whose baseline cannot be judged against; null where it can.

    A baseline with too little mail is final. One that contradicts itself leaves the tag `undecided` until a later one.
    """
    if baseline is None:
        return None
    required = required_ratio(policy, baseline)
    if baseline.messages < policy.min_messages:
        reason = reasons.weak_baseline(baseline.tag, baseline.known, baseline.messages, policy)
        return Judgement.undecided("inconclusive", [reason], required, state)
    if is_contradictory(baseline):
        reason = f"baseline_tag {reasons.contradiction(baseline.tag, baseline.messages, baseline.deliveries)}"
        return Judgement.undecided(undecided, [reason], required, state)
    return None
