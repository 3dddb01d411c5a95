# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask PyPI's vulnerability service about every pinned package. ARGS='--service osv' asks osv.dev instead.

Exit code 0: all were looked up, and nothing is known; 1: something is known; 3: not all could be looked up.
pip-audit itself calls it a success when it could look up nothing.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import venv
from typing import Any

REQUIREMENTS = pathlib.Path("tests/requirements")
HOME = pathlib.Path(".venv/audit")
KNOWN, UNKNOWN = 1, 3


def auditor() -> pathlib.Path:
    """A Python that has pip-audit, in an environment of its own, since it brings a lot with it."""
    python = HOME / "bin" / "python"
    wanted = (REQUIREMENTS / "audit.txt").read_text(encoding="utf-8")
    stamp = HOME / "installed.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(HOME, with_pip=True, clear=True)
        install = ["install", "--no-input", "-qq", "--disable-pip-version-check", "-r", REQUIREMENTS / "audit.txt"]
        subprocess.run([python, "-m", "pip", *install], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def audit(python: pathlib.Path, pins: pathlib.Path, service: str) -> list[dict[str, Any]] | None:
    """What is known of each package of a file, or None where the service does not answer."""
    options = [
        "--disable-pip",
        "--no-deps",
        "--progress-spinner",
        "off",
        "--format",
        "json",
        "--vulnerability-service",
        service,
    ]
    command = [python, "-m", "pip_audit", *options, "-r", pins]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        # The last line of a traceback says what happened.
        print(f"{pins}: {(done.stderr.strip() or 'no answer').splitlines()[-1]}", file=sys.stderr)
        return None
    return dependencies


def report(found: dict[str, list[dict[str, Any]] | None]) -> tuple[int, list[str]]:
    """The exit code, and what to print, by file."""
    lines, code = [], 0
    for name, dependencies in found.items():
        skipped = [package["name"] for package in dependencies or [] if "skip_reason" in package]
        if not dependencies or skipped:
            code = code or UNKNOWN
            what = f"{len(skipped)} of {len(dependencies)} packages" if dependencies else "the packages"
            lines.append(f"{name}: NOT AUDITED: the service could not be asked about {what}")
        for package in dependencies or []:
            for entry in package.get("vulns", []):
                code = KNOWN
                fixed = ", ".join(entry.get("fix_versions", [])) or "no version yet"
                lines.append(f"{name}: {package['name']} {package['version']}: {entry['id']}, mended in {fixed}")
        if dependencies and not skipped and not any(package.get("vulns") for package in dependencies):
            lines.append(f"{name}: {len(dependencies)} packages, nothing known")
    return code, lines


def main() -> int:
    """Audit every file of pins."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--service", choices=["pypi", "osv"], default="pypi")
    service = parser.parse_args().service
    python = auditor()
    code, lines = report({str(pins): audit(python, pins, service) for pins in sorted(REQUIREMENTS.glob("*.txt"))})
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
