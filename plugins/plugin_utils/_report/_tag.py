# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a gate decided of one tag. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass

from .._format import percent, share
from .._gate.look import VERDICTS
from . import _text
from ._outcome import TagOutcome
from ._reader import Reader

_COUNTS = ("delivered_at_least", "delivered_at_most", "messages", "messages_due")


@dataclass(frozen=True)
class TagResult:
    """What was decided of a tag; `verdict` is null where another tag ended the gate before this was decided.

    The counts are null where nothing was ever read of the tag; `outcome` is null where the gate judged by counters.
    """

    tag: str
    verdict: str | None
    decided_by: str | None
    reasons: tuple[str, ...]
    required: float | None
    at_least: int | None
    at_most: int | None
    messages: int | None
    messages_due: int | None
    carried_over: int
    notes: tuple[str, ...]
    outcome: TagOutcome | None = None

    @classmethod
    def read(cls, tag: str, entry: Reader) -> TagResult:
        """Read what a result has of a tag; raises OptionError for a value that a gate never returns."""
        record, outcome = entry.reader("record"), entry.reader("outcome")
        # Where nothing was read there are no counts, even if the result has zeros.
        judged = outcome if "outcome" in entry else record
        counts = {key: entry.optional_count(key) if judged else None for key in _COUNTS}
        notes = [note for part in (outcome, record) if part for note in part.texts("notes")]
        return cls(
            tag=_text.plain(tag),
            verdict=entry.choice("verdict", VERDICTS, optional=True),
            decided_by=entry.choice("decided_by", ("evidence", "ratio"), optional=True),
            reasons=entry.texts("reasons"),
            required=entry.optional_number("required_delivery_ratio"),
            at_least=counts["delivered_at_least"],
            at_most=counts["delivered_at_most"],
            messages=counts["messages"],
            messages_due=counts["messages_due"],
            carried_over=(record.optional_count("carried_over") if record and not outcome else None) or 0,
            notes=tuple(dict.fromkeys(notes)),
            outcome=TagOutcome.read(outcome) if outcome else None,
        )

    @property
    def figures(self) -> tuple[int, int, int] | None:
        """Delivered at least, delivered at most, and messages; null where nothing was read.

        By outcomes both are the messages delivered so far.
        """
        if self.at_least is None or self.at_most is None or self.messages is None:
            return None
        if self.outcome:
            return self.outcome.deliveries, self.outcome.deliveries, self.outcome.messages
        return self.at_least, self.at_most, self.messages

    @property
    def ratio(self) -> float | None:
        """The share delivered, by counters at most; null without messages."""
        if self.outcome:
            return self.outcome.deliveries / self.outcome.messages if self.outcome.messages else None
        return self.at_most / self.messages if self.at_most is not None and self.messages else None

    @property
    def verdict_text(self) -> str:
        """The verdict with its symbol."""
        return verdict_text(self.verdict)

    @property
    def messages_text(self) -> str:
        """The number of messages."""
        return _text.NOTHING if self.figures is None else str(self.figures[2])

    @property
    def delivered_text(self) -> str:
        """The number of deliveries, by its bounds."""
        return _text.NOTHING if self.figures is None else _text.span(*self.figures[:2])

    @property
    def failed_text(self) -> str:
        """The number of messages that failed for good."""
        return _text.NOTHING if self.outcome is None else str(self.outcome.failed)

    @property
    def under_way_text(self) -> str:
        """The number of messages under way."""
        return _text.NOTHING if self.outcome is None else str(self.outcome.under_way)

    @property
    def ratio_text(self) -> str:
        """The share delivered, by its bounds."""
        return _text.NOTHING if self.figures is None else _text.share_span(*self.figures)

    @property
    def required_text(self) -> str:
        """The share required."""
        return _text.NOTHING if self.required is None else percent(self.required)

    @property
    def decided_text(self) -> str:
        """What decided."""
        return self.decided_by or _text.NOTHING


def verdict_text(verdict: str | None) -> str:
    """Return a verdict with its symbol; a tag without one was not decided."""
    return f"{_text.SYMBOLS[verdict]} {verdict}" if verdict else "undecided"


def share_text(deliveries: int, messages: int) -> str:
    """Return a share in percent, never above 100%."""
    return share(min(deliveries, messages), messages)
