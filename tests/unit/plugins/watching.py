"""The event source in a process of its own, as ansible-rulebook runs it, which is killed and started again."""

import asyncio
import hashlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import FORMAT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, ask, until

SOURCE = "ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign"
TAG = "stream"
# Mail for one domain is delivered, and for the other not.
SCENARIO = {"delivery_rate": 1, "delay": 0, "open_rate": 0, "domains": {"bad.example": {"delivery_rate": 0}}}
# Each part of the stream turns the verdict on all of it: the domain, and how many messages go there.
PARTS = [("good.example", 300), ("bad.example", 600), ("good.example", 12000)]
VERDICTS = [(None, "pass"), ("pass", "fail"), ("fail", "pass")]
PATIENCE_SECONDS = 60
SETTLE_SECONDS = 0.5


def watch(given, told):
    """Be the source until SIGTERM ends it; each event that is put is a line of a file."""
    args = json.loads(given)
    module = importlib.import_module(SOURCE)
    descriptor = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Told(asyncio.Queue):
        async def put(self, item):
            os.write(descriptor, f"{json.dumps(item)}\n".encode())

    async def run():
        task = asyncio.create_task(module.main(Told(), args))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await task

    asyncio.run(run())


def start(args, told):
    """Start a source, which takes the token from the environment."""
    code = f"import sys; from {__name__} import watch; watch(*sys.argv[1:])"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SMTPETER_API_TOKEN": TOKEN}
    command = [sys.executable, "-c", code, json.dumps(args), str(told)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)


def state_of(path):
    """The state in a file, which must not be damaged."""
    header, content, end = path.read_text(encoding="utf-8").split("\n")
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert (json.loads(header), end) == ({"format": FORMAT, "sha256": digest}, "")
    return json.loads(content)["state"]


def kept(path):
    """How many looks a file has, and the verdict that was told last."""
    watch = state_of(path)["watches"][TAG]
    return watch["gate"]["history"]["looks"], watch["told"]


class Watched:
    """A source on a sandbox, which may be killed and started again; `sandbox` is the result of its module."""

    def __init__(self, sandbox, directory, judge_by, chance=None):
        self._sandbox, self._chance = sandbox, chance or random.Random()
        self._state, self._told = directory / "source.state", directory / "told"
        self._args = {
            "tags": [TAG], "api_url": sandbox["api_url"], "judge_by": judge_by, "interval": 0.05, "grace_period": 1,
            "sending_gap": 0.5, "state": str(self._state),
        }  # fmt: skip
        self.kills = self.looks = 0

    def told(self):
        """The verdict before and after each event that it has put."""
        self._told.touch()
        events = [json.loads(line)["campaign"] for line in self._told.read_text(encoding="utf-8").splitlines()]
        return [(event["previous"], event["verdict"]) for event in events]

    def run(self, kills):
        """Send each part of the stream, and kill the source so many times while it watches; then wait for its verdict.

        After each kill the file is whole, and has more looks than after the one before.
        """
        for number, ((domain, count), (_before, verdict)) in enumerate(zip(PARTS, VERDICTS), 1):
            self._send(domain, count)
            while self.kills < kills * number // len(PARTS):
                self._kill()
            with self._started() as process:
                until(lambda verdict=verdict: kept(self._state)[1] == verdict, PATIENCE_SECONDS)
                # It is kept first, and put then.
                time.sleep(SETTLE_SECONDS)
                process.terminate()
                assert process.wait(PATIENCE_SECONDS) != 0

    def _kill(self):
        with self._started() as process:
            time.sleep(self._chance.uniform(0, 0.3))
            process.kill()
        self.kills += 1
        before, (self.looks, _told) = self.looks, kept(self._state)
        assert self.looks > before

    def _started(self):
        """Start the source, and wait for a look of it that is kept."""
        process = start(self._args, self._told)
        until(lambda: self._state.exists() and kept(self._state)[0] > self.looks, PATIENCE_SECONDS)
        assert process.poll() is None
        return process

    def _send(self, domain, count):
        for part in range(0, count, 1000):
            recipients = [f"{number}@{domain}" for number in range(min(1000, count - part))]
            ask("POST", self._sandbox, "send", json={"recipients": recipients, "tags": [TAG]})
