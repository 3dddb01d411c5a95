# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is run, how often, and what it took. Private: names and behaviour may change."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from ansible_collections.mailops.smtpeter.tests.benchmark._service import Service

# The services that are asked, by their milliseconds a request, and how many requests at a time suit each.
SLOW = 30
PARALLEL = {0: 8, SLOW: 16}

# Put before a script, it has the process tell its own peak memory on stderr; children and what was forked say nothing.
TELL_PEAK = r"""
import atexit, os, re
def tell_peak(own=os.getpid()):
    if os.getpid() == own:
        with open("/proc/self/status") as status:
            os.write(2, b"\npeak_kb %s\n" % re.search(r"VmHWM:\s*([0-9]+)", status.read())[1].encode())
atexit.register(tell_peak)
"""


@dataclass(frozen=True)
class Case:
    """What is measured: who reads, how many tags, on how many hosts, so many at a time, at a service so slow (ms)."""

    reader: str
    tags: int = 1
    hosts: int = 1
    delay: int = 0
    parallel: int = 1

    def __str__(self) -> str:
        tags = f"{self.tags:,} tag{'s' if self.tags > 1 else ''}"
        return ", ".join([self.reader, tags, *([f"{self.hosts} hosts"] if self.hosts > 1 else []), pace(self.delay)])


def pace(delay: int) -> str:
    """How fast a service answers, in words."""
    return f"in {delay} ms" if delay else "at once"


@dataclass(frozen=True)
class Command:
    """A process to time. C(prepare) is done before it, untimed; C(requests) is how many it must make, null: any."""

    argv: Sequence[str]
    requests: int | None = None
    prepare: Callable[[], object] = lambda: None
    rounds: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What a process took: seconds, processor seconds with its children, requests, the service's share of a processor.

    C(peak_kb) is the most memory that it held itself, in KB, where it tells.
    """

    seconds: float
    cpu: float
    requests: int
    service_share: float
    peak_kb: int | None = None


class MeasurementError(Exception):
    """A process failed, or did not do what it was to do."""


def run(command: Command, service: Service, environment: Mapping[str, str]) -> Run:
    """Run the process and return what it took; raises MeasurementError."""
    command.prepare()
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        before, used, start = service.usage(), _children_cpu(), time.perf_counter()
        done = subprocess.run(
            command.argv,
            env={**environment, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            check=False,
        )
        seconds = time.perf_counter() - start
        after, used = service.usage(), _children_cpu() - used
        said = _end_of(stderr)
        if done.returncode:
            raise MeasurementError(f"it ended with {done.returncode}\n{_trouble(_end_of(stdout, 1 << 20))}\n{said}")
    requests = after.requests - before.requests
    if command.requests not in (None, requests):
        raise MeasurementError(f"it made {requests} requests, not {command.requests}")
    peak = re.search(r"^peak_kb ([0-9]+)$", said, re.MULTILINE)
    return Run(seconds, used, requests, (after.cpu - before.cpu) / seconds, int(peak[1]) if peak else None)


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _trouble(text: str, lines: int = 20) -> str:
    """The lines that say what failed, or the last ones."""
    told = text.splitlines()
    return "\n".join([line for line in told if "fatal" in line or "ERROR" in line][:lines] or told[-lines:])


def _end_of(file: Any, size: int = 4000) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - size))
    text: str = file.read().decode(errors="replace")
    return text


def schedule(rounds: Mapping[Case, int]) -> Iterator[tuple[int, list[Case]]]:
    """Yield each round, from 1, with its cases in order: the order turns each time, so that none gains by its place."""
    for turn in range(1, max(rounds.values()) + 1):
        cases = [case for case in rounds if rounds[case] >= turn]
        yield turn, cases if turn % 2 else cases[::-1]


class Runs:
    """All runs, by case, in the order of the rounds."""

    def __init__(self) -> None:
        self.by_case: dict[Case, list[Run]] = {}

    def add(self, case: Case, taken: Run) -> None:
        """Keep a run."""
        self.by_case.setdefault(case, []).append(taken)

    def seconds(self, case: Case) -> float:
        """The median of the wall seconds."""
        return statistics.median(taken.seconds for taken in self.by_case[case])

    def peak_kb(self, case: Case) -> float:
        """The median of the peak memory, in KB."""
        return statistics.median(taken.peak_kb or 0 for taken in self.by_case[case])

    def added(self, case: Case, base: Case, measure: str = "seconds") -> list[float]:
        """The seconds, or C(cpu) seconds, that C(case) took above C(base), in each round that has both."""
        pairs = zip(self.by_case[case], self.by_case[base])
        return [getattr(taken, measure) - getattr(without, measure) for taken, without in pairs]

    def busiest(self, cases: Iterable[Case]) -> float:
        """The highest share of a processor that the service had in any of the cases' runs."""
        return max(taken.service_share for case in cases for taken in self.by_case[case])

    def raw(self) -> list[dict[str, Any]]:
        """Every run with its case and round, as JSON has it."""
        return [
            {**asdict(case), "round": number, **asdict(taken)}
            for case, runs in self.by_case.items()
            for number, taken in enumerate(runs, 1)
        ]


def ratio(numbers: Sequence[float], others: Sequence[float]) -> float:
    """The median of the rounds' ratios; of two lists of rounds, the shorter counts."""
    return statistics.median(number / other for number, other in zip(numbers, others))
