# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test's sanity, units and integration on each ansible-core, with the oldest and newest Python that it runs on.

The units of modules also run on the oldest Python of a managed host. Run by .venv's Python from the repository's root:
`matrix.py [--cores 2.16,2.21] [--parts sanity,units,modules,integration] [--one-python]`.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
import time
from typing import Iterator

from checkout import Checkout, checkout
from cores import CORES, VENV, Core, NoPython, environment, make, own_environment

PARTS = ("sanity", "units", "modules", "integration")
LOGS = VENV / "matrix"


@dataclasses.dataclass(frozen=True)
class Run:
    """One part on one ansible-core and Python: how it ended, and in how many seconds."""

    series: str
    python: str
    part: str
    outcome: str
    seconds: float = 0

    @property
    def failed(self) -> bool:
        """Whether it ran and did not pass."""
        return self.outcome.startswith("FAILED")

    @property
    def line(self) -> str:
        """A row of the table."""
        return f"{self.series:<8}{self.python:<8}{self.part:<13}{self.seconds:>5.0f} s  {self.outcome}"


def arguments(given: list[str]) -> argparse.Namespace:
    """What was asked for; lists are separated by commas or spaces."""

    def names(text: str) -> list[str]:
        return text.replace(",", " ").split()

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cores", type=names, default=[], help="series of ansible-core; all by default")
    parser.add_argument("--parts", type=names, default=[], help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--one-python", action="store_true", help="any Python that there is, instead of both ends")
    wanted = parser.parse_args(given)
    for chosen, known in ((wanted.cores, CORES), (wanted.parts, PARTS)):
        unknown = set(chosen) - set(known)
        if unknown:
            parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(known)}")
    return wanted


def controllers(core: Core, one: bool) -> Iterator[tuple[str, pathlib.Path | str]]:
    """Versions of Python and, for each, the one that has this ansible-core, or why there is none."""
    own, version = own_environment()
    if one and own == core.series:
        yield version, VENV / "bin" / "python"
    elif one:
        made = make(core)
        python = pathlib.Path(str(made.get("python", "")))
        yield (python.parts[-3].partition("-py")[2], python) if "python" in made else ("any", str(made["skip"]))
    else:
        for version in core.ends:
            try:
                yield version, environment(f"core-{core.series}", version)
            except NoPython as reason:
                yield version, str(reason)


def run(copy: Checkout, core: Core, version: str, python: pathlib.Path, part: str) -> Run:
    """Run one part, and show the end of what it said where it failed."""
    target = None
    if part == "modules":
        try:
            target = environment("target", core.target)
        except NoPython as reason:
            return Run(core.series, core.target, part, f"skipped: {reason}")
        version = core.target
    log = LOGS / f"{core.series}-py{version}-{part}.log"
    started = time.monotonic()
    if part in ("units", "modules"):
        passed, ran = copy.units(python, version, log, target)
    else:
        passed, ran = getattr(copy, part)(python, version, log)
    if not passed:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-60:]), flush=True)
    outcome = f"passed {ran}" if passed else f"FAILED, see {log}"
    return Run(core.series, version, part, outcome, time.monotonic() - started)


def runs(copy: Checkout, wanted: argparse.Namespace) -> Iterator[Run]:
    """Run what was asked for, one after the other."""
    parts = wanted.parts or list(PARTS)
    for core in (CORES[series] for series in wanted.cores or CORES):
        with_core = None
        for version, python in controllers(core, wanted.one_python):
            if isinstance(python, str):
                yield Run(core.series, version, "all", f"skipped: {python}")
                continue
            with_core = version, python
            for part in parts:
                if part != "modules":
                    yield run(copy, core, version, python, part)
        if with_core and "modules" in parts:
            yield run(copy, core, *with_core, "modules")


def main(given: list[str]) -> int:
    """Run the matrix and print the table; 1 where something failed."""
    wanted = arguments(given)
    LOGS.mkdir(exist_ok=True)
    done = []
    with checkout() as copy:
        for each in runs(copy, wanted):
            print(each.line, flush=True)
            done.append(each)
    print(f"\n{'core':<8}{'Python':<8}{'part':<13}{'time':>7}  outcome")
    for each in done:
        print(each.line)
    return 1 if any(each.failed for each in done) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
