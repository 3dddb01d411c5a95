# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges one tag by a policy. Private: names and behaviour may change.

While mail is being sent, the gate decides on statistical evidence; once sending has stopped, on the final counts; at
the timeout it reports what it has.
"""

from __future__ import annotations

from ...module_utils._errors import OptionError
from ...module_utils._record import Record
from . import reasons
from .baseline import Baseline, held_by_baseline, required_ratio
from .evidence import log_evidence_against, log_evidence_for
from .judgement import Decision, Judgement
from .policy import Policy
from .state import TagState


def judge(state: TagState, policy: Policy, baseline: Baseline | None = None) -> Judgement:
    """Judge a tag by a policy, and against a baseline where the policy names one.

    Raises OptionError where the policy asks for opens or clicks that the record does not have.
    """
    _check_engagement(state.record, policy)
    required = required_ratio(policy, baseline)
    undecided = "inconclusive" if state.time_up else None
    held = held_by_baseline(state, policy, baseline, undecided)
    if held:
        return held
    if state.contradicts_itself:
        reason = reasons.contradiction(state.tag, state.messages, state.record.deliveries)
        return Judgement.undecided(undecided, [reason], required, state)
    unmet = reasons.unmet_engagement(state, policy)
    decision = None
    if state.record.known and state.messages >= policy.min_messages:
        decision = _decide(state, policy, required)
    if decision and not (decision.verdict == "pass" and unmet):
        return Judgement.decided(decision, required, state)
    lacking = unmet if decision else reasons.missing(state, policy, required)
    return Judgement.undecided(undecided, lacking, required, state)


def _check_engagement(record: Record, policy: Policy) -> None:
    asked = (
        ("min_open_ratio", policy.min_open_ratio, "opens", record.opens),
        ("min_click_ratio", policy.min_click_ratio, "clicks", record.clicks),
    )
    for name, least, what, count in asked:
        if least is not None and count is None:
            raise OptionError(name, f"the record has no {what} to judge; leave the option out")


def _decide(state: TagState, policy: Policy, required: float) -> Decision | None:
    enough = state.delivered_at_least / state.messages >= required
    if state.sending_stopped:
        if enough:
            return Decision("pass", "ratio", reasons.enough(state, required))
        if state.settled and state.delivered_at_most / state.messages < required:
            return Decision("fail", "ratio", reasons.too_few(state, policy, required))
    elif policy.confidence > 0:
        if not state.deliveries_ahead and _evidence_passes(state, policy, required):
            return Decision("pass", "evidence", reasons.evidently_enough(state, required))
        if _evidence_fails(state, policy, required):
            return Decision("fail", "evidence", reasons.evidently_too_few(state, policy, required))
    elif enough and not state.deliveries_ahead and not state.time_up:
        return Decision("pass", "ratio", reasons.enough(state, required))
    # Where a number is expected, sending goes on until it is counted.
    if state.time_up and state.ratio_decides and enough and policy.expected(state.record.tag) is None:
        return Decision("pass", "ratio", reasons.enough(state, required))
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
