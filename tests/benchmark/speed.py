# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast the collection is, beside what one would use instead; C(make benchmark).

Runs every part in turn, prints what it measures, and writes it to C(benchmark/speed.json), and C(docs/speed.md) from
that. Exit code 1 where a figure is above its limit.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import time
from dataclasses import asdict
from importlib import import_module
from typing import Any, Mapping

from ansible_collections.mailops.smtpeter.tests.benchmark import _bench
from ansible_collections.mailops.smtpeter.tests.benchmark._machine import ROOT, machine
from ansible_collections.mailops.smtpeter.tests.benchmark._page import page
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import MeasurementError
from ansible_collections.mailops.smtpeter.tests.benchmark._service import Service

# Each is a file beside this one, with a function measure(bench) that returns a Part.
PARTS = ("info_module", "task", "tags", "hosts", "fleet", "gate")
PAGE = ROOT / "docs" / "speed.md"
OUTPUT = ROOT / "benchmark"


def run(name: str, chosen: Any) -> Part:
    """Run a part, with a service and a directory of its own."""
    print(f"\n== {name}", flush=True)
    start = time.monotonic()
    part = import_module(f"ansible_collections.mailops.smtpeter.tests.benchmark.{name}")
    with Service() as service, tempfile.TemporaryDirectory() as directory:
        found: Part = part.measure(_bench.bench_of(service, directory, chosen))
    _bench.show(found)
    print(f"{name} took {time.monotonic() - start:.0f} s", flush=True)
    return found


def document(chosen: Any, names: list[str]) -> dict[str, Any]:
    """Measure, and return all that was found, as JSON has it."""
    made = machine()
    with Service() as service:
        capacity = service.capacity()
    print(f"the service answers {capacity:,.0f} requests a second to a bare socket")
    parts = {name: run(name, chosen) for name in names}
    return {
        "made": made,
        "rounds": chosen.rounds or 5,
        "capacity": capacity,
        "figures": [asdict(figure) for part in parts.values() for figure in part.figures],
        "tables": [asdict(table) for part in parts.values() for table in part.tables],
        "runs": [{"part": name, **taken} for name, part in parts.items() for taken in part.runs],
    }


def write(found: Mapping[str, Any], name: str) -> pathlib.Path:
    """Write what was found into the output directory."""
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"{name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Measure, or write the page anew, and say which figures are above their limits."""
    parser = _bench.options(__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part; may be given again")
    parser.add_argument("--render", action="store_true", help="measure nothing; write the page from the last whole run")
    chosen = parser.parse_args()
    if chosen.render:
        found = json.loads((OUTPUT / "speed.json").read_text(encoding="utf-8"))
    else:
        try:
            found = document(chosen, chosen.only or list(PARTS))
        except MeasurementError as error:
            sys.exit(str(error))
        name = "quick" if chosen.quick else "part" if chosen.only else "speed"
        print(f"\nEvery run is in {write(found, name).relative_to(ROOT)}.")
    if not (chosen.quick or chosen.only):
        PAGE.write_text(page(found), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written.")
    figures = [Figure(**figure) for figure in found["figures"]]
    _bench.show(Part(figures))
    return 1 if any(figure.verdict == "above" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
