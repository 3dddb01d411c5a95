"""Options as people type them, by real runs on every ansible-core: understood, or refused in words that help."""

import pytest

PLAY = """
- hosts: localhost
  gather_facts: false
  ignore_errors: true
  tags: [always]
  vars: {record: {messages: 200, deliveries: 198}}
  tasks:
"""
# As they are typed in a task of the gate, and what the message has to say. None of them asks the service.
GATE = {
    "tags: [08, 010]": "tags: 8 is not a tag; quote it: '010'",
    "tags: [2.10]": "tags: 2.1 is not a tag; quote it",
    "tags: [2026-12-24]": "tags: 2026-12-24 is not a tag; quote it: '2026-12-24'",
    "tag: yes": "tag: true is not a tag; quote it: 'no'",
    "tags: [wave-1, ~]": "tags: null is not a tag",
    "tags:": "tags: null is not a tag",
    "tags: {a: b}": "tags: a dict is not a tag",
    "tags: [[wave-1]]": "tags: a list is not a tag",
    "{tags: [a, b], baseline_tag: 007}": "baseline_tag: 7 is not a tag; quote it",
    "{tags: ['7'], expected_messages: {7: 500}}": "expected_messages: 7 is not a tag; quote it",
    "{tags: [a], since: {7: {messages: 1, deliveries: 1}}}": "since: 7 is not a tag; quote it",
    "{tags: [a], since: 2026-01-01}": "since: a moment is for judge_by: outcomes",
    "{tags: [a], min_delivery_ratio: 97%}": "min_delivery_ratio: '97%' is not a number; did you mean 0.97?",
    "{tags: [a], wait_timeout: 1h}": "wait_timeout: '1h' is not a number; give seconds: did you mean 3600?",
    "{tags: [a], wait_sleep: yes}": "wait_sleep: true is not a number; give seconds",
    "{tags: [a], grace_period: [900]}": "grace_period: [900] is not a number; give seconds",
    "{tags: [a], validate_certs: sometimes}": "validate_certs: 'sometimes' is not a boolean; give true or false",
    "{tags: [a], fail_on: nothing}": "fail_on: 'nothing' is unknown; give a list of fail, inconclusive and error",
    "{tags: [a], min_ratio: 0.9}": "Unsupported parameters for (mailops.smtpeter.campaign_gate) module: min_ratio",
    "{wait_timeout: 0}": "missing required arguments: tags",
}
MODULE = {
    "tags: [010]": "tags: 8 is not a tag; quote it: '010'",
    "tag: on": "tag: true is not a tag; quote it: 'no'",
    "tags: [~]": "tags: null is not a tag",
    "{tags: a, timeout: 30s}": "timeout: '30s' is not a number; give seconds: did you mean 30?",
    "{tags: a, validate_certs: perhaps}": "validate_certs: 'perhaps' is not a boolean; give true or false",
}
TEMPLATES = {
    "lookup('mailops.smtpeter.tag_stats', 8)": "is not a tag; quote it",
    "lookup('mailops.smtpeter.tag_stats', true)": "tags: true is not a tag; quote it",
    "lookup('mailops.smtpeter.tag_stats', 'good', wantlists=true)": "wantlists: there is no such option",
    "record is mailops.smtpeter.healthy(0.95)": "give options by name, such as healthy(min_delivery_ratio=0.95)",
    "record | mailops.smtpeter.tag_health(0.95)": "give options by name, such as tag_health",
    "record | mailops.smtpeter.since(record, 900)": "give options by name, such as since(before",
    "record is mailops.smtpeter.healthy(min_delivery_ratio='95%')": "did you mean 0.95?",
}
# What is at the level of the task is Ansible's keyword; that of a play or of a block is meant as such.
LEVELS = """
    - {name: own, mailops.smtpeter.campaign_gate: {wait_timeout: 0}, tags: [wave-1]}
    - {name: own text, mailops.smtpeter.campaign_gate: {wait_timeout: 0}, tags: wave-1}
    - name: a block
      tags: [deploy]
      block:
        - {name: inherited, mailops.smtpeter.campaign_gate: {wait_timeout: 0}}
        - {name: both, mailops.smtpeter.campaign_gate: {tags: [good], wait_timeout: 0}, tags: [gate]}
"""


@pytest.mark.every_core
def test_what_is_refused(play, access):
    """The option, its value as it was typed, and the remedy; nothing of Python or of Ansible's own types."""
    cases = [
        *((f"mailops.smtpeter.campaign_gate:\n        {options}", said) for options, said in GATE.items()),
        *((f"mailops.smtpeter.tag_stats_info:\n        {options}", said) for options, said in MODULE.items()),
        *((f'debug:\n        msg: "{{{{ {template} }}}}"', said) for template, said in TEMPLATES.items()),
    ]
    tasks = [f"    - name: case {number}\n      {task}\n" for number, (task, _said) in enumerate(cases)]
    done = play(PLAY + "".join(tasks) + LEVELS, "-v", env=access, timeout=150)
    for number, (task, said) in enumerate(cases):
        result = done.result(f"case {number}")
        assert said in result["msg"], task
        assert "verdict" not in result
    for name in ("own", "own text"):
        assert "tags: it is at the level of the task, where it is Ansible's own keyword" in done.result(name)["msg"]
    assert done.result("inherited")["msg"] == "missing required arguments: tags"
    assert "verdict" in done.result("both")
    assert "NoneType" not in done.output
    assert "An exception occurred" not in done.output
    assert "_Ansible" not in done.output


@pytest.mark.every_core
def test_text_that_is_understood(play, access):
    """JSON from the command line and text with commas are lists and dicts; a loop over the lookup works."""
    given = {
        "names": '["good","few"]',
        "counts": '{"good":190,"few":20}',
        "nothing": "[]",
        "since": '{"good": {"tag": "good", "messages": 10, "deliveries": 10}}',
        "zero": "0",
        "few": "20",
    }
    gate = {
        "tags": "{{ names }}",
        "expected_messages": "{{ counts }}",
        "fail_on": "{{ nothing }}",
        "since": "{{ since }}",
        "wait_timeout": "{{ zero }}",
        "min_messages": "{{ few }}",
    }
    lookup = "{{ query('mailops.smtpeter.tag_stats', names, 'poor') | map(attribute='tag') | join(' ') }}"
    tasks = [
        {"name": "gate", "mailops.smtpeter.campaign_gate": gate},
        {"name": "commas", "mailops.smtpeter.tag_stats_info": {"tags": "good, few"}},
        {"name": "JSON", "mailops.smtpeter.tag_stats_info": {"tags": "{{ names }}"}},
        {
            "name": "loop",
            "ansible.builtin.debug": {"msg": "{{ item.tag }} has {{ item.messages }}"},
            "with_mailops.smtpeter.tag_stats": ["good", "few,poor"],
        },
        {"name": "lookup", "ansible.builtin.debug": {"msg": lookup}},
    ]
    extra = [word for name, text in given.items() for word in ("-e", f"{name}='{text}'")]
    done = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], *extra, env=access)
    result = done.result("gate")
    assert result["tags"]["good"]["messages"] == 190
    assert result["policy"]["expected_messages"] == {"good": 190, "few": 20}
    assert list(result["stats"]) == ["good", "few"]
    assert "wait_timeout" not in done.stderr
    assert list(done.result("commas")["stats"]) == list(done.result("JSON")["stats"]) == ["good", "few"]
    assert [each["msg"] for each in done.result("loop")["results"]] == ["good has 200", "few has 20", "poor has 200"]
    assert done.result("lookup")["msg"] == "good few poor"
