# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Benchmarks against the alternatives, written to `docs/speed.md`; exit code 1 if a ratio is above its limit."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import datetime, timezone

import requests
from ansible.release import __version__ as ansible_version
from ansible_collections.mailops.smtpeter.tests.benchmark import fleet, playbooks, reading
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import ROOT, Bench, missing, table

PARTS = {"reading": reading, "playbooks": playbooks, "fleet": fleet}
PAGE = ROOT / "docs" / "speed.md"
# What follows this line of the page is measured.
MARK = "<!-- `make benchmark` writes what follows. -->"


def machine() -> str:
    """When and on what the tables were measured."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    versions = f"Python {platform.python_version()}, ansible-core {ansible_version}, requests {requests.__version__}"
    return f"Measured on {datetime.now(timezone.utc):%Y-%m-%d}: Linux, {cores} cores, load {load:.1f}, {versions}.\n"


def main() -> int:
    """Measure all parts and write the page, or measure one and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="measure this part, and write no page")
    parser.add_argument("--rounds", type=int, default=5, help="how often each process is timed; 5 by default")
    chosen = parser.parse_args()
    if absent := missing():
        sys.exit(f"The benchmarks need {', '.join(absent)}: apt-get install {' '.join(absent)}")
    tables, above = [], False
    for name, part in PARTS.items():
        if chosen.only in (None, name):
            with Bench(chosen.rounds) as bench:
                rows = part.measure(bench)
            tables.append(table(part.TITLE, rows))
            above = above or any(row.limit and row.ratio > row.limit for row in rows)
    print("\n" + "\n".join(tables))
    if not chosen.only:
        text = PAGE.read_text(encoding="utf-8").split(MARK)[0]
        PAGE.write_text("\n".join([f"{text}{MARK}\n", machine(), *tables]), encoding="utf-8")
    return int(above)


if __name__ == "__main__":
    sys.exit(main())
