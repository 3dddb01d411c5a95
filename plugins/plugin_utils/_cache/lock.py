# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock for each cache entry: one process reads, the others wait. Private: names and behaviour may change."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import Callable, Iterator

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.025


class EntryLock:
    """Locks one byte of a file for each key; the system frees it when the process ends.

    It works between `open` and `close`. If the file cannot be used, nobody waits. `timeout` is the most seconds to wait
    for another process. `sleep` waits so many seconds, `clock` is monotonic.
    """

    def __init__(
        self,
        path: str,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._file: int | None = None

    def open(self) -> None:
        """Open the file, and create it if it is missing."""
        # Opened once: closing any descriptor of a file frees all that the process has locked in it.
        with suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Close the file, which frees every lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold the lock of a key, which is hexadecimal, or go on without it after the timeout."""
        place = int(key[:15], 16)
        is_locked = self._file is not None and self._acquire(self._file, place)
        try:
            yield
        finally:
            if is_locked and self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def _acquire(self, file: int, place: int) -> bool:
        """Return whether the lock was obtained within the timeout."""
        pause = _FIRST_PAUSE
        deadline = self._clock() + self._timeout
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                if self._clock() >= deadline:
                    return False
            except OSError:
                # The file system has no locks.
                return False
            else:
                return True
            self._sleep(pause)
            pause = min(_LONGEST_PAUSE, 1.5 * pause)
