"""Whole runs of ansible-playbook over TLS: one task, a look of the gate, many tags, many hosts, a fleet in slices.

Most rows are a playbook less a smaller one, so that the start of Ansible is in neither.
"""

import json
import shlex
import sys
import time

from ansible_collections.mailops.smtpeter.plugins.lookup import tag_stats
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import RECORD, TOKEN, Case, Row, beyond

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
# A fleet: tags, hosts, and requests at a time.
TAGS, HOSTS, PARALLEL = 4_000, 40, 16
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
_LOOK = {"tags": "{{ tags }}", "wait_timeout": 0}
TASKS = {
    "info": {"mailops.smtpeter.tag_stats_info": {"tags": "{{ tags }}"}, "register": "result"},
    "gate": {"mailops.smtpeter.campaign_gate": {**_LOOK, "min_delivery_ratio": 0.5}},
    "outcome gate": {"mailops.smtpeter.campaign_gate": {**_LOOK, "judge_by": "outcomes"}},
    "uri": {"ansible.builtin.uri": {"url": _URL, "return_content": True}, "loop": "{{ tags }}", "register": "result"},
    **{name: {"ansible.builtin.debug": {"msg": f"{{{{ {query} | length }}}}"}} for name, query in _LOOKUPS.items()},
}


def case(bench, name, tasks=1, tags=1, hosts=1):
    """A playbook with so many tasks of a kind, all on the same tags; several hosts have a local connection each."""
    cache = str(bench.home / "cache")
    given = {"tags": [f"tag-{number}" for number in range(tags)], "url": bench.url, "cache": cache}
    play = {"hosts": "all" if hosts > 1 else "localhost", "gather_facts": False, "tasks": [TASKS[name]] * tasks}
    argv = [*PLAYBOOK, bench.written(f"{name}-{tasks}-{tags}-{hosts}.json", [{**play, "vars": given}])]
    if hosts > 1:
        common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"all": {"hosts": {f"host-{number:03}": {} for number in range(hosts)}, "vars": common}}
        argv += ["--forks", "10", "--inventory", bench.written(f"{hosts}-hosts.yml", inventory)]
    # One host asks for what the others then find in the cache; on localhost it is full.
    known = {"outcome gate": 2 * tasks * tags, "constant": 0, "nothing": 0, "cached lookup": int(hosts > 1)}
    return Case(argv, known.get(name, tasks * tags * hosts), f"rm -rf {cache}" if hosts > 1 else "true")


def further(bench, *shapes, rounds=5):
    """What each further task took, for each (kind, tasks, tags), or each further tag if there is one task."""
    pairs = [((kind, 1, tags if tasks > 1 else 1), (kind, tasks, tags)) for kind, tasks, tags in shapes]
    times = bench.time({shape: case(bench, *shape) for pair in pairs for shape in pair}, rounds=rounds)
    counts = [tasks - 1 if tasks > 1 else tags - 1 for _kind, tasks, tags in shapes]
    return [beyond(times[big], times[one], count) for (one, big), count in zip(pairs, counts)]


def added(bench, hosts, *kinds):
    """What a lookup of each kind adds for each host, beyond a constant in its place."""
    cases = {kind: case(bench, kind, hosts=hosts) for kind in ("constant", *kinds)}
    constant, *times = bench.time(cases, rounds=3).values()
    return [beyond(taken, constant, hosts) for taken in times]


def events(count):
    """The attempts and deliveries of so many messages, taken in a minute ago."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 60))
    messages = [
        {"id": f"message-{number}", "time": moment, "tags": "tag-0", "recipient": f"reader-{number}@example.com"}
        for number in range(count)
    ]
    return [{"type": kind, "data": message} for message in messages for kind in ("attempt", "delivery")]


def measure(bench):
    """Time the playbooks."""
    bench.written("collections/ansible_collections/benchmark/rival/plugins/lookup/nothing.py", _NOTHING)
    info, uri = bench.time({kind: case(bench, kind) for kind in ("info", "uri")}).values()
    rows = [Row("playbook with one info task", info, uri, "with one `ansible.builtin.uri` task", 1.1)]
    info, uri = further(bench, ("info", 6, 1), ("uri", 6, 1))
    rows.append(Row("each further info task", info, uri, "each further `ansible.builtin.uri` task", 1.1))
    bench.written("events.json", events(1_000))
    outcomes, counters = further(bench, ("outcome gate", 6, 1), ("gate", 6, 1))
    rows.append(Row("a look at the events of 1,000 messages", outcomes, counters, "a look by counters", 2.2))
    look, info = further(bench, ("gate", 6, 100), ("info", 6, 100))
    rows.append(Row("a look of the gate at 100 tags", look, info, "the info module's task", 1.2))

    cached, constant = added(bench, 500, "cached lookup", "nothing")
    rows.append(Row("cached lookup on 500 hosts, each", cached, constant, "a lookup that does nothing", 1.75))
    lookup, url = added(bench, 100, "lookup", "url")
    rows.append(Row("uncached lookup on 100 hosts, each", lookup, url, "lookup `ansible.builtin.url`"))

    # The cache is empty after the hosts: fill it.
    bench.time({"fill the cache": case(bench, "cached lookup", tags=1_000)._replace(requests=1_000)}, rounds=1)
    info, lookup, cached = further(bench, ("info", 1, 1_000), ("lookup", 1, 1_000), ("cached lookup", 1, 1_000))
    url, uri = further(bench, ("url", 1, 100), ("uri", 1, 20), rounds=3)
    rows.append(Row("info module, each further tag", info, uri, "loop of `ansible.builtin.uri`", 1 / 250))
    rows.append(Row("uncached lookup, each further tag", lookup, url, "lookup `ansible.builtin.url`"))
    rows.append(Row("cached lookup, each further tag", cached, url, "lookup `ansible.builtin.url`"))
    return rows


def inventory_of(hosts):
    """An inventory of some hosts of the fleet, with all tags dealt out among the 40."""
    tags = {f"campaign-{host:02}": [f"wave-{tag}" for tag in range(host, TAGS, HOSTS)] for host in hosts}
    return {"all": {"hosts": {host: {"smtpeter_tags": names} for host, names in tags.items()}}}


def slices_of(bench, slices):
    """The workers of ansible-runner that read a fleet in so many slices at the same time; each must be successful.

    As in AWX, a slice is an inventory with every n-th host. It is timed from `transmit` to the end of `process`.
    """
    results = bench.home / f"results-{slices}"
    runner = f"{shlex.quote(sys.executable)} -m ansible_runner"
    lines = ["set -e -o pipefail"]
    for number in range(slices):
        home = f"slices-{slices}/{number}"
        bench.written(f"{home}/inventory/hosts.json", inventory_of(range(number, HOSTS, slices)))
        playbook = f"-p mailops.smtpeter.fleet --cmdline '-e smtpeter_parallel={PARALLEL}'"
        lines.append(
            f"{runner} transmit {bench.home}/{home} {playbook} | {runner} worker"
            f" | {runner} process {results} --ident {number} >/dev/null &"
        )
    lines += ["wait", *(f"grep -q successful {results}/artifacts/{number}/status" for number in range(slices))]
    return Case(["bash", "-c", "\n".join(lines)], TAGS, shlex.join(["rm", "-rf", str(results)]))


def measure_fleet(bench):
    """Time the readings of a fleet, 30 ms a request, and the merge."""
    one, two = bench.time({f"{n} slices": slices_of(bench, n) for n in (1, 2)}, bench.slow_url, rounds=3).values()
    hosts = bench.written("whole/hosts.json", inventory_of(range(HOSTS)))
    argv = [*PLAYBOOK, "mailops.smtpeter.fleet_merge", "-i", hosts, "-e", f"smtpeter_results={bench.home}/results-1"]
    merge = bench.time({"merge": Case(argv)}, rounds=3)["merge"]
    return [
        Row("two slices at the same time", two, one, "one slice", 0.65),
        Row("the merge", merge, one, "reading one slice"),
    ]
