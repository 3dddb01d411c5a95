"""The sandbox as a process: runs of the module, each a process that ends before the next."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from ansible_collections.mailops.smtpeter.tests.unit.plugins import sandboxes
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from ansible_collections.mailops.smtpeter.tests.unit.plugins.killing import compare, kill_in_the_middle
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, alive, kill, read, send

pytestmark = [pytest.mark.slow, pytest.mark.measured]


@pytest.fixture
def sandbox(tmp_path):
    """The module, with a temporary directory of its own."""
    with sandboxes.sandboxes(tmp_path) as runner:
        yield runner


def test_from_start_to_stop(sandbox):
    """The result says what happened and where; check mode says it before, as far as it knows, and changes nothing."""
    port, data = sandboxes.quiet_port(), str(sandbox.home / "default" / "messages.sqlite")
    url = f"http://127.0.0.1:{port}/v1"
    started = {"changed": True, "state": "started", "api_url": url, "ca_path": None, "data": data, "port": port}
    assert sandbox.run(check=True, port=port) == {**started, "pid": None}
    assert sandbox.stop(check=True)["changed"] is False
    assert not list(sandbox.directory.iterdir())
    first = sandbox.run(port=port)
    assert first == {**started, "pid": first["pid"]}
    words = {"scenario": json.dumps(sandboxes.SURE), "seed": "1", "speed": "1.0", "faults": {}, "port": port}
    assert sandbox.run(**words) == sandbox.run(check=True) == {**first, "changed": False}
    assert sandbox.run(check=True, scenario="dead") == {**first, "pid": None}
    assert sandbox.stop(check=True)["changed"] is True
    assert alive(first["pid"])
    other = sandbox.run(scenario="dead")
    assert other == {**first, "pid": other["pid"]}
    assert not alive(first["pid"])
    stopped = {**dict.fromkeys(first), "state": "stopped"}
    assert sandbox.stop() == {**stopped, "changed": True}
    assert not alive(other["pid"])
    assert not (sandbox.home / "default").exists()
    assert sandbox.stop() == {**stopped, "changed": False}


def test_other_settings_restart(sandbox, tmp_path):
    """A setting, token, port or data file that differs restarts it, and only once; a port that was picked is kept."""
    results, options = [sandbox.run(port=sandboxes.quiet_port())], {}
    data, port = str(tmp_path / "mail.sqlite"), sandboxes.quiet_port()
    for changed in ({"faults": {"drop": 1}}, {"api_token": "another-token"}, {"data": data}, {"port": port}):
        options.update(changed)
        results.append(sandbox.run(**options))
        assert (results[-1]["changed"], results[-1]["port"]) == (True, options.get("port", results[0]["port"]))
    assert len({result["pid"] for result in results}) == len(results)
    assert sandbox.run(**options) == {**results[-1], "changed": False}


def test_nothing_acknowledged_is_lost(sandbox):
    """Killed right after an answer, it comes back with the same counters, dates, port and random sequence."""
    half = {"scenario": {**sandboxes.SURE, "delivery_rate": 0.5}}
    first = sandbox.run(port=sandboxes.quiet_port(), **half)
    send(first, 200)
    before = read(first)
    kill(first["pid"])
    second = sandbox.run(**half)
    assert (second["changed"], second["port"]) == (True, first["port"])
    assert read(second) == before
    send(second, 200, "b")
    undisturbed = sandbox.run(name="undisturbed", **half)
    for tag in ("a", "b"):
        send(undisturbed, 200, tag)
        assert read(undisturbed, tag)["deliveries"] == read(second, tag)["deliveries"]
    kill(second["pid"])
    # A port that is taken meanwhile is given up for another.
    with socket.create_server(("127.0.0.1", second["port"])):
        third = sandbox.run(**half)
    assert third["port"] != second["port"]
    assert read(third) == before


def test_killed_in_the_middle_of_sends(sandbox, tmp_path):
    """After kills every acknowledged message is counted, none twice, no send in part. tests/soak does it more often."""
    data = tmp_path / "mail.sqlite"
    ledger = kill_in_the_middle(sandbox, data, kills=3, seed=1)
    assert ledger.unanswered
    compare(data, ledger)


def test_another_process_with_its_number(sandbox):
    """When it was killed and another process has its number now, that one is left alone."""
    state = sandbox.home / "default" / "state.json"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        for again in (sandbox.run, sandbox.stop):
            kill(sandbox.run()["pid"])
            state.write_text(json.dumps({**json.loads(state.read_text()), "pid": bystander.pid}))
            assert again()["changed"] is True
        bystander.communicate(b"\n", timeout=10)
        assert bystander.returncode == 0


@pytest.mark.parametrize("options", [{}, {"speed": 2}])
def test_one_that_does_not_answer(sandbox, options):
    """One that hangs is ended for good and started again, for the same settings and for others."""
    first = sandbox.run()
    os.kill(first["pid"], signal.SIGSTOP)
    # SIGTERM waits with a stopped process until it goes on; ending it takes SIGKILL, after a while.
    assert sandbox.run(timeout=1, **options)["changed"] is True
    assert not alive(first["pid"])


def test_runs_at_the_same_time(sandbox):
    """Of several runs at once, one starts it and all find the same."""
    results = [sandbox.finish(output) for output in [sandbox.begin() for _each in range(4)]]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    assert len({result["pid"] for result in results}) == 1


def test_refusals(sandbox, tmp_path):
    """What cannot be used fails the task with the option and the remedy, starts nothing, and what runs goes on."""
    options = {"data": str(tmp_path / "mail.sqlite"), "port": sandboxes.quiet_port()}
    first = sandbox.run(**options)
    for refused, problem in (
        ({"api_token": None}, "api_token"),
        ({"api_token": "mail.sqlite"}, "api_token: it is part of a path"),
        ({"faults": {"statuses": ["x"]}}, "faults.statuses[0]: 'x' is not a number; give a whole number"),
        ({"tls": True, "missing": ["cryptography"]}, "cryptography is not installed; install it, or set tls to false"),
        ({"name": "other", "port": 0}, "in use by another sandbox"),
        ({"name": "other", "data": None}, f"port: {options['port']} on 127.0.0.1 is in use; choose another"),
    ):
        result = sandbox.run(**{**options, **refused})
        assert result["failed"] is True
        assert problem in result["msg"]
    assert sandbox.run(name="other")["port"] != first["port"]
    assert sandbox.run(**options, missing=["cryptography"]) == {**first, "changed": False}


def test_idle_timeout(sandbox):
    """Left alone, it ends by itself; what it stored is there at the next start."""
    first = sandbox.run(idle_timeout=2)
    send(first, 2)
    sandboxes.until(lambda: not alive(first["pid"]))
    assert "2 s without a request" in (sandbox.home / "default" / "log").read_text()
    assert read(sandbox.run())["messages"] == 2


def test_tls(sandbox):
    """The authority works, after a restart, too; the token is nowhere, files are private, and nothing is inherited."""
    first = sandbox.run(tls=True)
    authority = Path(first["ca_path"]).read_bytes()
    assert sandbox.run(tls=True) == {**first, "changed": False}
    result = sandbox.run(tls=True, speed=2)
    assert (result["changed"], Path(result["ca_path"]).read_bytes()) == (True, authority)
    send(result, 2)
    with pytest.raises(requests.HTTPError):
        read(result, token=TOKEN + "x")
    files = [path for path in sandbox.home.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert {path.stat().st_mode & 0o077 for path in sandbox.home.rglob("*")} == {0}
    commands = [str(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"])]
    for text in (*commands, *(path.read_text(encoding="latin-1") for path in files)):
        assert leaks(text, TOKEN) == []
    assert os.getsid(result["pid"]) != os.getsid(0)
    if sys.platform == "linux":
        process = Path("/proc", str(result["pid"]))
        assert os.readlink(process / "cwd") == "/"
        ours = (str(sandbox.home), os.devnull, "socket:", "anon_inode:", "pipe:")
        assert all(os.readlink(path).startswith(ours) for path in (process / "fd").iterdir())
    plain = sandbox.run()
    assert (plain["ca_path"], read(plain)["messages"]) == (None, 2)
