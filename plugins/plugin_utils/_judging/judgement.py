# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on one tag, and why. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol, Sequence


class Judged(Protocol):
    """The figures of a tag that every way of judging has; `carried_over` deliveries may be of earlier messages."""

    @property
    def tag(self) -> str | None:
        """The tag judged."""

    @property
    def messages(self) -> int:
        """Messages."""

    @property
    def messages_due(self) -> int:
        """Messages that can count against the campaign."""

    @property
    def delivered_at_least(self) -> int:
        """Messages that are delivered for certain."""

    @property
    def delivered_at_most(self) -> int:
        """Messages that may be delivered in the end."""

    @property
    def carried_over(self) -> int:
        """Deliveries that may be of earlier messages."""


@dataclass(frozen=True)
class Decision:
    """A verdict, what decided it (`evidence` or `ratio`), and the sentence that says why."""

    verdict: str
    decided_by: str
    reason: str


@dataclass(frozen=True)
class Judgement:
    """What is decided of a tag, and why; `verdict` is null while nothing is."""

    verdict: str | None
    decided_by: str | None
    reasons: tuple[str, ...]
    required_delivery_ratio: float
    delivered_at_least: int
    delivered_at_most: int
    messages: int
    messages_due: int

    @classmethod
    def decided(cls, decision: Decision, required: float, state: Judged) -> Judgement:
        """Return the judgement that a decision makes."""
        return cls._of(decision.verdict, decision.decided_by, [decision.reason], required, state)

    @classmethod
    def undecided(cls, verdict: str | None, reasons: Sequence[str], required: float, state: Judged) -> Judgement:
        """Return a judgement without a decision: `inconclusive`, or null while there is time."""
        return cls._of(verdict, None, reasons, required, state)

    @classmethod
    def _of(
        cls, verdict: str | None, decided_by: str | None, reasons: Sequence[str], required: float, state: Judged
    ) -> Judgement:
        return cls(
            verdict=verdict,
            decided_by=decided_by,
            reasons=tuple(reasons),
            required_delivery_ratio=required,
            delivered_at_least=state.delivered_at_least,
            delivered_at_most=state.delivered_at_most,
            messages=state.messages,
            messages_due=state.messages_due,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the judgement in plain JSON types."""
        return {**asdict(self), "reasons": list(self.reasons)}
