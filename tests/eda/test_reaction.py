"""The collection's own rulebook and playbook on the sandbox: how soon a stream that turns bad is paused."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

import pytest
import requests
from ansible_collections.mailops.smtpeter.tests.tools import eda_demo
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes

TAG = "newsletter"
MIN_MESSAGES = 100
WINDOW_SECONDS = 20
# The source looks once in so many seconds; with a speed of 60 that is a minute of the mail's time.
INTERVAL_SECONDS = 1
INTERVALS = 5
TIMEOUT_SECONDS = 240
GOOD, BAD = "good.example", "bad.example"
SCENARIO = {"delivery_rate": 0.98, "delay": 0, "open_rate": 0, "domains": {BAD: {"delivery_rate": 0.5}}}


@dataclass
class Seen:
    """What the file of the source's state says of the tag: its window, how many looks at it, and its mail by then."""

    since: datetime | None
    looks: int
    messages: int
    told: str | None


def seen(state: Path) -> Seen:
    """Read the file."""
    watch = json.loads(state.read_text(encoding="utf-8").splitlines()[1])["state"]["watches"][TAG]
    outcome = watch["gate"]["trackers"][TAG]["outcome"]
    messages = outcome["given"]["messages"] if outcome else 0
    since = watch["since"] and datetime.fromisoformat(watch["since"])
    return Seen(since, watch["gate"]["history"]["looks"], messages, watch["told"])


class Stream:
    """Mail that is sent all the time, to a domain that can be changed."""

    def __init__(self, sandbox: dict[str, Any]) -> None:
        self.domain = GOOD
        self._sandbox = sandbox
        self._over = threading.Event()
        self._sender = threading.Thread(target=self._send)

    def __enter__(self) -> Stream:
        self._sender.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._sender.join(20)

    def _send(self) -> None:
        url = f"{self._sandbox['api_url']}/send"
        while not self._over.wait(0.25):
            body = {"recipients": [f"{number}@{self.domain}" for number in range(10)], "tags": [TAG]}
            requests.post(url, params={"access_token": TOKEN}, json=body, timeout=20, verify=self._sandbox["ca_path"])


def wait_for(condition: Callable[[], bool], output: Path) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < give_up, output.read_text(encoding="utf-8")[-3000:]
        time.sleep(0.02)


def test_a_stream_that_turns_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The playbook starts within five intervals of the first look at a bad window with `min_messages`."""
    (tmp_path / "tmp").mkdir()
    output, state = tmp_path / "output", tmp_path / "source.state"
    variables = {
        "smtpeter_tags": [TAG],
        "smtpeter_window": WINDOW_SECONDS,
        "smtpeter_interval": INTERVAL_SECONDS,
        "smtpeter_min_messages": MIN_MESSAGES,
    }
    with sandboxes(tmp_path / "tmp") as service, contextlib.ExitStack() as cleanup:
        sandbox = service.run(speed=eda_demo.SPEED, scenario={"default": SCENARIO})
        process = eda_demo.rulebook(tmp_path, sandbox, cleanup.enter_context(output.open("wb")), **variables)
        cleanup.callback(process.wait, 30)
        cleanup.callback(process.terminate)
        stream = cleanup.enter_context(Stream(sandbox))
        wait_for(lambda: state.exists() and seen(state).told == "pass", output)
        good = seen(state).since
        stream.domain = BAD
        wait_for(lambda: seen(state).since != good and seen(state).messages >= MIN_MESSAGES, output)
        began, first = time.monotonic(), seen(state)
        wait_for(lambda: "PLAY [React" in output.read_text(encoding="utf-8"), output)
        seconds, last = time.monotonic() - began, seen(state)
        wait_for(lambda: f"PAUSE the sending of {TAG}" in output.read_text(encoding="utf-8"), output)
    with capsys.disabled():
        print(f"\nThe playbook started {seconds:.1f} s after the first bad window had {first.messages} messages")
    # In looks, since a busy machine stretches both: the pause between two of them, and the start of the playbook.
    assert (last.since, last.looks - first.looks <= INTERVALS) == (first.since, True)
    assert TOKEN not in output.read_text(encoding="utf-8")
