# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a sandbox keeps what is its own, and how the next run finds it again. Private: names and behaviour may change.

TEMPORARY DIRECTORY/smtpeter-sandbox-UID/.NAME.lock    held by the run that changes the sandbox, while it does
TEMPORARY DIRECTORY/smtpeter-sandbox-UID/NAME/lock     held by the service, all its life
TEMPORARY DIRECTORY/smtpeter-sandbox-UID/NAME/...      state, log, certificates, and data without a file given
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
import time
import typing as t

from .errors import ELSEWHERE, HomeError, LockBusyError
from .lock import Lock

PATIENCE = 90.0
_ROUNDS = 100_000


@dataclasses.dataclass(frozen=True)
class State:
    """What a running service says of itself: C(port) is None while it starts, C(renew) is when TLS needs a restart."""

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
        """Whether the service was started with this token."""
        return hmac.compare_digest(self.token, token_digest(token, self.salt))


def token_digest(token: str, salt: str) -> str:
    """A digest that notices another token and is slow to guess from."""
    return hashlib.pbkdf2_hmac("sha256", token.encode("utf-8"), salt.encode("ascii"), _ROUNDS).hex()


def new_salt() -> str:
    """A salt for token_digest."""
    return secrets.token_hex(16)


def namespace() -> str:
    """The world in which this process's number means something; a container has one of its own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


class Home:
    """The directory of the sandbox with this name, of this user."""

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
        """Whether there is anything of this sandbox. Raises HomeError where the place is not this user's alone."""
        return _is_ours(self.top) and _is_ours(self.path)

    def prepare(self) -> None:
        """Make the directory. Raises HomeError."""
        for path in (self.top, self.path):
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise HomeError(f"the directory {path} cannot be made: {error.strerror}; {ELSEWHERE}") from None
            _is_ours(path)

    @contextlib.contextmanager
    def exclusive(self) -> t.Iterator[None]:
        """Keep other runs off this sandbox meanwhile. Raises HomeError when one does not finish."""
        path = os.path.join(self.top, f".{self.name}.lock")
        try:
            lock = Lock.take(path, PATIENCE)
        except LockBusyError:
            raise HomeError(
                f"another run has been changing sandbox {self.name} for {PATIENCE:g} s; end that run"
            ) from None
        except OSError as error:
            raise HomeError(f"{path} cannot be locked: {error.strerror}; {ELSEWHERE}") from None
        with lock:
            yield

    def running(self) -> State | None:
        """The state of the service, or None when it does not run, whatever was written. Raises HomeError."""
        deadline = time.monotonic() + 5.0
        while self.held():
            state = self.state()
            if state is not None:
                return state
            if time.monotonic() >= deadline:
                raise HomeError(
                    f"a process holds {self.lock_path}, but which one is unknown; find it with fuser, and end it"
                )
            time.sleep(0.02)
        return None

    def held(self) -> bool:
        """Whether the service's lock is held, so that it runs. Raises HomeError."""
        try:
            return Lock.held(self.lock_path)
        except OSError as error:
            raise HomeError(f"{self.lock_path} cannot be looked at: {error.strerror}; remove {self.path}") from None

    def state(self) -> State | None:
        """What was last written, which may be of a service that is gone; None when that cannot be read."""
        try:
            with open(self._state_path, encoding="utf-8") as file:
                return State(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: State) -> None:
        """Replace the state at once, or leave it as it was. Raises HomeError."""
        temporary = None
        try:
            fd, temporary = tempfile.mkstemp(dir=self.path, prefix="state.")
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(dataclasses.asdict(state), file)
            os.replace(temporary, self._state_path)
        except OSError as error:
            if temporary is not None:
                os.unlink(temporary)
            raise HomeError(f"{self.path} cannot be written to: {error.strerror}; {ELSEWHERE}") from None

    def forget_state(self) -> None:
        """Remove the state, so that what is read later was written later."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._state_path)

    def clear(self) -> None:
        """Remove everything of this sandbox, its own data included. Raises HomeError."""
        try:
            for entry in os.scandir(self.path):
                os.unlink(entry.path)
            os.rmdir(self.path)
        except OSError as error:
            raise HomeError(f"{self.path} cannot be removed: {error.strerror}; remove it by hand") from None


def _temporary_directory() -> str:
    """The machine's directory for temporary files, whether or not its disk is full.

    Python's own look-up goes on to another directory while a disk is full, and would not find what runs from this one.
    """
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for path in (*named, "/tmp", "/var/tmp"):  # noqa: S108 - what is below has to be a directory of this user alone
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return os.path.realpath(path)
    raise HomeError("there is no directory for temporary files; name one with TMPDIR")


def _is_ours(path: str) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise HomeError(
            f"{path} has to be a directory of this user that nobody else can enter (mode 0700), and it is not; "
            "remove it, or choose another place with TMPDIR"
        )
    return True
