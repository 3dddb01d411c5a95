# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as options give them: each form is read, in UTC, and everything else is refused with the option's name."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._moment import read_moment
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


class Tagged(str):
    """Text as Ansible marks it."""


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00Z", "2026-01-31T12:00:00z", "2026-01-31t12:00:00Z", "2026-01-31 12:00:00",
        "2026-01-31T12:00", "2026-01-31T12:00Z", " 2026-01-31T12:00:00 ", "2026-01-31T12:00:00.999999Z",
        "2026-01-31T12:00:00,5", "2026-01-31 12:00:00.123456789 Z", "2026-01-31T12:00:00+00:00",
        "2026-01-31T14:30:00+02:30", "2026-01-31T14:30+0230", "2026-01-31T07:00:00-05", "2026-02-01T00:00:00+12:00",
        "20260131T120000Z", "20260131T1200", "20260131T140000+0200", 1769860800, 1769860800.75, "1769860800",
        "1769860800.9", "+1769860800", Tagged("2026-01-31T12:00:00Z"), Tagged("1769860800"),
        datetime(2026, 1, 31, 12),  # noqa: DTZ001 - what names no zone is in UTC
        datetime(2026, 1, 31, 12, 0, 0, 999999, tzinfo=timezone.utc),
        datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
    ids=repr,
)  # fmt: skip
def test_a_moment_in_each_form(value: Any) -> None:
    """The same moment, in whole seconds and in UTC."""
    found = read_moment("since", value)
    assert found == NOON
    assert found.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=timezone.utc)),
        (date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=timezone.utc)),
        ("2000-01-01", datetime(2000, 1, 1, tzinfo=timezone.utc)),
        (946684800, datetime(2000, 1, 1, tzinfo=timezone.utc)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
        (None, None),
    ],
    ids=repr,
)
def test_other_moments(value: Any, expected: datetime | None) -> None:
    """A day begins at midnight, and null is none."""
    assert read_moment("since", value) == expected


REFUSED: dict[str, list[Any]] = {
    "is empty": ["", "   "],
    "is not a moment": [
        "yesterday", "12:00:00", "2026-01", "2026-W05-6", "2026-031", "31-01-2026", "31/01/2026 12:00",
        "2026-01-31T12", "2026-01-31T12:00:00 CET", "2026-01-31T12:00:00Z; 1", "20260131T120000123456", "٢٠٢٦-01-31",
        "9" * 5000, "nan", "1e9", True, False, [], {"messages": 1}, b"2026-01-31",
    ],
    "not a moment that exists": [
        "2026-02-30", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T23:59:60Z",
        "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60", "9999-12-31T23:59:59-12:00", "0000-01-01",
    ],
    "is before 2000": ["20260131", "2026", "1999-12-31T23:59:59Z", 0, -1.5],
    "out of bounds": [1769860800000, "1769860800000", float("nan"), float("inf"), 10**400, "9" * 39],
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "says"),
    [(value, says) for says, refused in REFUSED.items() for value in refused],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_moment(value: Any, says: str) -> None:
    """It is refused by the option's name, with what to give instead, in a line of bounded length."""
    text = f"^since: .*{says}.*ISO 8601 such as .* or a Unix time in seconds$"
    with pytest.raises(OptionError, match=text) as caught:
        read_moment("since", value)
    assert caught.value.option == "since"
    assert len(str(caught.value)) < 250


# Python 3.8 has no zones by name.
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=40)
@given(st.datetimes(datetime(2000, 1, 2), datetime(9999, 12, 30), timezones=ZONES))  # noqa: DTZ001
def test_text_and_datetime_say_the_same(moment: datetime) -> None:
    """Python's own ISO 8601 is understood, whatever the zone, and so is the Unix time."""
    whole = moment.astimezone(timezone.utc).replace(microsecond=0)
    assert read_moment("since", moment) == whole
    assert read_moment("since", moment.isoformat()) == whole
    assert read_moment("since", int(whole.timestamp())) == whole
