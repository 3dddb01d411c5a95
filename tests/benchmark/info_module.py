# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many tags at once: the process of the info module beside a bare pool of C(requests) and C(curl --parallel).

Each is timed from the start of its process to its end. What Ansible does around the module's process is the same for
one tag as for 1,000, and its noise would hide the difference; tags.py measures it with Ansible around it.
"""

from __future__ import annotations

import sys

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._readers import CURL, INFO, POOL, command
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part, Table, growth_table
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import PARALLEL, SLOW, Case, Command, Runs, pace, ratio

COUNTS = (1, 100, 1_000, 10_000)
READERS = (INFO, POOL, CURL)
PROCESS_LIMIT = 1.15
GROWTH_LIMIT = 10.5
MEMORY_LIMIT = 4.0


def case_of(reader: str, tags: int, delay: int = 0) -> Case:
    """The case of so many tags, with as many at a time as that service is asked."""
    return Case(reader, tags, delay=delay, parallel=PARALLEL[delay])


def plan(bench: Bench) -> dict[Case, Command]:
    """All cases. 10,000 tags at the slow service take some 20 seconds a process, so they are read once."""
    cases = {}
    for delay in PARALLEL:
        for tags in COUNTS:
            for reader in READERS:
                if bench.quick and tags == COUNTS[-1] and (delay or reader != INFO):
                    continue
                case = case_of(reader, tags, delay)
                cases[case] = command(bench, case, 1 if delay and tags == COUNTS[-1] else None)
    return cases


def figures(runs: Runs) -> list[Figure]:
    """What was asked of the process."""

    def added(reader: str, tags: int, delay: int = 0) -> list[float]:
        return runs.added(case_of(reader, tags, delay), case_of(reader, 1, delay))

    growth = runs.peak_kb(case_of(INFO, 10_000)) - runs.peak_kb(case_of(INFO, 1_000))
    return [
        Figure(
            "info, 1,000 tags, `parallel: 8`, above one tag's time: against a bare `requests` pool of 8",
            ratio(added(INFO, 1_000), added(POOL, 1_000)),
            PROCESS_LIMIT,
        ),
        Figure(
            "the same with 30 ms a request, `parallel: 16`: against `curl --parallel --parallel-max 16`",
            ratio(added(INFO, 1_000, SLOW), added(CURL, 1_000, SLOW)),
            PROCESS_LIMIT,
        ),
        Figure(
            "10,000 tags against 1,000, each above one tag's time",
            ratio(added(INFO, 10_000), added(INFO, 1_000)),
            GROWTH_LIMIT,
        ),
        Figure("memory growth of the module's process, 1,000 to 10,000 tags", growth / 9_000, MEMORY_LIMIT, "KB a tag"),
    ]


def tables(runs: Runs) -> list[Table]:
    """A table for each service."""
    note = (
        "Wall time of a process of its own, from its start to its end. curl writes its answers to /dev/null and parses"
        " nothing; the pool keeps them all and parses nothing; the module checks each and prints the records."
    )
    return [
        growth_table(
            f"Many tags, answered {pace(delay)}, {parallel} at a time",
            note,
            "tag",
            COUNTS,
            runs,
            {
                reader: [case for case in runs.by_case if (case.reader, case.delay) == (reader, delay)]
                for reader in READERS
            },
        )
        for delay, parallel in PARALLEL.items()
    ]


def measure(bench: Bench) -> Part:
    """Time the processes."""
    runs = bench.measure(plan(bench))
    return Part(figures(runs), tables(runs), runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
