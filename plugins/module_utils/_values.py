# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads values as users type them: numbers, seconds, lists, dicts, tags. Private: names and behaviour may change.

Each reader takes the name of the option, for its errors, and the value. It raises OptionError.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Iterable

from ._errors import OptionError

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
COUNT_LIMIT = 2**63 - 1
TAG_LIMIT = 1000
_SHARE = re.compile(r"\s*([0-9]*[.,]?[0-9]+)\s*(%?)\s*")
_SPAN = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*([a-z]+)\.?\s*", re.IGNORECASE)
_GROUPED = re.compile(r"\s*[0-9]{1,3}(?:[,'_\s][0-9]{3})+\s*")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_SHOWN_CHARS = 60


def kind_of(given: Any) -> str:
    """Return the kind of a value in the words of YAML, since the names of Ansible's own types help nobody."""
    if given is None:
        return "null"
    kinds = (
        (bool, "a boolean"),
        (str, "text"),
        ((int, float), "a number"),
        (Mapping, "a dict"),
        ((date, time), "a date"),
        (Sequence, "a list"),
    )
    return next((name for kind, name in kinds if isinstance(given, kind)), "something undefined")


def shown(value: Any) -> str:
    """Return a value as a message shows it, cut to 60 characters. A number of thousands of digits has no text."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    try:
        return repr(value)[:_SHOWN_CHARS]
    except ValueError:
        return "this value"


def from_json(value: Any) -> Any:
    """Return the list or dict in a JSON text, and any other value as it is."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def number(
    name: str,
    value: Any,
    hint: Callable[[Any], str] | None = None,
    least: float = -math.inf,
    most: float = math.inf,
) -> float:
    """Return `value`, a number or a numeric string, as a finite float from `least` to `most`.

    `hint` returns what to give instead of something that is not a number.
    """
    problem = f"{shown(value)} is not a number"
    if hint is not None:
        problem += f"; {hint(value)}"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise OptionError(name, problem)
    # float() takes fewer characters for white space than strip() does.
    given = value.strip() if isinstance(value, str) else value
    try:
        result = float(given) if not isinstance(given, str) or _NUMBER.fullmatch(given) else None
    except OverflowError:
        result = math.inf
    if result is None:
        raise OptionError(name, problem)
    if not math.isfinite(result):
        raise OptionError(name, f"{shown(value)} is not a finite number")
    if not least <= result <= most:
        raise OptionError(name, f"{shown(value)} is not {_range(least, most)}")
    return result


def whole(name: str, value: Any, least: int, most: int = COUNT_LIMIT) -> int:
    """Return `value`, a number or a numeric string, as an int from `least` to `most`."""
    number(name, value, _count_hint)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise OptionError(name, f"{shown(value)} has too large an exponent; give a whole number") from None
    if exact != exact.to_integral_value() or not least <= exact <= most:
        bounds = f"of {least} or more" if most == COUNT_LIMIT else _range(least, most)
        raise OptionError(name, f"{shown(value)} is not a whole number {bounds}")
    return int(exact)


def any_seconds(name: str, value: Any) -> float:
    """Return `value` as seconds of any sign, for an option whose range is checked elsewhere."""
    return number(name, value, _seconds_hint)


def seconds(name: str, value: Any, most: float = math.inf) -> float:
    """Return `value` as seconds from 0 to `most`."""
    result = any_seconds(name, value)
    if result < 0:
        raise OptionError(name, f"{value} is negative; give seconds, 0 or more")
    if result > most:
        raise OptionError(name, f"{shown(value)} is not {_range(0, most)}; give seconds")
    return result


def span(name: str, value: Any, most: float = math.inf) -> tuple[float, float]:
    """Return the least and the most seconds of `value`, a number of seconds or a list of both."""
    if not isinstance(value, (list, tuple)):
        exact = seconds(name, value, most)
        return exact, exact
    if len(value) != 2:
        raise OptionError(name, f"{shown(value)} is not seconds, and not a list of the least and the most seconds")
    low, high = (seconds(f"{name}[{index}]", entry, most) for index, entry in enumerate(value))
    if low > high:
        raise OptionError(name, f"the least, {low:g}, is above the most, {high:g}; swap them")
    return low, high


def ratio(name: str, value: Any) -> float:
    """Return `value` as a ratio from 0 to 1."""
    result = number(name, value, _ratio_hint)
    if 1 < result <= 100:
        raise OptionError(name, f"{value} is not a ratio from 0 to 1; did you mean {result / 100:g}?")
    if not 0 <= result <= 1:
        raise OptionError(name, f"{value} is not a ratio from 0 to 1")
    return result


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value`, which is one of `choices`."""
    if value not in choices:
        raise OptionError(name, f"{shown(value)} is unknown; give {', '.join(choices[:-1])} or {choices[-1]}")
    return str(value)


def listed(name: str, value: Any) -> list[Any]:
    """Return `value`, a list."""
    if not isinstance(value, (list, tuple)):
        raise OptionError(name, f"{shown(value)} is not a list")
    return list(value)


def table(name: str, value: Any, known: Iterable[str] | None = None) -> dict[str, Any]:
    """Return `value`, a dict, without the keys whose value is null. Its keys are among `known`, unless that is null."""
    if not isinstance(value, Mapping):
        raise OptionError(name, f"{shown(value)} is not a dict")
    given = {str(key): entry for key, entry in value.items() if entry is not None}
    names = sorted(given if known is None else known)
    for key in given:
        if key not in names:
            raise OptionError(f"{name}.{key}", f"there is no such key; give one of {', '.join(names)}")
    return given


def tag(name: str, value: Any) -> str:
    """Return `value`, which has to be text. What YAML reads as something else is never turned into text.

    `tag_problem` tells whether the text can be a tag.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        remedy = "quote it: 'no', since yes, no, on and off are booleans without quotes"
    elif isinstance(value, (int, float)):
        remedy = "quote it: '010', since 010 is 8, 1.10 is 1.1 and 12:30:00 is 45000 without quotes"
    elif isinstance(value, (date, time)):
        remedy = f"quote it: '{value}'"
    elif value is None:
        remedy = "remove it, or quote it: 'null'"
    else:
        raise OptionError(name, f"{kind_of(value)} is not a tag; give each tag as text, and a list as *list")
    given = value if isinstance(value, (date, time)) else shown(value)
    raise OptionError(name, f"{given} is not a tag; {remedy}")


def tags(name: str, value: Any) -> list[str]:
    """Return the tags in a list, in a list written as JSON, or in text with commas between them.

    An entry of a list is one tag, commas included.
    """
    given = from_json(value)
    if isinstance(given, str):
        text = given.strip()
        if text[:1] == "[" and text[-1:] == "]":
            raise OptionError(name, "the text looks like a list, but is not JSON; JSON has double quotes")
        entries = [entry.strip() for entry in text.split(",")]
        if not text:
            raise OptionError(name, "it is empty; give at least one tag")
        if "" in entries:
            raise OptionError(name, "an entry between the commas is empty; remove a comma")
        return entries
    if isinstance(given, Mapping) or not isinstance(given, Sequence) or isinstance(given, bytes):
        return [tag(name, given)]
    return [tag(name, entry) for entry in given]


def tag_problem(tag: str) -> str | None:
    """Return why the service takes no such tag, in words that follow the tag; null where it does."""
    if not tag or tag.isspace():
        return "is empty"
    if len(tag) > TAG_LIMIT:
        return f"is shortened here: it has {len(tag)} characters, and a tag has at most {TAG_LIMIT}"
    for char in tag:
        if char.isspace():
            return "contains white space, which no tag has"
        if char == ";":
            return "contains a semicolon, which no tag has"
        if unicodedata.category(char) == "Cc":
            return "contains a control character"
        if unicodedata.category(char) == "Cs":
            return "is not valid Unicode"
    return None


def _range(least: float, most: float) -> str:
    return f"{least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"


def _count_hint(value: Any) -> str:
    if isinstance(value, str) and _GROUPED.fullmatch(value):
        return f"did you mean {re.sub('[^0-9]', '', value)}?"
    return "give a whole number"


def _seconds_hint(value: Any) -> str:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    unit = _UNITS.get(found.group(2).lower()) if found else None
    if found and unit:
        return f"give seconds: did you mean {float(found.group(1).replace(',', '.')) * unit:g}?"
    return "give seconds, such as 900"


def _ratio_hint(value: Any) -> str:
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found:
        meant = float(found.group(1).replace(",", "."))
        if found.group(2) or meant > 1:
            meant /= 100
        if meant <= 1:
            return f"did you mean {meant:g}?"
    return "give a ratio from 0 to 1, such as 0.95"
