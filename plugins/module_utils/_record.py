# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record: the counters of a tag at one moment. Private: names and behaviour may change."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Mapping

from ._errors import OptionError

COUNT_LIMIT = 2**63 - 1
_NAMED_CHARACTERS = 5
_COUNTERS = ("messages", "deliveries", "opens", "clicks", "unique_opens", "unique_clicks")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# Invisible characters that are not of the categories Cf, Zl and Zp: Unicode's Default_Ignorable_Code_Point, and the
# blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True)
class Record:
    """The counters of a tag at one moment; `as_dict` returns them in the form that all plugins return.

    Moments are in UTC. `opens` and `clicks` are None only if the counters come from elsewhere. `age` is how many
    seconds a cache had stored the answer, or None if no cache says so; it is not in the plain form.
    """

    tag: str | None
    messages: int
    deliveries: int
    opens: int | None = None
    clicks: int | None = None
    unique_opens: int | None = None
    unique_clicks: int | None = None
    first: str | None = None
    last: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    fetched_at: datetime | None = None
    known: bool = True
    notes: tuple[str, ...] = ()
    under_way: int | None = None
    carried_over: int = 0
    age: int | None = None

    @property
    def undelivered(self) -> int:
        """Messages that failed or are still under way, 0 or more."""
        return max(0, self.messages - self.deliveries)

    @property
    def open_ratio(self) -> float | None:
        """Opens / deliveries; None without deliveries."""
        return _ratio(self.opens, self.deliveries)

    @property
    def click_ratio(self) -> float | None:
        """Clicks / deliveries; None without deliveries."""
        return _ratio(self.clicks, self.deliveries)

    def idle_seconds(self) -> float | None:
        """Return the seconds from `last_at` to `fetched_at`; None if either is not known."""
        if self.last_at is None or self.fetched_at is None:
            return None
        return (self.fetched_at - self.last_at).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """Return the record in plain JSON types, all keys present."""
        return {
            "tag": self.tag,
            "first": self.first,
            "last": self.last,
            "first_at": to_iso(self.first_at),
            "last_at": to_iso(self.last_at),
            "messages": self.messages,
            "deliveries": self.deliveries,
            "opens": self.opens,
            "clicks": self.clicks,
            "unique_opens": self.unique_opens,
            "unique_clicks": self.unique_clicks,
            "undelivered": self.undelivered,
            "delivery_ratio": _ratio(self.deliveries, self.messages),
            "open_ratio": self.open_ratio,
            "click_ratio": self.click_ratio,
            "click_to_open_ratio": _ratio(self.clicks, self.opens),
            "known": self.known,
            "notes": list(self.notes),
            "fetched_at": to_iso(self.fetched_at),
            "under_way": self.under_way,
            "carried_over": self.carried_over,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], tag: str | None = None) -> Record:
        """Return the record of a dict: one that `as_dict` returned, or any with at least messages and deliveries.

        `tag` is used if the dict does not name its tag. Raises OptionError for what is missing or of a wrong type.
        """
        name = given.get("tag", tag)
        of = f"the record of '{name}'" if name is not None else "the record"
        counts = {key: _given_count(given, key, of) for key in (*_COUNTERS, "under_way", "carried_over")}
        for key in ("messages", "deliveries"):
            if counts[key] is None:
                raise OptionError(key, f"{of} does not have it; give a record, or a dict with messages and deliveries")
        return cls(
            tag=None if name is None else str(name),
            messages=counts["messages"] or 0,
            deliveries=counts["deliveries"] or 0,
            opens=counts["opens"],
            clicks=counts["clicks"],
            unique_opens=counts["unique_opens"],
            unique_clicks=counts["unique_clicks"],
            first=given.get("first"),
            last=given.get("last"),
            first_at=_given_moment(given, "first_at", of),
            last_at=_given_moment(given, "last_at", of),
            fetched_at=_given_moment(given, "fetched_at", of),
            known=given.get("known", True) is not False,
            notes=tuple(str(note) for note in given.get("notes") or ()),
            under_way=counts["under_way"],
            carried_over=counts["carried_over"] or 0,
        )


def difference(after: Record, before: Record | None, grace_period: float) -> Record:
    """Return what happened between two records of a tag. Without `before`, all counters began at 0.

    At most `carried_over` of the deliveries belong to messages from before: those under way then or, if that is not
    known, all that were undelivered, unless the mail had been settled for `grace_period` seconds. Raises OptionError if
    a counter is below its earlier value.
    """
    before = before or Record(after.tag, 0, 0, 0, 0)
    idle = before.idle_seconds()
    if before.under_way is not None:
        carried_over = before.under_way
    else:
        carried_over = 0 if idle is not None and idle > grace_period else before.undelivered
    messages = _growth(after, "messages", before.messages, after.messages) or 0
    deliveries = _growth(after, "deliveries", before.deliveries, after.deliveries) or 0
    return add_notes(
        replace(
            after,
            messages=messages,
            deliveries=deliveries,
            opens=_growth(after, "opens", before.opens, after.opens),
            clicks=_growth(after, "clicks", before.clicks, after.clicks),
            first=None,
            first_at=None,
            unique_opens=None,
            unique_clicks=None,
            carried_over=min(carried_over, deliveries),
        )
    )


def unknown_tag(tag: str | None) -> str:
    """Return the note about a tag that the service does not know. It names invisible characters in the tag."""
    sentence = "the service has nothing under this tag: check its spelling and api_url"
    invisible = list(dict.fromkeys(char for char in tag or "" if _is_invisible(char)))
    if not invisible:
        return sentence
    names = ", ".join(f"U+{ord(char):04X}" for char in invisible[:_NAMED_CHARACTERS])
    what = "an invisible character" if len(invisible) == 1 else f"{len(invisible)} different invisible characters"
    return f"{sentence}; it contains {what} ({names})"


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Zl", "Zp") or bool(_INVISIBLE.match(char))


def to_iso(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC, to the second, such as `2016-01-01T12:00:00Z`; None for None."""
    if moment is None:
        return None
    # strftime omits the leading zeros of a year before 1000, and a service may write no date as the year 1.
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _growth(record: Record, key: str, then: int | None, now: int | None) -> int | None:
    """Return by how much a counter grew; None unless it was counted both times."""
    if then is None or now is None:
        return None
    if now < then:
        raise OptionError(
            "since", f"{key} of '{record.tag}' fell from {then} to {now}; give two records of one tag, in order"
        )
    return now - then


def _ratio(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None


def age_notes(age: int | None) -> tuple[str, ...]:
    """Return the note about an answer that a cache had stored for `age` seconds; none for None and 0."""
    return (f"the answer is a copy that a cache had stored for {age} s",) if age else ()


def add_notes(record: Record) -> Record:
    """Return the record with notes on counters and dates that contradict each other."""
    notes = []
    if record.deliveries - record.carried_over > record.messages:
        notes.append("deliveries are above messages: the counters disagree")
    elif record.deliveries > record.messages:
        notes.append("deliveries are above messages: some belong to messages from before")
    for unique, every in (("unique_opens", "opens"), ("unique_clicks", "clicks")):
        if (getattr(record, unique) or 0) > (getattr(record, every) or 0):
            notes.append(f"{unique} are above {every}: the counters disagree")
    if record.first_at and record.last_at and record.last_at < record.first_at:
        notes.append("the last activity is before the first")
    if (record.idle_seconds() or 0) < 0:
        notes.append("the last activity is in the future")
    return replace(record, notes=record.notes + tuple(note for note in notes if note not in record.notes))


def read_count(value: Any) -> int:
    """Return a counter as an int. It may be text of ASCII digits, or a float without a fraction.

    Raises ValueError, whose text continues a sentence that begins with the counter.
    """
    digits = re.fullmatch(r"0*([0-9]{1,19})", value) if isinstance(value, str) else None
    if digits:
        value = int(digits.group(1))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is not a whole number")
    if not 0 <= value <= COUNT_LIMIT:
        raise ValueError("is out of bounds")
    return int(value)


def _given_count(given: Mapping[str, Any], key: str, of: str) -> int | None:
    if given.get(key) is None:
        return None
    try:
        return read_count(given[key])
    except ValueError:
        raise OptionError(key, f"{of} has a value that is not a whole number of 0 or more") from None


def _given_moment(given: Mapping[str, Any], key: str, of: str) -> datetime | None:
    value = given.get(key)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or timezone.utc)
    try:
        if isinstance(value, str) and _ISO_DATE.fullmatch(value):
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        pass
    raise OptionError(key, f"{of} has a value that is not ISO 8601 in UTC, such as 2016-01-01T12:00:00Z")
