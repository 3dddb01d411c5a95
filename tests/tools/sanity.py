# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity, without an ignore file, on a copy of what git tracks or would track.

Run by .venv's Python from the repository's root, after cores.py: `sanity.py [SERIES ...]`, all of its cores but a
pre-release by default.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from cores import find_python

# From the oldest Python that tests/config.yml names to the newest that an ansible-core runs on.
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def copy_collection(target: pathlib.Path) -> None:
    """Copy the working tree's files, without ignored ones, to `target`, and make that a git checkout of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = pathlib.Path(name)
        if source.is_symlink() or source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)


def link_pythons(target: pathlib.Path) -> None:
    """Link each Python found as python3.X in `target`: ansible-test looks on PATH alone, and a shim may not run."""
    target.mkdir()
    for version in PYTHONS:
        found = find_python(version)
        if found:
            code = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
            real = subprocess.run([found, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
            (target / f"python{version}").symlink_to(real)
        else:
            print(f"sanity goes without Python {version}: none on PATH or in pyenv", flush=True)


def main(wanted: list[str]) -> int:
    """Run sanity on each core; the number of cores on which it failed."""
    cores: dict[str, dict[str, str]] = json.loads(pathlib.Path(".venv/cores.json").read_text(encoding="utf-8"))
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        collection = pathlib.Path(directory) / "ansible_collections" / "mailops" / "smtpeter"
        copy_collection(collection)
        link_pythons(pathlib.Path(directory) / "pythons")
        environment = {**os.environ, "PATH": f"{directory}/pythons{os.pathsep}{os.environ['PATH']}"}
        for series in wanted or [series for series, core in cores.items() if "stage" not in core]:
            if "skip" in cores[series]:
                print(f"sanity skipped: {cores[series]['skip']}", flush=True)
                continue
            print(f"sanity on ansible-core {series}", flush=True)
            started = time.monotonic()
            python = pathlib.Path(cores[series]["python"]).absolute()
            command = [python, python.with_name("ansible-test"), "sanity", "--local", "--requirements", "--color", "no"]
            done = subprocess.run(command, cwd=collection, env=environment, check=False, stdin=subprocess.DEVNULL)
            failed += done.returncode != 0
            outcome = "failed" if done.returncode else "passed"
            print(f"sanity on ansible-core {series} {outcome} in {time.monotonic() - started:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
