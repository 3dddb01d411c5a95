# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values as users write them: numbers (also as strings), shares, spans of time, tags.

Private: names and behaviour may change.
"""

from __future__ import annotations

import math
import re
import typing as t

from .errors import SettingError

LONGEST_TAG = 1000
LONGEST_DELAY = 10.0 * 365 * 24 * 3600

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def shown(value: object) -> str:
    """The value as an error shows it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def number(value: object, where: str, least: float = 0.0, most: float = math.inf) -> float:
    """A finite number from least to most; strings of digits count, booleans and NaN do not."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = value.strip()
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingError(where, f"{shown(value)} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise SettingError(where, f"{shown(value)} is not a finite number")
    if result < least or result > most:
        bounds = f"at least {least:g}" if math.isinf(most) else f"from {least:g} to {most:g}"
        raise SettingError(where, f"{shown(value)} is not {bounds}")
    return result


def whole(value: object, where: str, least: int = 0, most: int | None = None) -> int:
    """A whole number from least to most (no upper bound when that is None)."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,100}", value.strip()):
        value = int(value.strip())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingError(where, f"{shown(value)} is not a whole number")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise SettingError(where, f"{shown(value)} is not {bounds}")
    return value


def share(value: object, where: str) -> float:
    """A share from 0 to 1; a percentage is refused with the share that was probably meant."""
    result = number(value, where, least=-math.inf)
    if 0 <= result <= 1:
        return result
    hint = f"; did you mean {result / 100:g}?" if 1 < result <= 100 else ""
    raise SettingError(where, f"{shown(value)} is not a ratio from 0 to 1{hint}")


def span(value: object, where: str) -> tuple[float, float]:
    """Seconds: one number, or a list of the least and the most."""
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise SettingError(where, f"{shown(value)} is neither seconds nor a list of the least and the most")
        least = number(value[0], f"{where}[0]", most=LONGEST_DELAY)
        most = number(value[1], f"{where}[1]", most=LONGEST_DELAY)
        if least > most:
            raise SettingError(where, f"the least, {least:g}, is above the most, {most:g}; swap them")
        return least, most
    exact = number(value, where, most=LONGEST_DELAY)
    return exact, exact


def listed(value: object, where: str) -> list[object]:
    """A list."""
    if not isinstance(value, (list, tuple)):
        raise SettingError(where, f"{shown(value)} is not a list")
    return list(value)


def table(value: object, where: str, known: t.Iterable[str] | None = None) -> dict[str, object]:
    """A dict; with known, its keys must be among them. Keys whose value is None are left out."""
    if not isinstance(value, dict):
        raise SettingError(where, f"{shown(value)} is not a dict")
    result = {str(key): entry for key, entry in value.items() if entry is not None}
    if known is not None:
        names = sorted(known)
        for key in result:
            if key not in names:
                raise SettingError(f"{where}.{key}", f"there is no such key; give one of {', '.join(names)}")
    return result


def tag_problem(tag: str) -> str | None:
    """Why the service does not take this tag, or None."""
    if not tag:
        return "is empty"
    if any(character.isspace() for character in tag):
        return "holds white space, which no tag has"
    if ";" in tag:
        return "holds a semicolon, which no tag has"
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in tag):
        return "holds a control character"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in tag):
        return "is not valid Unicode"
    if len(tag) > LONGEST_TAG:
        return f"has {len(tag)} characters, and a tag has at most {LONGEST_TAG}"
    return None
