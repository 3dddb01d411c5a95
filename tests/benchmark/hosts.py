# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts: one lookup each, from the cache, beside one that does nothing; and what rivals cost.

What a lookup adds is the playbook with it less the same playbook with a constant in its place. The do-nothing lookup
has the documentation of ours, so the same options from the same places, sets them from the same call, and returns a
constant. 10 forks; the cache is empty when a playbook begins, so that its first host asks the service.
"""

from __future__ import annotations

import pathlib
import shutil
import statistics
import sys
from functools import partial
from typing import Any

from ansible_collections.mailops.smtpeter.plugins.lookup import tag_stats
from ansible_collections.mailops.smtpeter.tests.benchmark import _plays as plays
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part, Table, growth_table
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import SLOW, Case, Command, Runs, pace
from ansible_collections.mailops.smtpeter.tests.benchmark._service import RECORD, TOKEN

COUNTS = (1, 50, 500)
CONSTANT, NOTHING = "a constant", "a lookup that does nothing"
CACHED, UNCACHED = "lookup `tag_stats` with `cache`", "lookup `tag_stats`"
URL, INFO, URI = "lookup `ansible.builtin.url`", "`tag_stats_info` on each host", "`ansible.builtin.uri` on each host"
LOOKUPS, MODULES = (CONSTANT, NOTHING, CACHED, UNCACHED, URL), (INFO, URI)
LIMIT = 1.5
_NOTHING = '''
DOCUMENTATION = r"""{documentation}"""

from ansible.plugins.lookup import LookupBase

RECORD = {record!r}


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [RECORD for _term in terms]
'''


def case_of(reader: str, hosts: int, delay: int = 0) -> Case:
    """The case of so many hosts, each with one tag, the same for all."""
    return Case(reader, hosts=hosts, delay=delay)


def plan(bench: Bench) -> dict[Case, Command]:
    """All cases: the slow service with the most hosts alone, and processes on each host with no more than 50."""
    skipped = (UNCACHED, URL) if bench.quick else ()
    cases = [
        case_of(reader, hosts) for hosts in COUNTS for reader in LOOKUPS if hosts < COUNTS[-1] or reader not in skipped
    ]
    cases += [case_of(reader, hosts) for hosts in COUNTS[:-1] for reader in MODULES if not (bench.quick and hosts > 1)]
    cases += [case_of(reader, COUNTS[-1], SLOW) for reader in (CACHED, UNCACHED, URL) if not bench.quick]
    return {case: command(bench, case) for case in cases}


def command(bench: Bench, case: Case) -> Command:
    """The playbook of a case: in all rounds where a limit is held, once where it takes long."""
    cache = pathlib.Path(bench.directory, "cache-of-hosts")
    requests = {CONSTANT: 0, NOTHING: 0, CACHED: 1}.get(case.reader, case.hosts)
    held = case.reader in (CONSTANT, NOTHING, CACHED) and not case.delay
    rounds = None if held else 1 if case.hosts == COUNTS[-1] else 3
    prepare = partial(shutil.rmtree, cache, ignore_errors=True)
    return plays.playbook(bench, case, [_task(bench, case, cache)], requests, rounds, prepare=prepare)


def _task(bench: Bench, case: Case, cache: pathlib.Path) -> dict[str, Any]:
    options = f"'tag-0', cache=true, cache_connection='{cache}'"
    url = f"{bench.service.url(case.delay)}/stats/tag-0?access_token={TOKEN}"
    templates = {
        CONSTANT: "0.98",
        NOTHING: f"{{{{ lookup('benchmark.rival.nothing', {options}).delivery_ratio }}}}",
        CACHED: f"{{{{ lookup('mailops.smtpeter.tag_stats', {options}).delivery_ratio }}}}",
        UNCACHED: "{{ lookup('mailops.smtpeter.tag_stats', 'tag-0').delivery_ratio }}",
        URL: f"{{{{ (lookup('ansible.builtin.url', '{url}', split_lines=false) | from_json).deliveries }}}}",
    }
    if case.reader == INFO:
        return plays.info(case, ["tag-0"])
    if case.reader == URI:
        return plays.uri(bench, case, "tag-0")
    return plays.debug(templates[case.reader])


def write_nothing(bench: Bench) -> None:
    """Write the do-nothing lookup into the collection C(benchmark.rival)."""
    path = pathlib.Path(bench.collections, "ansible_collections", "benchmark", "rival", "plugins", "lookup")
    path.mkdir(parents=True)
    record = {**RECORD, "tag": "tag-0", "delivery_ratio": 0.98}
    text = _NOTHING.format(documentation=tag_stats.DOCUMENTATION, record=record)
    (path / "nothing.py").write_text(text, encoding="utf-8")


def figures(runs: Runs) -> list[Figure]:
    """What was asked of the cached lookup."""
    most = COUNTS[-1]
    constant = case_of(CONSTANT, most)
    wall, cpu = (
        statistics.median(runs.added(case_of(CACHED, most), constant, measure))
        / statistics.median(runs.added(case_of(NOTHING, most), constant, measure))
        for measure in ("seconds", "cpu")
    )
    requests = max(taken.requests for taken in runs.by_case[case_of(CACHED, most)])
    return [
        Figure(f"{most} hosts, one cached lookup each: HTTP requests", requests, 1, "", exactly=True),
        Figure(
            "what it adds to the play, against what a do-nothing lookup with the same options adds",
            wall,
            LIMIT,
        ),
        Figure("the same in processor time", cpu),
    ]


def tables(runs: Runs) -> list[Table]:
    """What a playbook takes on so many hosts, and what was added for each host."""
    note = f"Wall time of ansible-playbook with one task, {plays.FORKS} forks, hosts with a local connection, one tag."
    readers = {
        reader: [case for case in runs.by_case if case.reader == reader and not case.delay]
        for reader in (*LOOKUPS, *MODULES)
    }
    slow = {f"{case.reader}, {pace(SLOW)}": [case] for case in runs.by_case if case.delay}
    hosts = growth_table("Many hosts", note, "host", COUNTS, runs, {**readers, **slow})
    most = COUNTS[-1]
    rows = [
        [
            reader,
            f"{statistics.median(runs.added(case_of(reader, most), case_of(CONSTANT, most))) / most * 1000:.2f} ms",
            f"{max(taken.requests for taken in runs.by_case[case_of(reader, most)])}",
        ]
        for reader in LOOKUPS[1:]
        if case_of(reader, most) in runs.by_case
    ]
    note = f"With {most} hosts, beyond the same playbook with a constant in the lookup's place."
    return [hosts, Table("What a lookup adds", note, ["", "per host", "HTTP requests"], rows)]


def measure(bench: Bench) -> Part:
    """Time the playbooks."""
    write_nothing(bench)
    runs = bench.measure(plan(bench))
    return Part(figures(runs), tables(runs), runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
