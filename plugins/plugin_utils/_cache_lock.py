# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has one process fill an entry while the others wait for it. Private: names and behaviour may change."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import Callable, Iterator

_PAUSES = (0.001, 0.025)


class FillLock:
    """One byte of a file for each key, locked by the process that fills the entry; the system frees it when that dies.

    It works between open() and close(). Where the file cannot be used, nobody waits. C(patience) is how many seconds to
    wait for another process at the most; C(sleep) waits, C(clock) is monotonic.
    """

    def __init__(
        self,
        path: str,
        patience: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._file: int | None = None

    def open(self) -> None:
        """Open the file, and make it where it is missing."""
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
    def held(self, key: str) -> Iterator[None]:
        """Hold the lock of a key, which is hexadecimal, or go without it once the patience is at its end."""
        place = int(key[:15], 16)
        taken = self._file is not None and self._take(self._file, place)
        try:
            yield
        finally:
            if taken and self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def _take(self, file: int, place: int) -> bool:
        pause, longest = _PAUSES
        give_up = self._clock() + self._patience
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                if self._clock() >= give_up:
                    return False
            except OSError:
                # The file system has no locks.
                return False
            else:
                return True
            self._sleep(pause)
            pause = min(longest, 1.5 * pause)
