# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service as a process of its own: nothing ties it to its parent, and ending it ends nothing else.

Private: names and behaviour may change.

Everything that the process uses is imported before it is forked, since the files that it came from are removed when
the module ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
import typing as t

from .errors import ELSEWHERE, ListenError, ProcessError, SandboxError
from .home import Home, State, namespace, new_salt, token_digest
from .lock import Lock
from .server import Service
from .settings import Settings

START_TIMEOUT = 60.0
TERM_TIMEOUT = 3.0
KILL_TIMEOUT = 10.0


def launch(home: Home, settings: Settings, last_port: int | None, renew: float | None) -> State:
    """Start the service and wait until it listens. C(last_port) is tried first when any port will do.

    Must run under the home's exclusive lock, with no service running. Raises ProcessError with what went wrong.
    """

    def serve(tell: int) -> None:
        _serve(home, settings, last_port, renew, tell)

    try:
        home.forget_state()
        log = os.open(home.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with contextlib.closing(_Fd(log)), contextlib.closing(Lock.take(home.lock_path)) as lock:
            ready = _detach(serve, lock.fd, log)
    except OSError as error:
        raise ProcessError(f"the sandbox cannot be started from {home.path}: {error.strerror}; {ELSEWHERE}") from None
    with contextlib.closing(_Fd(ready)):
        answer = _read(ready, START_TIMEOUT)
    if answer is None:
        end(home)
        raise ProcessError(f"the sandbox was not ready within {START_TIMEOUT:g} s and was ended; see {home.log_path}")
    try:
        message = json.loads(answer)
    except ValueError:
        raise ProcessError(f"the sandbox ended while it started; see {home.log_path}") from None
    if "error" in message:
        raise ProcessError(message["error"])
    return State(**message)


def end(home: Home) -> None:
    """End the service if it runs, and nothing else. Raises ProcessError, HomeError."""
    state = home.running()
    for number, patience in ((signal.SIGTERM, TERM_TIMEOUT), (signal.SIGKILL, KILL_TIMEOUT)):
        if state is None:
            return
        if state.namespace != namespace():
            raise ProcessError(f"sandbox {home.name} runs in another container; stop it there, or use another name")
        _signal(home, state.pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not home.held():
                return
            time.sleep(0.01)
    raise ProcessError(f"sandbox {home.name} does not end, not even when killed; see {home.log_path}")


def _signal(home: Home, pid: int, number: int) -> None:
    # As long as the lock is held, the recorded number is its holder's. A pidfd opened before the lock was seen held
    # can mean no other process; without one, the moment between the look and the signal has to be short enough.
    if sys.platform == "linux" and sys.version_info >= (3, 9):
        try:
            target = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:
            pass
        else:
            with contextlib.closing(_Fd(target)), contextlib.suppress(ProcessLookupError):
                if home.held():
                    signal.pidfd_send_signal(target, number)
            return
    with contextlib.suppress(ProcessLookupError):
        if home.held():
            os.kill(pid, number)


@dataclasses.dataclass(frozen=True)
class _Fd:
    """A file descriptor that can be closed by contextlib.closing."""

    number: int

    def close(self) -> None:
        os.close(self.number)


def _detach(serve: t.Callable[[int], None], lock: int, log: int) -> int:
    """Run C(serve) in a process that has left this one's session; it gets the writing end of the pipe returned."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _let_go(log, (lock, tell))
                serve(tell)
        finally:
            # Neither the parent's clean-up nor its code above may run here, so an exception ends here, in the log.
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
                sys.stderr.flush()
            os._exit(0)
    os.close(tell)
    os.waitpid(child, 0)
    return ready


def _let_go(log: int, keep: tuple[int, ...]) -> None:
    """Drop what was inherited: working directory, standard streams, files, signals."""
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


def _serve(home: Home, settings: Settings, last_port: int | None, renew: float | None, tell: int) -> None:
    """Be the service until SIGTERM or idleness: its whole life."""
    wake, woken = os.pipe()

    def leave(_number: int, _frame: object) -> None:
        os.write(woken, b".")

    signal.signal(signal.SIGTERM, leave)
    state = State(os.getpid(), namespace())
    service = Service(settings, settings.data or home.own_data, home.certificate_path)
    try:
        home.write_state(state)
        _start(service, settings, last_port)
        salt = new_salt()
        state = dataclasses.replace(
            state,
            port=service.port,
            api_url=service.api_url,
            ca_path=home.ca_path if settings.tls else None,
            data=settings.data or home.own_data,
            settings=settings.digest(),
            salt=salt,
            token=token_digest(settings.token, salt),
            renew=renew,
        )
        home.write_state(state)
    except (SandboxError, OSError) as error:
        os.write(tell, json.dumps({"error": str(error)}).encode("ascii"))
        return
    try:
        os.write(tell, json.dumps(dataclasses.asdict(state)).encode("ascii"))
        os.close(tell)
        _wait(service, wake, settings.idle_timeout)
    except BrokenPipeError:
        sys.stderr.write("ended: the run that started this was gone\n")
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


def _read(source: int, patience: float) -> bytes | None:
    """All that comes until the other side closes, or None when that takes too long."""
    deadline = time.monotonic() + patience
    pieces: list[bytes] = []
    while select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(source, 65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
    return None
