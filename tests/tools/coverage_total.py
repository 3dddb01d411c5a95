# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all tests and say how much of plugins/ they reach, by lines and by branches; fail below the limits.

Each Python of .venv that unit tests start is measured as well, and what those marked `measured` start, which are
ansible-playbook, its workers, the sandbox, and modules, which run from a copy in a zip file. The other ansible-cores
have no coverage.py and are not slowed down.
Where paths, -k or -m choose tests, they run unmeasured, and faster.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv" / "coverage"
LINES, BRANCHES = 95.0, 90.0
# Every path is absolute, since the tests run programs in other directories.
CONFIG = f"""
[run]
branch = true
parallel = true
source = {ROOT / "plugins"}
    ansible_collections.mailops.smtpeter.plugins
data_file = {HOME / "data"}
patch = _exit
disable_warnings = no-data-collected, module-not-imported, module-not-measured, couldnt-parse, already-imported
[paths]
plugins =
    {ROOT / "plugins"}
    */ansible_collections/mailops/smtpeter/plugins
[report]
omit =
    */plugins/__init__.py
    */plugins/*/__init__.py
exclude_also =
    if TYPE_CHECKING:
    if t\\.TYPE_CHECKING:
"""


def main(arguments: list[str]) -> int:
    """Run the tests, then print the figures; what a shell should end with."""
    python = ROOT / ".venv" / "bin" / "python"
    pytest = [python, "-m", "pytest", *arguments]
    if any(argument[:2] in ("-k", "-m") or (ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        return subprocess.run(pytest, check=False).returncode
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    config = HOME / "coverage.ini"
    config.write_text(CONFIG, encoding="utf-8")
    env = {**os.environ, "COVERAGE_PROCESS_START": str(config)}
    tests = subprocess.run(pytest, env=env, check=False).returncode
    coverage = [python, "-m", "coverage"]
    given = f"--rcfile={config}"
    result = HOME / "coverage.json"
    # A process that a test kills leaves no whole file, which is warned of and left out.
    subprocess.run([*coverage, "combine", "--quiet", given], stderr=subprocess.DEVNULL, check=False)
    subprocess.run([*coverage, "json", "--quiet", given, "-o", result], check=True)
    totals = json.loads(result.read_text(encoding="utf-8"))["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"Coverage of plugins/: {lines:.1f} % of the lines, {branches:.1f} % of the branches")
    if tests or (lines >= LINES and branches >= BRANCHES):
        return tests
    subprocess.run([*coverage, "report", given, "--skip-covered", "--show-missing"], check=False)
    print(f"That is below {LINES:g} % of the lines or {BRANCHES:g} % of the branches.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
