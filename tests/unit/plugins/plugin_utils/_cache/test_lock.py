"""The lock of an entry: one process at a time for each key, and never for longer than it lives."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any, Callable

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.lock import EntryLock

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
HOLDER = """
import sys, time
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.lock import EntryLock

lock = EntryLock(sys.argv[1], 60)
lock.open()
print("asks", flush=True)
with lock.locked(sys.argv[2]):
    print(time.monotonic(), flush=True)
    sys.stdin.read()
"""

Hold = Callable[[str], Any]


@pytest.fixture
def path(tmp_path):
    """The lock's file, in a directory that is not there yet."""
    return str(tmp_path / "some" / "where" / "fill.lock")


@pytest.fixture
def hold(path):
    """Start a process that asks for a key, says so, prints when it has it, and holds it until its input ends."""
    started = []

    def start(key):
        command = [sys.executable, "-c", HOLDER, path, key]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "asks\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def lock(path):
    """This process's lock, opened, with time enough for a busy machine."""
    opened = EntryLock(path, 30)
    opened.open()
    yield opened
    opened.close()


def test_a_key_that_another_process_holds(hold, path):
    """It is waited for, until the timeout, and then gone without; other keys are free."""
    hold(KEY).stdout.readline()
    pauses = []
    lock = EntryLock(path, 5, sleep=pauses.append, clock=lambda: sum(pauses))
    lock.open()
    with lock.locked(OTHER):
        assert pauses == []
    with lock.locked(KEY):
        assert 5 <= sum(pauses) <= 5.1
        assert max(pauses) <= 0.025
    lock.close()


def test_it_is_held_meanwhile(hold, lock):
    """Another process that asks for it gets it only afterwards, also when what was done under it fails."""
    with suppress(ZeroDivisionError), lock.locked(KEY):
        other = hold(KEY)
        time.sleep(0.2)
        released = time.monotonic()
        raise ZeroDivisionError
    assert 0 <= float(other.stdout.readline()) - released < 30


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_freed_when_its_holder_dies(hold, lock, ending):
    """However it dies, and at once."""
    holder = hold(KEY)
    holder.stdout.readline()
    holder.send_signal(ending)
    start = time.monotonic()
    with lock.locked(KEY):
        assert time.monotonic() - start < 20


@pytest.mark.parametrize("problem", ["no file", "no locks"])
def test_without_locks(path, monkeypatch, problem):
    """Where the file cannot be, or its file system has no locks, nobody waits for anybody, and nothing fails."""
    if problem == "no locks":

        def refuse(*_args):
            raise OSError(37, "No locks available")

        monkeypatch.setattr("fcntl.lockf", refuse)
    lock = EntryLock(path if problem == "no locks" else "/dev/null/fill.lock", 5, sleep=pytest.fail)
    lock.open()
    with lock.locked(KEY):
        pass
    lock.close()
