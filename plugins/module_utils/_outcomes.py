# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each message under a tag, from its events. Private: names and behaviour may change.

Events come in any order and any number of times. What is stored of a message is its key, three moments, and the numbers
of its domain and of the cause of its failure.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Iterable, Iterator, NamedTuple

from ._events import Event, read_event
from ._privacy import DescriptionMask, domain_of
from ._record import to_iso, unknown_tag
from ._tally import MessageCount, Tally, Timeline, moment_of

_NEVER = -(2**40)
_KEY_LIMIT = 96
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_STATE = re.compile(r"[A-Za-z][A-Za-z _-]{0,29}")
_RETURNED = "bounce"
_CAUSE_DOMAINS = 3
LAST_MONTH = "only the mail of about the last month is counted: give since for another period"
NO_MAIL_SINCE = "there is no mail since then, or no such tag: check its spelling"


class Cause(NamedTuple):
    """Why a message failed: the codes that the receiver gave, if they are in the usual form, and its masked text."""

    code: int | None
    status: str | None
    state: str | None
    description: str | None

    @property
    def order(self) -> tuple[Any, ...]:
        """A key that sorts causes."""
        return (self.code or 0, self.status or "", self.state or "", self.description or "")


@dataclass(frozen=True)
class Outcome:
    """What became of the messages under a tag; `as_dict` returns it in the form that plugins return.

    Moments are in UTC, and `oldest_under_way` is in seconds. `failures`, `domains` and `timeline` are as in the result.
    `age` is how many seconds a cache had stored the oldest answer; it is not in the plain form.
    """

    tag: str
    known: bool
    notes: tuple[str, ...]
    fetched_at: datetime
    since: datetime | None
    messages: int
    deliveries: int
    failed: int
    returned: int
    oldest_under_way: int | None
    last_taken_at: datetime | None
    last_moved_at: datetime | None
    read_seconds: float
    failures: tuple[dict[str, Any], ...]
    domains: tuple[dict[str, Any], ...]
    timeline: tuple[dict[str, Any], ...]
    age: int | None = None

    def with_notes(self, *notes: str) -> Outcome:
        """Return the outcome with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    @property
    def under_way(self) -> int:
        """Messages that are neither delivered nor failed."""
        return self.messages - self.deliveries - self.failed

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome in plain JSON types, all keys present."""
        return {
            "tag": self.tag,
            "known": self.known,
            "notes": list(self.notes),
            "fetched_at": to_iso(self.fetched_at),
            "since": to_iso(self.since),
            "messages": self.messages,
            "deliveries": self.deliveries,
            "failed": self.failed,
            "returned": self.returned,
            "under_way": self.under_way,
            "oldest_under_way": self.oldest_under_way,
            "last_taken_at": to_iso(self.last_taken_at),
            "last_moved_at": to_iso(self.last_moved_at),
            "read_seconds": self.read_seconds,
            "delivery_ratio": self.deliveries / self.messages if self.messages else None,
            "failures": list(self.failures),
            "domains": list(self.domains),
            "timeline": list(self.timeline),
        }


class OutcomeCollector:
    """Collects the events of one tag, and makes an outcome of them.

    `mask` masks addresses and the token in what receivers said.
    """

    def __init__(self, tag: str, mask: DescriptionMask) -> None:
        self._tag = tag
        self._mask = mask
        self._events = 0
        self._numbers: dict[str | bytes, int] = {}
        self._taken = array("q")
        self._delivered = array("q")
        self._failed = array("q")
        self._domain_of = array("l")
        self._cause_of = array("l")
        self._domains: dict[str | None, int] = {}
        self._causes: dict[Cause, int] = {}
        self._cause_list: list[Cause] = []

    def add(self, raw_events: Iterable[Any]) -> None:
        """Add events of an answer; raises EventError for one that is not as documented."""
        numbers, tag = self._numbers, self._tag
        taken, delivered = self._taken, self._delivered
        for raw in raw_events:
            self._events += 1
            event = read_event(raw, tag)
            if event is None:
                continue
            kind, message, recipient, at, _data = event
            # Without the length, two messages could have the same key.
            key: str | bytes = f"{len(message)} {message}{recipient}"
            if len(key) > _KEY_LIMIT:
                key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()  # type: ignore[union-attr]
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = self._new(recipient)
            if kind == "attempt":
                if at < taken[number] or taken[number] == _NEVER:
                    taken[number] = at
            elif kind == "delivery":
                delivered[number] = max(delivered[number], at)
            else:
                self._add_failure(number, event)

    def _new(self, recipient: str) -> int:
        for moments in (self._taken, self._delivered, self._failed):
            moments.append(_NEVER)
        # Most are in the usual form, and known already.
        domain = self._domains.get(recipient.partition("@")[2])
        if domain is None:
            domain = self._domains.setdefault(domain_of(recipient), len(self._domains))
        self._domain_of.append(domain)
        self._cause_of.append(-1)
        return len(self._taken) - 1

    def _add_failure(self, number: int, event: Event) -> None:
        if event.at < self._failed[number]:
            return
        cause = self._cause(event)
        if event.at == self._failed[number]:
            # Of two failures in one second the same one must count, in any order of events.
            cause = max(cause, self._cause_list[self._cause_of[number]], key=lambda each: each.order)
        known = self._causes.get(cause)
        if known is None:
            known = self._causes[cause] = len(self._cause_list)
            self._cause_list.append(cause)
        self._failed[number] = event.at
        self._cause_of[number] = known

    def _cause(self, event: Event) -> Cause:
        data = event.data
        words = [data.get(key) for key in ("description", "envelope", "status", "state")]
        description, envelope, status, state = (word if isinstance(word, str) else "" for word in words)
        line = self._mask.line(description, event.recipient, envelope)
        is_state = _STATE.fullmatch(state) and not self._mask.is_own(state, event.recipient, envelope)
        return Cause(
            code=_code(data.get("code")),
            status=status if _STATUS.fullmatch(status) else None,
            state=state if is_state else None,
            description=line or None,
        )

    def outcome(
        self,
        since: datetime | None,
        fetched_at: datetime,
        top: int,
        read_seconds: float,
        is_found: bool = True,
        until: datetime | None = None,
    ) -> Outcome:
        """Return what became of the messages that were taken in at `since` or later, and before `until`.

        `top` is the most causes, and the most domains, to name. `read_seconds` becomes a part of the outcome.
        `is_found` is false if the service answered 404.
        """
        end = None if until is None else int(until.timestamp())
        tally = self._tally(_NEVER + 1 if since is None else int(since.timestamp()), end)
        now = int(fetched_at.timestamp())
        return Outcome(
            tag=self._tag,
            known=self._events > 0 or (since is not None and is_found),
            notes=tuple(self._notes(tally, since, now, is_found)),
            fetched_at=fetched_at,
            since=since,
            messages=tally.messages,
            deliveries=tally.deliveries,
            failed=tally.failed,
            returned=tally.returned,
            oldest_under_way=None if tally.oldest is None else max(0, now - tally.oldest),
            last_taken_at=moment_of(tally.last_taken),
            last_moved_at=moment_of(tally.last_moved),
            read_seconds=round(read_seconds, 3),
            failures=tuple(self._failures(tally, top)),
            domains=tuple(self._largest_domains(tally, top)),
            timeline=tuple(tally.timeline.entries()),
        )

    def _tally(self, since: int, until: int | None) -> Tally:
        """Count the messages that were taken in at `since` or later, and before `until`."""
        last = max((at for at in self._taken if until is None or at < until), default=_NEVER)
        first = min((at for at in self._taken if since <= at <= last), default=None)
        tally = Tally(Timeline() if first is None else Timeline(first, last))
        returning = {
            number for number, cause in enumerate(self._cause_list) if (cause.state or "").lower() == _RETURNED
        }
        columns = (self._taken, self._delivered, self._failed, self._domain_of, self._cause_of)
        for taken, delivered, failed, domain, cause in zip(*columns):
            if not since <= taken <= last:
                tally.left_out += taken == _NEVER
                continue
            is_delivered = delivered > failed
            has_failed = failed != _NEVER
            tally.add(taken, max(taken, delivered, failed), domain, is_delivered, has_failed and not is_delivered)
            if is_delivered:
                tally.contradicted += has_failed
            elif has_failed:
                tally.returned += delivered != _NEVER or cause in returning
                tally.causes[cause, domain] += 1
        return tally

    def _notes(self, tally: Tally, since: datetime | None, now: int, is_found: bool) -> Iterator[str]:
        if not self._events and (since is None or not is_found):
            yield unknown_tag(self._tag)
        elif not tally.messages and since is not None:
            yield NO_MAIL_SINCE
        if since is None:
            yield LAST_MONTH
        if tally.left_out:
            yield f"left out, since they were taken in before the events that came: {_messages(tally.left_out)}"
        if tally.contradicted:
            yield f"delivered after they had failed for good, and counted as delivered: {_messages(tally.contradicted)}"
        if tally.last_moved is not None and tally.last_moved > now:
            yield "the last event is in the future"

    def _failures(self, tally: Tally, top: int) -> Iterator[dict[str, Any]]:
        by_cause: dict[int, dict[str, int]] = {}
        totals: Counter[int] = Counter()
        names = list(self._domains)
        for (number, domain), count in tally.causes.items():
            totals[number] += count
            name = names[domain]
            if name is not None:
                by_cause.setdefault(number, {})[name] = count
        ranked = sorted(totals, key=lambda number: (-totals[number], self._cause_list[number].order))
        for number in ranked[:top]:
            counts = by_cause.get(number, {})
            frequent = sorted(counts, key=lambda name: (-counts[name], name))[:_CAUSE_DOMAINS]
            yield {
                **self._cause_list[number]._asdict(),
                "messages": totals[number],
                "domains": [self._mask.word(name) for name in frequent],
            }

    def _largest_domains(self, tally: Tally, top: int) -> Iterator[dict[str, Any]]:
        names = list(self._domains)
        counts = {names[number]: count for number, count in tally.domains.items()}
        ranked = sorted(
            ((name, count) for name, count in counts.items() if name is not None),
            key=lambda entry: (-entry[1].messages, entry[0]),
        )
        for name, count in ranked[:top]:
            yield {"domain": self._mask.word(name), **count.as_dict()}
        rest = [count for _name, count in ranked[top:]]
        rest += [count for name, count in counts.items() if name is None]
        if rest:
            yield {"domain": None, **MessageCount.total(rest).as_dict()}


def _code(value: Any) -> int | None:
    """Return an SMTP code that is a number or text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[2-5][0-9]{2}", value):
        value = int(value)
    is_code = isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599
    return value if is_code else None


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
