# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `make demo` twice as a newcomer would, and see that it tells its story and leaves nothing behind.

From a fresh clone of the last commit, below a directory with a space in its name, against a time limit.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

LIMIT = 180  # seconds for the first run, downloads included
MARK = "DEMO_CHECK_MARK"


def leftovers(mark: str) -> list[str]:
    """The command lines of living processes that inherited `mark` in their environment."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found


def run_demo(clone: pathlib.Path) -> float:
    """One `make demo`; its seconds. Exits when it fails, says nothing of delivery ratios, or leaves a process."""
    mark = uuid.uuid4().hex
    started = time.monotonic()
    done = subprocess.run(
        ["make", "demo"],
        cwd=clone,
        env={**os.environ, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode != 0 or "delivery" not in done.stdout:
        sys.exit(f"{done.stdout}\nmake demo: exit code {done.returncode}, or no word of delivery")
    left = leftovers(mark)
    if left:
        sys.exit(f"make demo left running: {left}")
    return seconds


def main() -> int:
    """Clone, run twice, report the seconds."""
    with tempfile.TemporaryDirectory(prefix="demo check ") as directory:
        clone = pathlib.Path(directory) / "a clone"
        subprocess.run(["git", "clone", "--quiet", ".", clone], check=True)
        first, second = run_demo(clone), run_demo(clone)
    print(f"make demo: {first:.0f} s with downloads, {second:.0f} s again; nothing left running")
    if first > LIMIT:
        sys.exit(f"make demo took longer than {LIMIT} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
