# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that mail is judged by: defaults and checks. Private: names and behaviour may change."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Mapping

from ...module_utils._errors import OptionError
from ...module_utils._fields import option, read_options
from ...module_utils._values import choice, from_json, ratio, seconds, table, tag, whole

DECIDERS = ("ratio", "inconclusive")


def _confidence(name: str, value: Any) -> float:
    result = ratio(name, value)
    if result == 1:
        raise OptionError(name, "1 can never be reached; give less, such as 0.99, or 0 for the bare ratio")
    return result


def _positive(name: str, value: Any) -> int:
    return whole(name, value, 1)


def _expectation(name: str, value: Any) -> int | dict[str, int]:
    given = from_json(value)
    if not isinstance(given, Mapping):
        return whole(name, given, 1)
    for key in given:
        tag(name, key)
    return {key: whole(f"{name} of '{key}'", count, 1) for key, count in table(name, given).items()}


def _decider(name: str, value: Any) -> str:
    return choice(name, value, DECIDERS)


def _tag(name: str, value: Any) -> str:
    text = tag(name, value)
    if not text:
        raise OptionError(name, "it is empty; give the tag to compare with")
    return text


@dataclass(frozen=True)
class Policy:
    """What is required of a campaign. The fields are options; `from_options` reads and checks them.

    Ratios are from 0 to 1, `sending_gap` and `grace_period` in seconds.
    """

    min_delivery_ratio: float = option(0.95, "float", ratio)
    min_messages: int = option(100, "int", _positive)
    confidence: float = option(0.95, "float", _confidence)
    expected_messages: int | dict[str, int] | None = option(None, "raw", _expectation)
    sending_gap: float = option(60.0, "float", seconds)
    grace_period: float = option(900.0, "float", seconds)
    at_deadline: str = option("ratio", "str", _decider, choices=list(DECIDERS))
    min_open_ratio: float | None = option(None, "float", ratio)
    min_click_ratio: float | None = option(None, "float", ratio)
    baseline_tag: str | None = option(None, "str", _tag)
    max_delivery_drop: float = option(0.02, "float", ratio)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], **defaults: Any) -> Policy:
        """Return a policy of options as a user gave them: numbers may be strings, null means the default.

        `defaults` replaces defaults of the fields. Raises OptionError for an unknown option or a value that cannot be
        used.
        """
        names = [item.name for item in fields(cls)]
        for name in options:
            if name not in names:
                raise OptionError(str(name), f"there is no such option; give one of {', '.join(names)}")
        policy = cls(**{**defaults, **read_options(cls, options)})
        policy._check_expectations()
        return policy

    def expected(self, tag: str | None) -> int | None:
        """Return how many messages the campaign under `tag` sends; null where that is not known."""
        if isinstance(self.expected_messages, dict):
            return None if tag is None else self.expected_messages.get(tag)
        return self.expected_messages

    def log_threshold(self, chances: int = 1) -> float:
        """Return the logarithm of the evidence that decides, where there are `chances` chances to be wrong."""
        return math.log(chances) - math.log(1.0 - self.confidence)

    def check_tags(self, tags: list[str]) -> None:
        """Raise OptionError where `expected_messages` names a tag that is not judged."""
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
