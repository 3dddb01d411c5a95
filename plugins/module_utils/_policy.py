# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy that mail is judged by: its values, defaults and refusals. Private: names and behaviour may change."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Mapping

from ._errors import OptionError

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_COUNT_LIMIT = 2**63 - 1


@dataclass(frozen=True)
class Policy:
    """What is asked of a campaign; each field is an option, with its default.

    Ratios are from 0 to 1, C(sending_gap) and C(grace_period) in seconds. Build one with C(from_options), which checks.
    """

    min_delivery_ratio: float = 0.95
    min_messages: int = 100
    confidence: float = 0.95
    expected_messages: int | dict[str, int] | None = None
    sending_gap: float = 60.0
    grace_period: float = 900.0
    at_deadline: str = "ratio"
    min_open_ratio: float | None = None
    min_click_ratio: float | None = None
    baseline_tag: str | None = None
    max_delivery_drop: float = 0.02

    @classmethod
    def from_options(cls, options: Mapping[str, Any], **defaults: Any) -> Policy:
        """Build a policy from options as a user gave them: numbers may be strings, null means the default.

        C(defaults) replaces a field's own default. Raises OptionError for an unknown option or a value that means
        nothing.
        """
        for name in options:
            if name not in _CHECKS:
                raise OptionError(str(name), f"there is no such option; give one of {', '.join(_CHECKS)}")
        given = {**defaults, **{name: value for name, value in options.items() if value is not None}}
        policy = cls(**{name: _CHECKS[name](name, value) for name, value in given.items()})
        policy._check_expectations()
        return policy

    def expected(self, tag: str | None) -> int | None:
        """Return how many messages the campaign under C(tag) sends; null where that was not said."""
        if isinstance(self.expected_messages, dict):
            return None if tag is None else self.expected_messages.get(tag)
        return self.expected_messages

    def log_threshold(self, chances: int = 1) -> float:
        """Return the logarithm of the evidence that decides, where it has so many C(chances) to be wrong."""
        return math.log(chances) - math.log1p(-self.confidence)

    def check_tags(self, tags: list[str]) -> None:
        """Raise OptionError where C(expected_messages) names a tag that is not judged."""
        if isinstance(self.expected_messages, dict):
            strange = [tag for tag in self.expected_messages if tag not in tags]
            if strange:
                raise OptionError(
                    "expected_messages",
                    f"it names '{strange[0]}', which is not among the tags judged; check its spelling",
                )

    def _check_expectations(self) -> None:
        expectations = self.expected_messages
        for count in expectations.values() if isinstance(expectations, dict) else [expectations]:
            if count is not None and count < self.min_messages:
                raise OptionError(
                    "expected_messages",
                    f"{count} is below min_messages ({self.min_messages}), so nothing would ever be decided; "
                    "lower min_messages",
                )


def number(name: str, value: Any) -> float:
    """Return C(value) as a finite float; numeric strings are numbers. Raises OptionError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise OptionError(name, f"{_shown(value)} is not a number")
    try:
        result = float(value) if not isinstance(value, str) or _NUMBER.fullmatch(value.strip()) else None
    except OverflowError:
        result = math.inf
    if result is None:
        raise OptionError(name, f"{_shown(value)} is not a number")
    if not math.isfinite(result):
        raise OptionError(name, f"{_shown(value)} is not a finite number")
    return result


def whole(name: str, value: Any, least: int) -> int:
    """Return C(value) as an int of at least C(least); numeric strings are numbers. Raises OptionError."""
    number(name, value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise OptionError(name, f"{_shown(value)} has an exponent out of all bounds") from None
    if exact != exact.to_integral_value() or not least <= exact <= _COUNT_LIMIT:
        raise OptionError(name, f"{value} is not a whole number of {least} or more")
    return int(exact)


def seconds(name: str, value: Any) -> float:
    """Return C(value) as seconds, 0 or more. Raises OptionError."""
    result = number(name, value)
    if result < 0:
        raise OptionError(name, f"{value} is negative; give seconds, 0 or more")
    return result


def _shown(value: Any) -> str:
    """Return a value as a message shows it; a number of thousands of digits cannot be written out."""
    try:
        return repr(value)[:60]
    except ValueError:
        return "this value"


def _ratio(name: str, value: Any) -> float:
    result = number(name, value)
    if 1 < result <= 100:
        raise OptionError(name, f"{value} is not a ratio from 0 to 1; did you mean {result / 100:g}?")
    if not 0 <= result <= 1:
        raise OptionError(name, f"{value} is not a ratio from 0 to 1")
    return result


def _confidence(name: str, value: Any) -> float:
    result = _ratio(name, value)
    if result == 1:
        raise OptionError(name, "1 can never be reached; give less, such as 0.99, or 0 for the bare ratio")
    return result


def _positive(name: str, value: Any) -> int:
    return whole(name, value, 1)


def _expectation(name: str, value: Any) -> int | dict[str, int]:
    if isinstance(value, Mapping):
        counts = {tag if isinstance(tag, str) else _shown(tag): count for tag, count in value.items()}
        return {str(tag): whole(f"{name} of '{tag}'", count, 1) for tag, count in counts.items() if count is not None}
    return whole(name, value, 1)


def _decider(name: str, value: Any) -> str:
    if value not in ("ratio", "inconclusive"):
        raise OptionError(name, f"{_shown(value)} is unknown; give ratio or inconclusive")
    return str(value)


def _tag(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise OptionError(name, f"{_shown(value)} is not a tag; give one as text")
    return str(value)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "min_delivery_ratio": _ratio,
    "min_messages": _positive,
    "confidence": _confidence,
    "expected_messages": _expectation,
    "sending_gap": seconds,
    "grace_period": seconds,
    "at_deadline": _decider,
    "min_open_ratio": _ratio,
    "min_click_ratio": _ratio,
    "baseline_tag": _tag,
    "max_delivery_drop": _ratio,
}
