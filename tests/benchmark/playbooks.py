# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs of ansible-playbook over TLS: one task, a look of the gate, many tags, many hosts.

Most rows are a playbook less a smaller one, so that the start of Ansible is in neither.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.smtpeter.plugins.lookup import tag_stats
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import RECORD, TOKEN, Bench, Case, Row, Times

TITLE = "In a playbook"
# It has the documentation of ours, so that Ansible reads the same options from the same places for it.
_NOTHING = f"""
DOCUMENTATION = {tag_stats.DOCUMENTATION!r}

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [{json.loads(RECORD)!r} for _term in terms]
"""
_CACHE = "cache=true, cache_connection=cache"
_URLS = f"tags | map('regex_replace', '^(.*)$', url ~ '/stats/\\\\1?access_token={TOKEN}')"
_URL = f"{{{{ url }}}}/stats/{{{{ item }}}}?access_token={TOKEN}"
_LOOKUPS = {
    "constant": "tags",
    "nothing": f"query('benchmark.rival.nothing', *tags, {_CACHE})",
    "cached lookup": f"query('mailops.smtpeter.tag_stats', *tags, {_CACHE})",
    "lookup": "query('mailops.smtpeter.tag_stats', *tags)",
    "url": f"query('ansible.builtin.url', *({_URLS}), split_lines=false)",
}
TASKS: dict[str, dict[str, Any]] = {
    "info": {"mailops.smtpeter.tag_stats_info": {"tags": "{{ tags }}"}, "register": "result"},
    "gate": {"mailops.smtpeter.campaign_gate": {"tags": "{{ tags }}", "wait_timeout": 0, "min_delivery_ratio": 0.5}},
    "outcome gate": {
        "mailops.smtpeter.campaign_gate": {"tags": "{{ tags }}", "wait_timeout": 0, "judge_by": "outcomes"},
    },
    "uri": {"ansible.builtin.uri": {"url": _URL, "return_content": True}, "loop": "{{ tags }}", "register": "result"},
    **{name: {"ansible.builtin.debug": {"msg": f"{{{{ {query} | length }}}}"}} for name, query in _LOOKUPS.items()},
}


def case(bench: Bench, name: str, tasks: int = 1, tags: int = 1, hosts: int = 1) -> Case:
    """A playbook with so many tasks of a kind, all on the same tags; several hosts have a local connection each."""
    cache = str(bench.home / "cache")
    given = {"tags": [f"tag-{number}" for number in range(tags)], "url": bench.url, "cache": cache}
    play = {"hosts": "all" if hosts > 1 else "localhost", "gather_facts": False, "tasks": [TASKS[name]] * tasks}
    path = bench.written(f"{name}-{tasks}-{tags}-{hosts}.json", [{**play, "vars": given}])
    argv = [sys.executable, "-m", "ansible", "playbook", path]
    if hosts > 1:
        common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"all": {"hosts": {f"host-{number:03}": {} for number in range(hosts)}, "vars": common}}
        argv += ["--forks", "10", "--inventory", bench.written(f"{hosts}-hosts.yml", inventory)]
    # One host asks for what the others then find in the cache; on localhost it is full.
    known = {"outcome gate": 2 * tasks * tags, "constant": 0, "nothing": 0, "cached lookup": int(hosts > 1)}
    return Case(argv, known.get(name, tasks * tags * hosts), f"rm -rf {cache}" if hosts > 1 else "true")


def further(bench: Bench, *shapes: tuple[str, int, int], rounds: int | None = None) -> list[Times]:
    """What each further task took, for each (kind, tasks, tags), or each further tag if there is one task."""
    pairs = [((kind, 1, tags if tasks > 1 else 1), (kind, tasks, tags)) for kind, tasks, tags in shapes]
    times = bench.time({str(shape): case(bench, *shape) for shape in sum(pairs, ())}, rounds=rounds)
    counts = [tasks - 1 if tasks > 1 else tags - 1 for _kind, tasks, tags in shapes]
    return [times[str(big)].beyond(times[str(one)], count) for (one, big), count in zip(pairs, counts)]


def added(bench: Bench, hosts: int, *kinds: str) -> list[Times]:
    """What a lookup of each kind adds for each host, beyond a constant in its place."""
    constant, *times = bench.time(
        {kind: case(bench, kind, hosts=hosts) for kind in ("constant", *kinds)}, rounds=3
    ).values()
    return [taken.beyond(constant, hosts) for taken in times]


def events(count: int) -> list[dict[str, Any]]:
    """The attempts and deliveries of so many messages, taken in a minute ago."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 60))
    messages = [
        {"id": f"message-{number}", "time": moment, "tags": "tag-0", "recipient": f"reader-{number}@example.com"}
        for number in range(count)
    ]
    return [{"type": kind, "data": message} for message in messages for kind in ("attempt", "delivery")]


def measure(bench: Bench) -> list[Row]:
    """Time the playbooks."""
    bench.written("collections/ansible_collections/benchmark/rival/plugins/lookup/nothing.py", _NOTHING)
    info, uri = bench.time({kind: case(bench, kind) for kind in ("info", "uri")}).values()
    rows = [Row("playbook with one info task", info, uri, "with one `ansible.builtin.uri` task", 1.1)]
    info, uri = further(bench, ("info", 6, 1), ("uri", 6, 1))
    rows.append(Row("each further info task", info, uri, "each further `ansible.builtin.uri` task", 1.1))
    bench.written("events.json", events(1_000))
    outcomes, counters = further(bench, ("outcome gate", 6, 1), ("gate", 6, 1))
    rows.append(Row("a look at the events of 1,000 messages", outcomes, counters, "a look by counters", 2))
    look, info = further(bench, ("gate", 6, 100), ("info", 6, 100))
    rows.append(Row("a look of the gate at 100 tags", look, info, "the info module's task", 1.2))

    cached, constant = added(bench, 500, "cached lookup", "nothing")
    rows.append(Row("cached lookup on 500 hosts, each", cached, constant, "a lookup that does nothing", 1.5))
    lookup, url = added(bench, 100, "lookup", "url")
    rows.append(Row("uncached lookup on 100 hosts, each", lookup, url, "lookup `ansible.builtin.url`"))

    # The cache is empty after the hosts: fill it.
    bench.time({"fill the cache": replace(case(bench, "cached lookup", tags=1_000), requests=1_000)}, rounds=1)
    info, lookup, cached = further(bench, ("info", 1, 1_000), ("lookup", 1, 1_000), ("cached lookup", 1, 1_000))
    url, uri = further(bench, ("url", 1, 100), ("uri", 1, 20), rounds=3)
    rows.append(Row("info module, each further tag", info, uri, "loop of `ansible.builtin.uri`", 1 / 300))
    rows.append(Row("uncached lookup, each further tag", lookup, url, "lookup `ansible.builtin.url`"))
    rows.append(Row("cached lookup, each further tag", cached, url, "lookup `ansible.builtin.url`"))
    return rows
