"""Whatever goes wrong in a look of a gate is a failed look with its cause, by real runs on every ansible-core."""

import os

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import HERE

GATE = "mailops.smtpeter.campaign_gate"
# Evidence cannot pass 200 messages at this confidence, so it passes when two looks saw that nothing is sent any more.
TWICE = {"tags": ["good"], "confidence": 0.999999, "sending_gap": 0.1, "wait_sleep": 0.2, "wait_timeout": 600}
CONNECTION = {"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection")}

# What a connection plugin raises or does, and what the gate says of it.
TROUBLES = {
    "directory": "ailed to transfer file",
    "unreachable": "no route to host",
    "password": "Incorrect sudo password",
    "transfer": "sftp: remote mkdir: Failure",
    "disk": "No space left on device",
    "plugin": "Socket is closed",
}
# The interpreter's script and what the gate says of it.
INTERPRETERS = {
    "garbage": ("echo Welcome to this host", "(rc 0): Welcome to this host"),
    "silent": ("exit 0", "the module gave no result"),
    "killed": ("kill -9 $$", "the module gave no result"),
    "old": (
        "echo Traceback >&2; echo 'SyntaxError: future feature annotations is not defined' >&2; exit 1",
        "SyntaxError: future feature annotations is not defined; the host's Python may be too old",
    ),
    "too old for ansible-core": (
        """echo '{"failed": true, "msg": "ansible-core requires a minimum of Python version 3.99"}'; exit 1""",
        "ansible-core requires a minimum of Python version 3.99",
    ),
    "JSON of another": ("""echo '{"changed": false, "ping": "pong"}'""", "the module gave no result"),
}


def gates(tasks):
    """A play in which a rescue shows what it finds of each gate that fails."""
    blocks = [
        {
            "block": [task],
            "rescue": [
                {
                    "name": f"rescue of {task['name']}",
                    "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.verdict }}"},
                }
            ],
        }
        for task in tasks
    ]
    return [{"hosts": "localhost", "gather_facts": False, "tasks": blocks}]


def left_behind(directory):
    """The temporary directories that are left on the host."""
    return [str(path) for path in (directory / "remote").glob("ansible-tmp-*")]


@pytest.mark.every_core
def test_a_look_between_good_ones(play, access, tmp_path):
    """The gate goes on with the next look, in a directory of its own; nothing is left on the host."""
    tasks = [
        {
            "name": trouble,
            GATE: TWICE,
            "environment": access,
            "vars": {"ansible_connection": "another_host", "host_trouble": trouble},
        }
        for trouble in TROUBLES
    ]
    done = play(gates(tasks), env=CONNECTION, timeout=400)
    for trouble, said in TROUBLES.items():
        result = done.result(trouble)
        assert (result["verdict"], result["errors"]) == ("pass", 1), trouble
        entries = ["error" if "error" in entry else "good" for entry in result["history"]]
        assert entries == ["good", "error", "good"], trouble
        assert said in result["history"][1]["error"], trouble
    assert left_behind(tmp_path) == []


@pytest.mark.every_core
def test_a_host_that_is_gone_for_good(play, access, tmp_path):
    """The verdict is there for a rescue, and what could not be removed is told."""
    trouble = {"host_trouble": "gone", "host_trouble_until": 999}
    gone = {
        "name": "gone",
        GATE: {**TWICE, "max_consecutive_errors": 1},
        "environment": access,
        "vars": {"ansible_connection": "another_host", **trouble},
    }
    done = play(gates([gone]), env=CONNECTION)
    assert done.result("gone")["verdict"] == "error"
    assert done.result("rescue of gone")["msg"] == "error"
    (left,) = left_behind(tmp_path)
    assert left in "".join(done.stderr.split())


@pytest.mark.every_core
def test_an_interpreter_that_does_not_work(play, access, tmp_path):
    """From the first look on: the gate ends with the verdict error, and its message has the cause."""
    tasks = []
    for name, (script, _said) in INTERPRETERS.items():
        path = tmp_path / f"python-{len(tasks)}"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)
        tasks.append({"name": name, "vars": {"ansible_python_interpreter": str(path)}})
    tasks.append({"name": "missing", "vars": {"ansible_python_interpreter": "/no/such/python3"}})
    tasks.append({"name": "no directory", "vars": {"ansible_remote_tmp": "/proc/no/such"}})
    (tmp_path / "broken").mkdir()
    crash = "raise ZeroDivisionError('over http://a.test/?access_token=a-secret by reader@example.org')"
    (tmp_path / "broken" / "requests.py").write_text(crash, encoding="utf-8")
    path = f"{tmp_path}/broken{os.pathsep}{os.environ['PYTHONPATH']}"
    tasks.append({"name": "crash", "environment": {**access, "PYTHONPATH": path}})
    for task in tasks:
        task.setdefault("environment", access)
        task[GATE] = {**TWICE, "max_consecutive_errors": 1}
    done = play(gates(tasks), timeout=400)
    said = {
        **{name: text for name, (_script, text) in INTERPRETERS.items()},
        "missing": "/no/such/python3: not found; check ansible_python_interpreter",
        "no directory": "Failed to create temporary directory (rc 1); check its path, permissions and disk space",
        "crash": "over ********",
    }
    for name, text in said.items():
        result = done.result(name)
        assert (result["verdict"], result["errors"], result["looks"]) == ("error", 2, 2), name
        assert result["last_errors"]["good"]["kind"] == "lost"
        assert text in result["msg"], name
        assert done.result(f"rescue of {name}")["msg"] == "error"
    assert "a-secret" not in done.output
    assert "reader@example.org" not in done.output
