# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges one tag by what became of its messages. Private: names and behaviour may change.

In the order in which messages were taken in, each group of older messages is a prefix, and the evidence of all prefixes
together is one process. So looking at several groups costs no confidence.
"""

from __future__ import annotations

from ...module_utils._errors import OptionError
from . import outcome_reasons, reasons
from .baseline import Baseline, held_by_baseline, required_ratio
from .evidence import log_evidence_against, log_evidence_for
from .judgement import Decision, Judgement
from .outcome_state import Group, OutcomeState
from .policy import Policy


def judge_outcome(state: OutcomeState, policy: Policy, baseline: Baseline | None = None) -> Judgement:
    """Judge a tag by a policy, and against a baseline's figures where the policy names one.

    Raises OptionError where the policy asks for opens or clicks, which outcomes do not have.
    """
    check_asked(policy)
    required = required_ratio(policy, baseline)
    undecided = "inconclusive" if state.time_up else None
    held = held_by_baseline(state, policy, baseline, undecided)
    if held:
        return held
    decision = None
    if state.outcome.known and state.messages >= policy.min_messages:
        decision = _decide(state, policy, required)
    if decision:
        return Judgement.decided(decision, required, state)
    return Judgement.undecided(undecided, outcome_reasons.missing(state, policy, required), required, state)


def check_asked(policy: Policy) -> None:
    """Raise OptionError where a policy asks for what outcomes do not have."""
    for name, least in (("min_open_ratio", policy.min_open_ratio), ("min_click_ratio", policy.min_click_ratio)):
        if least is not None:
            raise OptionError(name, "outcomes have no opens and clicks; leave it out, or judge by counters")


def _decide(state: OutcomeState, policy: Policy, required: float) -> Decision | None:
    decision = _by_counts(state, policy, required) if state.sending_stopped else _by_evidence(state, policy, required)
    if decision is None and state.time_up and state.ratio_decides:
        return _by_ratio(state, policy, required)
    return decision


def _by_counts(state: OutcomeState, policy: Policy, required: float) -> Decision | None:
    """Decide once sending has stopped: what is under way can still be delivered, what failed can not."""
    if _is_enough(state, required):
        return Decision("pass", "ratio", reasons.enough(state, required))
    if state.delivered_at_most / state.messages < required:
        return Decision("fail", "ratio", outcome_reasons.too_few(state, required))
    if state.settled:
        return Decision("fail", "ratio", outcome_reasons.settled_below(state, policy, required))
    return None


def _by_evidence(state: OutcomeState, policy: Policy, required: float) -> Decision | None:
    """Decide while mail is being sent; without confidence the bare ratio stands in for evidence, and nothing fails."""
    if policy.confidence == 0:
        passes = _is_enough(state, required) and not state.time_up
        return Decision("pass", "ratio", reasons.enough(state, required)) if passes else None
    groups = list(state.groups(policy))
    for group in groups:
        if _evidence_passes(group, policy, required):
            return Decision("pass", "evidence", outcome_reasons.evidently_enough(state, group, required))
    for group in groups:
        if _evidence_fails(group, policy, required, state.tags):
            return Decision("fail", "evidence", outcome_reasons.evidently_too_few(state, group, required))
    return None


def _by_ratio(state: OutcomeState, policy: Policy, required: float) -> Decision | None:
    """Decide by the bare ratio, now that time is up; where a number is expected, it is not all there."""
    if policy.expected(state.tag) is not None:
        return None
    if _is_enough(state, required):
        return Decision("pass", "ratio", reasons.enough(state, required))
    older = state.group(policy.grace_period)
    if state.sending_stopped or older.messages < policy.min_messages or older.deliveries / older.messages < required:
        return None
    return Decision("pass", "ratio", outcome_reasons.older_enough(state, older, policy, required))


def _is_enough(state: OutcomeState, required: float) -> bool:
    return state.delivered_at_least / state.messages >= required


def _evidence_passes(group: Group, policy: Policy, required: float) -> bool:
    if required == 0:
        return True
    return log_evidence_for(group.deliveries, group.messages, required) >= policy.log_threshold()


def _evidence_fails(group: Group, policy: Policy, required: float, tags: int) -> bool:
    evidence = log_evidence_against(group.messages - group.failed, group.messages, required)
    return evidence >= policy.log_threshold(tags)
