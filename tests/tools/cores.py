# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of ansible-core that the tests know, and virtual environments for them below .venv/cores.

`cores.py` makes one for each version and writes .venv/cores.json, which the integration tests read; `cores.py find
3.13 3.12` says where the first of these Pythons is. Run from the repository's root.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

VENV = pathlib.Path(".venv")
REQUIREMENTS = pathlib.Path("tests/requirements")


@dataclasses.dataclass(frozen=True)
class Core:
    """A series of ansible-core: the controller's Pythons, oldest first, and the oldest one on hosts that we support.

    All integration tests run on a `whole` one, by default, and those that are marked `every_core` on the others.
    """

    series: str
    pythons: tuple[str, ...]
    target: str
    whole: bool = False

    @property
    def ends(self) -> tuple[str, str]:
        """The oldest and the newest Python of a controller."""
        return self.pythons[0], self.pythons[-1]


# The oldest, those between, the newest, and the newest pre-release.
CORES = {
    core.series: core
    for core in (
        Core("2.16", ("3.10", "3.11", "3.12"), "3.8", whole=True),
        Core("2.19", ("3.11", "3.12", "3.13"), "3.8"),
        Core("2.20", ("3.12", "3.13", "3.14"), "3.9"),
        Core("2.21", ("3.12", "3.13", "3.14"), "3.9", whole=True),
        Core("2.22", ("3.13", "3.14", "3.15"), "3.9"),
    )
}


class NoPython(Exception):
    """The machine lacks an interpreter; the text names it."""


def own_environment() -> tuple[str, str]:
    """The series of ansible-core in .venv, and the version of its Python."""
    code = "import sys; from ansible.release import __version__ as v; print(v, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([VENV / "bin" / "python", "-c", code], check=True, capture_output=True, text=True)
    version, python = done.stdout.split()
    return ".".join(version.split(".")[:2]), python


def pyenv_root() -> pathlib.Path:
    """Where pyenv keeps its interpreters, whether or not it is on PATH."""
    return pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")


def find_python(version: str) -> str | None:
    """An interpreter of this version that can make virtual environments, from PATH or pyenv."""
    named = shutil.which(f"python{version}")
    candidates = [named] if named else []
    candidates += [str(path) for path in sorted(pyenv_root().glob(f"versions/{version}.*/bin/python"))]
    code = f"import ensurepip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for candidate in candidates:
        # A pyenv shim is on PATH even where pyenv has no such version selected: only running it tells.
        if subprocess.run([candidate, "-c", code], check=False, capture_output=True).returncode == 0:
            return candidate
    return None


def environment(name: str, version: str) -> pathlib.Path:
    """The Python of .venv/cores/core-2.21-py3.12 or .venv/targets/target-py3.8, with its pins, made or refreshed."""
    home = VENV / f"{name.partition('-')[0]}s" / f"{name}-py{version}"
    python = home / "bin" / "python"
    stamp = home / "installed.txt"
    wanted = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and python.exists():
        return python
    interpreter = find_python(version)
    if interpreter is None:
        raise NoPython(f"no Python {version} on PATH or in pyenv")
    print(f"Making {home} ...", flush=True)
    subprocess.run([interpreter, "-m", "venv", "--clear", home], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "-qq"]
    subprocess.run([*pip, "--requirement", REQUIREMENTS / f"{name}.txt"], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def make(core: Core) -> dict[str, str | bool]:
    """One environment of this series: its `python`, or the reason to `skip`."""
    # Those that the matrix needs as well come first.
    for version in dict.fromkeys((*core.ends, *core.pythons)):
        try:
            return {"python": str(environment(f"core-{core.series}", version)), "whole": core.whole}
        except NoPython:
            pass
    reason = f"ansible-core {core.series} needs Python {' or '.join(core.pythons)}: none on PATH or in pyenv"
    return {"skip": reason, "whole": core.whole}


def main(arguments: list[str]) -> int:
    """Make the environments, two at a time, or find an interpreter."""
    if arguments[:1] == ["find"]:
        print(next(filter(None, map(find_python, arguments[1:])), ""))
        return 0
    own, _python = own_environment()
    others = [core for core in CORES.values() if core.series != own]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = dict(zip((core.series for core in others), pool.map(make, others)))
    for entry in made.values():
        if "skip" in entry:
            print(f"Skipped: {entry['skip']}", flush=True)
    (VENV / "cores.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
