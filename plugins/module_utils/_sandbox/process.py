# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the service as a process of its own, and ends it.

Private: names and behaviour may change.

Everything that the process uses is imported before it is forked, since Ansible removes the module's files when the
module ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, replace
from typing import Callable

from .directory import SandboxDirectory, ServiceState, namespace, new_salt, token_digest
from .errors import ELSEWHERE, ListenError, ProcessError, SandboxError
from .lock import Lock
from .server import Service
from .settings import Settings

START_TIMEOUT = 60.0
TERM_TIMEOUT = 3.0
KILL_TIMEOUT = 10.0


def launch(directory: SandboxDirectory, settings: Settings, last_port: int | None, renew: float | None) -> ServiceState:
    """Start the service, wait until it listens, and return its state. If any port will do, it first tries `last_port`.

    Call it with the directory locked and no service running. Raises ProcessError.
    """

    def serve(tell: int) -> None:
        _serve(directory, settings, last_port, renew, tell)

    try:
        directory.remove_state()
        log = os.open(directory.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with contextlib.closing(_Fd(log)), contextlib.closing(Lock.acquire(directory.lock_path)) as lock:
            ready = _detach(serve, lock.fd, log)
    except OSError as error:
        raise ProcessError(
            f"the sandbox cannot be started from {directory.path}: {error.strerror}; {ELSEWHERE}"
        ) from None
    with contextlib.closing(_Fd(ready)):
        answer = _read(ready, START_TIMEOUT)
    if answer is None:
        end(directory)
        raise ProcessError(
            f"the sandbox was not ready within {START_TIMEOUT:g} s and was ended; see {directory.log_path}"
        )
    try:
        message = json.loads(answer)
    except ValueError:
        raise ProcessError(f"the sandbox ended while it started; see {directory.log_path}") from None
    if "error" in message:
        raise ProcessError(message["error"])
    return ServiceState(**message)


def end(directory: SandboxDirectory) -> None:
    """End the service if it runs. Raises ProcessError and DirectoryError."""
    state = directory.running_state()
    for number, limit in ((signal.SIGTERM, TERM_TIMEOUT), (signal.SIGKILL, KILL_TIMEOUT)):
        if state is None:
            return
        if state.namespace != namespace():
            raise ProcessError(
                f"sandbox {directory.name} runs in another container; stop it there, or use another name"
            )
        _signal(directory, state.pid, number)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if not directory.is_running():
                return
            time.sleep(0.01)
    raise ProcessError(f"sandbox {directory.name} does not end, not even when killed; see {directory.log_path}")


def _signal(directory: SandboxDirectory, pid: int, number: int) -> None:
    # While the lock is held, the recorded number is that of its holder. A pidfd opened before the lock is checked can
    # be no other process; without pidfd, the time between check and signal has to be short enough.
    if sys.platform == "linux" and sys.version_info >= (3, 9):
        try:
            target = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:
            pass
        else:
            with contextlib.closing(_Fd(target)), contextlib.suppress(ProcessLookupError):
                if directory.is_running():
                    signal.pidfd_send_signal(target, number)
            return
    with contextlib.suppress(ProcessLookupError):
        if directory.is_running():
            os.kill(pid, number)


@dataclass(frozen=True)
class _Fd:
    """A file descriptor that can be closed by contextlib.closing."""

    number: int

    def close(self) -> None:
        os.close(self.number)


def _detach(serve: Callable[[int], None], lock: int, log: int) -> int:
    """Run `serve` in a process in a session of its own. Return the reading end of the pipe that it writes to."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _drop_inherited(log, (lock, tell))
                serve(tell)
        finally:
            # The parent's clean-up and the code above must not run here, so an exception ends here, in the log.
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
                sys.stderr.flush()
            os._exit(0)
    os.close(tell)
    os.waitpid(child, 0)
    return ready


def _drop_inherited(log: int, keep: tuple[int, ...]) -> None:
    """Drop what the parent left: working directory, standard streams, files, signals."""
    os.chdir("/")
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    try:
        numbers = [int(entry) for entry in os.listdir("/dev/fd")]
    except OSError:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        numbers = list(range(min(limit, 65536) if limit > 0 else 65536))
    for number in numbers:
        if number > 2 and number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _serve(
    directory: SandboxDirectory, settings: Settings, last_port: int | None, renew: float | None, tell: int
) -> None:
    """Run the service until SIGTERM, or until it was idle for too long."""
    wake, woken = os.pipe()

    def stop(_number: int, _frame: object) -> None:
        os.write(woken, b".")

    signal.signal(signal.SIGTERM, stop)
    state = ServiceState(os.getpid(), namespace())
    service = Service(settings, settings.data or directory.own_data, directory.certificate_path)
    try:
        directory.write_state(state)
        _start(service, settings, last_port)
        salt = new_salt()
        state = replace(
            state,
            port=service.port,
            api_url=service.api_url,
            ca_path=directory.ca_path if settings.tls else None,
            data=settings.data or directory.own_data,
            settings=settings.digest(),
            salt=salt,
            token=token_digest(settings.api_token, salt),
            renew=renew,
        )
        directory.write_state(state)
    except (SandboxError, OSError) as error:
        os.write(tell, json.dumps({"error": str(error)}).encode("ascii"))
        return
    try:
        os.write(tell, json.dumps(asdict(state)).encode("ascii"))
        os.close(tell)
        _wait(service, wake, settings.idle_timeout)
    except BrokenPipeError:
        sys.stderr.write("ended: the run that started it has ended\n")
    service.stop()
    sys.stderr.flush()


def _start(service: Service, settings: Settings, last_port: int | None) -> None:
    if settings.port == 0 and last_port:
        try:
            service.start(last_port)
            return
        except ListenError:
            pass
    service.start()


def _wait(service: Service, wake: int, idle_timeout: float) -> None:
    while True:
        left = idle_timeout - service.idle() if idle_timeout else 3600.0
        if left <= 0:
            sys.stderr.write(f"ended: {idle_timeout:g} s without a request\n")
            return
        if select.select([wake], [], [], min(left, 3600.0))[0]:
            return


def _read(source: int, limit: float) -> bytes | None:
    """Return everything until the other side closes the pipe; null if that takes longer than `limit` seconds."""
    deadline = time.monotonic() + limit
    pieces: list[bytes] = []
    while select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(source, 65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
    return None
