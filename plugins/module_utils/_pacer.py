# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pauses that the service asks for, kept by all threads of a client. Private: names and behaviour may change."""

from __future__ import annotations

import math
import threading
from typing import Callable

from ._errors import RETRY_AFTER_LIMIT, StatsError


class Pacer:
    """Holds all threads while the service wants a pause, and remembers the pauses that were not waited for.

    `sleep` waits so many seconds, `clock` is monotonic.
    """

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self.sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._resume_at = 0.0
        # When each pause ends, and its length in seconds.
        self._pauses: list[tuple[float, float]] = []

    @property
    def longest_pause(self) -> float:
        """The longest pause, in seconds, that the service asked for and that is not over; 0 without one."""
        with self._lock:
            return max((length for _end, length in self._open_pauses()), default=0.0)

    def note_pause(self, seconds: float) -> None:
        """Remember that the service asked for a pause."""
        with self._lock:
            self._pauses = [*self._open_pauses(), (self._clock() + seconds, seconds)]

    def hold_all(self, seconds: float) -> None:
        """Let no thread pass `wait` for so many seconds from now."""
        with self._lock:
            self._resume_at = max(self._resume_at, self._clock() + seconds)

    def wait(self) -> None:
        """Wait until threads are no longer held."""
        until = 0.0
        # Another thread may extend the hold meanwhile.
        while until < self._resume_at and self._clock() < self._resume_at:
            until = self._resume_at
            self.sleep(until - self._clock())

    def _open_pauses(self) -> list[tuple[float, float]]:
        now = self._clock()
        # A long pause is not waited for, so it is never over.
        return [(end, length) for end, length in self._pauses if end > now or length > RETRY_AFTER_LIMIT]


def pause_asked(seconds: float) -> str:
    """Return the words for a pause that the service asked for."""
    return f"asks to wait {math.ceil(seconds)} s"


def not_tried(tag: str, reason: str) -> StatsError:
    """Return the error of a tag that was not asked for, because of what happened before."""
    return StatsError("not_tried", tag, f"not tried, since {reason}; see the other errors")
