# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of an entry: one process at a time for each key, and never for longer than it lives."""

from __future__ import annotations

import pathlib
import select
import signal
import subprocess
import sys
import time
from typing import Callable, Iterator

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.lock import EntryLock

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
HOLDER = """
import sys
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.lock import EntryLock

lock = EntryLock(sys.argv[1], 5)
lock.open()
with lock.locked(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""

Hold = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    """The lock's file, in a directory that is not there yet."""
    return str(tmp_path / "some" / "where" / "fill.lock")


@pytest.fixture
def hold(path: str) -> Iterator[Hold]:
    """Start a process that holds a key until its input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(key: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, path, key]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def lock(path: str) -> Iterator[EntryLock]:
    """This process's lock, opened, with time enough for a busy machine."""
    opened = EntryLock(path, 30)
    opened.open()
    yield opened
    opened.close()


def impatient(path: str) -> tuple[EntryLock, list[float]]:
    """A lock with a timeout of 5 seconds by a clock of its own, and the pauses it wished for."""
    pauses: list[float] = []
    opened = EntryLock(path, 5, sleep=pauses.append, clock=lambda: sum(pauses))
    opened.open()
    return opened, pauses


def test_a_key_that_another_process_holds(hold: Hold, path: str) -> None:
    """It is waited for, until the timeout, and then gone without."""
    hold(KEY)
    lock, pauses = impatient(path)
    with lock.locked(KEY):
        assert 5 <= sum(pauses) <= 5.1
        assert max(pauses) <= 0.025
    lock.close()


def test_other_keys_are_free(hold: Hold, path: str) -> None:
    """Whoever fills one entry keeps nobody from another."""
    hold(KEY)
    lock, pauses = impatient(path)
    with lock.locked(OTHER):
        assert pauses == []
    lock.close()


def test_it_is_freed_at_the_end(hold: Hold, lock: EntryLock) -> None:
    """Also when what was done under it fails."""
    with pytest.raises(ZeroDivisionError), lock.locked(KEY):
        raise ZeroDivisionError
    hold(KEY)


def test_it_is_held_meanwhile(lock: EntryLock, path: str) -> None:
    """Another process that asks for it gets it only afterwards."""
    with lock.locked(KEY):
        command = [sys.executable, "-c", HOLDER.replace(", 5)", ", 60)"), path, KEY]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout
            assert select.select([other.stdout], [], [], 2)[0] == []
            lock.close()
            assert other.stdout.readline() == "held\n"
            other.communicate()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_freed_when_its_holder_dies(hold: Hold, lock: EntryLock, ending: signal.Signals) -> None:
    """However it dies, and at once."""
    holder = hold(KEY)
    holder.send_signal(ending)
    start = time.monotonic()
    with lock.locked(KEY):
        assert time.monotonic() - start < 20


def test_a_file_that_cannot_be(tmp_path: pathlib.Path) -> None:
    """Then nobody waits for anybody, and nothing fails."""
    (tmp_path / "file").write_text("")
    lock, pauses = impatient(str(tmp_path / "file" / "fill.lock"))
    with lock.locked(KEY):
        assert pauses == []
    lock.close()


def test_a_file_system_without_locks(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the file's own absence."""

    def refuse(*_args: object) -> None:
        raise OSError(37, "No locks available")

    lock, pauses = impatient(path)
    monkeypatch.setattr("fcntl.lockf", refuse)
    with lock.locked(KEY):
        assert pauses == []
    lock.close()
