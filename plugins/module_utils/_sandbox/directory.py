# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory in which a sandbox keeps its files and is found again. Private: names and behaviour may change.

TEMPORARY DIRECTORY/smtpeter-sandbox-UID/.NAME.lock    locked by a run while it changes the sandbox
TEMPORARY DIRECTORY/smtpeter-sandbox-UID/NAME/lock     locked by the service while it runs
TEMPORARY DIRECTORY/smtpeter-sandbox-UID/NAME/...      state, log, certificates, and the data file if no other is given
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from typing import Iterator

from .errors import ELSEWHERE, DirectoryError, LockBusyError
from .lock import Lock

LOCK_TIMEOUT = 90.0
_ROUNDS = 100_000


@dataclass(frozen=True)
class ServiceState:
    """What a service writes about itself: `port` is null while it starts, TLS needs a restart at `renew`."""

    pid: int
    namespace: str
    port: int | None = None
    api_url: str | None = None
    ca_path: str | None = None
    data: str | None = None
    settings: str = ""
    salt: str = ""
    token: str = ""
    renew: float | None = None

    def has_token(self, token: str) -> bool:
        """Return whether the service was started with this token."""
        return hmac.compare_digest(self.token, token_digest(token, self.salt))


def token_digest(token: str, salt: str) -> str:
    """Return a digest that tells tokens apart and is slow to guess from."""
    return hashlib.pbkdf2_hmac("sha256", token.encode("utf-8"), salt.encode("ascii"), _ROUNDS).hex()


def new_salt() -> str:
    """Return a salt for `token_digest`."""
    return secrets.token_hex(16)


def namespace() -> str:
    """Return the PID namespace of this process; a container has its own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


class SandboxDirectory:
    """The directory of this user's sandbox with this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.top = os.path.join(_temporary_directory(), f"smtpeter-sandbox-{os.geteuid()}")
        self.path = os.path.join(self.top, name)
        self.lock_path = os.path.join(self.path, "lock")
        self.log_path = os.path.join(self.path, "log")
        self.own_data = os.path.join(self.path, "messages.sqlite")
        self.ca_path = os.path.join(self.path, "ca.pem")
        self.certificate_path = os.path.join(self.path, "server.pem")
        self._state_path = os.path.join(self.path, "state.json")

    def exists(self) -> bool:
        """Return whether the directory exists. Raises DirectoryError if others can enter it."""
        return _is_ours(self.top) and _is_ours(self.path)

    def prepare(self) -> None:
        """Make the directory. Raises DirectoryError."""
        for path in (self.top, self.path):
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise DirectoryError(f"the directory {path} cannot be made: {error.strerror}; {ELSEWHERE}") from None
            _is_ours(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from changing this sandbox. Raises DirectoryError if one does not finish in time."""
        path = os.path.join(self.top, f".{self.name}.lock")
        try:
            lock = Lock.acquire(path, LOCK_TIMEOUT)
        except LockBusyError:
            raise DirectoryError(
                f"another run has been changing sandbox {self.name} for {LOCK_TIMEOUT:g} s; end that run"
            ) from None
        except OSError as error:
            raise DirectoryError(f"{path} cannot be locked: {error.strerror}; {ELSEWHERE}") from None
        with lock:
            yield

    def running_state(self) -> ServiceState | None:
        """Return the state of the service; null if it does not run. Raises DirectoryError."""
        deadline = time.monotonic() + 5.0
        while self.is_running():
            state = self.read_state()
            if state is not None:
                return state
            if time.monotonic() >= deadline:
                raise DirectoryError(
                    f"a process holds {self.lock_path}, but which one is unknown; find it with fuser, and end it"
                )
            time.sleep(0.02)
        return None

    def is_running(self) -> bool:
        """Return whether the service runs, since it then holds its lock. Raises DirectoryError."""
        try:
            return Lock.is_held(self.lock_path)
        except OSError as error:
            raise DirectoryError(f"{self.lock_path} cannot be checked: {error.strerror}; remove {self.path}") from None

    def read_state(self) -> ServiceState | None:
        """Return the last written state, also of a service that has ended; null if it cannot be read."""
        try:
            with open(self._state_path, encoding="utf-8") as file:
                return ServiceState(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: ServiceState) -> None:
        """Replace the state, or leave it unchanged. Raises DirectoryError."""
        temporary = None
        try:
            fd, temporary = tempfile.mkstemp(dir=self.path, prefix="state.")
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(asdict(state), file)
            os.replace(temporary, self._state_path)
        except OSError as error:
            if temporary is not None:
                os.unlink(temporary)
            raise DirectoryError(f"{self.path} cannot be written to: {error.strerror}; {ELSEWHERE}") from None

    def remove_state(self) -> None:
        """Remove the state, so that the next one read is that of a new service."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._state_path)

    def clear(self) -> None:
        """Remove the directory with all its files, the data file included. Raises DirectoryError."""
        try:
            for entry in os.scandir(self.path):
                os.unlink(entry.path)
            os.rmdir(self.path)
        except OSError as error:
            raise DirectoryError(f"{self.path} cannot be removed: {error.strerror}; remove it by hand") from None


def _temporary_directory() -> str:
    """Return the directory for temporary files, also while its disk is full.

    Python's own function then returns another directory, where a running sandbox would not be found.
    """
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for path in (*named, "/tmp", "/var/tmp"):  # noqa: S108 - the directory below it is checked
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return os.path.realpath(path)
    raise DirectoryError("there is no directory for temporary files; set TMPDIR to one")


def _is_ours(path: str) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise DirectoryError(
            f"{path} is not a directory that belongs to this user and that nobody else can enter (mode 0700); "
            "remove it, or choose another directory with TMPDIR"
        )
    return True
