# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges one tag by a policy. Private: names and behaviour may change.

While mail is being sent, the gate decides on statistical evidence; once sending has stopped, on the final counts; at
the timeout it reports what it has.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...module_utils._errors import OptionError
from ...module_utils._policy import Policy
from ...module_utils._record import Record
from . import reasons
from .evidence import log_evidence_against, log_evidence_for
from .judgement import Judgement
from .state import TagState


@dataclass(frozen=True)
class _Decision:
    verdict: str
    decided_by: str
    reason: str


def required_ratio(policy: Policy, baseline: Record | None) -> float:
    """Return the least share of messages delivered: the policy's own, or the baseline's less the drop, if higher."""
    if baseline is None or not baseline.messages:
        return policy.min_delivery_ratio
    share = min(1.0, baseline.deliveries / baseline.messages)
    return max(policy.min_delivery_ratio, round(share - policy.max_delivery_drop, 12))


def judge(state: TagState, policy: Policy, baseline: Record | None = None) -> Judgement:
    """Judge a tag by a policy, and against a baseline's record where the policy names one.

    Raises OptionError where the policy asks for opens or clicks that the record does not have.
    """
    _check_engagement(state.record, policy)
    required = required_ratio(policy, baseline)
    if baseline is not None and baseline.messages < policy.min_messages:
        return _judgement("inconclusive", None, [reasons.weak_baseline(baseline, policy)], required, state)
    unmet = reasons.unmet_engagement(state, policy)
    contradictions = reasons.contradictions(state, baseline)
    decision = None
    if not contradictions and state.record.known and state.messages >= policy.min_messages:
        decision = _decide(state, policy, required)
    if decision and not (decision.verdict == "pass" and unmet):
        return _judgement(decision.verdict, decision.decided_by, [decision.reason], required, state)
    lacking = contradictions or (unmet if decision else reasons.missing(state, policy, required))
    return _judgement("inconclusive" if state.time_up else None, None, lacking, required, state)


def inconclusive(state: TagState, policy: Policy, baseline: Record | None, reason: str) -> Judgement:
    """Return the judgement of a tag of which nothing can be decided, for a reason that lies outside of its counters."""
    return _judgement("inconclusive", None, [reason], required_ratio(policy, baseline), state)


def _check_engagement(record: Record, policy: Policy) -> None:
    asked = (
        ("min_open_ratio", policy.min_open_ratio, "opens", record.opens),
        ("min_click_ratio", policy.min_click_ratio, "clicks", record.clicks),
    )
    for name, least, what, count in asked:
        if least is not None and count is None:
            raise OptionError(name, f"the record has no {what} to judge; leave the option out")


def _decide(state: TagState, policy: Policy, required: float) -> _Decision | None:
    enough = state.delivered_at_least / state.messages >= required
    if state.sending_stopped:
        if enough:
            return _Decision("pass", "ratio", reasons.enough(state, required))
        if state.settled and state.delivered_at_most / state.messages < required:
            return _Decision("fail", "ratio", reasons.too_few(state, policy, required))
    elif policy.confidence > 0:
        if not state.deliveries_ahead and _evidence_passes(state, policy, required):
            return _Decision("pass", "evidence", reasons.evidently_enough(state, required))
        if _evidence_fails(state, policy, required):
            return _Decision("fail", "evidence", reasons.evidently_too_few(state, policy, required))
    elif enough and not state.deliveries_ahead and not state.time_up:
        return _Decision("pass", "ratio", reasons.enough(state, required))
    # Where a number is expected, sending goes on until it is counted.
    if state.time_up and state.ratio_decides and enough and policy.expected(state.record.tag) is None:
        return _Decision("pass", "ratio", reasons.enough(state, required))
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
    verdict: str | None, decided_by: str | None, sentences: list[str], required: float, state: TagState
) -> Judgement:
    return Judgement(
        verdict=verdict,
        decided_by=decided_by,
        reasons=tuple(sentences),
        required_delivery_ratio=required,
        delivered_at_least=state.delivered_at_least,
        delivered_at_most=state.delivered_at_most,
        messages=state.messages,
        messages_due=state.messages_due,
    )
