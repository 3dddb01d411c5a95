# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What C(campaign_gate) returned, checked and typed. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Mapping

from ...module_utils._errors import OptionError
from ...module_utils._values import kind_of
from .._format import percent
from .._gate.look import VERDICTS
from . import _text
from ._reader import INPUT, Reader

_FROM_WORST = ("fail", "error", "inconclusive", None, "pass")
_COUNTS = ("delivered_at_least", "delivered_at_most", "messages", "messages_due")


@dataclass(frozen=True)
class TagResult:
    """What was decided of a tag; C(verdict) is null where another tag ended the gate before this was decided.

    The counts are null where there never was a reading.
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

    @property
    def figures(self) -> tuple[int, int, int] | None:
        """Delivered at least, delivered at most, of so many messages; null where there never was a reading."""
        if self.at_least is None or self.at_most is None or self.messages is None:
            return None
        return self.at_least, self.at_most, self.messages

    @property
    def ratio(self) -> float | None:
        """The share delivered at most; null without messages."""
        return self.at_most / self.messages if self.at_most is not None and self.messages else None

    @property
    def verdict_text(self) -> str:
        """The verdict with its symbol."""
        return verdict_text(self.verdict)

    @property
    def messages_text(self) -> str:
        """The number of messages."""
        return _text.NOTHING if self.figures is None else str(self.messages)

    @property
    def delivered_text(self) -> str:
        """The number of deliveries, by its bounds."""
        return _text.NOTHING if self.figures is None else _text.span(*self.figures[:2])

    @property
    def ratio_text(self) -> str:
        """The share delivered, by its bounds."""
        return _text.NOTHING if self.figures is None else _text.share_span(*self.figures)

    @property
    def required_text(self) -> str:
        """The least share."""
        return _text.NOTHING if self.required is None else percent(self.required)

    @property
    def decided_text(self) -> str:
        """What decided."""
        return self.decided_by or _text.NOTHING


@dataclass(frozen=True)
class Counts:
    """The counters of a tag at a look, as they were judged."""

    messages: int
    deliveries: int


@dataclass(frozen=True)
class Look:
    """An entry of the history: C(at) as the gate wrote it, C(seconds) since the first one, C(error) if it failed."""

    at: str
    moment: datetime
    seconds: float
    counts: Mapping[str, Counts]
    error: str | None


@dataclass(frozen=True)
class GateResult:
    """A gate's whole result; every text in it is fit to be shown once the format has escaped it.

    C(waited) is in seconds; C(policy) has names and values as they are shown; C(failures) is what the last failed look
    said, a sentence a tag.
    """

    verdict: str
    msg: str
    reasons: tuple[str, ...]
    tags: tuple[TagResult, ...]
    looks: int
    waited: float
    errors: int
    failures: tuple[str, ...]
    history: tuple[Look, ...]
    history_dropped: int
    policy: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, given: Any) -> GateResult:
        """Read what was registered. Raises OptionError that says what came instead."""
        if not isinstance(given, Mapping) or "verdict" not in given:
            raise OptionError(INPUT, f"{_instead(given)}; give what campaign_gate returned, as it was registered")
        result = Reader(given, "the gate's result")
        history = tuple(_looks(result.items("history")))
        return cls(
            verdict=str(result.choice("verdict", VERDICTS)),
            msg=result.text("msg"),
            reasons=result.texts("reasons"),
            tags=tuple(_tag(tag, entry) for tag, entry in result.by_name("tags")),
            looks=result.count("looks"),
            waited=result.number("waited"),
            errors=result.count("errors"),
            failures=tuple(entry.text("msg") for _tag_name, entry in result.by_name("last_errors")),
            history=history,
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
        """What a careful reader should know of the readings."""
        return tuple(f"{tag.tag}: {note}" for tag in self.worst_first for note in tag.notes)

    @property
    def dropped_text(self) -> str:
        """How many looks the history does not have."""
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


def verdict_text(verdict: str | None) -> str:
    """Return a verdict with its symbol; a tag without one was not decided."""
    return f"{_text.SYMBOLS[verdict]} {verdict}" if verdict else "undecided"


def _tag(tag: str, entry: Reader) -> TagResult:
    record = entry.reader("record")
    # Without a reading there are no counts, whatever stands in their place.
    counts = {key: entry.optional_count(key) if record else None for key in _COUNTS}
    return TagResult(
        tag=_text.plain(tag),
        verdict=entry.choice("verdict", VERDICTS, optional=True),
        decided_by=entry.choice("decided_by", ("evidence", "ratio"), optional=True),
        reasons=entry.texts("reasons"),
        required=entry.optional_number("required_delivery_ratio"),
        at_least=counts["delivered_at_least"],
        at_most=counts["delivered_at_most"],
        messages=counts["messages"],
        messages_due=counts["messages_due"],
        carried_over=(record.optional_count("carried_over") if record else None) or 0,
        notes=record.texts("notes") if record else (),
    )


def _looks(entries: list[Reader]) -> list[Look]:
    looks: list[Look] = []
    start: datetime | None = None
    for entry in entries:
        moment = _moment(entry)
        start = start or moment
        looks.append(
            Look(
                at=entry.text("at"),
                moment=moment,
                seconds=max(0.0, (moment - start).total_seconds()),
                counts={
                    _text.plain(tag): Counts(counts.count("messages"), counts.count("deliveries"))
                    for tag, counts in (entry.by_name("tags") if "tags" in entry else [])
                },
                error=entry.text("error") if "error" in entry else None,
            )
        )
    return looks


def _moment(entry: Reader) -> datetime:
    written = entry.text("at")
    try:
        # Python before 3.11 does not read the Z.
        moment = datetime.fromisoformat(written.replace("Z", "+00:00"))
    except ValueError:
        raise entry.wrong("at", "is not a moment in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _instead(given: Any) -> str:
    """Say what came where a gate's result belongs, and why that may be."""
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
        judged = all("verdict" in value for value in given.values())
        return f"this is only the {'tags' if judged else 'stats'} of a result"
    return "this dict has no verdict"
