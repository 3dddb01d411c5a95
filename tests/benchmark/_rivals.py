"""The gate's own state machine and its rivals, over the same looks. Private: names and behaviour may change."""

import math
from dataclasses import dataclass, replace

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.tests.benchmark._campaigns import TAG

# One-sided, 95%.
_Z = 1.6449


@dataclass(frozen=True)
class Decision:
    """A verdict, after so many looks and seconds; `decided_by` is the gate's."""

    verdict: str
    looks: int
    seconds: float
    decided_by: str | None = None

    def is_by_deadline(self, timing):
        """Whether it is a pass by the bare ratio when time was up."""
        return (self.verdict, self.decided_by) == ("pass", "ratio") and self.seconds >= timing.wait_timeout


def run_gate(looks, policy, timing, before):
    """Let the collection's gate take the looks until it has a verdict; return that, and its result."""
    gate = Gate(trackers_of([TAG], policy, {} if before is None else {TAG: before}), policy, timing)
    for look, following in zip(looks, [*looks[1:], None]):
        event = gate.look(look)
        if event.verdict is not None:
            return _decision(event), gate.result()
        if following is None or not math.isclose(look.ended + event.next_in, following.began):
            break
    raise AssertionError("the gate wants to look at other moments than were simulated")


def run_gate_by_outcomes(looks, policy, timing, fates, begins, has_since):
    """Let the collection's gate judge by outcomes until it has a verdict; a campaign begins `begins` seconds before."""
    gate = Gate(outcome_trackers_of([TAG], policy, has_since), policy, timing)
    for look in looks:
        wants = gate.wants_events(look.records, look.began)
        event = gate.look(replace(look, outcomes={TAG: fates.outcome(begins + look.ended)} if wants else {}))
        if event.verdict is not None:
            return _decision(event)
    raise AssertionError("the gate did not end when time was up")


def _decision(event):
    decided_by = event.tags[TAG].judgement.decided_by if TAG in event.tags else None
    return Decision(event.verdict, event.look, event.elapsed, decided_by)


def polling(looks, policy, before):
    """Pass at the first look whose bare ratio is enough, as `until` and `retries` do; fail when they run out."""
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        if delivered / messages >= policy.min_delivery_ratio:
            return Decision("pass", number, seconds)
    return Decision("fail", len(looks), looks[-1].ended)


def every_look(looks, policy, before):
    """Fail at the first look whose bare ratio is not enough; pass when none was until the end."""
    verdict = "inconclusive"
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        verdict = "pass"
        if delivered / messages < policy.min_delivery_ratio:
            return Decision("fail", number, seconds)
    return Decision(verdict, len(looks), looks[-1].ended)


def wilson(looks, policy, before):
    """Pass or fail at the first look whose Wilson bound, one-sided at 95%, is beyond the limit."""
    for number, seconds, delivered, messages in _counts(looks, policy, before):
        share, square = min(delivered, messages) / messages, _Z * _Z / messages
        reach = _Z * math.sqrt(share * (1 - share) / messages + square / (4 * messages))
        low, high = ((share + square / 2 + side * reach) / (1 + square) for side in (-1, 1))
        if low >= policy.min_delivery_ratio or high < policy.min_delivery_ratio:
            return Decision("pass" if low >= policy.min_delivery_ratio else "fail", number, seconds)
    return Decision("inconclusive", len(looks), looks[-1].ended)


def _counts(looks, policy, before):
    """Yield number, seconds, deliveries and messages, less those from before, of each look at enough messages."""
    messages, deliveries = (before.messages, before.deliveries) if before else (0, 0)
    for number, look in enumerate(looks, 1):
        record = look.records[TAG]
        if record.messages - messages >= policy.min_messages:
            yield number, look.ended, max(0, record.deliveries - deliveries), record.messages - messages
