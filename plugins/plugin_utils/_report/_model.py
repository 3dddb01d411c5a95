# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `campaign_gate` returned, checked and typed. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from ...module_utils._errors import OptionError
from ...module_utils._values import kind_of
from .._gate.look import VERDICTS
from . import _text
from ._history import HistoryEntry, read_history
from ._reader import INPUT, Reader
from ._tag import TagResult, verdict_text

_FROM_WORST = (*VERDICTS[:-1], None, VERDICTS[-1])


@dataclass(frozen=True)
class GateResult:
    """A gate's whole result; every text in it can be shown once the format has escaped it.

    `waited` is in seconds; `policy` has names and values as they are shown; `last_errors` has the errors of the last
    failed look, one sentence for each tag.
    """

    verdict: str
    msg: str
    reasons: tuple[str, ...]
    tags: tuple[TagResult, ...]
    looks: int
    waited: float
    errors: int
    last_errors: tuple[str, ...]
    history: tuple[HistoryEntry, ...]
    history_dropped: int
    policy: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, given: Any) -> GateResult:
        """Read what was registered; raises OptionError that says what came instead."""
        if not isinstance(given, Mapping) or "verdict" not in given:
            raise OptionError(INPUT, f"{_instead(given)}; give what campaign_gate returned, as it was registered")
        result = Reader(given, "the gate's result")
        return cls(
            verdict=str(result.choice("verdict", VERDICTS)),
            msg=result.text("msg"),
            reasons=result.texts("reasons"),
            tags=tuple(TagResult.read(tag, entry) for tag, entry in result.by_name("tags")),
            looks=result.count("looks"),
            waited=result.number("waited"),
            errors=result.count("errors"),
            last_errors=tuple(entry.text("msg") for _tag_name, entry in result.by_name("last_errors")),
            history=read_history(result.items("history")),
            history_dropped=result.count("history_dropped"),
            policy=tuple(
                (_text.plain(name), _text.setting(str(name), value)) for name, value in result.mapping("policy").items()
            ),
        )

    @property
    def verdict_text(self) -> str:
        """The verdict with its symbol."""
        return verdict_text(self.verdict)

    @property
    def has_outcomes(self) -> bool:
        """Whether it is known of any tag what became of each message."""
        return any(tag.outcome for tag in self.tags)

    @property
    def summary(self) -> str:
        """The sentence of the verdict, for places that show the verdict already."""
        prefix = f"{self.verdict}: "
        return self.msg[len(prefix) :] if self.msg.startswith(prefix) else self.msg

    @property
    def worst_first(self) -> tuple[TagResult, ...]:
        """The tags by verdict, and those of one verdict by their ratio."""
        return tuple(sorted(self.tags, key=lambda tag: (_FROM_WORST.index(tag.verdict), tag.ratio or 0.0)))

    @property
    def further_reasons(self) -> tuple[str, ...]:
        """The reasons that `msg` does not already say, those of undecided tags too, the worst tags' first."""
        of_tags = dict.fromkeys(reason for tag in self.worst_first for reason in tag.reasons)
        reasons = [*(reason for reason in self.reasons if reason not in of_tags), *of_tags]
        return tuple(reason for reason in dict.fromkeys(reasons) if reason not in self.msg)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a careful reader should know of what was read."""
        return tuple(f"{tag.tag}: {note}" for tag in self.worst_first for note in tag.notes)

    @property
    def dropped_text(self) -> str:
        """How many looks the history has left out."""
        verb = "was" if self.history_dropped == 1 else "were"
        return f"{_text.count(self.history_dropped, 'look')} in between {verb} not kept."

    @property
    def effort(self) -> str:
        """How often the gate looked, how long it waited, and when."""
        failed = f" ({self.errors} failed)" if self.errors else ""
        when = ""
        if self.history:
            first, last = self.history[0].at, self.history[-1].at
            when = f", at {first}" if first == last else f", from {first} to {last}"
        return f"Looked {_text.count(self.looks, 'time')}{failed} in {_text.duration(self.waited)}{when}"


def _instead(given: Any) -> str:
    """Say what came instead of a gate's result, and why that may be."""
    if not isinstance(given, Mapping):
        return f"{kind_of(given)} came where a gate's result belongs"
    if given.get("skipped"):
        return (
            "the gate's task was skipped, so there is nothing to report: add a condition such as 'gate is not skipped'"
        )
    if isinstance(given.get("results"), (list, tuple)):
        return "this is the result of a loop: report each of its results"
    if given.get("failed"):
        return f"the gate's task failed before it looked ({_text.plain(given.get('msg', ''))[:300]})"
    if given and all(isinstance(value, Mapping) and "messages" in value for value in given.values()):
        if all("verdict" in value for value in given.values()):
            return "this is only the tags of a result"
        has_outcomes = all("failed" in value for value in given.values())
        return f"this is only {'outcomes' if has_outcomes else 'the stats of a result'}"
    return "this dict has no verdict"
