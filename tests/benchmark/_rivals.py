# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's own state machine and its rivals, over the same looks. Private: names and behaviour may change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import GateEvent, Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.benchmark._campaigns import TAG

if TYPE_CHECKING:
    from ansible_collections.mailops.smtpeter.tests.benchmark._fates import Fates

# One-sided, 95%.
_Z = 1.6449


@dataclass(frozen=True)
class Outcome:
    """A verdict, after so many looks and seconds; `decided_by` is the gate's."""

    verdict: str
    looks: int
    seconds: float
    decided_by: str | None = None

    def is_wrong(self, share: float, required: float) -> bool:
        """Whether it passes what ends below the required share, or fails what does not."""
        return self.verdict == ("pass" if share < required else "fail")

    def is_by_deadline(self, timing: Timing) -> bool:
        """Whether it is a pass by the bare ratio when time was up."""
        return self.seconds >= timing.wait_timeout and self.decided_by == "ratio" and self.verdict == "pass"


def run_gate(
    looks: Sequence[Look], policy: Policy, timing: Timing, before: Record | None
) -> tuple[Outcome, dict[str, object]]:
    """Let the collection's gate take the looks until it has a verdict; return that, and its result."""
    gate = Gate(trackers_of([TAG], policy, {} if before is None else {TAG: before}), policy, timing)
    for look, following in zip(looks, [*looks[1:], None]):
        event = gate.look(look)
        if event.verdict is not None:
            return _outcome(event), gate.result()
        if following is None or not math.isclose(look.ended + event.next_in, following.began):
            break
    raise AssertionError("the gate wants to look at other moments than were simulated")


def run_gate_by_outcomes(
    looks: Sequence[Look], policy: Policy, timing: Timing, fates: Fates, begins: float, has_since: bool
) -> Outcome:
    """Let the collection's gate judge by outcomes until it has a verdict; a campaign begins `begins` seconds before."""
    gate = Gate(outcome_trackers_of([TAG], policy, has_since), policy, timing)
    for look in looks:
        wants = gate.wants_events(look.records, look.began)
        event = gate.look(replace(look, outcomes={TAG: fates.outcome(begins + look.ended)} if wants else {}))
        if event.verdict is not None:
            return _outcome(event)
    raise AssertionError("the gate did not end when time was up")


def _outcome(event: GateEvent) -> Outcome:
    decided_by = event.tags[TAG].judgement.decided_by if TAG in event.tags else None
    return Outcome(event.verdict, event.look, event.elapsed, decided_by)


def guaranteed(
    looks: Sequence[Look], policy: Policy, timing: Timing, before: Record | None, outcome: Outcome
) -> Outcome:
    """Return what becomes of a gate's outcome when the bare ratio does not decide at the deadline."""
    if not outcome.is_by_deadline(timing):
        return outcome
    return run_gate(looks, replace(policy, at_deadline="inconclusive"), timing, before)[0]


def polling(looks: Sequence[Look], policy: Policy, before: Record | None) -> Outcome:
    """Pass at the first look whose bare ratio is enough, as `until` and `retries` do; fail when they run out."""
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        if delivered / messages >= policy.min_delivery_ratio:
            return Outcome("pass", number, seconds)
    return Outcome("fail", len(looks), looks[-1].ended)


def every_look(looks: Sequence[Look], policy: Policy, before: Record | None) -> Outcome:
    """Fail at the first look whose bare ratio is not enough; pass when none was until the end."""
    verdict = "inconclusive"
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        verdict = "pass"
        if delivered / messages < policy.min_delivery_ratio:
            return Outcome("fail", number, seconds)
    return Outcome(verdict, len(looks), looks[-1].ended)


def wilson(looks: Sequence[Look], policy: Policy, before: Record | None) -> Outcome:
    """Pass or fail at the first look whose 95% Wilson bound is beyond the limit."""
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        low, high = wilson_bounds(min(delivered, messages), messages)
        if low >= policy.min_delivery_ratio:
            return Outcome("pass", number, seconds)
        if high < policy.min_delivery_ratio:
            return Outcome("fail", number, seconds)
    return Outcome("inconclusive", len(looks), looks[-1].ended)


def wilson_bounds(delivered: int, messages: int) -> tuple[float, float]:
    """Return the one-sided lower and upper bounds of a share, each at 95%."""
    share, square = delivered / messages, _Z * _Z / messages
    centre = share + square / 2
    reach = _Z * math.sqrt(share * (1 - share) / messages + square / (4 * messages))
    return (centre - reach) / (1 + square), (centre + reach) / (1 + square)


def _counts(looks: Sequence[Look], policy: Policy, before: Record | None) -> Iterator[tuple[int, float, int, int]]:
    """Yield number, seconds, deliveries and messages, less those from before, of each look at enough messages."""
    messages, deliveries = (before.messages, before.deliveries) if before else (0, 0)
    for number, look in enumerate(looks, 1):
        record = look.records[TAG]
        if record.messages - messages >= policy.min_messages:
            yield number, look.ended, max(0, record.deliveries - deliveries), record.messages - messages
