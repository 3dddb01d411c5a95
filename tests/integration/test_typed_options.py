"""Options as people type them, by real runs on every ansible-core: understood, or refused in words that help."""

import json

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import TOKEN

PLAY = """
- hosts: localhost
  gather_facts: false
  ignore_errors: true
  tags: [always]
  tasks:
"""
# As they are typed in a task of the gate, and what the message has to say. None of them asks the service.
GATE = {
    "tags: [08, 010]": "tags: 8 is not a tag; quote it: '010'",
    "tags: [wave-1, 0x1F]": "tags: 31 is not a tag; quote it",
    "tags: 1_000": "tags: 1000 is not a tag; quote it",
    "tags: [2.10]": "tags: 2.1 is not a tag; quote it",
    "tags: [2026-12-24]": "tags: 2026-12-24 is not a tag; quote it: '2026-12-24'",
    "tags: [1:30:00]": "tags: 5400 is not a tag; quote it",
    "tags: [off]": "tags: false is not a tag; quote it: 'no'",
    "tag: yes": "tag: true is not a tag; quote it: 'no'",
    "tags: [wave-1, ~]": "tags: null is not a tag",
    "tags:": "tags: null is not a tag",
    "tags: {a: b}": "tags: a dict is not a tag",
    "tags: [[wave-1]]": "tags: a list is not a tag",
    "tags: 'wave-1,'": "tags: an entry between the commas is empty",
    "{tags: [a, b], baseline_tag: 007}": "baseline_tag: 7 is not a tag; quote it",
    "{tags: [a], baseline_tag: a}": "baseline_tag: 'a' cannot be the only tag judged",
    "{tags: ['7'], expected_messages: {7: 500}}": "expected_messages: 7 is not a tag; quote it",
    "{tags: [a], since: {7: {messages: 1, deliveries: 1}}}": "since: 7 is not a tag; quote it",
    "{tags: [a], since: 2026-01-01}": "since: a moment is for judge_by: outcomes",
    "{tags: [a], min_delivery_ratio: 97%}": "min_delivery_ratio: '97%' is not a number; did you mean 0.97?",
    "{tags: [a], max_delivery_drop: '0,05'}": "max_delivery_drop: '0,05' is not a number; did you mean 0.05?",
    "{tags: [a], wait_timeout: 1h}": "wait_timeout: '1h' is not a number; give seconds: did you mean 3600?",
    "{tags: [a], wait_sleep: yes}": "wait_sleep: true is not a number; give seconds",
    "{tags: [a], grace_period: [900]}": "grace_period: [900] is not a number; give seconds",
    "{tags: [a], min_messages: ''}": "min_messages: '' is not a number; give a whole number",
    "{tags: [a], history_limit: '1 000'}": "history_limit: '1 000' is not a number; did you mean 1000?",
    "{tags: [a], timeout: 10 sec}": "timeout: '10 sec' is not a number; give seconds: did you mean 10?",
    "{tags: [a], retries: off}": "retries: false is not a number; give a whole number",
    "{tags: [a], parallel: all}": "parallel: 'all' is not a number; give a whole number",
    "{tags: [a], validate_certs: sometimes}": "validate_certs: 'sometimes' is not a boolean; give true or false",
    "{tags: [a], fail_on: nothing}": "fail_on: 'nothing' is unknown; give a list of fail, inconclusive and error",
    "{tags: [a], min_ratio: 0.9}": "Unsupported parameters for (mailops.smtpeter.campaign_gate) module: min_ratio",
    "{wait_timeout: 0}": "missing required arguments: tags",
}
MODULE = {
    "tags: [010]": "tags: 8 is not a tag; quote it: '010'",
    "tags: 1.10": "tags: 1.1 is not a tag; quote it",
    "tag: on": "tag: true is not a tag; quote it: 'no'",
    "tags: [12:30:00]": "tags: 45000 is not a tag; quote it",
    "tags: [~]": "tags: null is not a tag",
    "{tags: a, timeout: 30s}": "timeout: '30s' is not a number; give seconds: did you mean 30?",
    "{tags: a, retries: yes}": "retries: true is not a number; give a whole number",
    "{tags: a, parallel: many}": "parallel: 'many' is not a number; give a whole number",
    "{tags: a, validate_certs: perhaps}": "validate_certs: 'perhaps' is not a boolean; give true or false",
}
TEMPLATES = {
    "{{ lookup('mailops.smtpeter.tag_stats', 8) }}": "is not a tag; quote it",
    "{{ lookup('mailops.smtpeter.tag_stats', true) }}": "tags: true is not a tag; quote it",
    "{{ lookup('mailops.smtpeter.tag_stats', 'good', wantlists=true) }}": "wantlists: there is no such option",
    "{{ record is mailops.smtpeter.healthy(0.95) }}": "give options by name, such as healthy(min_delivery_ratio=0.95)",
    "{{ record | mailops.smtpeter.tag_health(0.95) }}": "give options by name, such as tag_health",
    "{{ record | mailops.smtpeter.since(record, 900) }}": "give options by name, such as since(before",
    "{{ record is mailops.smtpeter.healthy(min_delivery_ratio='95%') }}": "did you mean 0.95?",
    "{{ {'a': record} is mailops.smtpeter.healthy(baseline_tag='a') }}": "'a' cannot be the only tag judged",
}


def typed(cases, module):
    """The tasks of a playbook, each with the options of a case as they are typed."""
    tasks = [f"    - name: case {number}\n      {module}:\n        {options}\n" for number, options in enumerate(cases)]
    return "".join(tasks)


@pytest.mark.every_core
def test_what_is_refused(play, access):
    """The option, its value as it was typed, and the remedy; nothing of Python or of Ansible's own types."""
    for cases, module in ((GATE, "mailops.smtpeter.campaign_gate"), (MODULE, "mailops.smtpeter.tag_stats_info")):
        done = play(PLAY + typed(cases, module), "-v", env=access, timeout=150)
        for number, (options, said) in enumerate(cases.items()):
            result = done.result(f"case {number}")
            assert said in result["msg"], options
            assert "verdict" not in result
        assert "NoneType" not in done.output
        assert "An exception occurred" not in done.output
        assert "_Ansible" not in done.output


@pytest.mark.every_core
def test_what_templates_are_refused(play, access):
    """Lookup, filters and test alike."""
    tasks = [
        {"name": f"case {number}", "ansible.builtin.debug": {"msg": template}}
        for number, template in enumerate(TEMPLATES)
    ]
    record = {"messages": 200, "deliveries": 198}
    plays = [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "vars": {"record": record}}]
    done = play([{**plays[0], "tasks": tasks}], env=access)
    for number, (template, said) in enumerate(TEMPLATES.items()):
        assert said in done.result(f"case {number}")["msg"], template


@pytest.mark.every_core
def test_tags_at_the_level_of_the_task(play, access):
    """They are Ansible's keyword there; those of a play or of a block are meant as such."""
    once = "mailops.smtpeter.campaign_gate: {wait_timeout: 0}"
    done = play(
        f"""{PLAY}
    - {{name: own, {once}, tags: [wave-1]}}
    - {{name: own text, {once}, tags: wave-1}}
    - name: a block
      tags: [deploy]
      block:
        - {{name: inherited, {once}}}
        - {{name: both, mailops.smtpeter.campaign_gate: {{tags: [good], wait_timeout: 0}}, tags: [gate]}}
""",
        env=access,
    )
    for name in ("own", "own text"):
        assert "tags: it is at the level of the task, where it is Ansible's own keyword" in done.result(name)["msg"]
    assert done.result("inherited")["msg"] == "missing required arguments: tags"
    assert "verdict" in done.result("both")


@pytest.mark.every_core
def test_text_that_is_understood(play, access):
    """JSON from the command line and text with commas are lists and dicts; a loop over the lookup works."""
    gate = {
        "tags": "{{ names }}",
        "expected_messages": "{{ counts }}",
        "fail_on": "{{ nothing }}",
        "since": "{{ since }}",
        "wait_timeout": "{{ zero }}",
        "min_messages": "{{ few }}",
    }
    tasks = [
        {"name": "gate", "mailops.smtpeter.campaign_gate": gate},
        {"name": "commas", "mailops.smtpeter.tag_stats_info": {"tags": "good, few"}},
        {"name": "JSON", "mailops.smtpeter.tag_stats_info": {"tags": "{{ names }}"}},
        {
            "name": "loop",
            "ansible.builtin.debug": {"msg": "{{ item.tag }} has {{ item.messages }}"},
            "with_mailops.smtpeter.tag_stats": ["good", "few,poor"],
        },
        {
            "name": "lookup",
            "ansible.builtin.debug": {
                "msg": "{{ query('mailops.smtpeter.tag_stats', names, 'poor') | map(attribute='tag') | join(' ') }}"
            },
        },
    ]
    given = {
        "names": '["good","few"]',
        "counts": '{"good":190,"few":20}',
        "nothing": "[]",
        "since": '{"good": {"tag": "good", "messages": 10, "deliveries": 10}}',
        "zero": "0",
        "few": "20",
    }
    extra = [word for name, text in given.items() for word in ("-e", f"{name}='{text}'")]
    done = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], *extra, env=access)
    result = done.result("gate")
    assert result["tags"]["good"]["messages"] == 190
    assert result["policy"]["expected_messages"] == {"good": 190, "few": 20}
    assert list(result["stats"]) == ["good", "few"]
    assert "wait_timeout" not in done.stderr
    assert list(done.result("commas")["stats"]) == list(done.result("JSON")["stats"]) == ["good", "few"]
    assert [each["msg"] for each in done.result("loop")["results"]] == ["good has 200", "few has 20", "poor has 200"]
    lookup = done.result("lookup")["msg"]
    assert lookup == "good few poor"


def test_check_mode(play, access):
    """The last line and the message say that it cannot stop the play."""
    gate = {"tags": ["good"], "min_delivery_ratio": 1, "min_messages": 1000}
    tasks = [{"name": "gate", "mailops.smtpeter.campaign_gate": gate}]
    done = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "--check", env=access)
    assert done.result("gate")["verdict"] == "inconclusive"
    assert done.result("gate")["msg"].endswith("(check mode looks once and never stops the play)")
    assert done.stderr.rstrip().endswith("(check mode looks once and never stops the play)")


@pytest.mark.every_core
def test_a_reason_is_told_once(play, access):
    """The verdict takes the place of the line of its tag; the news of others come before it."""
    gate = {"tags": ["good", "poor"], "wait_timeout": 0, "grace_period": 0, "sending_gap": 0}
    tasks = [{"name": "gate", "mailops.smtpeter.campaign_gate": gate}]
    done = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], env=access, check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith("[localhost] ")]
    delivered = done.result("gate")["tags"]["poor"]["delivered_at_most"]
    figures = [line for line in told if f"{delivered} of 200" in line]
    assert [line for line in told if "good " in line and "200 of 200" in line and "poor" not in line]
    assert len(figures) == 1
    assert told[-1] == figures[0]
    assert json.dumps(TOKEN) not in done.output
