"""No room on the disk: clear errors, nothing damaged, and everything acknowledged is there afterwards."""

import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import kill, read, sandboxes, send

pytestmark = pytest.mark.slow


def fill(running):
    """Send until it is refused: the messages acknowledged, and the refusal."""
    for acknowledged in range(0, 25_000, 50):
        try:
            send(running, 50)
        except requests.HTTPError as error:
            return acknowledged, error.response
    raise AssertionError("it was never refused")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
def test_a_limit_on_file_size(tmp_path):
    """Sends get an error in words, questions are still answered; killed, it comes back with all it had."""
    data = str(tmp_path / "mail.sqlite")
    with sandboxes(tmp_path) as sandbox:
        running = sandbox.run(data=data)
        _soft, hard = resource.prlimit(running["pid"], resource.RLIMIT_FSIZE)
        resource.prlimit(running["pid"], resource.RLIMIT_FSIZE, (200_000, hard))
        acknowledged, refused = fill(running)
        assert refused.status_code == 500
        assert re.search(r"is the disk full, or a limit reached\?.*nothing of this request was stored", refused.text)
        assert read(running)["messages"] == acknowledged > 0
        kill(running["pid"])
        running = sandbox.run(data=data)
        send(running, 3)
        assert read(running)["messages"] == acknowledged + 3


@pytest.fixture
def small_disk(tmp_path):
    """A disk with two megabytes, where this user can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", place]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr}")
    yield place
    subprocess.run(["umount", place], check=True)


@contextmanager
def no_room(place):
    """Take all that is left on the disk, and give it back."""
    filler = place / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(place).free))
    yield
    filler.unlink()


def test_a_full_disk(small_disk):
    """A send is refused in words, the sandbox is still found and answers, and with room again it goes on."""
    data = str(small_disk / "mail.sqlite")
    with sandboxes(small_disk) as sandbox:
        running = sandbox.run(data=data)
        send(running, 50)
        with no_room(small_disk):
            acknowledged, refused = fill(running)
            assert refused.status_code == 507
            assert "no room left for the data file; nothing of this request was stored" in refused.text
            assert sandbox.run(data=data) == {**running, "changed": False}
            assert read(running)["messages"] == 50 + acknowledged
        send(running, 3)
        assert read(running)["messages"] == 53 + acknowledged


@pytest.mark.parametrize("ending", ["killed", "stopped"])
@pytest.mark.parametrize("full", ["home", "data"])
def test_a_start_on_a_full_disk(small_disk, tmp_path, full, ending):
    """It fails and says what to do, leaves the data as it is, and succeeds with all of it when there is room again."""
    home = small_disk if full == "home" else tmp_path
    data = str((small_disk if full == "data" else tmp_path) / "mail.sqlite")
    with sandboxes(home) as sandbox:
        running = sandbox.run(data=data)
        send(running, 300)
        if ending == "killed":
            kill(running["pid"])
        else:
            sandbox.stop()
        with no_room(small_disk):
            failed = sandbox.run(data=data)
            assert {"home": str(home), "data": data}[full] in failed["msg"]
            assert re.search("No space left on device; fix that|disk is full|is the disk full", failed["msg"])
        assert read(sandbox.run(data=data))["messages"] == 300
