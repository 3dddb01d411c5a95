# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the documentation's pictures from the figures beside them, in docs/pictures, as `make docs` does.

`--rehearse` first measures the figures of the gate's picture again, with the playbook of the guide, in real time: 17
minutes. `make simulate` measures those of the others.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Callable

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.tests.integration.test_examples import fences
from ansible_collections.mailops.smtpeter.tests.tools import _judging

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_rehearse.rst"
PLAYBOOK = "rehearse_gate.yml"


def figures(name: str) -> Any:
    """Return the figures of that name."""
    return json.loads((PICTURES / name).read_text(encoding="utf-8"))


# What draws each picture.
DRAWN: dict[str, Callable[[], str]] = {
    "gate-report.svg": lambda: gate_report(figures("gate-report.json"), "svg"),
    "pass-rates.svg": lambda: _judging.pass_rates(figures("simulation.json")),
    "evidence.svg": _judging.evidence,
    "minutes.svg": lambda: _judging.minutes(figures("simulation.json")),
}


def draw() -> None:
    """Write the pictures that have changed."""
    for name, drawn in DRAWN.items():
        path, text = PICTURES / name, drawn()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


def rehearse(speed: int) -> str:
    """Run the guide's playbook `speed` times as fast as real mail, and return the gate's result as JSON."""
    playbook = next(fence.text for fence in fences(GUIDE) if fence.text.startswith(f"# {PLAYBOOK}\n"))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        (directory / PLAYBOOK).write_text(playbook, encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", directory / PLAYBOOK, "-e", f"speed={speed}"]
        subprocess.run(command, cwd=directory, check=True)
        return (directory / "gate.json").read_text(encoding="utf-8")
    finally:
        shutil.rmtree(directory)


def main() -> None:
    """Draw, after a rehearsal if `--rehearse` is given."""
    if "--rehearse" in sys.argv[1:]:
        (PICTURES / "gate-report.json").write_text(rehearse(1) + "\n", encoding="utf-8")
    draw()


if __name__ == "__main__":
    main()
