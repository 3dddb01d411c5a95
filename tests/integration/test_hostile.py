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
OPTIONS = {
    "tags": "{{ asked }}",
    "api_url": "{{ url }}",
    "ca_path": "{{ ca or omit }}",
    "timeout": "{{ seconds }}",
    "retries": "{{ retries }}",
    "parallel": PARALLEL,
}
LOOKUP = (
    "{{ query('mailops.smtpeter.tag_stats', *asked, api_url=url, ca_path=ca, timeout=seconds, retries=retries,"
    f" parallel={PARALLEL}) }}}}"
)
TASKS = {
    "lookup": {"ansible.builtin.debug": {"msg": LOOKUP}},
    "info": {"mailops.smtpeter.tag_stats_info": OPTIONS},
    "outcomes": {"mailops.smtpeter.tag_outcomes_info": OPTIONS},
    "gate": {"mailops.smtpeter.campaign_gate": {**OPTIONS, "wait_timeout": 0}},
}
# The gate asks by the module, which meets all of them. All hosts of a lookup have the proxy of ansible-playbook.
FAULTS_OF = {
    "lookup": [fault for fault in FAULTS if not fault.place.endswith("SOCKS proxy")],
    "info": FAULTS,
    "outcomes": EVENT_FAULTS,
    "gate": [fault for fault in FAULTS if fault.place == "plain"],
}


@pytest.fixture
def services(plugin, tmp_path):
    """The hostile services of the method that the plugin asks."""
    arguments = (EVENT_FAULTS, event_faults.GOOD) if plugin == "outcomes" else ()
    started = Services(tmp_path, *arguments)
    yield started
    started.close()


def hosts_of(plugin):
    """The hosts of the play, and the faults that each meets in one task: all that get along."""

    def key(fault):
        # A lookup fails as a whole.
        return fault.place, fault.timeout, plugin == "lookup" and not fault.kinds, fault.number if fault.alone else 0

    groups = itertools.groupby(sorted(FAULTS_OF[plugin], key=key), key)
    return {f"host-{number}": list(faults) for number, (_key, faults) in enumerate(groups)}


def inventory(plugin, hosts, services):
    """The hosts as an inventory: each knows the tags to ask for, and where."""
    found = {}
    for host, faults in hosts.items():
        url, bundle = services.access[faults[0].place]
        found[host] = {
            "asked": [fault.tag for fault in faults],
            "url": url,
            "ca": bundle,
            "seconds": faults[0].timeout,
            "proxy": services.proxy_of(faults[0]),
            "retries": int(plugin == "info"),
        }
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"all": {"hosts": found, "vars": here}}


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


@pytest.mark.parametrize("plugin", TASKS)
def test_each_fault_is_a_record_or_a_clear_error(play, services, tmp_path, plugin):
    """In time, within bounded memory, without a traceback, a wrong number, a control character, the token or a name."""
    hosts = hosts_of(plugin)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory(plugin, hosts, services)), encoding="utf-8")
    end = {"name": "end", "ansible.builtin.debug": {"msg": "All workers have ended."}, "run_once": True}
    task = {"name": plugin, **TASKS[plugin], "environment": {"HTTPS_PROXY": "{{ proxy }}"}, "ignore_errors": True}
    env = {"SMTPETER_API_TOKEN": TOKEN, "ANSIBLE_FORKS": "4", "HTTPS_PROXY": services.proxies["IPv6 proxy"]}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task, end]}]
    done = play(plays, "-v", "-i", "hosts.yml", env=env, timeout=240)

    ended = {entry["host"]: entry for entry in done.tasks if entry["task"] == plugin}
    problems = {}
    for host, faults in hosts.items():
        for fault in faults:
            problems[fault.tag] = problem_of(plugin, fault, ended[host]["result"])
        if ended[host]["seconds"] > bound_of(faults):
            problems[faults[0].tag] = f"it took {ended[host]['seconds']:.1f} s"
    assert {tag: problem for tag, problem in problems.items() if problem} == {}

    said = done.output + json.dumps([entry["result"] for entry in done.tasks], ensure_ascii=False)
    assert re.findall(r"(?i)Traceback \(most recent|module_stderr|jane|\bdoe\b", said) == []
    assert {char for char in said if not char.isprintable() and char != "\n"} == set()
    assert leaks(said, TOKEN) == []
    assert max(entry["peak"] for entry in done.tasks) < PEAK_LIMIT
    assert services.elsewhere.connections == 0, "a redirect was followed"
    assert services.untrusted == [], "a request went to a service that cannot be trusted"
