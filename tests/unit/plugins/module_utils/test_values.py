"""Values as users type them: what is a number, a ratio, a span, a tag and a moment."""

from datetime import date, datetime, timedelta, timezone
from functools import partial

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _values as values
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._moment import read_moment
from hypothesis import given, settings
from hypothesis import strategies as st

whole = partial(values.whole, least=0)
day = partial(values.span, most=86400)
keyed = partial(values.table, known=("drop", "a"))
READ = [
    (values.number, {3: 3.0, "2.5": 2.5, " 1e2 ": 100.0, ".5": 0.5}),
    (whole, {"503": 503, 4.0: 4, 0: 0}),
    (values.ratio, {0: 0.0, "1": 1.0, 0.95: 0.95}),
    (values.span, {2: (2.0, 2.0), (1, "5"): (1.0, 5.0), (3, 3): (3.0, 3.0)}),
]
REFUSED = [
    (values.number, "not a number", [True, None, "nan", "1_000", "\u0661", "x" * 10000]),
    (values.number, "not a finite number", [float("nan"), float("inf"), 10**400, "1e999"]),
    (partial(values.number, least=0), "is not 0 or more", [-1]),
    (partial(values.number, least=0, most=1), "is not from 0 to 1", [2]),
    (values.seconds, "did you mean 900?", ["15m"]),
    (whole, "not a whole number of 0 or more", [1.5, "1.5", 2**63, -1]),
    (whole, "give a whole number", [False]),
    (whole, "not a finite number", ["1e9999999999999999999999"]),
    (partial(values.whole, least=0, most=65535), "not a whole number from 0 to 65535", [65536]),
    (values.ratio, "did you mean 0.985?", ["98.5"]),
    (values.ratio, "not a ratio from 0 to 1", [-0.1, 101]),
    (day, "not a number", [[1, "1d 1s"], "soon"]),
    (day, "is negative", [-1]),
    (day, "swap them", [[5, 1]]),
    (day, "a list of the least and the most seconds", [[1, 2, 3], []]),
    (day, "not from 0 to 86400", [86401]),
    (keyed, "scenario.delay.dorp: there is no such key; give one of a, drop", [{"dorp": 1}]),
]


def test_values_read():
    """A value that means something is read, also from a string of digits."""
    for read, expected in READ:
        assert {value: read("option", value) for value in expected} == expected


@pytest.mark.parametrize(("read", "problem", "refused"), REFUSED)
def test_values_refused(read, problem, refused):
    """A value that means nothing is refused, with the option's name and the problem, and not repeated at length."""
    for value in refused:
        with pytest.raises(OptionError) as caught:
            read("scenario.delay", value)
        assert str(caught.value).startswith("scenario.delay")
        assert problem in str(caught.value)
        assert len(str(caught.value)) < 160


def test_tags():
    """A tag may hold whatever the vendor does not exclude; what it excludes is refused with the reason."""
    for tag in ("?x=1", ".", "\N{PARTY POPPER}", "x" * 1000):
        assert values.tag_problem(tag) is None
    refused = {"": "is empty", "a\xa0b": "white space", "a;b": "semicolon", "a\x7f": "control", "\ud800": "Unicode"}
    for tag, problem in {**refused, "x" * 1001: "at most 1000"}.items():
        assert problem in values.tag_problem(tag)


MOMENTS = {
    datetime(2026, 1, 31, 12, tzinfo=timezone.utc): [
        "2026-01-31t12:00:00z", " 2026-01-31 12:00 ", "2026-01-31T12:00:00,5", "2026-01-31 12:00:00.123456789 Z",
        "2026-01-31T14:30+0230", "2026-01-31T07:00:00-05", "20260131T1200", "20260131T140000+02:00", "20260131T120000Z",
        1769860800.75, "+1769860800.9", type("Tagged", (str,), {})("2026-01-31T12:00:00Z"),
        datetime(2026, 1, 31, 12),  # noqa: DTZ001 - what names no zone is in UTC
    ],
    datetime(2026, 1, 31, tzinfo=timezone.utc): ["2026-01-31", date(2026, 1, 31)],
    datetime(2000, 1, 1, tzinfo=timezone.utc): ["2000-01-01", 946684800],
    None: [None],
}  # fmt: skip
NO_MOMENTS = {
    "is empty": ["", "   "],
    "is not a moment": [
        "12:00:00", "2026-01", "2026-W05-6", "٢٠٢٦-01-31", "2026-01-31T12", "2026-01-31T12:00:00 CET", "nan", "1e9",
        "2026-01-31T12:00:00Z; 1", "20260131T120000123456", "9" * 5000, True, [], b"2026-01-31",
    ],
    "not a moment that exists": [
        "2026-02-30", "2026-01-31T24:00:00Z", "2026-01-31T23:59:60Z", "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60", "9999-12-31T23:59:59-12:00", "0000-01-01",
    ],
    "is before 2000": ["20260131", "2026", "1999-12-31T23:59:59Z", 0, -1.5],
    "out of bounds": ["1769860800000", float("nan"), float("inf"), 10**400, "9" * 39],
}  # fmt: skip


@pytest.mark.parametrize("expected", MOMENTS, ids=str)
def test_moments(expected):
    """Each form is read, in whole seconds and in UTC; a day begins at midnight, and null is none."""
    for value in MOMENTS[expected]:
        found = read_moment("since", value)
        assert found == expected, value
        assert found is None or found.tzinfo is timezone.utc


@pytest.mark.parametrize("says", NO_MOMENTS)
def test_what_is_no_moment(says):
    """It is refused by the option's name, with what to give instead, in a line of bounded length."""
    for value in NO_MOMENTS[says]:
        with pytest.raises(OptionError, match=f"^since: .*{says}.*ISO 8601 such as .* or a Unix time in sec") as caught:
            read_moment("since", value)
        assert caught.value.option == "since"
        assert len(str(caught.value)) < 250


# Python 3.8 has no zones by name.
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=40)
@given(st.datetimes(datetime(2000, 1, 2), datetime(9999, 12, 30), timezones=ZONES))  # noqa: DTZ001
def test_text_and_datetime_say_the_same(moment):
    """Python's own ISO 8601 is understood, whatever the zone, and so is the Unix time."""
    whole = moment.astimezone(timezone.utc).replace(microsecond=0)
    for value in (moment, moment.isoformat(), int(whole.timestamp())):
        assert read_moment("since", value) == whole
