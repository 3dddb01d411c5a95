"""Locks and the sandbox's directory: who holds what, and places that are not to be trusted."""

import errno
import fcntl
import os
from pathlib import Path
from unittest.mock import Mock

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import directory as of_sandbox
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.directory import SandboxDirectory, ServiceState
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import DirectoryError, LockBusyError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.lock import Lock


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """The directory of a sandbox, below a temporary directory."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return SandboxDirectory("default")


def test_lock_is_exclusive(tmp_path):
    """A lock is had by one, is seen to be held, leaves no file, and follows no link in its place."""
    path = str(tmp_path / "lock")
    assert not Lock.is_held(path)
    with Lock.acquire(path):
        assert Lock.is_held(path)
        with pytest.raises(LockBusyError):
            Lock.acquire(path, wait=0.05)
    assert not os.listdir(tmp_path)
    with Lock.acquire(path):
        os.unlink(path)
    assert not os.listdir(tmp_path)
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Lock.acquire(path)
    assert not (tmp_path / "elsewhere").exists()


def test_lock_on_a_file_that_is_gone(tmp_path, monkeypatch):
    """One that opened the file just before its holder removed it, and another made it again, does not have the lock."""
    path = str(tmp_path / "lock")
    first, others, lock_file = Lock.acquire(path), [], fcntl.flock

    def late(fd, operation):
        monkeypatch.undo()
        first.release()
        others.append(Lock.acquire(path))
        lock_file(fd, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(LockBusyError):
        Lock.acquire(path)
    others[0].release()


@pytest.mark.parametrize("which", ["top", "path"])
@pytest.mark.parametrize("trouble", ["link", "open"])
def test_places_that_are_not_ours_alone(directory, tmp_path, which, trouble):
    """What is no directory, or one that others can enter, is refused, not used, and not repaired."""
    directory.prepare()
    place = Path(getattr(directory, which))
    if trouble == "open":
        place.chmod(0o755)
    else:
        place.symlink_to(place.rename(tmp_path / "theirs"))
    for use in (directory.prepare, directory.exists):
        with pytest.raises(DirectoryError, match="is not a directory that belongs to this user"):
            use()


def test_the_state(directory, monkeypatch):
    """It is this user's alone, tells tokens but holds none, and is of no use without a lock or where it is damaged."""
    state = ServiceState(os.getpid(), "", port=1, salt="salt", token=of_sandbox.token_digest("secret-token", "salt"))
    assert [state.has_token(f"secret-toke{end}") for end in "nm"] == [True, False]
    assert of_sandbox.token_digest("secret-token", "other") != state.token
    assert "secret" not in state.token
    assert not directory.exists()
    directory.prepare()
    assert directory.exists()
    assert {os.stat(path).st_mode & 0o777 for path in (directory.top, directory.path)} == {0o700}
    directory.write_state(state)
    assert directory.running_state() is None
    with Lock.acquire(directory.lock_path):
        assert directory.running_state() == state
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(DirectoryError, match="default cannot be written to: No space left on device; fix that"):
        directory.write_state(ServiceState(2, ""))
    assert directory.read_state() == state
    assert os.listdir(directory.path) == ["state.json"]
    for content in ("", "{", "[]", "{}", '{"pid": 1, "other": 2}', "\xff"):
        Path(directory.path, "state.json").write_text(content, encoding="latin-1")
        assert directory.read_state() is None
    directory.clear()
    assert not directory.exists()


def test_the_place_stays_the_same(tmp_path, monkeypatch):
    """It is the first directory named, where Python's own look-up turns elsewhere because the disk is full."""
    monkeypatch.setattr(of_sandbox.tempfile, "gettempdir", lambda: "/elsewhere")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))
    assert SandboxDirectory("default").top.startswith("/tmp/")
    monkeypatch.setenv("TEMP", str(tmp_path))
    assert SandboxDirectory("default").top.startswith(f"{tmp_path}/")
    monkeypatch.setattr(of_sandbox.os.path, "isdir", lambda path: False)
    with pytest.raises(DirectoryError, match="TMPDIR"):
        SandboxDirectory("default")


def test_two_runs_wait_for_each_other(directory, monkeypatch):
    """A run that comes while another changes the sandbox waits, and in the end says what it waited for."""
    monkeypatch.setattr(of_sandbox, "LOCK_TIMEOUT", 0.05)
    directory.prepare()
    with directory.locked(), pytest.raises(DirectoryError, match="another run has been changing sandbox default"):
        directory.locked().__enter__()
