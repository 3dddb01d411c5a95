# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many tags in a playbook: the info module and the lookup beside a loop of C(ansible.builtin.uri) and the url lookup.

Each is timed as a whole ansible-playbook on localhost; the tags are a variable. The modules register their result, the
lookups are counted in a template. A loop of uri starts a process for each tag: it runs with 5 and 50 tags, and what
more would take is told from these two.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from ansible_collections.mailops.smtpeter.tests.benchmark import _plays as plays
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part, Table, growth_table
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import PARALLEL, Case, Command, Runs, pace, ratio, run
from ansible_collections.mailops.smtpeter.tests.benchmark._service import TOKEN

COUNTS = (1, 50, 100, 1_000, 10_000)
INFO, LOOKUP, CACHED = "`tag_stats_info`", "lookup `tag_stats`", "lookup `tag_stats`, all in its cache"
URI, URL = "`ansible.builtin.uri` in a loop", "lookup `ansible.builtin.url`"
READERS = (INFO, LOOKUP, CACHED, URL, URI)
SHARE = 1 / 300


def case_of(reader: str, tags: int, delay: int = 0) -> Case:
    """The case of so many tags; the rivals ask one after the other."""
    return Case(reader, tags, delay=delay, parallel=1 if reader in (URI, URL) else PARALLEL[delay])


def counts(reader: str, delay: int, quick: bool) -> dict[int, int | None]:
    """How many tags a reader is given, and in how many rounds: fewer than the bench's where it takes long."""
    if reader == URI:
        return {1: None, 5: 3, 50: 1 if delay else 3} if not (delay and quick) else {}
    if reader == CACHED:
        return {1: None, 100: None, 1_000: None, 10_000: 3} if not delay else {}
    if delay:
        longer = {} if quick or reader == URL else {1_000: 3, 10_000: 1}
        return {1: 3, 100: 3, **longer}
    if reader == URL:
        return {1: None, 100: 3} if quick else {1: None, 100: 3, 1_000: 1}
    longest = {} if quick and reader == LOOKUP else {10_000: 3}
    return {1: None, 50: None, 100: None, 1_000: None, **longest}


def command(bench: Bench, case: Case, rounds: int | None) -> Command:
    """The playbook of a case; its tags, or their URLs, are in a variable."""
    variables = {"tags": [f"tag-{number}" for number in range(case.tags)]}
    if case.reader == INFO:
        task = plays.info(case, "{{ tags }}")
    elif case.reader == URI:
        task = {**plays.uri(bench, case, "{{ item }}"), "loop": "{{ tags }}"}
    elif case.reader == URL:
        base = bench.service.url(case.delay)
        variables = {"urls": [f"{base}/stats/{tag}?access_token={TOKEN}" for tag in variables["tags"]]}
        task = plays.debug("{{ query('ansible.builtin.url', *urls, split_lines=false) | length }}")
    else:
        cached = f", cache=true, cache_connection='{bench.directory}/cache-{case.tags}'"
        options = f"parallel={case.parallel}{cached if case.reader == CACHED else ''}"
        task = plays.debug(f"{{{{ query('mailops.smtpeter.tag_stats', *tags, {options}) | length }}}}")
    return plays.playbook(bench, case, [task], 0 if case.reader == CACHED else case.tags, rounds, variables)


def fill(bench: Bench, tags: int) -> None:
    """Have the lookup's cache hold so many tags."""
    case = case_of(CACHED, tags)
    run(replace(command(bench, case, None), requests=tags), bench.service, bench.environment)


def figures(runs: Runs) -> list[Figure]:
    """What was asked of the module with Ansible around it."""
    each = [seconds / 950 for seconds in runs.added(case_of(INFO, 1_000), case_of(INFO, 50))]
    looped = [seconds / 45 for seconds in runs.added(case_of(URI, 50), case_of(URI, 5))]
    growth = runs.peak_kb(case_of(INFO, 10_000)) - runs.peak_kb(case_of(INFO, 1_000))
    return [
        Figure(
            "info's marginal time per tag (50 to 1,000 tags) against that of an `ansible.builtin.uri` loop (5 to 50)",
            ratio(each, looped),
            SHARE,
            "part",
        ),
        Figure("memory growth of the controller, 1,000 to 10,000 registered tags", growth / 9_000, None, "KB a tag"),
    ]


def tables(runs: Runs) -> list[Table]:
    """A table for each service."""
    note = (
        "Wall time of ansible-playbook with one task on localhost. What is marked as not run is reckoned from what was."
    )
    ran = runs.by_case
    return [
        growth_table(
            f"Many tags in a playbook, answered {pace(delay)}",
            f"{note} The info module and the lookup read {parallel} at a time.",
            "tag",
            [1, 100, 1_000, 10_000],
            runs,
            {reader: [case for case in ran if case.reader == reader and case.delay == delay] for reader in READERS},
        )
        for delay, parallel in PARALLEL.items()
    ]


def measure(bench: Bench) -> Part:
    """Time the playbooks."""
    plan = {}
    for delay in PARALLEL:
        for reader in READERS:
            for tags, rounds in counts(reader, delay, bench.quick).items():
                case = case_of(reader, tags, delay)
                plan[case] = command(bench, case, rounds)
                if reader == CACHED:
                    fill(bench, tags)
    runs = bench.measure(plan)
    return Part(figures(runs), tables(runs), runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
