# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a gate tells while it waits, as lines. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from ._format import percent, share
from ._gate.look import VERDICTS, GateEvent, TagEvent

Signature = Tuple[int, int, Optional[int], Optional[str]]
LINES_LIMIT = 10
SILENCE_LIMIT = 120.0


class Progress:
    """Writes a line for each look that tells something new, and at least one every two minutes.

    `write` takes a line and the verdict that colours it, null for none. Times are seconds from the start.
    """

    def __init__(self, write: Callable[[str, str | None], None]) -> None:
        self._write = write
        self._shown: dict[str, Signature] = {}
        self._error: str | None = None
        self._last: tuple[GateEvent, list[str], str | None] | None = None
        self._spoke = 0.0

    def look(self, event: GateEvent) -> None:
        """Tell what a look told, one line a tag, ten at most; those of the last look wait for the verdict."""
        new = [tag for tag, seen in event.tags.items() if self._shown.get(tag) != _signature(seen)]
        new.sort(key=lambda tag: _urgency(event.tags[tag]))
        self._shown = {tag: _signature(seen) for tag, seen in event.tags.items()}
        error = event.error if event.error != self._error else None
        self._error = event.error
        if event.verdict is not None:
            self._last = (event, new, error)
            return
        self._tell(event, new, error)
        if event.elapsed - self._spoke >= SILENCE_LIMIT:
            self.waiting(event.elapsed, event.next_in)

    def waiting(self, elapsed: float, next_in: float) -> None:
        """Tell that the gate still waits."""
        self._say(elapsed, f"still waiting, next look in {next_in:.0f} s", None)

    def silent_until(self, elapsed: float) -> float:
        """Return for how many seconds more nothing need be said."""
        return max(0.0, self._spoke + SILENCE_LIMIT - elapsed)

    def tell(self, elapsed: float, text: str) -> None:
        """Tell something that is no look."""
        self._say(elapsed, text, None)

    def warn(self, elapsed: float, text: str) -> None:
        """Tell a warning at once: Ansible shows its own after the task, and the verdict is to come last."""
        self._say(elapsed, f"warning: {text}", "inconclusive")

    def end(self, elapsed: float, verdict: str, sentence: str) -> None:
        """Tell the verdict, in place of the line that says the same, and after the others of the last look."""
        if self._last is not None:
            event, new, error = self._last
            told = [tag for tag in new if not sentence.startswith(f"{verdict}: {tag}: ")]
            self._tell(event, told, None if error is not None and error in sentence else error)
        self._say(elapsed, sentence, verdict)

    def _tell(self, event: GateEvent, new: list[str], error: str | None) -> None:
        for tag in new[:LINES_LIMIT]:
            self._say(event.elapsed, _line(tag, event.tags[tag]), event.tags[tag].judgement.verdict)
        if len(new) > LINES_LIMIT:
            self._say(event.elapsed, f"and {len(new) - LINES_LIMIT} more tags with news", None)
        if error is not None:
            self._say(event.elapsed, f"look {event.look} failed: {error}", "error")

    def _say(self, elapsed: float, text: str, verdict: str | None) -> None:
        self._spoke = elapsed
        minutes, seconds = divmod(int(elapsed), 60)
        self._write(f"{minutes:02d}:{seconds:02d} {text}", verdict)


def _signature(seen: TagEvent) -> Signature:
    return seen.messages, seen.deliveries, seen.failed, seen.judgement.verdict


def _urgency(seen: TagEvent) -> int:
    verdict = seen.judgement.verdict
    return VERDICTS.index(verdict) if verdict in ("fail", "error") else len(VERDICTS) if verdict == "pass" else 2


def _line(tag: str, seen: TagEvent) -> str:
    """Return tag, messages, deliveries, ratio, limit, and what it waits for."""
    judgement = seen.judgement
    figures = f"{tag}: {seen.deliveries} of {seen.messages} delivered"
    if 0 < seen.messages >= seen.deliveries:
        figures += f", {share(seen.deliveries, seen.messages)}"
    if seen.failed:
        figures += f", {seen.failed} failed"
    figures += f", required {percent(judgement.required_delivery_ratio)}"
    if judgement.verdict is not None:
        return f"{figures}: {judgement.verdict}"
    waits_for = judgement.reasons[-1] if judgement.reasons else ""
    prefix = f"{tag}: "
    return f"{figures}; waiting: {waits_for[len(prefix) :] if waits_for.startswith(prefix) else waits_for}"
