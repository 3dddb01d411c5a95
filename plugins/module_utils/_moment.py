# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads moments from options: ISO 8601, a datetime or a Unix time. Private: names and behaviour may change."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from ._errors import OptionError

_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_FORMS = "give ISO 8601 such as 2026-01-31T12:00:00Z, or a Unix time in seconds"
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_CLOCK = r"(?P<{0}h>[0-9]{{2}}){1}(?P<{0}m>[0-9]{{2}})({1}(?P<{0}s>[0-9]{{2}})([.,](?P<{0}f>[0-9]+))?)?"
_ZONE = r"(?P<zone>[Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"
_EXTENDED = re.compile(r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})([Tt ]" + _CLOCK.format("", ":") + r"\s?" + _ZONE + r"?)?")
_BASIC = re.compile(r"(?P<date>[0-9]{8})[Tt]" + _CLOCK.format("", "") + _ZONE + r"?")


def read_moment(option: str, value: Any) -> datetime | None:
    """Return a moment in UTC, in whole seconds; None for None.

    `value` is a datetime or a date, ISO 8601 as text, or a Unix time in seconds, as a number or as text. Without a zone
    it is in UTC. A fraction of a second is dropped, since the service's own times have none. Raises OptionError for
    anything else, and for moments before 2000.
    """
    if value is None:
        return None
    moment = _moment(option, value)
    if moment < _EARLIEST:
        raise OptionError(option, f"{_shown(value)} is before 2000, and no mail is that old; {_FORMS}")
    return moment.replace(microsecond=0)


def _moment(option: str, value: Any) -> datetime:
    if isinstance(value, datetime):
        return _in_utc(option, value, value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_seconds(option, value, value)
    if not isinstance(value, str):
        raise OptionError(option, f"it is not a moment; {_FORMS}")
    text = value.strip()
    if not text:
        raise OptionError(option, f"it is empty; leave it out, or {_FORMS}")
    if _NUMBER.fullmatch(text) and len(text) <= 40:
        return _of_seconds(option, float(text), value)
    found = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if not found:
        raise OptionError(option, f"{_shown(value)} is not a moment; {_FORMS}")
    try:
        day = datetime.strptime(found["date"].replace("-", ""), "%Y%m%d")  # noqa: DTZ007 - the zone follows
        clock = {"hour": int(found["h"] or 0), "minute": int(found["m"] or 0), "second": int(found["s"] or 0)}
        moment = day.replace(**clock, tzinfo=_zone(found["zone"]))
    except ValueError:
        raise OptionError(option, f"{_shown(value)} is not a moment that exists; {_FORMS}") from None
    return _in_utc(option, moment, value)


def _zone(text: str | None) -> timezone:
    if text in (None, "Z", "z"):
        return timezone.utc
    digits = str(text)[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if str(text)[0] == "-" else offset)


def _in_utc(option: str, moment: datetime, value: Any) -> datetime:
    try:
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (OverflowError, ValueError):
        raise OptionError(option, f"{_shown(value)} is not a moment that exists; {_FORMS}") from None


def _of_seconds(option: str, number: float, value: Any) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=math.floor(number))
    except (OverflowError, ValueError):
        # NaN, infinity, or milliseconds.
        raise OptionError(option, f"{_shown(value)} is out of bounds as a Unix time in seconds; {_FORMS}") from None


def _shown(value: Any) -> str:
    return repr(str(value)[:60])
