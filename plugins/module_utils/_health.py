# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement of one look at one tag: bounds, evidence, verdict. Private: names and behaviour may change.

While mail is still being sent, evidence decides. Once sending has stopped, the counts decide. When time is up, the
judgement says what it sees.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from . import _reasons
from ._evidence import log_evidence_against, log_evidence_for
from ._policy import Policy
from ._record import Record


@dataclass(frozen=True)
class Look:
    """What is known of a tag when it is judged.

    C(messages_due) are the messages counted at least a grace period ago. C(still) tells that neither messages nor
    deliveries moved for a grace period; C(ratio_decides) that the bare ratio decides when C(time_up);
    C(deliveries_ahead) that deliveries were ever seen above messages; C(tags) how many tags are judged together.
    """

    record: Record
    messages_due: int
    sending_stopped: bool
    still: bool
    time_up: bool
    ratio_decides: bool
    deliveries_ahead: bool
    tags: int


@dataclass(frozen=True)
class Bounds:
    """The counters do not tell lost mail from slow mail: at least and at most so many messages are delivered."""

    delivered_at_least: int
    delivered_at_most: int
    messages: int
    messages_due: int

    @classmethod
    def of(cls, look: Look) -> Bounds:
        """Return the bounds that a look gives."""
        record = look.record
        at_most = min(record.deliveries, record.messages)
        at_least = min(at_most, max(0, record.deliveries - record.carried_over))
        return cls(at_least, at_most, record.messages, look.messages_due)


@dataclass(frozen=True)
class Judgement:
    """What is decided of a tag, and why; C(verdict) is null while nothing is."""

    verdict: str | None
    decided_by: str | None
    reasons: tuple[str, ...]
    required_delivery_ratio: float
    delivered_at_least: int
    delivered_at_most: int
    messages: int
    messages_due: int

    def as_dict(self) -> dict[str, Any]:
        """Return the judgement in plain JSON types."""
        return {**asdict(self), "reasons": list(self.reasons)}


@dataclass(frozen=True)
class _Decision:
    verdict: str
    decided_by: str
    reason: str


def single_look(record: Record, policy: Policy, tags: int) -> Look:
    """Return what one reading alone tells: that the mail is still, where its last activity is old enough."""
    idle = record.idle_seconds()
    still = idle is not None and idle > policy.grace_period
    expected = policy.expected(record.tag)
    return Look(
        record=record,
        messages_due=record.messages if still else 0,
        sending_stopped=still if expected is None else record.messages >= expected,
        still=still,
        time_up=True,
        ratio_decides=policy.confidence == 0,
        deliveries_ahead=record.deliveries - record.carried_over > record.messages,
        tags=tags,
    )


def required_ratio(policy: Policy, baseline: Record | None) -> float:
    """Return the least share of messages delivered: the policy's own, or the baseline's less the drop, if higher."""
    if baseline is None or not baseline.messages:
        return policy.min_delivery_ratio
    share = min(1.0, baseline.deliveries / baseline.messages)
    return max(policy.min_delivery_ratio, round(share - policy.max_delivery_drop, 12))


def judge(look: Look, policy: Policy, baseline: Record | None = None) -> Judgement:
    """Judge a look by a policy, and against a baseline's record where the policy names one."""
    bounds = Bounds.of(look)
    required = required_ratio(policy, baseline)
    if baseline is not None and baseline.messages < policy.min_messages:
        return _judgement("inconclusive", None, [_reasons.weak_baseline(baseline, policy)], required, bounds)
    decision = None
    if look.record.known and bounds.messages >= policy.min_messages:
        decision = _decide(look, bounds, policy, required)
    held = _reasons.unmet_engagement(look.record, policy)
    if decision and not (decision.verdict == "pass" and held):
        return _judgement(decision.verdict, decision.decided_by, [decision.reason], required, bounds)
    missing = held if decision else _reasons.missing(look, bounds, policy, required)
    return _judgement("inconclusive" if look.time_up else None, None, missing, required, bounds)


def _decide(look: Look, bounds: Bounds, policy: Policy, required: float) -> _Decision | None:
    enough = bounds.delivered_at_least / bounds.messages >= required
    if look.sending_stopped:
        if enough:
            return _Decision("pass", "ratio", _reasons.enough(look, bounds, required))
        if look.still and bounds.delivered_at_most / bounds.messages < required:
            return _Decision("fail", "ratio", _reasons.too_few(look, bounds, policy, required))
    elif policy.confidence > 0:
        if not look.deliveries_ahead and _evidence_passes(bounds, policy, required):
            return _Decision("pass", "evidence", _reasons.evidently_enough(look, bounds, required))
        if _evidence_fails(bounds, policy, required, look.tags):
            return _Decision("fail", "evidence", _reasons.evidently_too_few(look, bounds, policy, required))
    elif enough and not look.deliveries_ahead and not look.time_up:
        return _Decision("pass", "ratio", _reasons.enough(look, bounds, required))
    # Where a number is expected, sending goes on until it is counted.
    if look.time_up and look.ratio_decides and enough and policy.expected(look.record.tag) is None:
        return _Decision("pass", "ratio", _reasons.enough(look, bounds, required))
    return None


def _evidence_passes(bounds: Bounds, policy: Policy, required: float) -> bool:
    if required == 0:
        return True
    evidence = log_evidence_for(bounds.delivered_at_least, bounds.messages, required)
    return evidence >= policy.log_threshold()


def _evidence_fails(bounds: Bounds, policy: Policy, required: float, tags: int) -> bool:
    due = bounds.messages_due
    if due < policy.min_messages:
        return False
    evidence = log_evidence_against(min(bounds.delivered_at_most, due), due, required)
    return evidence >= policy.log_threshold(tags)


def _judgement(
    verdict: str | None, decided_by: str | None, reasons: list[str], required: float, bounds: Bounds
) -> Judgement:
    return Judgement(verdict, decided_by, tuple(reasons), required, **asdict(bounds))
