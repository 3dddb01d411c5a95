# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An outcome as `tag_outcomes_info` returned it, checked and typed. Private: names and behaviour may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ...module_utils._errors import OptionError

_COUNTS = ("messages", "deliveries", "failed", "returned")
_FORM = "give an outcome as tag_outcomes_info returns it"


@dataclass(frozen=True)
class Span:
    """A part of the timeline: the messages taken in before it `ends`, and how many are delivered and failed by now."""

    ends: datetime
    messages: int
    deliveries: int
    failed: int


@dataclass(frozen=True)
class Cause:
    """Why messages failed: code and status of SMTP, state of the dialogue, the receiver's masked words; and where."""

    code: int | None
    status: str | None
    state: str | None
    description: str | None
    messages: int
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of the messages under a tag. Moments are in UTC; `given` is the plain form that it was read from.

    `age` is for how many seconds a cache had kept the answer; 0 where none did.
    """

    tag: str | None
    known: bool
    fetched_at: datetime
    messages: int
    deliveries: int
    failed: int
    returned: int
    last_taken_at: datetime | None
    last_moved_at: datetime | None
    read_seconds: float
    failures: tuple[Cause, ...]
    timeline: tuple[Span, ...]
    given: Mapping[str, Any]
    age: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a careful reader should know."""
        return tuple(str(note) for note in self.given.get("notes") or ())

    @property
    def under_way(self) -> int:
        """Messages that are neither delivered nor failed."""
        return self.messages - self.deliveries - self.failed

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], tag: str | None = None, age: int = 0) -> Outcome:
        """Read an outcome; `tag` names one that does not name itself.

        Raises OptionError for what is missing or of a wrong type.
        """
        name = given.get("tag", tag)
        of = f"the outcome of '{name}'" if name is not None else "the outcome"
        counts = {key: _count(given, key, of) for key in _COUNTS}
        if counts["deliveries"] + counts["failed"] > counts["messages"]:
            raise OptionError("deliveries", f"{of} has more messages delivered and failed than messages; {_FORM}")
        fetched_at = _moment(given, "fetched_at", of)
        if fetched_at is None:
            raise OptionError("fetched_at", f"{of} does not have it; {_FORM}")
        return cls(
            tag=None if name is None else str(name),
            known=given.get("known", True) is not False,
            fetched_at=fetched_at - timedelta(seconds=age),
            last_taken_at=_moment(given, "last_taken_at", of),
            last_moved_at=_moment(given, "last_moved_at", of),
            read_seconds=_seconds(given.get("read_seconds")),
            failures=tuple(_cause(entry, of) for entry in _entries(given, "failures", of)),
            timeline=tuple(_span(entry, of) for entry in _entries(given, "timeline", of)),
            given=given,
            age=age,
            **counts,
        )


def is_outcome(given: Mapping[str, Any]) -> bool:
    """Return whether a dict is an outcome, and neither a record nor the result of a task."""
    return all(key in given and not isinstance(given[key], Mapping) for key in ("failed", "messages"))


def _count(given: Mapping[str, Any], key: str, of: str) -> int:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OptionError(key, f"{of} has no whole number, 0 or more, there; {_FORM}")
    return int(value)


def _moment(given: Mapping[str, Any], key: str, of: str) -> datetime | None:
    value = given.get(key)
    if value is None:
        return None
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise OptionError(key, f"{of} has no moment in ISO 8601 there, such as 2026-01-31T12:00:00Z") from None


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _entries(given: Mapping[str, Any], key: str, of: str) -> list[Mapping[str, Any]]:
    entries = given.get(key, ())
    if not isinstance(entries, Sequence) or not all(isinstance(entry, Mapping) for entry in entries):
        raise OptionError(key, f"{of} has no list of dicts there; {_FORM}")
    return list(entries)


def _span(entry: Mapping[str, Any], of: str) -> Span:
    begins = _moment(entry, "at", of)
    if begins is None:
        raise OptionError("at", f"a span in the timeline of {of} does not have it; {_FORM}")
    ends = begins + timedelta(seconds=_count(entry, "seconds", of))
    return Span(ends, *(_count(entry, key, of) for key in ("messages", "deliveries", "failed")))


def _cause(entry: Mapping[str, Any], of: str) -> Cause:
    texts = (entry.get(key) for key in ("status", "state", "description"))
    status, state, description = (None if text is None else str(text) for text in texts)
    code = entry.get("code")
    return Cause(
        code=code if isinstance(code, int) else None,
        status=status,
        state=state,
        description=description,
        messages=_count(entry, "messages", of),
        domains=tuple(str(domain) for domain in entry.get("domains") or ()),
    )
