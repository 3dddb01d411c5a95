"""Benchmarks against the alternatives, written to `docs/speed.md`; exit code 1 if a ratio is above its limit."""

import argparse
import os
import platform
import shutil
import sys
from datetime import datetime, timezone

import requests
from ansible.release import __version__ as ansible_version
from ansible_collections.mailops.smtpeter.tests.benchmark import playbooks, reading
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import PATH, ROOT, running

PARTS = {
    "reading": ("Tags read by the info module", reading.measure),
    "playbooks": ("In a playbook", playbooks.measure),
    "fleet": ("A fleet in slices", playbooks.measure_fleet),
}
PAGE = ROOT / "docs" / "speed.md"
# What follows this line of the page is measured.
MARK = "<!-- `make benchmark` writes what follows. -->"
HEAD = ["what", "time", "beside", "its time", "ratio", "CPU ratio", "at most"]
# Of the programs that the benchmarks need.
PACKAGES = {"curl": "curl", "hyperfine": "hyperfine", "nginx": "nginx-light", "openssl": "openssl"}


def main():
    """Measure all parts and write the page, or measure one and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="measure this part, and write no page")
    parser.add_argument("--rounds", type=int, default=5, help="how often each process is timed; 5 by default")
    chosen = parser.parse_args()
    absent = [package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)]
    if absent:
        sys.exit(f"The benchmarks need {', '.join(absent)}: apt-get install {' '.join(absent)}")
    tables, above = [], False
    for title, measure in [PARTS[chosen.only]] if chosen.only else PARTS.values():
        with running(chosen.rounds) as bench:
            rows = measure(bench)
        lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
        tables.append("\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]))
        above |= any(row.limit and row.ratio > row.limit for row in rows)
    print("\n" + "\n".join(tables))
    if not chosen.only:
        cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
        machine = f"Measured on {datetime.now(timezone.utc):%Y-%m-%d}: Linux, {cores} cores, load {load:.1f}, "
        machine += (
            f"Python {platform.python_version()}, ansible-core {ansible_version}, requests {requests.__version__}.\n"
        )
        text = PAGE.read_text(encoding="utf-8").split(MARK)[0]
        PAGE.write_text("\n".join([f"{text}{MARK}\n", machine, *tables]), encoding="utf-8")
    return int(above)


if __name__ == "__main__":
    sys.exit(main())
