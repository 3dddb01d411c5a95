# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in slices: ansible-runner's workers beside each other, each on its slice, and the merge of what they read.

As AWX does it, a slice is an inventory with every n-th host of the whole. A reading is timed from the start of
C(transmit) to the end of the last C(process); all slices run at the same time. The merge judges as well.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Iterable

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._readers import POOL
from ansible_collections.mailops.smtpeter.tests.benchmark._readers import command as pool
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part, Table, duration
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import Case, Command, Runs, ratio, run
from ansible_collections.mailops.smtpeter.tests.benchmark._service import TOKEN

TAGS, HOSTS, SLICES = (40, 500, 1_000, 2_000, 4_000), (40, 400, 4_000), (1, 2, 4)
FEW, MOST, USUAL = TAGS[0], TAGS[-1], HOSTS[0]
SLOW = 30
PARALLEL, WIDE = 16, 64
LIMIT = 0.65

# Each slice's pipeline as a shell would start it, all at once; it fails unless each left that it was successful.
_PIPELINES = """
import pathlib, subprocess, sys

variables, results, *slices = sys.argv[1:]
runner = [sys.executable, "-m", "ansible_runner"]
playbook = ["-p", "mailops.smtpeter.fleet", "--cmdline", f"-e @{variables}"]
pipe = subprocess.PIPE
pipelines = []
for slice in slices:
    name = pathlib.Path(slice).name
    transmit = subprocess.Popen([*runner, "transmit", slice, *playbook], stdout=pipe)
    worker = subprocess.Popen([*runner, "worker"], stdin=transmit.stdout, stdout=pipe)
    process = subprocess.Popen(
        [*runner, "process", results, "--ident", name], stdin=worker.stdout, stdout=subprocess.DEVNULL
    )
    pipelines.append((name, process, worker, transmit))
    transmit.stdout.close()
    worker.stdout.close()
for name, *processes in pipelines:
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert pathlib.Path(results, "artifacts", name, "status").read_text() == "successful"
"""


def case_of(slices: int, tags: int = MOST, hosts: int = USUAL, parallel: int = PARALLEL) -> Case:
    """The case of so many slices of a fleet."""
    return Case(f"{slices} slice{'s' if slices > 1 else ''}", tags, hosts, SLOW, parallel)


def pool_of(tags: int) -> Case:
    """The case of a bare pool that asks for as many tags."""
    return Case(POOL, tags, delay=SLOW, parallel=PARALLEL)


def merge_of(case: Case) -> Case:
    """The case of putting together what C(case) read."""
    return replace(case, reader=f"the merge of {case.reader}", delay=0)


def fleet(tags: int, hosts: int) -> dict[str, dict[str, list[str]]]:
    """The hosts of an inventory, with the tags dealt out among them."""
    return {
        f"campaign-{host:04}": {"smtpeter_tags": [f"wave-{tag}" for tag in range(host, tags, hosts)]}
        for host in range(hosts)
    }


def written(path: pathlib.Path, hosts: dict[str, Any]) -> pathlib.Path:
    """An inventory at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return path


def home(bench: Bench, case: Case) -> pathlib.Path:
    """The directory of a case: its slices, its results."""
    return pathlib.Path(bench.directory, f"{case.tags}-{case.hosts}-{case.reader}-{case.parallel}".replace(" ", "-"))


def reading(bench: Bench, case: Case, rounds: int | None = None) -> Command:
    """The processes that read all slices of a case at the same time."""
    directory, count = home(bench, case), int(case.reader.split()[0])
    hosts = list(fleet(case.tags, case.hosts).items())
    slices = [directory / "slices" / str(number) for number in range(count)]
    for number, path in enumerate(slices):
        written(path / "inventory" / "hosts.json", dict(hosts[number::count]))
    variables = directory / "variables.json"
    variables.write_text(json.dumps({"smtpeter_parallel": case.parallel}), encoding="utf-8")
    argv = [sys.executable, "-c", _PIPELINES, str(variables), str(directory / "results"), *map(str, slices)]
    environment = {"SMTPETER_API_URL": bench.service.url(case.delay), "SMTPETER_API_TOKEN": TOKEN}
    environment["PATH"] = os.pathsep.join([os.path.join(sys.prefix, "bin"), os.environ["PATH"]])
    prepare = partial(shutil.rmtree, directory / "results", ignore_errors=True)
    return Command(argv, case.tags, prepare, rounds, environment)


def merging(bench: Bench, case: Case) -> Command:
    """The playbook that judges what a case read; the case has run before."""
    directory = home(bench, case)
    inventory = written(directory / "whole" / "hosts.json", fleet(case.tags, case.hosts))
    argv = [sys.executable, "-m", "ansible", "playbook", "mailops.smtpeter.fleet_merge", "-i", str(inventory)]
    return Command([*argv, "-e", f"smtpeter_results={directory}/results"], 0, rounds=3)


def readings(quick: bool) -> dict[Case, int | None]:
    """The cases that read, and in how many rounds: fewer than the bench's where no limit is held."""
    if quick:
        return {case_of(slices, tags): None for slices in SLICES[:2] for tags in TAGS[:2]}
    cases: dict[Case, int | None] = {case_of(slices): None for slices in SLICES}
    cases.update({case_of(1, tags): 3 for tags in TAGS[:-1]})
    cases.update({case_of(1, hosts=hosts): 3 for hosts in HOSTS if hosts != USUAL})
    cases.update({case_of(slices, parallel=WIDE): 3 for slices in SLICES[:2]})
    return cases


def labels(case: Case) -> list[str]:
    """What a row's case is, in a table's cells."""
    return [f"{case.tags:,}", f"{case.hosts:,}", case.reader.split()[0], str(case.parallel)]


def busy(runs: Runs, case: Case) -> str:
    """The median of the processor seconds."""
    return duration(statistics.median(taken.cpu for taken in runs.by_case[case]))


def growth(runs: Runs, cases: Iterable[Case]) -> Table:
    """How the cost grows."""
    rows = []
    for case in cases:
        merge = merge_of(case)
        merged = duration(runs.seconds(merge)) if merge in runs.by_case else ""
        rows.append(
            [*labels(case), duration(runs.seconds(case)), busy(runs, case), merged, f"{runs.busiest([case]):.0%}"]
        )
    note = (
        f"Wall time of all slices at the same time on one machine, {SLOW} ms a request, from the first `transmit` to"
        " the last `process`; the processor time of that; and the wall time of the merge after it."
    )
    head = ["tags", "hosts", "slices", "parallel", "read", "processor", "merge", "service busy"]
    return Table("A fleet in slices", note, head, rows)


def phases(bench: Bench, case: Case) -> list[float]:
    """Run one worker once more and see when its events came: the seconds of each phase."""
    command = reading(bench, case)
    command.prepare()
    moments = {"began": time.time()}
    subprocess.run(command.argv, env={**bench.environment, **command.environment}, check=True)
    moments["ended"] = time.time()
    for path in (home(bench, case) / "results" / "artifacts" / "0" / "job_events").iterdir():
        event = json.loads(path.read_text(encoding="utf-8"))
        moment = datetime.fromisoformat(event["created"]).timestamp()
        moments[event["event"]] = max(moment, moments.get(event["event"], 0))
    ends = ("began", "playbook_on_start", "playbook_on_task_start", "runner_on_ok", "ended")
    return [moments[later] - moments[earlier] for earlier, later in zip(ends, ends[1:])]


def spent(bench: Bench, cases: Iterable[Case]) -> Table:
    """Where the time goes."""
    rows = []
    for case in cases:
        waiting = case.tags * SLOW / 1000 / case.parallel
        rows.append([*labels(case), *map(duration, [*phases(bench, case), waiting])])
    note = (
        "One worker, once more: until Ansible has started; until the tags are listed; until they are read; until all is"
        f" handed out, streamed and written. The last column is what {SLOW} ms a request take at the least."
    )
    head = ["tags", "hosts", "slices", "parallel", "start", "list", "read", "hand out", "waiting for the service"]
    return Table("Where the time of a slice goes", note, head, rows)


def computed(runs: Runs, most: int) -> Table:
    """Where the processor time goes."""
    rows = [
        [f"a bare `requests` pool of {PARALLEL}, {most:,} tags", busy(runs, pool_of(most))],
        [f"one slice, {FEW} tags: its start, mostly", busy(runs, case_of(1, FEW))],
        [f"one slice, {most:,} tags", busy(runs, case_of(1, most))],
    ]
    note = "What HTTP takes in Python at the least, and what a slice takes with few tags and with many."
    return Table("Where the processor time of a slice goes", note, ["", "processor"], rows)


def measure(bench: Bench) -> Part:
    """Time the slices and the merges."""
    cases = readings(bench.quick)
    smallest = {case.reader: case for case in sorted(cases, key=lambda case: -case.tags) if case.parallel == PARALLEL}
    for case in smallest.values():
        # So that the untimed merge before the rounds has something to put together.
        run(reading(bench, case), bench.service, bench.environment)
    plan = {case: reading(bench, case, rounds) for case, rounds in cases.items()}
    plan.update({merge_of(case): merging(bench, case) for case in cases if case.parallel == PARALLEL})
    most = max(case.tags for case in cases)
    plan[pool_of(most)] = pool(bench, pool_of(most), 3)
    runs = bench.measure(plan)
    one, two = ([taken.seconds for taken in runs.by_case[case_of(slices, most)]] for slices in SLICES[:2])
    what = f"{most:,} tags, two runner workers on a slice each against one worker on all, {SLOW} ms a request"
    figure = Figure(what, ratio(two, one), None if bench.quick else LIMIT)
    profiled = [case for case in cases if case.reader == case_of(1).reader and case.tags == most]
    return Part([figure], [growth(runs, cases), spent(bench, profiled), computed(runs, most)], runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
