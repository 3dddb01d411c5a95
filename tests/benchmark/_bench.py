# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where benchmarks run: the service, a directory, an environment of their own, and the rounds. Private."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile
from dataclasses import dataclass
from typing import Callable, Mapping

from ansible_collections.mailops.smtpeter.tests.benchmark._report import Part, figures_table, plain
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import (
    Case,
    Command,
    MeasurementError,
    Run,
    Runs,
    run,
    schedule,
)
from ansible_collections.mailops.smtpeter.tests.benchmark._service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Settings of whoever runs this play no part: proxies, and certificates that plain HTTP does not need.
_FOREIGN = ("ANSIBLE_", "SMTPETER_")
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Bench:
    """What a benchmark is given. C(rounds) is how often a measurement is made, C(quick) asks for a look alone."""

    service: Service
    directory: str
    environment: Mapping[str, str]
    rounds: int = 5
    quick: bool = False

    @property
    def collections(self) -> pathlib.Path:
        """Where a benchmark may put a collection of its own."""
        return pathlib.Path(self.directory, "collections")

    def measure(self, plan: Mapping[Case, Command]) -> Runs:
        """Time each case in each round, interleaved, after one untimed run of each reader's smallest."""
        runs = Runs()
        smallest: dict[str, Case] = {}
        for case in sorted(plan, key=lambda case: (case.tags * case.hosts, case.delay)):
            smallest.setdefault(case.reader, case)
        for case in smallest.values():
            self._run(case, plan[case])
        rounds = {case: min(command.rounds or self.rounds, self.rounds) for case, command in plan.items()}
        for turn, cases in schedule(rounds):
            for case in cases:
                taken = self._run(case, plan[case])
                runs.add(case, taken)
                print(
                    f"round {turn}: {case}: {taken.seconds:.3f} s, {taken.requests} requests, the service was busy"
                    f" {taken.service_share:.0%} of the time",
                    flush=True,
                )
        return runs

    def _run(self, case: Case, command: Command) -> Run:
        try:
            return run(command, self.service, self.environment)
        except MeasurementError as error:
            raise MeasurementError(f"The measurement of {case} failed: {error}") from None


Measure = Callable[[Bench], Part]


def environment(directory: str) -> dict[str, str]:
    """The environment of all that is measured."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _CERTIFICATES and not name.lower().endswith("_proxy")
    }
    collections = str(ROOT / ".venv" / "collections")
    return {
        **kept,
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([collections, os.path.join(directory, "collections")]),
        "ANSIBLE_HOME": directory,
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "PYTHONPATH": collections,
    }


def options(description: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="one round of what takes little; says little")
    parser.add_argument("--rounds", type=int, help="how often a measurement is made; 5 by default")
    return parser


def bench_of(service: Service, directory: str, chosen: argparse.Namespace) -> Bench:
    """The bench that a command line asks for."""
    rounds = chosen.rounds or (1 if chosen.quick else 5)
    return Bench(service, directory, environment(directory), rounds, chosen.quick)


def alone(measure: Measure, description: str | None) -> int:
    """Run one benchmark and print what it found; 1 where a figure is above its limit."""
    chosen = options(description).parse_args()
    with Service() as service, tempfile.TemporaryDirectory() as directory:
        try:
            part = measure(bench_of(service, directory, chosen))
        except MeasurementError as error:
            sys.exit(str(error))
    show(part)
    return 1 if any(figure.verdict == "above" for figure in part.figures) else 0


def show(part: Part) -> None:
    """Print tables and figures."""
    for table in (*part.tables, figures_table(part.figures)):
        print(plain(table))
    for note in part.notes:
        print(note)
