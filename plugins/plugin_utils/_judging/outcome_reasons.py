# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences that explain a judgement by outcomes; they name why mail failed. Private: names may change."""

from __future__ import annotations

from typing import Iterable

from .._format import percent, share
from . import reasons
from .evidence import more_messages
from .outcome import Cause
from .outcome_state import Group, OutcomeState
from .policy import Policy

_CAUSES_TOLD = 3
_WORDS_CHARS = 60
# What the usual enhanced status codes of RFC 3463 mean, for one message and for several.
_MEANINGS = {
    "5.1.1": ("unknown mailbox", "unknown mailboxes"),
    "5.1.2": ("unknown domain", "unknown domains"),
    "5.2.1": ("disabled mailbox", "disabled mailboxes"),
    "5.2.2": ("full mailbox", "full mailboxes"),
    "4.2.2": ("full mailbox", "full mailboxes"),
}


def too_few(state: OutcomeState, required: float) -> str:
    """Say that too many messages failed for good for the rest to make up for it."""
    most = state.delivered_at_most
    return (
        f"{reasons.named(state.tag)}at most {most} of {state.messages} messages can be delivered "
        f"({share(most, state.messages)}), and at least {percent(required)} is required; {failed(state)}"
    )


def settled_below(state: OutcomeState, policy: Policy, required: float) -> str:
    """Say that too few messages are delivered and nothing has moved."""
    text = f"{reasons.delivered(state)}, and at least {percent(required)} is required"
    text += f"; nothing has moved for {policy.grace_period:g} s"
    return f"{text}; {failed(state)}" if state.outcome.failed else text


def evidently_enough(state: OutcomeState, group: Group, required: float) -> str:
    """Say that evidence passes while mail is being sent."""
    return f"{_of_group(state, group)}: enough evidence that it is at least {percent(required)}"


def evidently_too_few(state: OutcomeState, group: Group, required: float) -> str:
    """Say that evidence fails while mail is being sent."""
    most = group.messages - group.failed
    first = "" if group.messages == state.messages else "the first "
    return (
        f"{reasons.named(state.tag)}at most {most} of {first}{group.messages} messages can be delivered "
        f"({share(most, group.messages)}): enough evidence that it is less than the {percent(required)} required; "
        f"{failed(state)}"
    )


def older_enough(state: OutcomeState, group: Group, policy: Policy, required: float) -> str:
    """Say that the ratio of the older messages passes when time is up."""
    older = f"of the {group.messages} messages that are more than {policy.grace_period:g} s old"
    return (
        f"{reasons.named(state.tag)}{group.deliveries} {older} are delivered "
        f"({share(group.deliveries, group.messages)}), and at least {percent(required)} is required"
    )


def missing(state: OutcomeState, policy: Policy, required: float) -> list[str]:
    """Say what an undecided tag lacks."""
    outcome = state.outcome
    name = reasons.named(outcome.tag)
    if not outcome.known:
        return [reasons.unknown(outcome.tag, outcome.notes)]
    if state.messages < policy.min_messages:
        return [f"{name}{state.messages} of at least {policy.min_messages} messages so far"]
    sentences = [f"{reasons.delivered(state)}, and at least {percent(required)} is required"]
    if outcome.failed:
        sentences.append(f"{name}{failed(state)}")
    expected = policy.expected(outcome.tag)
    if expected is not None and state.messages < expected:
        sentences.append(f"{name}{state.messages} of {expected} expected messages so far")
    if outcome.under_way:
        sentences.append(f"{name}{outcome.under_way} are under way")
    if policy.confidence > 0 and not state.sending_stopped:
        sentences.append(name + _evidence_lacks(state, policy, required))
    return sentences


def failed(state: OutcomeState) -> str:
    """Say how many messages failed, and why: `102 of 600 messages failed: 98 refused by example.net with 550 5.7.1`."""
    outcome = state.outcome
    text = f"{outcome.failed} of {outcome.messages} messages failed"
    causes = _added_up(outcome.failures)[:_CAUSES_TOLD]
    if not causes:
        return text
    told = [f"{messages} {many if messages != 1 else one}" for (one, many), messages in causes]
    others = outcome.failed - sum(messages for _phrases, messages in causes)
    if others > 0:
        told.append(f"{others} for other causes")
    return f"{text}: {', '.join(told)}"


def _added_up(causes: Iterable[Cause]) -> list[tuple[tuple[str, str], int]]:
    """Return what is said of causes, for one message and for several, and how many messages of each, most first.

    Causes that read the same are one, such as unknown mailboxes that two receivers put into words of their own.
    """
    counts: dict[tuple[str, str], int] = {}
    for cause in causes:
        phrases = _cause(cause)
        counts[phrases] = counts.get(phrases, 0) + cause.messages
    return sorted(counts.items(), key=lambda item: -item[1])


def _cause(cause: Cause) -> tuple[str, str]:
    """Say why one message failed, and why several did: `refused by example.net with 550 5.7.1 (blocked)`."""
    codes = " ".join(str(code) for code in (cause.code, cause.status) if code is not None)
    meaning = _MEANINGS.get(cause.status or "")
    if meaning:
        return f"{meaning[0]} ({codes})", f"{meaning[1]} ({codes})"
    verb = "returned" if (cause.state or "").lower() == "bounce" else "refused"
    domains = f" by {' and '.join(cause.domains[:2])}" if cause.domains else ""
    if len(cause.domains) > 2:
        domains += " and others"
    words = _words(cause)
    text = f"{verb}{domains}{f' with {codes}' if codes else ''}{f' ({words})' if words else ''}"
    return text, text


def _words(cause: Cause) -> str:
    """Return the receiver's words without the codes that stand before them, cut to a readable length."""
    words = cause.description or ""
    for code in (str(cause.code), cause.status or ""):
        words = words[len(code) :].lstrip(" -:") if code and words.startswith(code) else words
    return words if len(words) <= _WORDS_CHARS else f"{words[:_WORDS_CHARS].rstrip()} ..."


def _of_group(state: OutcomeState, group: Group) -> str:
    if group.messages == state.messages:
        return reasons.delivered(state)
    part = share(group.deliveries, group.messages)
    first = f"{group.deliveries} of the first {group.messages} messages are delivered ({part})"
    return f"{reasons.named(state.tag)}{first}"


def _evidence_lacks(state: OutcomeState, policy: Policy, required: float) -> str:
    passes = state.delivered_at_least / state.messages > required
    fails = state.delivered_at_most / state.messages < required
    if not passes and not fails:
        return "what is under way decides it"
    delivered = state.delivered_at_least if passes else state.delivered_at_most
    threshold = policy.log_threshold(1 if passes else state.tags)
    return reasons.more_needed(more_messages(delivered, state.messages, required, threshold))
