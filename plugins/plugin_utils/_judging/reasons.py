# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences that explain a judgement. Private: names and behaviour may change.

Each gives the figure and what is required, and what a person can do about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...module_utils._record import unknown_tag
from .._format import percent, share
from .evidence import more_messages
from .judgement import Judged
from .policy import Policy
from .state import TagState


def enough(state: Judged, required: float) -> str:
    """Say that the counts pass."""
    return f"{delivered(state)}, and at least {percent(required)} is required"


def too_few(state: TagState, policy: Policy, required: float) -> str:
    """Say that the counts fail, now that nothing moves."""
    return (
        f"{named(state.tag)}only {state.delivered_at_most} of {state.messages} messages are delivered "
        f"({share(state.delivered_at_most, state.messages)}) where at least {percent(required)} is required, and "
        f"nothing has moved for {policy.grace_period:g} s; {_LOOK_FOR}"
    )


def evidently_enough(state: TagState, required: float) -> str:
    """Say that evidence passes while mail is being sent."""
    return f"{delivered(state)}: enough evidence that it is at least {percent(required)}"


def evidently_too_few(state: TagState, policy: Policy, required: float) -> str:
    """Say that evidence fails while mail is being sent."""
    due = state.messages_due
    delivered = min(state.delivered_at_most, due)
    return (
        f"{named(state.tag)}at most {delivered} of the {due} messages that are more than "
        f"{policy.grace_period:g} s old are delivered ({share(delivered, due)}): enough evidence that it is less "
        f"than the {percent(required)} required; {_LOOK_FOR}"
    )


def weak_baseline(tag: str | None, known: bool, messages: int, policy: Policy) -> str:
    """Say that the baseline has too little mail to judge against."""
    if not known:
        return f"baseline_tag '{tag}': {unknown_tag(tag)}"
    return (
        f"baseline_tag '{tag}' has {messages} of at least {policy.min_messages} messages; "
        "choose one with more mail, or lower min_messages"
    )


def contradiction(tag: str | None, messages: int, deliveries: int) -> str:
    """Say that the counters contradict each other, with the figures as they came."""
    counted = f"{deliveries} deliveries are counted for {messages} messages"
    return f"{named(tag)}{counted}: the counters contradict each other, so they decide nothing"


def unknown(tag: str | None, notes: Sequence[str]) -> str:
    """Say that the service has nothing under a tag, and which other tag the notes suggest."""
    meant = [note for note in notes if note.startswith(_SUGGESTION)]
    return "; ".join([f"{named(tag)}{unknown_tag(tag)}", *meant])


def unmet_engagement(state: TagState, policy: Policy) -> list[str]:
    """Say which of the asked opens and clicks are not there yet."""
    record = state.record
    sentences = []
    for name, least, ratio, count in (
        ("min_open_ratio", policy.min_open_ratio, record.open_ratio, record.opens),
        ("min_click_ratio", policy.min_click_ratio, record.click_ratio, record.clicks),
    ):
        what = "opens" if name == "min_open_ratio" else "clicks"
        if least is None:
            continue
        fell = [text for text in state.fallen if text.startswith(what)]
        if fell:
            sentences.append(f"{named(record.tag)}{fell[0]}, and {name} asks for {percent(least)}")
        elif (ratio or 0) < least:
            sentences.append(
                f"{named(record.tag)}{count} {what} of {record.deliveries} deliveries, and {name} asks for "
                f"{percent(least)}; they arrive late"
            )
    return sentences


def missing(state: TagState, policy: Policy, required: float) -> list[str]:
    """Say what an undecided tag lacks."""
    record = state.record
    if not record.known:
        return [unknown(record.tag, record.notes)]
    if state.messages < policy.min_messages:
        return [f"{named(record.tag)}{state.messages} of at least {policy.min_messages} messages so far"]
    sentences = [f"{delivered(state)}, and at least {percent(required)} is required"]
    expected = policy.expected(record.tag)
    if expected is not None and state.messages < expected:
        sentences.append(f"{named(record.tag)}{state.messages} of {expected} expected messages so far")
    under_way = state.messages - state.delivered_at_most
    if under_way and not state.settled:
        sentences.append(f"{named(record.tag)}{under_way} may still be under way")
    if record.carried_over:
        sentences.append(f"{named(record.tag)}{record.carried_over} of the deliveries may belong to mail from before")
    if policy.confidence > 0 and not state.sending_stopped:
        sentences.append(named(record.tag) + _evidence_lacks(state, policy, required))
    return sentences


# What a note begins with that suggests another tag.
_SUGGESTION = "did you mean"
_LOOK_FOR = (
    "look for refusals (no such address, mailbox full, taken for spam) and connection failures in the service's log"
)


def _evidence_lacks(state: TagState, policy: Policy, required: float) -> str:
    if state.deliveries_ahead:
        return "deliveries were seen above messages, so evidence no longer decides"
    passes = state.delivered_at_least / state.messages > required
    threshold = policy.log_threshold(1 if passes else state.tags)
    more = more_messages(state.delivered_at_least, state.messages, required, threshold)
    if more == 0:
        return f"mail younger than {policy.grace_period:g} s does not count as lost yet"
    return more_needed(more)


def more_needed(more: int | None) -> str:
    """Say how many more messages evidence takes; null where no number is enough."""
    if more is None:
        return "the ratio is too close to the required one for evidence"
    return f"needs about {more} more messages like these"


def delivered(state: Judged) -> str:
    """Say how many messages are delivered."""
    least = state.delivered_at_least
    some = "at least " if state.carried_over else ""
    return (
        f"{named(state.tag)}{some}{least} of {state.messages} messages are delivered ({share(least, state.messages)})"
    )


def named(tag: str | None) -> str:
    """Return what a sentence about a tag begins with."""
    return "" if tag is None else f"{tag}: "
