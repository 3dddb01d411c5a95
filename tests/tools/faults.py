# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the suite of hostile services and write docs/faults.md from what came of it.

`make faults` runs it; `--keep` takes the results of the run before.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
from typing import Any, Sequence

from ansible_collections.mailops.smtpeter.tests.tools.heading import heading
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import FAULTS, Fault

RESULTS = pathlib.Path(".venv") / "faults"
CORES = pathlib.Path(".venv") / "cores.json"
PAGE = pathlib.Path("docs") / "faults.md"
SUITE = "tests/integration/test_hostile.py"
PLUGINS = ("lookup", "info", "gate")
METHOD = """
A service on loopback does everything wrong that we could think of, with TLS where that is the point. The lookup, the
info module and the gate meet each fault in real runs of `ansible-playbook`. A fault has held where a record with the
right counters came, or an error that names the tag and the reason, as the table says; and where the task ended in time,
no process took more memory than {limit} MiB, and nothing that was printed or returned had a traceback, a control
character or the token in it. Nothing ever came to where a redirect pointed, and no request went through a certificate
that cannot be trusted.
"""
COUNT = (
    "**{faults} faults, {plugins} plugins, {cores} versions of ansible-core ({names}): {cases:,} cases, {verdict}.**"
)
FIGURES = """
The longest task took {seconds:.1f} s, Ansible's own part and a busy machine included; a request may take {patient:g} s,
or {hasty:g} s where nothing but the timeout ends it. The largest process had {peak:.0f} MiB, most of which is what
Ansible itself needs.
"""
REPEAT = """
The suite is part of `make test`, on the oldest and the newest ansible-core. `make faults` runs it alone, on all, in a
few minutes, and writes this page from its results.
On ansible-core {own} each lookup meets one fault, in a worker of its own; elsewhere, and with the module and the gate,
a task meets all faults at once that do not keep others waiting. The module tries twice what is worth a second attempt.
"""


def result_files() -> list[dict[str, Any]]:
    """What the suite wrote, a run of a plugin on an ansible-core each."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]


def shown(fault: Fault) -> str:
    """The name of a fault in the table; what is written in an answer is shown as written."""
    return f"`{fault.name}`" if fault.verbatim else fault.name


def row(fault: Fault, cells: Sequence[str]) -> str:
    """A line of the table."""
    return "| " + " | ".join([fault.family, shown(fault), fault.outcome, *cells]) + " |"


def page(runs: list[dict[str, Any]]) -> str:
    """The page in Markdown."""
    cores = sorted({run["core"] for run in runs}, key=lambda core: [int(part) for part in core.split(".")[:2]])
    held = {(run["core"], run["plugin"], tag): kept for run in runs for tag, kept in run["held"].items()}
    cases = [(core, plugin, fault.tag) for core in cores for plugin in PLUGINS for fault in FAULTS]
    count = sum(held.get(case, False) for case in cases)
    verdict = "all held" if count == len(cases) else f"{count:,} held"
    names = ", ".join(cores[:-1]) + f" and {cores[-1]}"
    first = runs[0]
    paragraphs = [
        METHOD.format(limit=first["peak_limit"] // 1024),
        COUNT.format(
            faults=len(FAULTS), plugins=len(PLUGINS), cores=len(cores), names=names, cases=len(cases), verdict=verdict
        ),
        FIGURES.format(
            seconds=max(run["seconds"] for run in runs),
            peak=max(run["peak"] for run in runs) / 1024,
            patient=max(fault.timeout for fault in FAULTS),
            hasty=min(fault.timeout for fault in FAULTS),
        ),
        REPEAT.format(own=next(run["core"] for run in runs if run["own"])),
    ]
    text = heading("What comes of a hostile service", "tests/tools/faults.py") + "".join(
        "\n" + textwrap.fill(part.strip(), 120, break_on_hyphens=False) + "\n" for part in paragraphs
    )
    lines = ["| family | fault | what comes of it | " + " | ".join(cores) + " |", "|---" * (3 + len(cores)) + "|"]
    for fault in FAULTS:
        cells = [
            f"{sum(held.get((core, plugin, fault.tag), False) for plugin in PLUGINS)} of {len(PLUGINS)}"
            for core in cores
        ]
        lines.append(row(fault, cells))
    return text + "\n" + "\n".join(lines) + "\n"


def main(args: Sequence[str]) -> int:
    """Run the suite unless told not to, and write the page; the exit code of the suite."""
    code = 0
    if "--keep" not in args:
        shutil.rmtree(RESULTS, ignore_errors=True)
        RESULTS.mkdir(parents=True)
        env = {**os.environ, "FAULTS_RESULTS": str(RESULTS.absolute())}
        for core in json.loads(CORES.read_text(encoding="utf-8")):
            command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "--core", core, SUITE]
            code = subprocess.run(command, env=env, check=False).returncode or code
    PAGE.write_text(page(result_files()), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
