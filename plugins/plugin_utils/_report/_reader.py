# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Typed values from a dict that came from a playbook. Private: names and behaviour may change."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from ...module_utils._errors import OptionError
from ._text import plain

INPUT = "the input"


class Reader:
    """Reads a dict at a named place; each method returns one key's value or raises OptionError that names both."""

    def __init__(self, given: Mapping[str, Any], place: str) -> None:
        self._given = given
        self._place = place

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def wrong(self, key: str, problem: str) -> OptionError:
        """Return the error for a key whose value cannot be used."""
        return OptionError(
            INPUT, f"{key} of {self._place} {problem}; give what campaign_gate returned, as it was registered"
        )

    def text(self, key: str) -> str:
        """Return text on one line; what cannot be shown is replaced."""
        value = self._value(key)
        if not isinstance(value, str):
            raise self.wrong(key, "is not text")
        return plain(value)

    def optional_text(self, key: str) -> str | None:
        """Return text on one line; null where the key is missing or null."""
        return None if self._given.get(key) is None else self.text(key)

    def moment(self, key: str) -> datetime:
        """Return a moment, in UTC where it names no zone."""
        try:
            # Python before 3.11 does not read the Z.
            moment = datetime.fromisoformat(self.text(key).replace("Z", "+00:00"))
        except ValueError:
            raise self.wrong(key, "is not a moment in ISO 8601") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; none where the key is missing or null."""
        return tuple(plain(value) for value in self._list(key))

    def choice(self, key: str, choices: Sequence[str], optional: bool = False) -> str | None:
        """Return one of the choices, or null where that is allowed."""
        value = self._given.get(key) if optional else self._value(key)
        if value is None and optional:
            return None
        if value not in choices:
            raise self.wrong(key, f"is not one of {', '.join(choices)}")
        return str(value)

    def number(self, key: str) -> float:
        """Return a finite number, 0 or more."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise self.wrong(key, "is not a number of 0 or more")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Return a finite number, 0 or more; null where the key is missing or null."""
        return None if self._given.get(key) is None else self.number(key)

    def count(self, key: str) -> int:
        """Return an int, 0 or more."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(key, "is not a whole number of 0 or more")
        return int(value)

    def optional_count(self, key: str) -> int | None:
        """Return an int, 0 or more; null where the key is missing or null."""
        return None if self._given.get(key) is None else self.count(key)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return a dict; an empty one where the key is missing or null."""
        value = self._given.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.wrong(key, "is not a dict")
        return value

    def reader(self, key: str) -> Reader | None:
        """Return a reader of the dict under a key; null where the key is missing or null."""
        return Reader(self.mapping(key), f"{key} of {self._place}") if self._given.get(key) is not None else None

    def by_name(self, key: str) -> list[tuple[str, Reader]]:
        """Return a reader of each dict in the dict under a key, with its name."""
        found = []
        for name, value in self.mapping(key).items():
            if not isinstance(value, Mapping):
                raise self.wrong(key, f"has something else than a dict under '{plain(name)}'")
            found.append((str(name), Reader(value, f"{key} '{plain(name)}' of {self._place}")))
        return found

    def items(self, key: str) -> list[Reader]:
        """Return a reader of each dict in the list under a key."""
        found = []
        for position, value in enumerate(self._list(key)):
            if not isinstance(value, Mapping):
                raise self.wrong(key, f"has something else than a dict at position {position}")
            found.append(Reader(value, f"{key} entry {position} of {self._place}"))
        return found

    def _value(self, key: str) -> Any:
        if key not in self._given:
            raise self.wrong(key, "is missing")
        return self._given[key]

    def _list(self, key: str) -> Sequence[Any]:
        value = self._given.get(key)
        if value is None:
            return ()
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise self.wrong(key, "is not a list")
        return value
