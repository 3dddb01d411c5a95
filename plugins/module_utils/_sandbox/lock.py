# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock on a file, which is free once its holder has ended. Private: names and behaviour may change."""

from __future__ import annotations

import fcntl
import os
import time

from .errors import LockBusyError


class Lock:
    """An exclusive lock on a file. A fork shares it, and it is free once every copy is closed."""

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def acquire(cls, path: str, wait: float = 0.0) -> Lock:
        """Return the lock, after at most `wait` seconds. Raises LockBusyError, or OSError for the file."""
        deadline = time.monotonic() + wait
        while True:
            lock = cls._attempt(path, os.O_CREAT)
            if lock is not None:
                return lock
            if time.monotonic() >= deadline:
                raise LockBusyError(f"{path} is locked")
            time.sleep(0.02)

    @classmethod
    def is_held(cls, path: str) -> bool:
        """Return whether a process holds the lock now. It leaves no file behind."""
        try:
            lock = cls._attempt(path, 0)
        except FileNotFoundError:
            return False
        if lock is not None:
            lock.release()
        return lock is None

    @classmethod
    def _attempt(cls, path: str, create: int) -> Lock | None:
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | create, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            except OSError:
                os.close(fd)
                raise
            # The last holder may have removed the file between our open and our lock, which then locks nothing.
            if _same_file(fd, path):
                return cls(path, fd)
            os.close(fd)

    def release(self) -> None:
        """Remove the file, then free the lock."""
        if _same_file(self.fd, self.path):
            os.unlink(self.path)
        os.close(self.fd)

    def close(self) -> None:
        """Close this process's copy only. A forked copy keeps the lock."""
        os.close(self.fd)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *details: object) -> None:
        self.release()


def _same_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
