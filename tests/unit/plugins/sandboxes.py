# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a process, for tests: real runs of the module, each in a Python of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import requests

TOKEN = "only-for&rehearsal%2F7"
SURE = {"delivery_rate": 1, "delay": 0, "open_rate": 0}
MODULE = """
import sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.smtpeter.plugins.modules import sandbox
sandbox.main()
"""

Result = Dict[str, Any]


def result_of(output: str | bytes) -> Result:
    """What a module printed, without how it tells ansible-core, since 2.22, what to mask; that is taken out there."""
    result: Result = json.loads(output)
    result.pop("_ansible_new_secrets", None)
    return result


class Sandbox:
    """Runs the module with a temporary directory of its own, and remembers what it started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / f"smtpeter-sandbox-{os.geteuid()}"
        self.pids: set[int] = set()
        self.names: set[str] = set()

    def begin(self, **options: Any) -> subprocess.Popen[bytes]:
        """Start a run of the module."""
        arguments = {
            "api_token": TOKEN,
            "seed": 1,
            "scenario": SURE,
            "_ansible_check_mode": options.pop("check", False),
        }
        path = os.pathsep.join([*options.pop("python_path", []), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-c", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.directory), "PYTHONPATH": path},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **options}}).encode())
        process.stdin.close()
        process.stdin = None
        self.names.add(options.get("name", "default"))
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> Result:
        """The result of a run; its pipes are read to their end, so nothing may keep them open."""
        output, errors = process.communicate(timeout=30)
        assert errors == b""
        result = result_of(output)
        assert TOKEN not in json.dumps(result)
        result.pop("invocation", None)
        self.pids.update(filter(None, [result.get("pid")]))
        return result

    def run(self, **options: Any) -> Result:
        """Run the module."""
        return self.finish(self.begin(**options))

    def stop(self, name: str = "default", **options: Any) -> Result:
        """Run the module with `state=stopped`, and without a token."""
        return self.run(name=name, state="stopped", api_token=None, **options)


@contextlib.contextmanager
def sandboxes(directory: Path) -> Iterator[Sandbox]:
    """The module, below a directory; whatever it started is stopped at the end, and seen to be gone."""
    runner = Sandbox(directory)
    try:
        yield runner
    finally:
        for name in runner.names:
            if (runner.home / name).exists():
                runner.stop(name)
    assert not [pid for pid in runner.pids if alive(pid)]
    assert not list(runner.home.glob("*"))


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be reaped does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state = found.stdout.strip()
    # "Zl" still has threads, which hold its sockets until they have ended, too.
    return state != "" and (state[0] != "Z" or "l" in state)


def kill(pid: int) -> None:
    """End a process as the kernel does when memory is short."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid))


def quiet_port() -> int:
    """A free port below those that connections of other programs are given, so that it stays free until it is used."""
    while True:
        port = random.randint(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def until(condition: Callable[[], bool], patience: float = 10.0) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def send(result: Result, recipients: int = 1, tag: str = "a") -> None:
    """Send to so many recipients."""
    body = {"recipients": ["a@example.com"] * recipients, "tags": [tag]}
    url = f"{result['api_url']}/send"
    answer = requests.post(url, params={"access_token": TOKEN}, json=body, timeout=10, verify=result["ca_path"])
    answer.raise_for_status()


def read(result: Result, tag: str = "a", token: str = TOKEN) -> dict[str, Any]:
    """The counters of a tag."""
    url = f"{result['api_url']}/stats/{tag}"
    answer = requests.get(url, params={"access_token": token}, timeout=10, verify=result["ca_path"])
    answer.raise_for_status()
    counters: dict[str, Any] = answer.json()
    return counters
