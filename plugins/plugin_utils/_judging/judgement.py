# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on one tag, and why. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Judgement:
    """What is decided of a tag, and why; C(verdict) is null while nothing is."""

    verdict: str | None
    decided_by: str | None
    reasons: tuple[str, ...]
    required_delivery_ratio: float
    delivered_at_least: int
    delivered_at_most: int
    messages: int
    messages_due: int

    def as_dict(self) -> dict[str, Any]:
        """Return the judgement in plain JSON types."""
        return {**asdict(self), "reasons": list(self.reasons)}
