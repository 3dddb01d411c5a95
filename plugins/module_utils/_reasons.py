# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences that explain a judgement. Private: names and behaviour may change.

Each has the figure and the limit, and what a person can do where something can be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import OptionError
from ._evidence import more_messages
from ._record import unknown_tag

if TYPE_CHECKING:
    from ._health import Bounds, Look
    from ._policy import Policy
    from ._record import Record


def percent(ratio: float) -> str:
    """Return a ratio as people read it: C(95 %), C(99.5 %)."""
    return f"{ratio * 100:.6g} %"


def share(part: int, whole: int) -> str:
    """Return a share in percent, rounded down to two digits, so that 94.999 % never reads as 95 %."""
    hundredths = part * 10000 // whole
    return f"{hundredths / 100:.6g} %"


def enough(look: Look, bounds: Bounds, required: float) -> str:
    """Say that the counts pass."""
    return f"{_delivered(look, bounds)}, and at least {percent(required)} is required"


def too_few(look: Look, bounds: Bounds, policy: Policy, required: float) -> str:
    """Say that the counts fail, now that nothing moves."""
    return (
        f"{_named(look.record)}only {bounds.delivered_at_most} of {bounds.messages} messages are delivered "
        f"({share(bounds.delivered_at_most, bounds.messages)}) where at least {percent(required)} is required, and "
        f"nothing has moved for {policy.grace_period:g} s; {_LOOK_FOR}"
    )


def evidently_enough(look: Look, bounds: Bounds, required: float) -> str:
    """Say that evidence passes while mail is being sent."""
    return f"{_delivered(look, bounds)}: enough evidence that it is at least {percent(required)}"


def evidently_too_few(look: Look, bounds: Bounds, policy: Policy, required: float) -> str:
    """Say that evidence fails while mail is being sent."""
    due = bounds.messages_due
    delivered = min(bounds.delivered_at_most, due)
    return (
        f"{_named(look.record)}at most {delivered} of the {due} messages that are more than "
        f"{policy.grace_period:g} s old are delivered ({share(delivered, due)}): enough evidence that it is less "
        f"than the {percent(required)} required; {_LOOK_FOR}"
    )


def weak_baseline(baseline: Record, policy: Policy) -> str:
    """Say that the baseline has too little mail to judge against."""
    if not baseline.known:
        return f"baseline_tag '{baseline.tag}': {unknown_tag(baseline.tag)}"
    return (
        f"baseline_tag '{baseline.tag}' has {baseline.messages} of at least {policy.min_messages} messages; "
        "choose one with more mail, or lower min_messages"
    )


def unmet_engagement(record: Record, policy: Policy) -> list[str]:
    """Say which of the asked opens and clicks are not there yet; raises OptionError where they were not counted."""
    sentences = []
    for name, least, ratio, count in (
        ("min_open_ratio", policy.min_open_ratio, record.open_ratio, record.opens),
        ("min_click_ratio", policy.min_click_ratio, record.click_ratio, record.clicks),
    ):
        what = "opens" if name == "min_open_ratio" else "clicks"
        if least is None:
            continue
        if count is None:
            raise OptionError(name, f"the record has no {what} to judge; leave the option out")
        if (ratio or 0) < least:
            sentences.append(
                f"{_named(record)}{count} {what} of {record.deliveries} deliveries, and {name} asks for "
                f"{percent(least)}; they arrive late"
            )
    return sentences


def missing(look: Look, bounds: Bounds, policy: Policy, required: float) -> list[str]:
    """Say what an undecided tag lacks."""
    record = look.record
    if not record.known:
        return [f"{_named(record)}{unknown_tag(record.tag)}"]
    if bounds.messages < policy.min_messages:
        return [f"{_named(record)}{bounds.messages} of at least {policy.min_messages} messages so far"]
    sentences = [f"{_delivered(look, bounds)}, and at least {percent(required)} is required"]
    expected = policy.expected(record.tag)
    if expected is not None and bounds.messages < expected:
        sentences.append(f"{_named(record)}{bounds.messages} of {expected} expected messages so far")
    under_way = bounds.messages - bounds.delivered_at_most
    if under_way and not look.still:
        sentences.append(f"{_named(record)}{under_way} may still be under way")
    if record.carried_over:
        sentences.append(f"{_named(record)}{record.carried_over} of the deliveries may belong to mail from before")
    if policy.confidence > 0 and not look.sending_stopped:
        sentences.append(_named(record) + _evidence_lacks(look, bounds, policy, required))
    return sentences


_LOOK_FOR = (
    "look for refusals (no such address, mailbox full, taken for spam) and connection failures in the service's log"
)


def _evidence_lacks(look: Look, bounds: Bounds, policy: Policy, required: float) -> str:
    if look.deliveries_ahead:
        return "deliveries were seen above messages, so evidence no longer decides"
    passes = bounds.delivered_at_least / bounds.messages > required
    threshold = policy.log_threshold(1 if passes else look.tags)
    more = more_messages(bounds.delivered_at_least, bounds.messages, required, threshold)
    if more is None:
        return "the share is too close to the required one for evidence"
    if more == 0:
        return f"evidence against it counts only mail that is older than {policy.grace_period:g} s"
    return f"about {more} more messages like these decide it"


def _delivered(look: Look, bounds: Bounds) -> str:
    least = bounds.delivered_at_least
    some = "at least " if look.record.carried_over else ""
    return (
        f"{_named(look.record)}{some}{least} of {bounds.messages} messages are delivered "
        f"({share(least, bounds.messages)})"
    )


def _named(record: Record) -> str:
    return "" if record.tag is None else f"{record.tag}: "
