# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of the stats method, parsed into records. Private: names and behaviour may change.

An answer that neither the documentation nor its history explains is an error, never a guess.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Mapping, TypeVar

from ._errors import StatsError
from ._record import COUNT_LIMIT, Record, add_notes, age_notes, read_count, unknown_tag

RECENT_LIMIT = 10
_COUNTERS = ("messages", "deliveries", "opens", "clicks")
# The documented names first, then the one other spelling on the page, and the names of its later revisions.
_SPELLINGS = {
    "messages": ("messages",),
    "deliveries": ("deliveries", "delivery"),
    "opens": ("opens", "all_opens"),
    "clicks": ("clicks", "all_clicks"),
    "unique_opens": ("unique_opens",),
    "unique_clicks": ("unique_clicks",),
}
_DOCUMENTED_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True)
class Answer:
    """What the service answered about a tag.

    `body` is None if the status was 404. `fetched_at` is the answer's `Date` if that is valid, else this host's clock,
    in UTC. `age` is how many seconds a cache had stored the answer, or None if no cache says so.
    """

    tag: str
    body: bytes | None
    fetched_at: datetime
    age: int | None = None


def parse(answer: Answer, excerpt: Callable[[bytes], str]) -> Record:
    """Return the record that an answer describes.

    `excerpt` makes a safe line of the body, for the error. Raises StatsError of kind `answer`.
    """
    return _parse(answer, excerpt, lambda: _record_of(answer, None if answer.body is None else _decode(answer.body)))


def parse_recent(answer: Answer, excerpt: Callable[[bytes], str], is_tag: Callable[[str], bool]) -> dict[str, Record]:
    """Return the records of the most recently active tags, by tag, in the answer's order.

    `is_tag` tells whether a text can be a tag. Raises StatsError as `parse` does.
    """
    return _parse(answer, excerpt, lambda: _recent_records(answer, is_tag))


def _parse(answer: Answer, excerpt: Callable[[bytes], str], read: Callable[[], _Parsed]) -> _Parsed:
    try:
        return read()
    except _NotUnderstood as error:
        problem = str(error)
    received = excerpt(answer.body or b"") or "nothing"
    raise StatsError(
        "answer", answer.tag, f"the answer cannot be understood: {problem}; it was {received!r}; check api_url"
    )


class _NotUnderstood(ValueError):
    """The answer is not one that the documentation or its history explains; the text says why."""


def _recent_records(answer: Answer, is_tag: Callable[[str], bool]) -> dict[str, Record]:
    entries = _decode(answer.body or b"null")
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
        found[tag] = _record_of(replace(answer, tag=tag), entry)
    return found


def _record_of(answer: Answer, content: Any) -> Record:
    if content is None or content in ([], {}):
        return _unknown_record(answer)
    if not isinstance(content, dict):
        raise _NotUnderstood("it is not a JSON object")
    named = content.get("tag")
    if named is not None and _fold(str(named)) != _fold(answer.tag):
        raise _NotUnderstood("it is about another tag")
    counts = {key: _count_of(content, key) for key in _SPELLINGS}
    for key in _COUNTERS:
        if counts[key] is None:
            raise _NotUnderstood(f"{key} is missing")
    first, first_at = _date_of(content, "first")
    last, last_at = _date_of(content, "last")
    if not first and not last and not any(counts[key] for key in _COUNTERS):
        return _unknown_record(answer)
    record = Record(
        tag=answer.tag, first=first, last=last, first_at=first_at, last_at=last_at, fetched_at=answer.fetched_at,
        age=answer.age, **counts,  # type: ignore[arg-type]
    )  # fmt: skip
    odd = tuple(f"{key} is not a date in the documented form" for key in ("first", "last") if not getattr(record, key))
    return add_notes(replace(record, notes=(*odd, *age_notes(answer.age))))


def _unknown_record(answer: Answer) -> Record:
    notes = (unknown_tag(answer.tag), *age_notes(answer.age))
    return Record(answer.tag, 0, 0, 0, 0, fetched_at=answer.fetched_at, known=False, notes=notes, age=answer.age)


def _fold(text: str) -> str:
    """Return a tag in one form for all ways to write it: composed or not, in upper or lower case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _decode(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_refuse_repeats,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError:
        raise _NotUnderstood("it is not UTF-8") from None
    except json.JSONDecodeError as exc:
        raise _NotUnderstood(f"it is not JSON ({exc.msg} at character {exc.pos})") from None
    except RecursionError:
        raise _NotUnderstood("it is nested too deeply") from None


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _NotUnderstood("a key is repeated")
    return content


def _refuse_constant(text: str) -> Any:
    raise _NotUnderstood(f"{text} is not a JSON number")


def _number(text: str) -> Any:
    """Return a JSON number as an int if it has no fraction, else as a Decimal, which no counter may be."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _NotUnderstood("a number is out of bounds") from None
    if number.copy_abs() > COUNT_LIMIT:
        raise _NotUnderstood("a number is out of bounds")
    return int(number) if number == number.to_integral_value() else number


def _count_of(content: Mapping[str, Any], key: str) -> int | None:
    """Return a counter in any of its spellings; None if it is absent or null in all of them."""
    counts = set()
    for name in _SPELLINGS[key]:
        if content.get(name) is not None:
            try:
                counts.add(read_count(content[name]))
            except ValueError as error:
                raise _NotUnderstood(f"{name} {error}") from None
    if len(counts) > 1:
        raise _NotUnderstood(f"the spellings {' and '.join(_SPELLINGS[key])} disagree")
    return counts.pop() if counts else None


def _date_of(content: Mapping[str, Any], key: str) -> tuple[str | None, datetime | None]:
    text = content.get(key)
    if not isinstance(text, str) or not _DOCUMENTED_DATE.fullmatch(text):
        return None, None
    try:
        return text, datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None, None
