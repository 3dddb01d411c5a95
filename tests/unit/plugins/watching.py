"""The event source in a process of its own, as ansible-rulebook runs it, which is killed and started again."""

from __future__ import annotations

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import FORMAT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN

TAG = "stream"
# Mail for one domain is delivered, and for the other not.
SCENARIO = {"delivery_rate": 1, "delay": 0, "open_rate": 0, "domains": {"bad.example": {"delivery_rate": 0}}}
# Each part of the stream turns the verdict on all of it: the domain, and how many messages go there.
PARTS = [("good.example", 300), ("bad.example", 600), ("good.example", 12000)]
VERDICTS = [(None, "pass"), ("pass", "fail"), ("fail", "pass")]
PATIENCE_SECONDS = 60
SETTLE_SECONDS = 0.5


def watch(given: str, told: str) -> None:
    """Be the source until SIGTERM ends it; each event that is put is a line of a file."""
    args = json.loads(given)
    module = importlib.import_module(
        "ansible_collections.mailops.smtpeter.extensions.eda.plugins.event_source.campaign"
    )
    descriptor = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Told(asyncio.Queue):  # type: ignore[type-arg]
        async def put(self, item: Any) -> None:
            os.write(descriptor, f"{json.dumps(item)}\n".encode())

    async def run() -> None:
        task = asyncio.create_task(module.main(Told(), args))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await task

    asyncio.run(run())


def start(args: dict[str, Any], told: Path) -> subprocess.Popen[str]:
    """Start a source, which takes the token from the environment."""
    code = f"import sys; from {__name__} import watch; watch(*sys.argv[1:])"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SMTPETER_API_TOKEN": TOKEN}
    command = [sys.executable, "-c", code, json.dumps(args), str(told)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)


def looks_kept(state: Path) -> int:
    """How many looks a file has, which must not be damaged."""
    header, content, end = state.read_text(encoding="utf-8").split("\n")
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert (json.loads(header), end) == ({"format": FORMAT, "sha256": digest}, "")
    looks: int = json.loads(content)["state"]["watches"][TAG]["gate"]["history"]["looks"]
    return looks


@dataclass
class Watched:
    """A source on a sandbox, which may be killed and started again; `sandbox` is the result of its module."""

    sandbox: dict[str, Any]
    directory: Path
    judge_by: str
    kills: int = 0
    looks: int = 0
    chance: random.Random = field(default_factory=random.Random)

    @property
    def state(self) -> Path:
        """The file of its state."""
        return self.directory / "source.state"

    def told(self) -> list[tuple[Any, Any]]:
        """The verdict before and after each event that it has put."""
        path = self.directory / "told"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        events = [json.loads(line)["campaign"] for line in lines]
        return [(event["previous"], event["verdict"]) for event in events]

    def run(self, kills: int) -> None:
        """Send each part of the stream, and kill the source so many times while it watches; then wait for its verdict.

        After each kill the file is whole, and has more looks than after the one before.
        """
        for number, (domain, count) in enumerate(PARTS):
            self._send(domain, count)
            for _kill in range(kills * (number + 1) // len(PARTS) - kills * number // len(PARTS)):
                self._kill()
            verdict = VERDICTS[number][1]
            with self._started() as process:
                self._wait(lambda verdict=verdict: self._kept() == verdict)
                # It is kept first, and put then.
                time.sleep(SETTLE_SECONDS)
                process.terminate()
                assert process.wait(PATIENCE_SECONDS) != 0

    def _kill(self) -> None:
        with self._started() as process:
            time.sleep(self.chance.uniform(0, 0.3))
            process.kill()
        self.kills += 1
        looks = looks_kept(self.state)
        assert looks > self.looks
        self.looks = looks

    def _started(self) -> subprocess.Popen[str]:
        """Start the source, and wait for a look of it that is kept."""
        args = {
            "tags": [TAG], "api_url": self.sandbox["api_url"], "judge_by": self.judge_by,
            "interval": 0.05, "grace_period": 1, "sending_gap": 0.5, "state": str(self.state),
        }  # fmt: skip
        process = start(args, self.directory / "told")
        self._wait(lambda: process.poll() is None and self.state.exists() and looks_kept(self.state) > self.looks)
        return process

    def _kept(self) -> str | None:
        """The verdict that was told last, by the file."""
        content = json.loads(self.state.read_text(encoding="utf-8").splitlines()[1])
        told: str | None = content["state"]["watches"][TAG]["told"]
        return told

    def _wait(self, condition: Any) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < give_up
            time.sleep(0.01)

    def _send(self, domain: str, count: int) -> None:
        for part in range(0, count, 1000):
            recipients = [f"{number}@{domain}" for number in range(min(1000, count - part))]
            body = {"recipients": recipients, "tags": [TAG]}
            url = f"{self.sandbox['api_url']}/send"
            answer = requests.post(
                url, params={"access_token": TOKEN}, json=body, timeout=30, verify=self.sandbox["ca_path"]
            )
            answer.raise_for_status()
