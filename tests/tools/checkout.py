# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test on a copy of what git tracks or would track, since it wants a collection in its place."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
from typing import Iterator

from cores import CORES, find_python

# What each command says of each thing that it ran.
RAN = {
    "sanity": r'^Running sanity test "',
    "units": r"^=+ (?:\d+ failed, )?(\d+) passed",
    "integration": r"^Running \S+ integration test",
}
WORKERS = "4"


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
    versions = {version for core in CORES.values() for version in (core.target, *core.pythons)}
    for version in sorted(versions, key=lambda name: int(name.split(".")[1])):
        found = find_python(version)
        if found:
            code = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
            real = subprocess.run([found, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
            (target / f"python{version}").symlink_to(real)
        else:
            print(f"Skipped: sanity's tests on Python {version}: none on PATH or in pyenv", flush=True)


class Checkout:
    """A copy of the collection in a directory of its own, as a git checkout, in which ansible-test runs."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._venvs = directory / "venvs"
        self._venvs.mkdir()
        self.collection = directory / "ansible_collections" / "mailops" / "smtpeter"
        copy_collection(self.collection)
        link_pythons(directory / "pythons")
        ours = ("ANSIBLE_", "SMTPETER_", "PYTHONPATH")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment["PATH"] = f"{directory}/pythons{os.pathsep}{os.environ['PATH']}"

    def linked(self, python: pathlib.Path) -> pathlib.Path:
        """The Python of a virtual environment by a path without a space, which ansible-test cannot bear in it."""
        venv = python.absolute().parents[1]
        link = self._venvs / venv.name
        if not link.is_symlink():
            link.symlink_to(venv)
        return link / "bin" / python.name

    def run(self, python: pathlib.Path, command: str, options: list[str], log: pathlib.Path) -> tuple[bool, int]:
        """Run a command of the ansible-test beside `python`; whether it passed, and how much it ran."""
        python = self.linked(python)
        words = [python, python.with_name("ansible-test"), command, "--color", "no", *options]
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                words,
                cwd=self.collection,
                env=self.environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        found = re.findall(RAN[command], log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        ran = sum(int(count) if count.isdigit() else 1 for count in found)
        return done.returncode == 0 and ran > 0, ran

    def sanity(self, python: pathlib.Path, _version: str, log: pathlib.Path) -> tuple[bool, int]:
        """Every sanity test, without an ignore file; pylint only where all that it needs can be had."""
        skipped = [f"--skip-test={name}" for name in self._out_of_reach(python)]
        return self.run(python, "sanity", ["--local", "--requirements", *skipped], log)

    @staticmethod
    def _out_of_reach(python: pathlib.Path) -> Iterator[str]:
        """Name each sanity test of this ansible-test that needs a file from a server that does not answer."""
        for path in sorted(python.parents[1].glob("lib/*/site-packages/ansible_test/_data/requirements/sanity.*.txt")):
            for host in re.findall(r"@ https://([^/\s]+)/", path.read_text(encoding="utf-8")):
                try:
                    socket.create_connection((host, 443), 5).close()
                except OSError:
                    test = path.name.split(".")[1]
                    print(f"Skipped: sanity's {test}, which needs a file of {host}, which is out of reach", flush=True)
                    yield test

    def units(
        self, python: pathlib.Path, version: str, log: pathlib.Path, target: pathlib.Path | None = None
    ) -> tuple[bool, int]:
        """The unit tests on the Python of the controller, or those of modules and module_utils on a target's."""
        where = f"{version}@{self.linked(target or python)}"
        return self.run(python, "units", ["--target-python", where, "--num-workers", WORKERS], log)

    def integration(self, python: pathlib.Path, version: str, log: pathlib.Path) -> tuple[bool, int]:
        """Every target on this machine, with a sandbox that no other run shares."""
        settings = self.collection / "tests" / "integration" / "integration_config.yml"
        settings.write_text(f"---\nsmtpeter_sandbox_name: matrix-{os.getpid()}\n", encoding="utf-8")
        return self.run(python, "integration", ["--local", "--python", version], log)


@contextlib.contextmanager
def checkout() -> Iterator[Checkout]:
    """One that is gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        yield Checkout(pathlib.Path(directory))
