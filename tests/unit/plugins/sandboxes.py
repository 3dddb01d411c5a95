"""The sandbox as a process, for tests: each run of the module is a process of its own."""

import contextlib
import json
import multiprocessing
import os
import random
import runpy
import select
import signal
import socket
import sys
import time

import psutil
import requests
from ansible.module_utils import basic
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import control, process

TOKEN = "only-for&rehearsal%2F7"
MODULE = "ansible_collections.mailops.smtpeter.plugins.modules.sandbox"
SURE = {"delivery_rate": 1, "delay": 0, "open_rate": 0}
# A fork of a process that has imported everything starts ten times as fast as a new Python.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def result_of(output):
    """What a module printed, without how it tells ansible-core, since 2.22, what to mask; that is taken out there."""
    result = json.loads(output)
    result.pop("_ansible_new_secrets", None)
    return result


def run_module(output, directory, timeout, missing, arguments):
    """Be a run of the module in this process, in which some Python modules cannot be imported."""
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    os.environ["TMPDIR"] = directory
    sys.modules.update(dict.fromkeys(missing))
    if timeout is not None:
        control.RESPONSE_TIMEOUT = process.TERM_TIMEOUT = timeout
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    runpy.run_module(MODULE, run_name="__main__")


class Sandbox:
    """Runs the module with a temporary directory of its own, and remembers what it started."""

    def __init__(self, directory):
        self.directory, self.home = directory, directory / f"smtpeter-sandbox-{os.geteuid()}"
        self.pids = set()

    def begin(self, check=False, timeout=None, missing=(), **options):
        """Start a run of the module, which waits so many seconds for a sandbox that hangs; gives its output."""
        arguments = {"api_token": TOKEN, "seed": 1, "scenario": SURE, "_ansible_check_mode": check, **options}
        output, written = PROCESSES.Pipe(duplex=False)
        with written:
            details = (written, str(self.directory), timeout, missing, arguments)
            PROCESSES.Process(target=run_module, args=details).start()
        return output

    def finish(self, output):
        """The result of a run; its output is read to its end, so nothing may keep it open."""
        with output:
            pieces = []
            while not pieces or pieces[-1]:
                assert select.select([output], [], [], 30)[0], "the run does not end"
                pieces.append(os.read(output.fileno(), 65536))
        result = result_of(b"".join(pieces))
        assert TOKEN not in json.dumps(result)
        result.pop("invocation", None)
        self.pids.update(filter(None, [result.get("pid")]))
        return result

    def run(self, **options):
        """Run the module."""
        return self.finish(self.begin(**options))

    def stop(self, name="default", **options):
        """Run the module with `state=stopped`, and without a token."""
        return self.run(name=name, state="stopped", api_token=None, **options)


@contextlib.contextmanager
def sandboxes(directory):
    """The module, below a directory; whatever it started is stopped at the end, and seen to be gone."""
    runner = Sandbox(directory)
    try:
        yield runner
    finally:
        for place in runner.home.glob("*"):
            if place.is_dir():
                runner.stop(place.name)
    assert not alive(*runner.pids)
    assert not list(runner.home.glob("*"))


def alive(*pids):
    """Whether any of the processes runs; one that has ended and waits to be reaped does not."""
    return any(map(_runs, pids))


def _runs(pid):
    try:
        process = psutil.Process(pid)
        # Threads of a zombie hold its sockets until they have ended, too.
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def kill(pid):
    """End a process as the kernel does when memory is short."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid))


def quiet_port():
    """A free port below those that connections of other programs are given, so that it stays free until it is used."""
    while True:
        port = random.randint(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def until(condition, seconds=10.0):
    """Wait for something to be so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def send(result, recipients=1, tag="a"):
    """Send to so many recipients."""
    ask("POST", result, "send", json={"recipients": ["a@example.com"] * recipients, "tags": [tag]})


def read(result, tag="a", token=TOKEN):
    """The counters of a tag."""
    return ask("GET", result, f"stats/{tag}", token).json()


def ask(method, result, path, token=TOKEN, **more):
    """Ask a sandbox, which was started with this result."""
    url, query = f"{result['api_url']}/{path}", {"access_token": token}
    answer = requests.request(method, url, params=query, timeout=30, verify=result["ca_path"], **more)
    answer.raise_for_status()
    return answer
