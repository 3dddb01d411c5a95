"""Every fault of the hostile services, met by the lookup, the modules and the gate in real ansible-playbook runs."""

import itertools
import json
import re

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.unit.plugins import event_faults
from ansible_collections.mailops.smtpeter.tests.unit.plugins.event_faults import EVENT_FAULTS
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import FAULTS, Services
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, leaks

TOKEN = 's3cr&t/+%"<é>tok\\en'
PARALLEL = 16
# Ansible's own part of a task, on a busy machine; and all that any process below ansible-playbook may take.
OVERHEAD = 30.0
PEAK_LIMIT = 256 * 1024
COMMON = {
    "api_url": "{{ url }}",
    "ca_path": "{{ ca | default(omit) }}",
    "timeout": "{{ seconds }}",
    "retries": "{{ retries }}",
}
LOOKUP = (
    "{{ query('mailops.smtpeter.tag_stats', *asked, api_url=url, ca_path=ca | default(none), timeout=seconds,"
    f" retries=retries, parallel={PARALLEL}) }}}}"
)
TASKS = {
    "lookup": {"ansible.builtin.debug": {"msg": LOOKUP}},
    "info": {"mailops.smtpeter.tag_stats_info": {**COMMON, "tags": "{{ asked }}", "parallel": PARALLEL}},
    "outcomes": {
        "mailops.smtpeter.tag_outcomes_info": {**COMMON, "tags": "{{ asked }}", "parallel": PARALLEL}
    },
    "gate": {
        "mailops.smtpeter.campaign_gate": {**COMMON, "tags": "{{ asked }}", "parallel": PARALLEL, "wait_timeout": 0}
    },
}  # fmt: skip
# The lookup asks with the environment of ansible-playbook, the others with that of their task.
PROXIED = {"HTTPS_PROXY": "{{ proxy }}"}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The hostile services of the stats method and of the events method, for all tests of this file."""
    started = {
        "stats": Services(tmp_path_factory.mktemp("services")),
        "events": Services(tmp_path_factory.mktemp("services"), EVENT_FAULTS, event_faults.GOOD),
    }
    yield started
    for each in started.values():
        each.close()


def faults_of(plugin):
    """The faults of the method that a plugin asks; those of a proxy come before any method."""
    return EVENT_FAULTS if plugin == "outcomes" else FAULTS


def hosts_of(plugin):
    """The hosts of the play, and the faults that each meets in one task: all that get along."""

    def key(fault):
        # A lookup fails as a whole.
        return fault.place, fault.timeout, plugin == "lookup" and not fault.kinds, fault.number if fault.alone else 0

    groups = itertools.groupby(sorted(faults_of(plugin), key=key), key)
    return {f"host-{number}": list(faults) for number, (_key, faults) in enumerate(groups)}


def inventory(plugin, hosts, services):
    """The hosts as an inventory: each knows the tags to ask for, and where."""
    found = {}
    for host, faults in hosts.items():
        url, bundle = services.access[faults[0].place]
        found[host] = {"asked": [fault.tag for fault in faults], "url": url, "seconds": faults[0].timeout}
        found[host]["proxy"] = services.proxies[proxy_of(faults)]
        found[host]["retries"] = 1 if plugin == "info" else 0
        found[host].update({"ca": bundle} if bundle else {})
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"all": {"hosts": found, "vars": here}}


def proxy_of(faults):
    """The name of the proxy that a host's task has in its environment, which most services make no use of."""
    return "SOCKS proxy" if faults[0].place.endswith("SOCKS proxy") else "IPv6 proxy"


def runs_of(plugin, hosts):
    """The runs of ansible-playbook: the proxy in its environment, and the hosts of the play."""
    for name in ("IPv6 proxy", "SOCKS proxy") if plugin == "lookup" else ("IPv6 proxy",):
        part = {host: faults for host, faults in hosts.items() if plugin != "lookup" or proxy_of(faults) == name}
        yield name, part


def seen(plugin, result, tag):
    """What came for a tag: the record or null, the kind of error where the plugin tells it, and the text."""
    if plugin == "lookup":
        records = {record["tag"]: record for record in result["msg"]} if isinstance(result["msg"], list) else {}
        texts = [] if records else re.split("(?=tag ')", result["msg"])
        return records.get(tag), None, "".join(text for text in texts if text.startswith(f"tag '{tag}': "))
    errors = result["last_errors"] if plugin == "gate" else result["errors"]
    error = errors.get(tag, {"kind": None, "msg": ""})
    return result["outcomes" if plugin == "outcomes" else "stats"].get(tag), error["kind"], error["msg"]


def problem_of(plugin, fault, result):
    """Why a fault did not come out as it must, or null."""
    record, kind, text = seen(plugin, result, fault.tag)
    if plugin == "gate":
        judged = result["tags"][fault.tag]
        if judged["verdict"] != ("error" if fault.kinds else "pass"):
            return f"judged {judged['verdict']}: {judged['reasons']}"
        if fault.kinds and judged["reasons"] != [text]:
            return f"the reasons are {judged['reasons']}"
    if not fault.kinds:
        right = event_faults.COUNTED if plugin == "outcomes" else COUNTS
        wrong = {key: record and record[key] for key in right if not record or record[key] != right[key]}
        return f"wrong: {wrong}; {text}" if wrong else None
    if record is not None:
        return f"a record came: {record}"
    if plugin != "lookup" and kind not in fault.kinds:
        return f"error of kind {kind}: {text}"
    if f"tag '{fault.tag}': " not in text or not re.search(fault.says, text):
        return f"the text is: {text}"
    return None


def bound_of(faults):
    """The seconds in which a task that meets these faults must end, with two attempts at each."""
    waits = -(-len(faults) // PARALLEL) if faults[0].kinds == ("timeout",) else 1
    return 2 * waits * faults[0].timeout + OVERHEAD


def flaws_of(said, peak, services):
    """What is wrong with a run as a whole, from all that it said and the most memory that a process had, in KiB."""
    flaws = [f"{word!r} is in the output" for word in ("Traceback (most recent", "module_stderr") if word in said]
    flaws += [f"U+{ord(char):04X} is in the output" for char in set(said) if not char.isprintable() and char != "\n"]
    flaws += [f"{name!r} is in the output" for name in set(re.findall(r"(?i)jane|\bdoe\b", said))]
    flaws += [f"the token is in the output, {spelling}" for spelling in leaks(said, TOKEN)]
    if peak >= PEAK_LIMIT:
        flaws.append(f"a process took {peak} KiB")
    if services.elsewhere.connections:
        flaws.append("a redirect was followed")
    if services.untrusted:
        flaws.append("a request went to a service that cannot be trusted")
    return flaws


@pytest.mark.parametrize("plugin", TASKS)
def test_each_fault_is_a_record_or_a_clear_error(play, services, tmp_path, plugin):
    """In time, within bounded memory, without a traceback, a wrong number, a control character, the token or a name."""
    serving = services["events" if plugin == "outcomes" else "stats"]
    hosts = hosts_of(plugin)
    where = tmp_path / "inventory.yml"
    end = {"name": "end", "ansible.builtin.debug": {"msg": "All workers have ended."}, "run_once": True}
    tasks = [{"name": plugin, **TASKS[plugin], "environment": PROXIED, "ignore_errors": True}, end]
    env = {"SMTPETER_API_TOKEN": TOKEN, "ANSIBLE_FORKS": "4"}
    entries = []
    said = ""
    for proxy, part in runs_of(plugin, hosts):
        where.write_text(yaml.safe_dump(inventory(plugin, part, serving)), encoding="utf-8")
        env["HTTPS_PROXY"] = serving.proxies[proxy]
        done = play(
            [{"hosts": "all", "gather_facts": False, "tasks": tasks}], "-v", "-i", str(where), env=env, timeout=120
        )
        entries += done.tasks
        said += done.output + json.dumps([entry["result"] for entry in done.tasks], ensure_ascii=False)

    ended = {entry["host"]: entry for entry in entries if entry["task"] == plugin}
    problems = {}
    for host, faults in hosts.items():
        for fault in faults:
            problems[fault] = problem_of(plugin, fault, ended[host]["result"])
        if ended[host]["seconds"] > bound_of(faults):
            problems[faults[0]] = f"it took {ended[host]['seconds']:.1f} s"
    peak = max(entry["peak"] for entry in entries)
    flaws = flaws_of(said, peak, serving)
    assert {fault.tag: problem for fault, problem in problems.items() if problem} == {}
    assert flaws == []
