# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values: what counts as a number, a share, a span and a tag."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import values
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import SettingError

READ = [
    (values.number, 3, 3.0),
    (values.number, "2.5", 2.5),
    (values.number, " 1e2 ", 100.0),
    (values.number, ".5", 0.5),
    (values.whole, "503", 503),
    (values.whole, 4.0, 4),
    (values.share, 0, 0.0),
    (values.share, "1", 1.0),
    (values.share, 0.95, 0.95),
    (values.span, 2, (2.0, 2.0)),
    (values.span, [1, "5"], (1.0, 5.0)),
    (values.span, [3, 3], (3.0, 3.0)),
]

REFUSED = [
    (values.number, True, "not a number"),
    (values.number, None, "not a number"),
    (values.number, "nan", "not a number"),
    (values.number, "1_000", "not a number"),
    (values.number, "\u0661", "not a number"),
    (values.number, float("nan"), "not a finite number"),
    (values.number, float("inf"), "not a finite number"),
    (values.number, 10**400, "not a finite number"),
    (values.number, "1e999", "not a finite number"),
    (values.number, -1, "at least 0"),
    (values.whole, 1.5, "not a whole number"),
    (values.whole, False, "not a whole number"),
    (values.whole, "1.5", "not a whole number"),
    (values.whole, -1, "at least 0"),
    (values.share, 95, "did you mean 0.95?"),
    (values.share, "98.5", "did you mean 0.985?"),
    (values.share, -0.1, "not a ratio"),
    (values.share, True, "not a number"),
    (values.share, 101, "not a ratio from 0 to 1"),
    (values.span, [5, 1], "swap them"),
    (values.span, [1, 2, 3], "a list of the least and the most"),
    (values.span, [], "a list of the least and the most"),
    (values.span, -1, "not from 0 to"),
    (values.span, "soon", "not a number"),
]


@pytest.mark.parametrize(("read", "value", "expected"), READ)
def test_values_read(read: Callable[[object, str], Any], value: object, expected: object) -> None:
    """A value that means something is read, also from a string of digits."""
    assert read(value, "option") == expected


@pytest.mark.parametrize(("read", "value", "problem"), REFUSED)
def test_values_refused(read: Callable[[object, str], Any], value: object, problem: str) -> None:
    """A value that means nothing is refused, with the option's name and the problem."""
    with pytest.raises(SettingError) as caught:
        read(value, "scenario.delay")
    assert str(caught.value).startswith("scenario.delay")
    assert problem in str(caught.value)


def test_unknown_keys() -> None:
    """A key that there is not is refused by name, beside those that there are."""
    with pytest.raises(SettingError, match=r"^faults\.dorp: there is no such key; give one of a, drop$"):
        values.table({"dorp": 1}, "faults", ("drop", "a"))


def test_long_values_are_cut() -> None:
    """An error does not repeat a long value whole."""
    with pytest.raises(SettingError) as caught:
        values.number("x" * 10000, "speed")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("tag", ["a", "a/b", "?x=1", "%2e%2e", ".", "\N{PARTY POPPER}", "x" * 1000, "wave-1"])
def test_tags_taken(tag: str) -> None:
    """A tag may hold whatever the vendor does not exclude."""
    assert values.tag_problem(tag) is None


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("", "empty"),
        (" ", "white space"),
        ("a b", "white space"),
        ("a\u00a0b", "white space"),
        ("a\n", "white space"),
        ("a;b", "semicolon"),
        ("a\x00", "control"),
        ("a\x7f", "control"),
        ("\ud800", "not valid Unicode"),
        ("x" * 1001, "at most 1000"),
    ],
)
def test_tags_refused(tag: str, problem: str) -> None:
    """A tag that the vendor excludes, or that cannot be written, is refused with the reason."""
    assert problem in (values.tag_problem(tag) or "")
