"""The lock of an entry: one process at a time for each key, and never for longer than it lives."""

import subprocess
import sys
import time
from contextlib import suppress
from unittest.mock import Mock

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


@pytest.fixture
def path(tmp_path):
    """The lock's file, in a directory that is not there yet."""
    return str(tmp_path / "some" / "where" / "fill.lock")


@pytest.fixture
def holder(path):
    """Start a process that asks for KEY, says so, prints when it has it, and holds it until it is killed."""
    started = []

    def start():
        command = [sys.executable, "-c", HOLDER, path, KEY]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "asks\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_key_that_another_process_holds(holder, path):
    """It is waited for until the timeout, then gone without; other keys are free, and so is it once its holder dies."""
    other = holder()
    other.stdout.readline()
    pauses = []
    lock = EntryLock(path, 5, sleep=pauses.append, clock=lambda: sum(pauses))
    lock.open()
    with lock.locked(OTHER):
        assert pauses == []
    with lock.locked(KEY):
        assert 5 <= sum(pauses) <= 5.1
        assert max(pauses) <= 0.025
    other.kill()
    other.wait()
    pauses.clear()
    with lock.locked(KEY):
        assert pauses == []
    lock.close()


def test_it_is_held_meanwhile(holder, path):
    """Another process that asks for it gets it only afterwards, also when what was done under it fails."""
    lock = EntryLock(path, 30)
    lock.open()
    with suppress(ZeroDivisionError), lock.locked(KEY):
        other = holder()
        time.sleep(0.2)
        released = time.monotonic()
        raise ZeroDivisionError
    assert 0 <= float(other.stdout.readline()) - released < 30
    lock.close()


@pytest.mark.parametrize("file", [None, "/dev/null/fill.lock"])
def test_without_locks(path, monkeypatch, file):
    """Where the file cannot be, or its file system has no locks, nobody waits for anybody, and nothing fails."""
    monkeypatch.setattr("fcntl.lockf", Mock(side_effect=OSError(37, "No locks available")))
    lock = EntryLock(file or path, 5, sleep=pytest.fail)
    lock.open()
    with lock.locked(KEY):
        pass
    lock.close()
