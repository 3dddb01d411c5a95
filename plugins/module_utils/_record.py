# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a tag: parsed, checked, derived and subtracted. Private: names and behaviour may change.

What the service's answers may look like is in section "The service" of the documentation; anything that is not
understood there is an error here, never a guess.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Callable, Mapping, TypeVar

from ._errors import OptionError, StatsError

if TYPE_CHECKING:
    from ._client import Answer

COUNT_LIMIT = 2**63 - 1
RECENT_LIMIT = 10
_NAMED_CHARACTERS = 5
_COUNTERS = ("messages", "deliveries", "opens", "clicks")
# The stats method's own names first, then its one slip and the names of later revisions of the page.
_SPELLINGS = {
    "messages": ("messages",),
    "deliveries": ("deliveries", "delivery"),
    "opens": ("opens", "all_opens"),
    "clicks": ("clicks", "all_clicks"),
    "unique_opens": ("unique_opens",),
    "unique_clicks": ("unique_clicks",),
}
_DOCUMENTED_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# What shows as nothing beside format characters (category Cf) and separators (Zl, Zp): what else Unicode has renderers
# ignore by default (Default_Ignorable_Code_Point), and the blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Record:
    """What is known of a tag; C(as_dict) gives it the form that all plugins return.

    Moments are in UTC. C(opens) and C(clicks) are null only in counters that come from elsewhere. C(age) is for how
    many seconds a cache had kept the answer; null where none says so. It is not in the plain form.
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
        """Messages that failed or are still under way; never below 0."""
        return max(0, self.messages - self.deliveries)

    @property
    def open_ratio(self) -> float | None:
        """Opens to deliveries; null without deliveries."""
        return _ratio(self.opens, self.deliveries)

    @property
    def click_ratio(self) -> float | None:
        """Clicks to deliveries; null without deliveries."""
        return _ratio(self.clicks, self.deliveries)

    def idle_seconds(self) -> float | None:
        """Return the seconds from the last activity to the reading; null where either is not known."""
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
        """Take a record back, or counters from elsewhere, which need no more than messages and deliveries.

        C(tag) names a record that does not name itself. Raises OptionError for what is missing or of a wrong type.
        """
        name = given.get("tag", tag)
        of = f"the record of '{name}'" if name is not None else "the record"
        counts = {key: _given_count(given, key, of) for key in (*_SPELLINGS, "under_way", "carried_over")}
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


def parse(answer: Answer, excerpt: Callable[[bytes], str]) -> Record:
    """Make a record of what the service answered.

    C(excerpt) makes a harmless line of what came back, for the error. Raises StatsError of kind C(answer).
    """
    return _understood(answer, excerpt, lambda: _checked(answer))


def parse_recent(answer: Answer, excerpt: Callable[[bytes], str], is_tag: Callable[[str], bool]) -> dict[str, Record]:
    """Make records of the answer about the most recently active tags, by tag, in its order.

    `is_tag` tells whether a text can be a tag. Raises StatsError as `parse` does.
    """
    return _understood(answer, excerpt, lambda: _checked_recent(answer, is_tag))


def _understood(answer: Answer, excerpt: Callable[[bytes], str], make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except _NotUnderstood as problem:
        text = str(problem)
    said = excerpt(answer.body or b"") or "nothing"
    raise StatsError("answer", answer.tag, f"the answer cannot be understood: {text}; it was {said!r}; check api_url")


def difference(after: Record, before: Record | None, grace_period: float) -> Record:
    """Return what happened between two readings of a tag; null C(before) counts as zeros.

    At most C(carried_over) of the deliveries belong to messages from before: those under way then, or where nobody
    knows, all that was undelivered, unless the mail had been still for C(grace_period) seconds. Raises OptionError
    where a counter is below its earlier value.
    """
    before = before or Record(after.tag, 0, 0, 0, 0)
    idle = before.idle_seconds()
    if before.under_way is not None:
        carried_over = before.under_way
    else:
        carried_over = 0 if idle is not None and idle > grace_period else before.undelivered
    messages = _growth(after, "messages", before.messages, after.messages) or 0
    deliveries = _growth(after, "deliveries", before.deliveries, after.deliveries) or 0
    return _with_notes(
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
    """Return the sentence about a tag that the service does not know; it names the invisible characters in the tag."""
    sentence = "the service has nothing under this tag: check its spelling and api_url"
    invisible = list(dict.fromkeys(char for char in tag or "" if _is_invisible(char)))
    if not invisible:
        return sentence
    names = ", ".join(f"U+{ord(char):04X}" for char in invisible[:_NAMED_CHARACTERS])
    what = "an invisible character" if len(invisible) == 1 else f"{len(invisible)} different invisible characters"
    return f"{sentence}; it holds {what} ({names})"


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Zl", "Zp") or bool(_INVISIBLE.match(char))


def to_iso(moment: datetime | None) -> str | None:
    """Return a moment in UTC as ISO 8601 to the second, such as C(2016-01-01T12:00:00Z)."""
    if moment is None:
        return None
    # strftime leaves out the zeros of a year before 1000, which is a service's way of having no date.
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class _NotUnderstood(ValueError):
    """The answer is not one that the documentation or its history explains; the text says why."""


def _growth(record: Record, key: str, then: int | None, now: int | None) -> int | None:
    """Return by how much a counter grew; null where it was not counted both times."""
    if then is None or now is None:
        return None
    if now < then:
        raise OptionError(
            "since", f"{key} of '{record.tag}' fell from {then} to {now}; give the two readings in order, of one tag"
        )
    return now - then


def _ratio(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None


def _checked(answer: Answer) -> Record:
    return _checked_content(answer, None if answer.body is None else _decoded(answer.body))


def _checked_recent(answer: Answer, is_tag: Callable[[str], bool]) -> dict[str, Record]:
    entries = _decoded(answer.body or b"null")
    if entries is None or entries == {}:
        return {}
    if not isinstance(entries, list):
        raise _NotUnderstood("it is not a JSON array")
    if len(entries) > RECENT_LIMIT:
        raise _NotUnderstood(f"it has more than {RECENT_LIMIT} entries")
    found: dict[str, Record] = {}
    for entry in entries:
        tag = entry.get("tag") if isinstance(entry, dict) else None
        if not isinstance(tag, str) or not is_tag(tag):
            raise _NotUnderstood("an entry is not about a tag")
        if tag in found:
            raise _NotUnderstood("a tag is repeated")
        found[tag] = _checked_content(replace(answer, tag=tag), entry)
    return found


def _checked_content(answer: Answer, content: Any) -> Record:
    if content is None or content in ([], {}):
        return _unknown(answer)
    if not isinstance(content, dict):
        raise _NotUnderstood("it is not a JSON object")
    named = content.get("tag")
    if named is not None and _folded(str(named)) != _folded(answer.tag):
        raise _NotUnderstood("it is about another tag")
    counts = {key: _count_of(content, key) for key in _SPELLINGS}
    for key in _COUNTERS:
        if counts[key] is None:
            raise _NotUnderstood(f"{key} is missing")
    first, first_at = _date_of(content, "first")
    last, last_at = _date_of(content, "last")
    if not first and not last and not any(counts[key] for key in _COUNTERS):
        return _unknown(answer)
    record = Record(
        tag=answer.tag, first=first, last=last, first_at=first_at, last_at=last_at, fetched_at=answer.fetched_at,
        age=answer.age, **counts,  # type: ignore[arg-type]
    )  # fmt: skip
    odd = tuple(f"{key} is not a date in the documented form" for key in ("first", "last") if not getattr(record, key))
    return _with_notes(replace(record, notes=(*odd, *age_notes(answer.age))))


def _unknown(answer: Answer) -> Record:
    notes = (unknown_tag(answer.tag), *age_notes(answer.age))
    return Record(answer.tag, 0, 0, 0, 0, fetched_at=answer.fetched_at, known=False, notes=notes, age=answer.age)


def age_notes(age: int | None) -> tuple[str, ...]:
    return (f"the answer is a copy that a cache had kept for {age} s",) if age else ()


def _folded(text: str) -> str:
    """Return a tag in one form for all ways to write the same: composed or not, in upper or lower case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _with_notes(record: Record) -> Record:
    """Add what a careful reader should know of the figures."""
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


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_without_repeats,
            parse_int=_whole,
            parse_float=_whole,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError:
        raise _NotUnderstood("it is not UTF-8") from None
    except json.JSONDecodeError as exc:
        raise _NotUnderstood(f"it is not JSON ({exc.msg} at character {exc.pos})") from None
    except RecursionError:
        raise _NotUnderstood("it is nested too deeply") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _NotUnderstood("a key is repeated")
    return content


def _no_constant(text: str) -> Any:
    raise _NotUnderstood(f"{text} is not a JSON number")


def _whole(text: str) -> Any:
    """Return a JSON number as int where it has no fraction, and else as Decimal, which no counter may be."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _NotUnderstood("a number is out of all bounds") from None
    if number.copy_abs() > COUNT_LIMIT:
        raise _NotUnderstood("a number is out of all bounds")
    return int(number) if number == number.to_integral_value() else number


def _count_of(content: Mapping[str, Any], key: str) -> int | None:
    """Return a counter in whichever spelling it came; null where it is absent or null in all of them."""
    counts = {_count(content[name], name) for name in _SPELLINGS[key] if content.get(name) is not None}
    if len(counts) > 1:
        raise _NotUnderstood(f"the spellings {' and '.join(_SPELLINGS[key])} disagree")
    return counts.pop() if counts else None


def _count(value: Any, name: str) -> int:
    digits = re.fullmatch(r"0*([0-9]{1,19})", value) if isinstance(value, str) else None
    if digits:
        value = int(digits.group(1))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _NotUnderstood(f"{name} is not a whole number")
    if not 0 <= value <= COUNT_LIMIT:
        raise _NotUnderstood(f"{name} is out of bounds")
    return int(value)


def _date_of(content: Mapping[str, Any], key: str) -> tuple[str | None, datetime | None]:
    text = content.get(key)
    if not isinstance(text, str) or not _DOCUMENTED_DATE.fullmatch(text):
        return None, None
    try:
        return text, datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None, None


def _given_count(given: Mapping[str, Any], key: str, of: str) -> int | None:
    if given.get(key) is None:
        return None
    try:
        return _count(given[key], key)
    except _NotUnderstood:
        raise OptionError(key, f"{of} has a value that is not a whole number, 0 or more") from None


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
