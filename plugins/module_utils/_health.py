# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement of one tag: bounds, evidence, verdict. Private: names and behaviour may change.

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


def required_ratio(policy: Policy, baseline: Record | None) -> float:
    """Return the least share of messages delivered: the policy's own, or the baseline's less the drop, if higher."""
    if baseline is None or not baseline.messages:
        return policy.min_delivery_ratio
    share = min(1.0, baseline.deliveries / baseline.messages)
    return max(policy.min_delivery_ratio, round(share - policy.max_delivery_drop, 12))


def judge(state: TagState, policy: Policy, baseline: Record | None = None) -> Judgement:
    """Judge a tag by a policy, and against a baseline's record where the policy names one."""
    required = required_ratio(policy, baseline)
    if baseline is not None and baseline.messages < policy.min_messages:
        return _judgement("inconclusive", None, [_reasons.weak_baseline(baseline, policy)], required, state)
    unmet = _reasons.unmet_engagement(state, policy)
    contradictions = _reasons.contradictions(state, baseline)
    decision = None
    if not contradictions and state.record.known and state.messages >= policy.min_messages:
        decision = _decide(state, policy, required)
    if decision and not (decision.verdict == "pass" and unmet):
        return _judgement(decision.verdict, decision.decided_by, [decision.reason], required, state)
    lacking = contradictions or (unmet if decision else _reasons.missing(state, policy, required))
    return _judgement("inconclusive" if state.time_up else None, None, lacking, required, state)


def inconclusive(state: TagState, policy: Policy, baseline: Record | None, reason: str) -> Judgement:
    """Return the judgement of a tag of which nothing can be decided, for a reason that lies outside of its counters."""
    return _judgement("inconclusive", None, [reason], required_ratio(policy, baseline), state)


def _decide(state: TagState, policy: Policy, required: float) -> _Decision | None:
    enough = state.delivered_at_least / state.messages >= required
    if state.sending_stopped:
        if enough:
            return _Decision("pass", "ratio", _reasons.enough(state, required))
        if state.settled and state.delivered_at_most / state.messages < required:
            return _Decision("fail", "ratio", _reasons.too_few(state, policy, required))
    elif policy.confidence > 0:
        if not state.deliveries_ahead and _evidence_passes(state, policy, required):
            return _Decision("pass", "evidence", _reasons.evidently_enough(state, required))
        if _evidence_fails(state, policy, required):
            return _Decision("fail", "evidence", _reasons.evidently_too_few(state, policy, required))
    elif enough and not state.deliveries_ahead and not state.time_up:
        return _Decision("pass", "ratio", _reasons.enough(state, required))
    # Where a number is expected, sending goes on until it is counted.
    if state.time_up and state.ratio_decides and enough and policy.expected(state.record.tag) is None:
        return _Decision("pass", "ratio", _reasons.enough(state, required))
    return None


def _evidence_passes(state: TagState, policy: Policy, required: float) -> bool:
    if required == 0:
        return True
    evidence = log_evidence_for(state.delivered_at_least, state.messages, required)
    return evidence >= policy.log_threshold()


def _evidence_fails(state: TagState, policy: Policy, required: float) -> bool:
    due = state.messages_due
    if due < policy.min_messages:
        return False
    evidence = log_evidence_against(min(state.delivered_at_most, due), due, required)
    return evidence >= policy.log_threshold(state.tags)


def _judgement(
    verdict: str | None, decided_by: str | None, reasons: list[str], required: float, state: TagState
) -> Judgement:
    return Judgement(
        verdict=verdict,
        decided_by=decided_by,
        reasons=tuple(reasons),
        required_delivery_ratio=required,
        delivered_at_least=state.delivered_at_least,
        delivered_at_most=state.delivered_at_most,
        messages=state.messages,
        messages_due=state.messages_due,
    )
