# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The looks that a gate keeps. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Mapping

TAG_ENTRIES_LIMIT = 600


class History:
    """Keeps looks, thinned out evenly when there are many: the whole wait stays covered, first and last always."""

    def __init__(self, limit: int, tags: int) -> None:
        self._limit = max(2, min(limit, TAG_ENTRIES_LIMIT // tags))
        self._stride = 1
        self._kept: list[dict[str, Any]] = []
        self._last: dict[str, Any] | None = None
        self.looks = 0

    def add(self, entry: dict[str, Any]) -> None:
        """Take the entry of one look."""
        if self.looks % self._stride == 0:
            # One place is left for the last look.
            if len(self._kept) == self._limit - 1:
                self._kept = self._kept[::2]
                self._stride *= 2
            if self.looks % self._stride == 0:
                self._kept.append(entry)
        self._last = entry
        self.looks += 1

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries kept, in order of time."""
        if self._last is None or (self._kept and self._kept[-1] is self._last):
            return list(self._kept)
        return [*self._kept, self._last]

    def state(self) -> dict[str, Any]:
        """Return what is kept, in plain JSON types."""
        return {"looks": self.looks, "stride": self._stride, "kept": list(self._kept), "last": self._last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; what is above a limit that is lower by now is thinned out."""
        self.looks, self._stride = state["looks"], state["stride"]
        self._kept, self._last = list(state["kept"]), state["last"]
        if self._kept and (self.looks - 1) % self._stride == 0:
            self._last = self._kept[-1]
        while len(self._kept) > self._limit - 1:
            self._kept = self._kept[::2]
            self._stride *= 2

    @property
    def dropped(self) -> int:
        """How many looks are not among the entries."""
        return self.looks - len(self.entries())
