# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a process: real runs of the module, each in a Python of its own that ends before the next."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote

import pytest
import requests
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import (
    SURE,
    TOKEN,
    Sandbox,
    alive,
    kill,
    quiet_port,
    read,
    sandboxes,
    send,
    until,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The module, with a temporary directory of its own."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    with sandboxes(directory) as runner:
        yield runner


def listens(port: int) -> bool:
    """Whether anything answers on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_from_start_to_stop(sandbox: Sandbox) -> None:
    """Started once, found again, restarted on its data for other settings, and stopped: changed says what happened."""
    first = sandbox.run(port=quiet_port())
    assert first == {
        "changed": True,
        "state": "started",
        "api_url": f"http://127.0.0.1:{first['port']}/v1",
        "ca_path": None,
        "pid": first["pid"],
        "port": first["port"],
        "data": str(sandbox.home / "default" / "messages.sqlite"),
    }
    send(first, 3)
    again = sandbox.run()
    assert (again["changed"], again["pid"], again["api_url"]) == (False, first["pid"], first["api_url"])
    other = sandbox.run(scenario="dead")
    assert (other["changed"], other["port"], other["data"]) == (True, first["port"], first["data"])
    assert other["pid"] != first["pid"]
    assert not alive(first["pid"])
    send(other, 2)
    assert [read(other)[key] for key in ("messages", "deliveries")] == [5, 3]
    stopped = sandbox.stop()
    assert stopped["changed"] is True
    assert [stopped[key] for key in ("api_url", "ca_path", "pid", "port", "data")] == [None] * 5
    assert not listens(first["port"])
    assert sandbox.stop()["changed"] is False


def test_other_settings_restart(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every option that differs restarts it, and only once."""
    results = [sandbox.run(port=quiet_port())]
    for options in (
        {"speed": 2},
        {"seed": 2},
        {"faults": {"drop": 1}},
        {"api_token": "another-token"},
        {"host": "localhost"},
        {"idle_timeout": 60},
        {"data": str(tmp_path / "mail.sqlite")},
    ):
        results.append(sandbox.run(**options))
        assert results[-1]["changed"] is True
        assert results[-1]["port"] == results[0]["port"]
    assert len({result["pid"] for result in results}) == len(results)
    assert sandbox.run(data=str(tmp_path / "mail.sqlite"))["pid"] == results[-1]["pid"]


def test_the_same_in_other_words(sandbox: Sandbox) -> None:
    """The same settings written otherwise are no change, and neither is the port that was picked."""
    first = sandbox.run()
    words = {"scenario": json.dumps(SURE), "seed": "1", "speed": "1.0", "faults": {}, "port": first["port"]}
    assert sandbox.run(**words)["pid"] == first["pid"]


def test_check_mode(sandbox: Sandbox) -> None:
    """Check mode says what would change, and changes nothing."""
    planned = sandbox.run(check=True, port=4711)
    assert [planned[key] for key in ("changed", "pid", "port", "api_url")] == [
        True,
        None,
        4711,
        "http://127.0.0.1:4711/v1",
    ]
    assert sandbox.stop(check=True)["changed"] is False
    assert not list(sandbox.directory.iterdir())
    first = sandbox.run()
    assert sandbox.run(check=True) == {**first, "changed": False}
    restart = sandbox.run(check=True, speed=2)
    assert [restart[key] for key in ("changed", "pid", "port")] == [True, None, first["port"]]
    assert sandbox.stop(check=True)["changed"] is True
    assert sandbox.run()["pid"] == first["pid"]


def test_nothing_acknowledged_is_lost(sandbox: Sandbox) -> None:
    """Killed right after an answer, it comes back with the same counters, dates, port and random sequence."""
    first = sandbox.run(scenario={**SURE, "delivery_rate": 0.5})
    send(first, 500)
    send(first, 500)
    kill(first["pid"])
    second = sandbox.run(scenario={**SURE, "delivery_rate": 0.5})
    assert (second["changed"], second["port"]) == (True, first["port"])
    before = read(second)
    assert before["messages"] == 1000
    send(second, 1000, "b")
    undisturbed = sandbox.run(name="undisturbed", scenario={**SURE, "delivery_rate": 0.5})
    send(undisturbed, 1000)
    send(undisturbed, 1000, "b")
    assert read(undisturbed)["deliveries"] == before["deliveries"]
    assert read(undisturbed, "b")["deliveries"] == read(second, "b")["deliveries"]


def test_data_outlives_the_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file given as data stays when it is stopped, and is used again; the sandbox's own is removed."""
    data = tmp_path / "mail.sqlite"
    first = sandbox.run(data=str(data))
    assert first["data"] == str(data)
    send(first, 3)
    sandbox.stop()
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["mail.sqlite"]
    assert read(sandbox.run(data=str(data)))["messages"] == 3
    sandbox.stop()
    with pytest.raises(requests.HTTPError, match="404"):
        read(sandbox.run())


def test_another_process_with_its_number(sandbox: Sandbox) -> None:
    """When it was killed and another process has its number now, that one is left alone."""
    first = sandbox.run()
    kill(first["pid"])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state = sandbox.home / "default" / "state.json"
        state.write_text(json.dumps({**json.loads(state.read_text()), "pid": bystander.pid}))
        assert sandbox.run(speed=2)["changed"] is True
        kill(sandbox.run(speed=2)["pid"])
        state.write_text(json.dumps({**json.loads(state.read_text()), "pid": bystander.pid}))
        assert sandbox.stop()["changed"] is True
        assert bystander.poll() is None
        bystander.communicate(b"\n", timeout=10)
        assert bystander.returncode == 0


def test_one_that_does_not_answer(sandbox: Sandbox) -> None:
    """One that hangs is ended for good and started again."""
    first = sandbox.run()
    os.kill(first["pid"], signal.SIGSTOP)
    process = sandbox.begin(speed=2)
    # SIGTERM waits with a stopped process until it goes on; ending it takes SIGKILL, after a while.
    second = sandbox.finish(process)
    assert second["changed"] is True
    assert not alive(first["pid"])


def test_runs_at_the_same_time(sandbox: Sandbox) -> None:
    """Of several runs at once, one starts it and all find the same."""
    results = [sandbox.finish(process) for process in [sandbox.begin() for _each in range(4)]]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    assert len({result["pid"] for result in results}) == 1


def test_two_names(sandbox: Sandbox, tmp_path: Path) -> None:
    """Two names are two sandboxes; on one data file the second is refused and the first goes on."""
    data = str(tmp_path / "mail.sqlite")
    first = sandbox.run(data=data)
    assert sandbox.run(name="other")["port"] != first["port"]
    refused = sandbox.run(name="third", data=data)
    assert refused["failed"] is True
    assert "in use by another sandbox" in refused["msg"]
    assert sandbox.run(data=data)["pid"] == first["pid"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"api_token": None}, "api_token"),
        ({"api_token": "short"}, "api_token: it has fewer than 8 characters"),
        ({"api_token": "messages.sqlite"}, "api_token: it is part of a path"),
        ({"name": "../x"}, "name: '../x' is not a name"),
        ({"host": "0.0.0.0"}, "host: '0.0.0.0' is not a loopback address; a sandbox stays on this machine"),
        ({"scenario": {"tags": {"a": {"delivery_rate": 95}}}}, "scenario.tags['a'].delivery_rate: 95 is not a ratio"),
        ({"faults": {"dorp": 1}}, "dorp"),
        ({"faults": {"statuses": ["x"]}}, "faults.statuses[0]: 'x' is not a number; give a whole number"),
        ({"speed": "nan"}, "speed: nan is not a finite number"),
        ({"data": "/nowhere/mail.sqlite"}, "data: the directory /nowhere does not exist; create it first"),
    ],
)
def test_refusals(sandbox: Sandbox, options: dict[str, Any], problem: str) -> None:
    """What cannot be used fails the task with the option and the remedy, and nothing is left running."""
    result = sandbox.run(**options)
    assert result["failed"] is True
    assert problem in result["msg"]
    assert "Traceback" not in json.dumps(result)
    if "name" in options:
        sandbox.names.remove(options["name"])


def test_refused_settings_leave_the_old_one(sandbox: Sandbox) -> None:
    """A restart with settings that cannot be used does not end what runs."""
    first = sandbox.run()
    assert sandbox.run(scenario="?")["failed"] is True
    assert sandbox.run()["pid"] == first["pid"]


def test_port_in_use(sandbox: Sandbox) -> None:
    """A port that is taken fails the task; one that was had before and is taken now is given up for another."""
    first = sandbox.run(port=quiet_port())
    refused = sandbox.run(name="other", port=first["port"])
    assert f"port: {first['port']} on 127.0.0.1 is in use; choose another" in refused["msg"]
    kill(first["pid"])
    with socket.create_server(("127.0.0.1", first["port"])):
        second = sandbox.run()
    assert second["changed"] is True
    assert second["port"] != first["port"]


def test_data_that_is_not_ours(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that is not a sandbox's fails the task and stays as it is."""
    data = tmp_path / "letters.txt"
    data.write_text("Dear Ann")
    assert "not a sandbox's data file" in sandbox.run(data=str(data))["msg"]
    assert data.read_text() == "Dear Ann"


def test_tls(sandbox: Sandbox) -> None:
    """With TLS the authority is returned and works; the same settings are no change, and go on with the same one."""
    first = sandbox.run(tls=True)
    assert first["api_url"].startswith("https://127.0.0.1:")
    authority = Path(first["ca_path"]).read_bytes()
    send(first, 2)
    assert read(first)["messages"] == 2
    assert sandbox.run(tls=True)["pid"] == first["pid"]
    assert sandbox.run(tls=True, speed=2)["changed"] is True
    assert Path(first["ca_path"]).read_bytes() == authority
    plain = sandbox.run()
    assert plain["ca_path"] is None
    assert read(plain)["messages"] == 2


def test_tls_without_the_library(sandbox: Sandbox, tmp_path: Path) -> None:
    """Without cryptography TLS fails the task with its name, and what runs without TLS goes on."""
    (tmp_path / "cryptography.py").write_text("raise ImportError(__name__)")
    first = sandbox.run(python_path=[str(tmp_path)])
    refused = sandbox.run(tls=True, python_path=[str(tmp_path)])
    assert "cryptography is not installed; install it, or set tls to false" in refused["msg"]
    assert sandbox.run()["pid"] == first["pid"]


def test_idle_timeout(sandbox: Sandbox) -> None:
    """Left alone, it ends by itself; what it stored is there at the next start."""
    first = sandbox.run(idle_timeout=2)
    send(first, 2)
    until(lambda: not alive(first["pid"]))
    assert not listens(first["port"])
    assert "2 s without a request" in (sandbox.home / "default" / "log").read_text()
    assert read(sandbox.run())["messages"] == 2


def test_the_token_is_nowhere(sandbox: Sandbox) -> None:
    """The token, raw or encoded, is in no file of the sandbox and on no command line."""
    result = sandbox.run(tls=True)
    send(result)
    read(result)
    with pytest.raises(requests.HTTPError):
        read(result, token=TOKEN + "x")
    places = [path.read_bytes() for path in sandbox.home.rglob("*") if path.is_file()]
    assert len(places) > 5
    places.append(subprocess.run(["ps", "axww", "-o", "command"], capture_output=True, check=True).stdout)
    forms = [TOKEN, quote(TOKEN), quote(TOKEN, safe=""), json.dumps(TOKEN)[1:-1]]
    for form in [*map(str.encode, forms), base64.b64encode(TOKEN.encode())]:
        assert not any(form in place for place in places)


def test_nothing_is_inherited(sandbox: Sandbox) -> None:
    """It keeps neither the task's directory nor its streams, session or other files, and others cannot read its own."""
    pid = sandbox.run()["pid"]
    assert os.getsid(pid) != os.getsid(0)
    if sys.platform == "linux":
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        files = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
        ours = (str(sandbox.home), os.devnull, "socket:", "anon_inode:", "pipe:")
        assert not [name for name in files if not name.startswith(ours)]
    modes = {path.stat().st_mode & 0o077 for path in sandbox.home.rglob("*")}
    assert modes == {0}
