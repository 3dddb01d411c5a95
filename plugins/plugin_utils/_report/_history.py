# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The looks of a gate that its result has kept. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Mapping, Sequence

from . import _text
from ._outcome import counts_of
from ._reader import Reader
from ._tag import share_text


@dataclass(frozen=True)
class TagCounts:
    """The counts of a tag at a look, as they were judged; `failed` is null where the gate judged by counters."""

    messages: int
    deliveries: int
    failed: int | None = None

    @property
    def sentence(self) -> str:
        """The counts as the picture's dots tell them."""
        text = f"{self.deliveries} of {self.messages} delivered"
        if self.messages:
            text += f" ({share_text(self.deliveries, self.messages)})"
        return text if self.failed is None else f"{text}, {self.failed} failed"


@dataclass(frozen=True)
class HistoryEntry:
    """A look that was kept: `at` as the gate wrote it, `seconds` since the first one, `error` if it failed."""

    at: str
    moment: datetime
    seconds: float
    counts: Mapping[str, TagCounts]
    error: str | None


def read_history(entries: Sequence[Reader]) -> tuple[HistoryEntry, ...]:
    """Return the looks in the order given; raises OptionError for a value that a gate never returns."""
    moments = [entry.moment("at") for entry in entries]
    return tuple(
        HistoryEntry(
            at=entry.text("at"),
            moment=moment,
            seconds=max(0.0, (moment - moments[0]).total_seconds()),
            counts={
                _text.plain(tag): _counts(counts) for tag, counts in (entry.by_name("tags") if "tags" in entry else [])
            },
            error=entry.text("error") if "error" in entry else None,
        )
        for entry, moment in zip(entries, moments)
    )


def _counts(entry: Reader) -> TagCounts:
    if "failed" in entry:
        return TagCounts(*counts_of(entry))
    return TagCounts(entry.count("messages"), entry.count("deliveries"))
