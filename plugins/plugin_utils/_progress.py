# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that a gate shows while it waits. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Callable, Iterable, Optional, Sequence, Tuple

from ._format import percent, share
from ._gate.look import VERDICTS, GateEvent, TagEvent

Signature = Tuple[int, int, Optional[int], Optional[str]]
# What separates it from the cell before, its text, and its alignment.
Cell = Tuple[str, str, str]
LINES_LIMIT = 10
SILENCE_LIMIT = 120.0
# A tag that is longer moves its own line out of the columns, and no other.
_TAG_WIDTH = 40


class Columns:
    """Pads the cells of lines so that they align; columns only grow, so lines of different looks align, too."""

    def __init__(self) -> None:
        self._widths: dict[int, int] = {}

    def fit(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Make room for these rows."""
        for row in rows:
            for column, (_gap, text, _align) in enumerate(row):
                self._widths[column] = max(self._widths.get(column, 0), min(len(text), _TAG_WIDTH))

    def line(self, row: Sequence[Cell]) -> str:
        """Return a row as a line, without the columns that are empty in all rows so far."""
        cells = (
            f"{gap}{text:{align}{self._widths[column]}}"
            for column, (gap, text, align) in enumerate(row)
            if self._widths[column]
        )
        return "".join(cells).rstrip()


class Progress:
    """Writes lines for each look that has news, and at least one every two minutes.

    `write` takes a line and the verdict that colours it, null for none. Times are seconds from the start.
    """

    def __init__(self, write: Callable[[str, str | None], None]) -> None:
        self._write = write
        self._columns = Columns()
        self._shown: dict[str, Signature] = {}
        self._error: str | None = None
        self._last: tuple[GateEvent, list[str], str | None] | None = None
        self._written_at = 0.0

    def look(self, event: GateEvent) -> None:
        """Show the news of a look, ten tags at most; those of the last look wait for the verdict."""
        new = [tag for tag, seen in event.tags.items() if self._shown.get(tag) != _signature(seen)]
        new.sort(key=lambda tag: _urgency(event.tags[tag]))
        self._shown = {tag: _signature(seen) for tag, seen in event.tags.items()}
        error = event.error if event.error != self._error else None
        self._error = event.error
        if event.verdict is not None:
            self._last = (event, new, error)
            return
        self._show(event, new, error)
        if event.elapsed - self._written_at >= SILENCE_LIMIT:
            self.waiting(event.elapsed, event.next_in)

    def waiting(self, elapsed: float, next_in: float) -> None:
        """Show that the gate still waits."""
        self._write_line(elapsed, f"still waiting, next look in {next_in:.0f} s", None)

    def silent_until(self, elapsed: float) -> float:
        """Return for how many more seconds no line is needed."""
        return max(0.0, self._written_at + SILENCE_LIMIT - elapsed)

    def tell(self, elapsed: float, text: str) -> None:
        """Show a line that is not about a look."""
        self._write_line(elapsed, text, None)

    def warn(self, elapsed: float, text: str) -> None:
        """Show a warning at once: Ansible shows its own after the task, and the verdict must come last."""
        self._write_line(elapsed, f"warning: {text}", "inconclusive")

    def end(self, elapsed: float, verdict: str, sentence: str) -> None:
        """Show the verdict, in place of the line that says the same, and after the others of the last look."""
        if self._last is not None:
            event, new, error = self._last
            others = [tag for tag in new if not sentence.startswith(f"{verdict}: {tag}: ")]
            self._show(event, others, None if error is not None and error in sentence else error)
        self._write_line(elapsed, sentence, verdict)

    def _show(self, event: GateEvent, new: list[str], error: str | None) -> None:
        rows = {tag: _row(tag, event.tags[tag]) for tag in new[:LINES_LIMIT]}
        self._columns.fit(rows.values())
        for tag, row in rows.items():
            self._write_line(event.elapsed, self._columns.line(row), event.tags[tag].judgement.verdict)
        if len(new) > LINES_LIMIT:
            self._write_line(event.elapsed, f"and {len(new) - LINES_LIMIT} more tags with news", None)
        if error is not None:
            self._write_line(event.elapsed, f"look {event.look} failed: {error}", "error")

    def _write_line(self, elapsed: float, text: str, verdict: str | None) -> None:
        self._written_at = elapsed
        minutes, seconds = divmod(int(elapsed), 60)
        self._write(f"{minutes:02d}:{seconds:02d} {text}", verdict)


def _signature(seen: TagEvent) -> Signature:
    return seen.messages, seen.deliveries, seen.failed, seen.judgement.verdict


def _urgency(seen: TagEvent) -> int:
    verdict = seen.judgement.verdict
    return VERDICTS.index(verdict) if verdict in ("fail", "error") else len(VERDICTS) if verdict == "pass" else 2


def _row(tag: str, seen: TagEvent) -> list[Cell]:
    """Return tag, state, deliveries, messages, share, failed messages, the share required, and what is waited for."""
    judgement = seen.judgement
    is_share = 0 < seen.messages >= seen.deliveries
    return [
        ("", tag, "<"),
        ("  ", judgement.verdict or "waiting", "<"),
        ("  ", str(seen.deliveries), ">"),
        (" of ", str(seen.messages), ">"),
        (" ", "delivered", "<"),
        ("  ", share(seen.deliveries, seen.messages) if is_share else "", ">"),
        ("  ", "" if seen.failed is None else f"{seen.failed} failed", ">"),
        ("  ", f"required {percent(judgement.required_delivery_ratio)}", "<"),
        ("  ", "" if judgement.verdict else _waits_for(tag, judgement.reasons), "<"),
    ]


def _waits_for(tag: str, reasons: Sequence[str]) -> str:
    """Return the last reason, without its tag."""
    reason = reasons[-1] if reasons else ""
    prefix = f"{tag}: "
    return reason[len(prefix) :] if reason.startswith(prefix) else reason
