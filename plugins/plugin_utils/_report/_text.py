# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures, and text from elsewhere, as the reports show them. Private: names and behaviour may change."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Iterable, Mapping

from .._format import percent, share

SYMBOLS = {"pass": "\u2714", "fail": "\u2718", "inconclusive": "?", "error": "!"}
NOTHING = "\u2013"

# In characters; a tag has up to 1,000.
LONGEST_SENTENCE = 3000
_MOST_SETTINGS = 20
_LONGEST_NAME = 100

_REPLACEMENT = "\ufffd"
# Controls that change the direction of text, so that it reads as something else.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WHITE_SPACE = re.compile(r"\s+")


def plain(text: Any) -> str:
    """Return text on one line that XML 1.0 can hold; what cannot be shown becomes U+FFFD."""
    line = _WHITE_SPACE.sub(" ", str(text)).strip()
    # Of what Python calls printable, nothing is hidden.
    return line if line.isprintable() else "".join(map(_shown, line)).strip()


def shorten(text: str, limit: int) -> str:
    """Return text of at most `limit` characters without its middle, since tags often differ at the end."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}\u2026{text[len(text) - tail :]}"


def fitting(texts: Iterable[str], limit: int) -> list[str]:
    """Return the first texts that together, each with a line feed, need at most `limit` bytes."""
    found: list[str] = []
    for text in texts:
        limit -= len(text.encode("utf-8", "replace")) + 1
        if limit < 0:
            break
        found.append(text)
    return found


def left_out(shown: int, whole: int, noun: str) -> str:
    """Return a sentence on the entries that are not shown; empty text where all are."""
    return f"{whole - shown} of {whole} {noun} are left out; the worst come first." if shown < whole else ""


def duration(seconds: float) -> str:
    """Return seconds as people read them: `45 s`, `12 min 30 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{int(seconds)} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def count(number: int, noun: str) -> str:
    """Return `1 look`, `2 looks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(least: int, most: int) -> str:
    """Return a number by its bounds; one number where these are equal."""
    return str(most) if least == most else f"{least}{NOTHING}{most}"


def share_span(least: int, most: int, whole: int) -> str:
    """Return a share by its bounds, rounded down; a dash without messages."""
    if not whole:
        return NOTHING
    low, high = share(least, whole), share(most, whole)
    return high if low == high else f"{low} {NOTHING} {high}"


def setting(name: str, value: Any) -> str:
    """Return the value of a policy's option."""
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        names = [f"{shorten(plain(key), _LONGEST_NAME)}: {setting('', item)}" for key, item in value.items()]
        rest = len(names) - _MOST_SETTINGS
        return ", ".join(names[:_MOST_SETTINGS] + ([f"and {rest} more"] if rest > 0 else []))
    if isinstance(value, float):
        if name.endswith(("_ratio", "_drop")):
            return percent(value)
        return duration(value) if name in ("sending_gap", "grace_period") else f"{value:.12g}"
    return shorten(plain(value), LONGEST_SENTENCE)


def _shown(char: str) -> str:
    hidden = unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI or char in "\ufeff\ufffe\uffff"
    return _REPLACEMENT if hidden else char
