# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy that mail is judged by: its values, defaults and refusals. Private: names and behaviour may change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ._errors import OptionError
from ._values import from_json, ratio, seconds, shown, tag, whole


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


def _confidence(name: str, value: Any) -> float:
    result = ratio(name, value)
    if result == 1:
        raise OptionError(name, "1 can never be reached; give less, such as 0.99, or 0 for the bare ratio")
    return result


def _positive(name: str, value: Any) -> int:
    return whole(name, value, 1)


def _expectation(name: str, value: Any) -> int | dict[str, int]:
    given = from_json(value)
    if isinstance(given, Mapping):
        counts = {tag(name, key): count for key, count in given.items()}
        return {key: whole(f"{name} of '{key}'", count, 1) for key, count in counts.items() if count is not None}
    return whole(name, given, 1)


def _decider(name: str, value: Any) -> str:
    if value not in ("ratio", "inconclusive"):
        raise OptionError(name, f"{shown(value)} is unknown; give ratio or inconclusive")
    return str(value)


def _tag(name: str, value: Any) -> str:
    text = tag(name, value)
    if not text:
        raise OptionError(name, "it is empty; give the tag to compare with")
    return text


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "min_delivery_ratio": ratio,
    "min_messages": _positive,
    "confidence": _confidence,
    "expected_messages": _expectation,
    "sending_gap": seconds,
    "grace_period": seconds,
    "at_deadline": _decider,
    "min_open_ratio": ratio,
    "min_click_ratio": ratio,
    "baseline_tag": _tag,
    "max_delivery_drop": ratio,
}
