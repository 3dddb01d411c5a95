"""Whatever goes wrong in a look of a gate is a failed look with its cause, by real runs on every ansible-core."""

import os

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import HERE

GATE = "mailops.smtpeter.campaign_gate"
# Evidence cannot pass 200 messages at this confidence, so it passes when two looks saw that nothing is sent any more.
TWICE = {"tags": ["good"], "confidence": 0.999999, "sending_gap": 0.1, "wait_sleep": 0.2, "wait_timeout": 600}

# What a connection plugin raises or does at the second look, and what the gate says of it.
TROUBLES = {"directory": "ailed to transfer file", "unreachable": "no route to host", "plugin": "Socket is closed"}
# The interpreter's script and what the gate says of it.
INTERPRETERS = {
    "garbage": ("echo Welcome to this host", "(rc 0): Welcome to this host"),
    "killed": ("kill -9 $$", "the module gave no result"),
    "old": (
        "echo 'SyntaxError: future feature annotations is not defined' >&2; exit 1",
        "SyntaxError: future feature annotations is not defined; the host's Python may be too old",
    ),
    "too old for ansible-core": (
        """echo '{"failed": true, "msg": "ansible-core requires a minimum of Python version 3.99"}'; exit 1""",
        "ansible-core requires a minimum of Python version 3.99",
    ),
    "JSON of another": ("""echo '{"changed": false, "ping": "pong"}'""", "the module gave no result"),
}


def gate(name, options, environment, **variables):
    """A gate, and a rescue that shows what it finds if the gate fails."""
    task = {"name": name, GATE: {**TWICE, **options}, "environment": environment, "vars": variables}
    found = {"name": f"rescue of {name}", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.verdict }}"}}
    return {"block": [task], "rescue": [found]}


@pytest.mark.every_core
def test_a_look_between_good_ones(play, access, tmp_path):
    """The gate goes on with the next look, in a directory of its own; nothing is left on the host.

    Where the host is gone for good, the verdict is there for a rescue, and what could not be removed is told.
    """
    other = {"ansible_connection": "another_host"}
    tasks = [gate(trouble, {}, access, **other, host_trouble=trouble) for trouble in TROUBLES]
    tasks.append(gate("gone", {"max_consecutive_errors": 1}, access, **other, host_trouble="gone"))
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    done = play(plays, env={"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection")}, timeout=400)
    for trouble, said in TROUBLES.items():
        result = done.result(trouble)
        assert (result["verdict"], result["errors"]) == ("pass", 1), trouble
        entries = ["error" if "error" in entry else "good" for entry in result["history"]]
        # Two good looks within a second may be one answer and its copy, so that a third decides.
        assert entries[:3] == ["good", "error", "good"], trouble
        assert said in result["history"][1]["error"], trouble
    assert done.result("rescue of gone")["msg"] == "error"
    (left,) = (tmp_path / "remote").glob("ansible-tmp-*")
    assert str(left) in "".join(done.stderr.split())


@pytest.mark.every_core
def test_an_interpreter_that_does_not_work(play, access, tmp_path):
    """From the first look on: the gate ends with the verdict error, and its message has the cause."""
    once = {"max_consecutive_errors": 0}
    said = {name: text for name, (_script, text) in INTERPRETERS.items()}
    tasks = []
    for number, (name, (script, _said)) in enumerate(INTERPRETERS.items()):
        path = tmp_path / f"python-{number}"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)
        tasks.append(gate(name, once, access, ansible_python_interpreter=str(path)))
    tasks.append(gate("missing", once, access, ansible_python_interpreter="/no/such/python3"))
    said["missing"] = "/no/such/python3: not found; check ansible_python_interpreter"
    tasks.append(gate("no directory", once, access, ansible_remote_tmp="/proc/no/such"))
    said["no directory"] = "Failed to create temporary directory (rc 1); check its path, permissions and disk space"
    crash = "raise ZeroDivisionError('over http://a.test/?access_token=a-secret by reader@example.org')"
    (tmp_path / "requests.py").write_text(crash, encoding="utf-8")
    broken = {**access, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"}
    # A first look that is lost does not end the gate.
    tasks.append(gate("crash", {"max_consecutive_errors": 1}, broken))
    said["crash"] = "over ********"
    done = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], timeout=400)
    for name, text in said.items():
        result = done.result(name)
        looks = 2 if name == "crash" else 1
        assert (result["verdict"], result["errors"], result["looks"]) == ("error", looks, looks), name
        assert result["last_errors"]["good"]["kind"] == "lost"
        assert text in result["msg"], name
        assert done.result(f"rescue of {name}")["msg"] == "error"
    assert "a-secret" not in done.output
    assert "reader@example.org" not in done.output
