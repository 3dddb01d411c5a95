# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as users type them: what is a number, a ratio, a span and a tag."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _values as values
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError


def bounded(read: Callable[..., Any], *args: Any, **bounds: Any) -> Callable[[str, object], Any]:
    """A reader with its bounds."""
    return lambda name, value: read(name, value, *args, **bounds)


whole = bounded(values.whole, 0)
port = bounded(values.whole, 0, 65535)
positive = bounded(values.number, least=0)
at_most_one = bounded(values.number, least=0, most=1)
day = bounded(values.span, 86400)

REFUSED: dict[str, list[tuple[Any, object]]] = {
    "not a number": [
        (values.number, True), (values.number, None), (values.number, "nan"), (values.number, "1_000"),
        (values.number, "\u0661"), (values.ratio, True), (day, [1, "1d 1s"]), (values.span, "soon"),
    ],
    "not a finite number": [
        (values.number, float("nan")), (values.number, float("inf")), (values.number, 10**400),
        (values.number, "1e999"), (whole, "1e9999999999999999999999"),
    ],
    "is not 0 or more": [(positive, -1)],
    "is not from 0 to 1": [(at_most_one, 2)],
    "is negative": [(values.seconds, -1), (values.span, -1)],
    "did you mean 900?": [(values.seconds, "15m")],
    "not a whole number": [(whole, 1.5), (whole, "1.5")],
    "give a whole number": [(whole, False)],
    "not a whole number of 0 or more": [(whole, 2**63), (whole, -1)],
    "not a whole number from 0 to 65535": [(port, 65536)],
    "did you mean 0.95?": [(values.ratio, 95)],
    "did you mean 0.985?": [(values.ratio, "98.5")],
    "not a ratio from 0 to 1": [(values.ratio, -0.1), (values.ratio, 101)],
    "swap them": [(values.span, [5, 1])],
    "a list of the least and the most seconds": [(values.span, [1, 2, 3]), (values.span, [])],
    "not from 0 to 86400": [(day, 86401)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (values.number, 3, 3.0), (values.number, "2.5", 2.5), (values.number, " 1e2 ", 100.0),
        (values.number, ".5", 0.5), (whole, "503", 503), (whole, 4.0, 4), (values.ratio, 0, 0.0),
        (values.ratio, "1", 1.0), (values.ratio, 0.95, 0.95), (values.span, 2, (2.0, 2.0)),
        (values.span, [1, "5"], (1.0, 5.0)), (values.span, [3, 3], (3.0, 3.0)),
    ],
)  # fmt: skip
def test_values_read(read: Callable[[str, object], Any], value: object, expected: object) -> None:
    """A value that means something is read, also from a string of digits."""
    assert read("option", value) == expected


@pytest.mark.parametrize(
    ("read", "value", "problem"), [(*case, problem) for problem, cases in REFUSED.items() for case in cases]
)
def test_values_refused(read: Callable[[str, object], Any], value: object, problem: str) -> None:
    """A value that means nothing is refused, with the option's name and the problem."""
    with pytest.raises(OptionError) as caught:
        read("scenario.delay", value)
    assert str(caught.value).startswith("scenario.delay")
    assert problem in str(caught.value)


def test_unknown_keys() -> None:
    """A key that there is not is refused by name, beside those that there are."""
    with pytest.raises(OptionError, match=r"^faults\.dorp: there is no such key; give one of a, drop$"):
        values.table("faults", {"dorp": 1}, ("drop", "a"))


def test_long_values_are_cut() -> None:
    """An error does not repeat a long value whole."""
    with pytest.raises(OptionError) as caught:
        values.number("speed", "x" * 10000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("tag", ["a", "a/b", "?x=1", "%2e%2e", ".", "\N{PARTY POPPER}", "x" * 1000, "wave-1"])
def test_tags_taken(tag: str) -> None:
    """A tag may hold whatever the vendor does not exclude."""
    assert values.tag_problem(tag) is None


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("", "empty"), (" ", "white space"), ("a b", "white space"), ("a\u00a0b", "white space"),
        ("a\n", "white space"), ("a;b", "semicolon"), ("a\x00", "control"), ("a\x7f", "control"),
        ("\ud800", "not valid Unicode"), ("x" * 1001, "at most 1000"),
    ],
    ids=ascii,
)  # fmt: skip
def test_tags_refused(tag: str, problem: str) -> None:
    """A tag that the vendor excludes, or that cannot be written, is refused with the reason."""
    assert problem in (values.tag_problem(tag) or "")
