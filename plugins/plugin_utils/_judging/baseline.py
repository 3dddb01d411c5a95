# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a baseline requires of a tag. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...module_utils._policy import Policy
from . import reasons


class Baseline(Protocol):
    """The record or the outcome of the tag to judge against."""

    @property
    def tag(self) -> str | None: ...

    @property
    def known(self) -> bool: ...

    @property
    def messages(self) -> int: ...

    @property
    def deliveries(self) -> int: ...


@dataclass(frozen=True)
class BaselineProblem:
    """Why nothing can be judged against a baseline; `is_final` where no later reading is to be waited for."""

    reason: str
    is_final: bool


def required_ratio(policy: Policy, baseline: Baseline | None) -> float:
    """Return the least share of messages delivered: the policy's own, or the baseline's less the drop, if higher."""
    if baseline is None or not baseline.messages:
        return policy.min_delivery_ratio
    share = min(1.0, baseline.deliveries / baseline.messages)
    return max(policy.min_delivery_ratio, round(share - policy.max_delivery_drop, 12))


def is_contradictory(baseline: Baseline) -> bool:
    """Return whether a baseline counts more deliveries than messages."""
    return baseline.deliveries > baseline.messages


def baseline_problem(baseline: Baseline | None, policy: Policy) -> BaselineProblem | None:
    """Return what keeps a baseline from being judged against; null where nothing does."""
    if baseline is None:
        return None
    if baseline.messages < policy.min_messages:
        reason = reasons.weak_baseline(baseline.tag, baseline.known, baseline.messages, policy)
        return BaselineProblem(reason, is_final=True)
    if is_contradictory(baseline):
        reason = f"baseline_tag {reasons.contradiction(baseline.tag, baseline.messages, baseline.deliveries)}"
        return BaselineProblem(reason, is_final=False)
    return None
