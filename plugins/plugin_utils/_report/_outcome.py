# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a tag's messages, as a gate by outcomes returned it. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from . import _text
from ._reader import Reader

_CODE_CHARS = 24
_DESCRIPTION_CHARS = 300
_DOMAIN_CHARS = 253
_DOMAINS_SHOWN = 3
_RETURNED = "bounce"
# So many spans can be told apart in the picture.
_SPANS_DRAWN = 40


@dataclass(frozen=True)
class FailureCause:
    """Why so many messages failed: the codes and the masked words of the receiver, and at which `domains`."""

    messages: int
    codes: str
    description: str
    domains: tuple[str, ...]

    @property
    def domains_text(self) -> str:
        """The domains, separated by commas."""
        return ", ".join(self.domains) or _text.NOTHING

    @property
    def sentence(self) -> str:
        """The whole cause on a line."""
        where = f" at {self.domains_text}" if self.domains else ""
        codes = "" if self.codes == _text.NOTHING else f"{self.codes} "
        return f"{_text.count(self.messages, 'message')} failed{where}: {codes}{self.description}"


@dataclass(frozen=True)
class DomainShare:
    """What became of the messages to one receiving domain."""

    domain: str
    messages: int
    deliveries: int
    failed: int
    under_way: int

    @property
    def sentence(self) -> str:
        """The counts on a line."""
        counts = f"{self.deliveries} delivered, {self.failed} failed, {self.under_way} under way"
        return f"{self.domain}: {_text.count(self.messages, 'message')}, {counts}"


@dataclass(frozen=True)
class TimelineSpan:
    """What became of the messages that were taken in from `start` to `end`, in seconds since the first message."""

    start: float
    end: float
    messages: int
    deliveries: int
    failed: int


@dataclass(frozen=True)
class TagOutcome:
    """What became of all messages of a tag; the causes and the domains with the most messages come first."""

    messages: int
    deliveries: int
    failed: int
    notes: tuple[str, ...]
    causes: tuple[FailureCause, ...]
    domains: tuple[DomainShare, ...]
    timeline: tuple[TimelineSpan, ...]

    @property
    def under_way(self) -> int:
        """Messages that are neither delivered nor failed."""
        return self.messages - self.deliveries - self.failed

    @classmethod
    def read(cls, entry: Reader) -> TagOutcome:
        """Read the outcome of a tag; raises OptionError for a value that a gate never returns."""
        messages, deliveries, failed = counts_of(entry)
        return cls(
            messages=messages,
            deliveries=deliveries,
            failed=failed,
            notes=entry.texts("notes"),
            causes=tuple(_cause(cause) for cause in entry.items("failures")),
            domains=tuple(_domain(domain) for domain in entry.items("domains")),
            timeline=tuple(_timeline(entry.items("timeline"))),
        )


def counts_of(entry: Reader) -> tuple[int, int, int]:
    """Return messages, deliveries and failed messages; raises OptionError where the sum cannot be."""
    messages, deliveries, failed = (entry.count(key) for key in ("messages", "deliveries", "failed"))
    if deliveries + failed > messages:
        raise entry.wrong("messages", "is less than its deliveries and failed messages together")
    return messages, deliveries, failed


def merged(spans: Sequence[TimelineSpan]) -> list[TimelineSpan]:
    """Return the timeline in at most 40 spans, neighbours added up."""
    size = -(-len(spans) // _SPANS_DRAWN) or 1
    groups = [spans[first : first + size] for first in range(0, len(spans), size)]
    return [
        TimelineSpan(
            start=group[0].start,
            end=group[-1].end,
            messages=sum(span.messages for span in group),
            deliveries=sum(span.deliveries for span in group),
            failed=sum(span.failed for span in group),
        )
        for group in groups
    ]


def _cause(entry: Reader) -> FailureCause:
    code = entry.optional_count("code")
    status, state, words = (entry.optional_text(key) for key in ("status", "state", "description"))
    codes = [part for part in (None if code is None else str(code), status) if part]
    for part in codes:
        # Receivers repeat the codes in front of their words.
        words = words[len(part) :].lstrip(" -:") if words and words.startswith(part) else words
    description = _text.shorten(words or "(no text)", _DESCRIPTION_CHARS)
    returned = (state or "").lower() == _RETURNED
    return FailureCause(
        messages=entry.count("messages"),
        codes=_text.shorten(" ".join(codes), _CODE_CHARS) or _text.NOTHING,
        description=f"returned after it was accepted: {description}" if returned else description,
        domains=tuple(_text.shorten(name, _DOMAIN_CHARS) for name in entry.texts("domains")[:_DOMAINS_SHOWN]),
    )


def _domain(entry: Reader) -> DomainShare:
    messages, deliveries, failed = counts_of(entry)
    name = entry.optional_text("domain")
    return DomainShare(
        domain="other domains" if name is None else _text.shorten(name, _DOMAIN_CHARS),
        messages=messages,
        deliveries=deliveries,
        failed=failed,
        under_way=messages - deliveries - failed,
    )


def _timeline(entries: Sequence[Reader]) -> list[TimelineSpan]:
    moments = [entry.moment("at") for entry in entries]
    spans = []
    for moment, entry in zip(moments, entries):
        start = max(0.0, (moment - moments[0]).total_seconds())
        spans.append(TimelineSpan(start, start + entry.count("seconds"), *counts_of(entry)))
    return sorted(spans, key=lambda span: span.start)
