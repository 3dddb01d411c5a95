# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment below .venv/cores for each further ansible-core that the tests run on.

Run by .venv's Python from the repository's root. What could not be made is said, and the tests skip it by name.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

# The oldest and the newest supported ansible-core, each with the controller's Pythons that it runs on, best first.
CORES = {"2.16": ("3.11", "3.10", "3.12"), "2.21": ("3.13", "3.12", "3.14")}
# The newest pre-release likewise: only tests marked `pre_release` run on it.
PRE_RELEASES = {"2.22": ("3.13", "3.14")}

VENV = pathlib.Path(".venv")
REQUIREMENTS = pathlib.Path("tests/requirements")


def installed_core(python: pathlib.Path) -> str:
    """The version of ansible-core that an interpreter sees."""
    code = "from ansible.release import __version__; print(__version__)"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


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


def make(series: str, pythons: tuple[str, ...]) -> dict[str, str]:
    """Make or refresh one environment: its `python`, or the reason to `skip`."""
    requirements = REQUIREMENTS / f"core-{series}.txt"
    home = VENV / "cores" / series
    python = home / "bin" / "python"
    stamp = home / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and python.exists():
        return {"python": str(python)}
    interpreter = next(filter(None, map(find_python, pythons)), None)
    if interpreter is None:
        return {"skip": f"ansible-core {series} needs Python {' or '.join(sorted(pythons))}: none on PATH or in pyenv"}
    print(f"Making {home} with {interpreter} ...", flush=True)
    subprocess.run([interpreter, "-m", "venv", "--clear", home], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input", "-qq"]
    subprocess.run([*pip, "--requirement", requirements], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return {"python": str(python)}


def main() -> int:
    """Write .venv/cores.json, which the integration tests and sanity read."""
    own = installed_core(VENV / "bin" / "python")
    made = {}
    for series, pythons in {**CORES, **PRE_RELEASES}.items():
        if own.startswith(f"{series}."):
            made[series] = {"python": str(VENV / "bin" / "python")}
            continue
        made[series] = make(series, pythons)
        if series in PRE_RELEASES:
            made[series]["stage"] = "pre-release"
        if "skip" in made[series]:
            print(f"Skipped: {made[series]['skip']}", flush=True)
    (VENV / "cores.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
