# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events of an answer, parsed as a stream and checked. Private: names and behaviour may change.

Of an answer, one piece is in memory, and the event at its end.
"""

from __future__ import annotations

import codecs
import json
import re
from datetime import date
from typing import Any, NamedTuple

from ._errors import SmtpeterError

# In characters. An event has a few hundred.
EVENT_LIMIT = 1024 * 1024
_NOTHING = re.compile(r"(null|\{[ \t\n\r]*\})[ \t\n\r]*")
_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST, _EVENT, _SEPARATOR, _END = range(4)
_KINDS = {"attempt": "an attempt", "delivery": "a delivery", "failure": "a failure"}
# Looking times up is faster than parsing them, and only finds ASCII digits in the documented places.
_DAYS: dict[str, int] = {}
_DAYS_LIMIT = 4096
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTES = {f" {hour:02d}:{minute:02d}": (hour * 60 + minute) * 60 for hour in range(24) for minute in range(60)}
_SECONDS = {f":{second:02d}": second for second in range(60)}
_EPOCH = date(1970, 1, 1).toordinal()


class EventError(SmtpeterError):
    """An answer with events is not as documented. The text says what came, without repeating it."""


class Event(NamedTuple):
    """An attempt, a delivery or a failure of one message to one recipient. `at` is in seconds since 1970."""

    kind: str
    message: str
    recipient: str
    at: int
    data: dict[str, Any]


class EventStream:
    """Parses a JSON array, piece by piece, into events that are not yet checked.

    `count` is the number of events so far. The answers that an unknown tag may get (`null`, `{}`) have no events.
    """

    def __init__(self) -> None:
        self.count = 0
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(
            object_pairs_hook=_without_repeats, parse_int=_whole, parse_constant=_refuse_constant
        )
        self._text = ""
        self._started = False
        self._expected = _FIRST
        # An event that was incomplete is tried again with so many characters.
        self._retry_length = 0

    def feed(self, piece: bytes) -> list[Any]:
        """Return the events that this piece completes; raises EventError."""
        return self._parse(piece, final=False)

    def close(self) -> list[Any]:
        """End the answer, and return the events that are left; raises EventError if it was cut short."""
        found = self._parse(b"", final=True)
        if self._expected != _END:
            raise EventError(f"the array is cut short, or is not JSON, after {self.count} events")
        return found

    def _parse(self, piece: bytes, final: bool) -> list[Any]:
        problem = ""
        try:
            self._text += self._decoder.decode(piece, final)
            if not self._started:
                self._start(final)
            found = self._events() if self._started and (final or len(self._text) >= self._retry_length) else []
        except UnicodeDecodeError:
            problem = "it is not UTF-8"
        except RecursionError:
            problem = "it is nested too deeply"
        if problem:
            raise EventError(problem)
        self.count += len(found)
        return found

    def _start(self, final: bool) -> None:
        """Find the bracket that opens the array."""
        text = self._text = self._text.lstrip(" \t\n\r")
        if text.startswith("["):
            self._started, self._text = True, text[1:]
        elif final or len(text) > 4096:
            if not _NOTHING.fullmatch(text):
                raise EventError(f"{_kind_of_text(self._json, text)} came instead of an array of events")
            self._started, self._text, self._expected = True, "", _END

    def _events(self) -> list[Any]:
        found = self._complete_events() if self._expected in (_FIRST, _EVENT) else []
        position = 0
        while True:
            position = _SPACE.match(self._text, position).end()  # type: ignore[union-attr]
            mark = self._text[position : position + 1]
            if not mark:
                break
            if self._expected == _END:
                raise EventError("more follows after the end of the array")
            if mark == "]" and self._expected != _EVENT:
                self._expected = _END
            elif self._expected == _SEPARATOR:
                if mark != ",":
                    raise EventError(f"it is not JSON, after {self.count + len(found)} events")
                self._expected = _EVENT
            elif mark != "{":
                raise EventError(f"{_kind_of_mark(mark)} came instead of an event")
            else:
                try:
                    event, position = self._json.raw_decode(self._text, position)
                except ValueError:
                    # The rest may be in the next piece.
                    break
                found.append(event)
                self._expected = _SEPARATOR
                continue
            position += 1
        self._text = self._text[position:]
        self._retry_length = 0 if found else 2 * len(self._text)
        if len(self._text) > EVENT_LIMIT:
            raise EventError(
                f"after {self.count + len(found)} events, what follows is too long for one, or is not JSON"
            )
        return found

    def _complete_events(self) -> list[Any]:
        """Parse all complete events but the last at once, if there is no more than a space between them."""
        end = max(self._text.rfind("},{"), self._text.rfind("}, {")) + 1
        if not end:
            return []
        try:
            # It can be parsed only if the text ends between two events.
            found: list[Any] = self._json.decode(f"[{self._text[:end]}]")
        except ValueError:
            return []
        self._text = self._text[end + 1 :]
        self._expected = _EVENT
        return found


def read_event(raw: Any, tag: str) -> Event | None:
    """Return an event of the answer for `tag`; None if it is not about delivery.

    Raises EventError if it is not as documented.
    """
    try:
        kind, data = raw["type"], raw["data"]
        if kind not in _KINDS:
            if isinstance(kind, str) and isinstance(data, dict):
                return None
            raise EventError(_problem_of(raw))
        message, recipient, time, tags = data["id"], data["recipient"], data["time"], data.get("tags")
        at = _DAYS[time[:10]] + _MINUTES[time[10:16]] + _SECONDS[time[16:]]
    except (KeyError, TypeError, AttributeError):
        return _read_slowly(raw, tag)
    if not (message and recipient and isinstance(message, str) and isinstance(recipient, str)):
        raise EventError(_problem_of(raw))
    if tags != tag and tags is not None and not _is_among(tag, tags):
        raise EventError("an event is about another tag")
    return Event(kind, message, recipient, at, data)


def _read_slowly(raw: Any, tag: str) -> Event | None:
    """Return an event of a day that is not in _DAYS yet, or raise EventError."""
    problem = _problem_of(raw)
    if problem:
        raise EventError(problem)
    if len(_DAYS) >= _DAYS_LIMIT:
        _DAYS.clear()
    day = raw["data"]["time"][:10]
    _DAYS[day] = (date(int(day[:4]), int(day[5:7]), int(day[8:])).toordinal() - _EPOCH) * 86400
    return read_event(raw, tag)


def _problem_of(raw: Any) -> str:
    """Return what is not as documented, without repeating it; empty if nothing is."""
    if not isinstance(raw, dict):
        return f"{_kind_of(raw)} came instead of an event"
    kind = raw.get("type")
    if not isinstance(kind, str):
        return "the type of an event is not text" if "type" in raw else "an event without a type came"
    named = _KINDS.get(kind, "an event")
    data = raw.get("data")
    if not isinstance(data, dict):
        return f"the data of {named} is not an object" if "data" in raw else f"{named} without data came"
    for key in ("id", "recipient", "time"):
        if data.get(key) in (None, ""):
            return f"{named} without {'an id' if key == 'id' else f'a {key}'} came"
        if not isinstance(data[key], str):
            return f"the {key} of {named} is not text"
    if not _is_time(data["time"]):
        return f"the time of {named} is not a date in the documented form"
    return ""


def _is_time(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return bool(_DAY.fullmatch(text[:10])) and text[10:16] in _MINUTES and text[16:] in _SECONDS


def _is_among(tag: str, tags: Any) -> bool:
    if not isinstance(tags, str):
        raise EventError("the tags of an event are not text")
    return tag.casefold() in (name.strip().casefold() for name in tags.split(";"))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise EventError("a key is repeated")
    return content


def _whole(text: str) -> int:
    # Python reads numbers of thousands of digits slowly, or refuses to.
    if len(text) > 20:
        raise EventError("a number is out of bounds")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise EventError(f"{text} is not a JSON number")


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "a boolean"), (str, "text"), ((int, float), "a number"), (dict, "an object")):
        if isinstance(value, kind):
            return name
    return "an array"


def _kind_of_text(decoder: json.JSONDecoder, text: str) -> str:
    """Return the kind of what came instead of an array."""
    if not text:
        return "nothing"
    try:
        return _kind_of(decoder.decode(text))
    except ValueError:
        return "an object" if text.startswith("{") else "something that is not JSON"


def _kind_of_mark(mark: str) -> str:
    kinds = {"[": "an array", '"': "text", "n": "null", "t": "a boolean", "f": "a boolean"}
    return kinds.get(mark, "a number" if mark in "-0123456789" else "something that is not JSON")
