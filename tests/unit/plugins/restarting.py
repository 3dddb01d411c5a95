"""A sandbox that is killed in the middle of sends, and a gate in the middle of its looks, again and again."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import FORMAT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile, answer
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import look_at
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, Sandbox, kill, read

SENDERS = 4
EVERY = "every"
MESSAGES = 1000


class Campaign:
    """Mail that is all sent once `is_sent` is set, of which a share is delivered."""

    def __init__(self, rate: float) -> None:
        self.is_sent = threading.Event()
        self._rate = rate
        self._requests = itertools.count(1)

    def reply(self, _target: str) -> list[bytes]:
        """Answer with the counters; they rise with each request until all is sent."""
        asked = next(self._requests)
        sent = MESSAGES if self.is_sent.is_set() else min(MESSAGES - 1, asked)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        counters = {"messages": sent, "deliveries": int(sent * self._rate), "opens": 0, "clicks": 0}
        return [answer({"first": now, "last": now, **counters})]


@contextmanager
def serving(campaign: Campaign) -> Iterator[str]:
    """Serve a campaign; gives its api_url."""
    with closing(Hostile(campaign.reply)) as service:
        yield service.url


def gate(url: str, state: str) -> None:
    """Be a gate that keeps its state, and print its result."""
    print(json.dumps(look_at(url, MESSAGES, every=1000, state=state, wait_sleep=0.01, wait_timeout=7200).result))


def start(url: str, state: Path) -> subprocess.Popen[str]:
    """Start a gate."""
    # Ansible's loader finds plugins only in what it imported itself.
    loader = "from ansible.plugins.loader import init_plugin_loader; init_plugin_loader()"
    command = [sys.executable, "-c", f"{loader}; from {__name__} import gate; gate({url!r}, {str(state)!r})"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)


def kill_again_and_again(url: str, campaign: Campaign, state: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill the gate so many times, each at a random moment of its looks, and return the result of the last run.

    The file is whole after each kill, and what it knows never becomes less.
    """
    chance = random.Random(seed)
    looks, began = 0, time.monotonic()
    for number in range(kills):
        with start(url, state) as process:
            give_up = time.monotonic() + 60
            while not state.exists() or looks_kept(state) <= looks:
                assert process.poll() is None
                assert time.monotonic() < give_up
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
        before, looks = looks, looks_kept(state)
        assert looks > before, (seed, number)
    campaign.is_sent.set()
    with start(url, state) as process:
        result: dict[str, Any] = json.loads(process.communicate(timeout=60)[0])
    assert result["looks"] > looks
    assert result["waited"] <= time.monotonic() - began
    return result


def looks_kept(state: Path) -> int:
    """How many looks a file has, which must not be damaged."""
    header, content, end = state.read_text(encoding="utf-8").split("\n")
    assert (json.loads(header)["format"], end) == (FORMAT, "")
    looks: int = json.loads(content)["state"]["history"]["looks"]
    return looks


@dataclasses.dataclass
class Ledger:
    """What the senders know. Recipients are unique, so that a message stored twice would show."""

    acknowledged: dict[str, str] = dataclasses.field(default_factory=dict)  # recipients by message id
    unanswered: list[list[str]] = dataclasses.field(default_factory=list)  # the recipients of each such send
    sends: int = 0


def kill_in_the_middle(sandbox: Sandbox, data: Path, kills: int, seed: int) -> Ledger:
    """Kill the sandbox so many times while it takes sends, and look after each start that the counters are right."""
    chance, ledger = random.Random(seed), Ledger()
    running = sandbox.run(data=str(data))
    for name in (f"r{number}" for number in range(kills)):
        began = threading.Event()
        with ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(_send_on, ledger, running["port"], name, each, began) for each in range(SENDERS)]
            assert began.wait(10)
            time.sleep(chance.uniform(0, 0.2))
            kill(running["pid"])
            for sender in senders:
                sender.result(20)
        running = sandbox.run(data=str(data))
        for tag, prefix in ((name, f"{name}."), (EVERY, "")):
            counters = read(running, tag)
            least = sum(recipient.startswith(prefix) for recipient in ledger.acknowledged.values())
            most = least + sum(len(send) for send in ledger.unanswered if send[0].startswith(prefix))
            assert least <= counters["messages"] == counters["deliveries"] <= most, (seed, tag)
    sandbox.stop()
    return ledger


def _send_on(ledger: Ledger, port: int, tag: str, sender: int, began: threading.Event) -> None:
    """Send again and again, and write down each answer; the first send without one is the last."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        for sends in itertools.count():
            recipients = [f"{tag}.{sender}.{sends}.{each}@example.com" for each in range(1 + sends % 3)]
            body = json.dumps({"recipients": recipients, "tags": [tag, EVERY]})
            try:
                connection.request("POST", f"/v1/send?access_token={quote(TOKEN, safe='')}", body)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                ledger.unanswered.append(recipients)
                return
            assert answer.status == 200, content
            ledger.acknowledged.update(json.loads(content))
            ledger.sends += 1
            began.set()


def compare(data: Path, ledger: Ledger) -> None:
    """See in the file itself that each acknowledged message is there once, and each unanswered send whole or not."""
    with closing(sqlite3.connect(data)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = database.execute("SELECT id, recipient FROM message").fetchall()
        query = "SELECT kind, SUM(messages) FROM moment JOIN tag ON tag.id = moment.tag WHERE name = ? GROUP BY kind"
        moments = database.execute(query, (EVERY,)).fetchall()
    assert dict(moments) == {0: len(rows), 1: len(rows)}
    stored = dict(rows)
    assert len(stored) == len(set(stored.values())) == len(rows)
    assert ledger.acknowledged.items() <= stored.items()
    others = set(stored.values()) - set(ledger.acknowledged.values())
    for send in ledger.unanswered:
        assert len(others.intersection(send)) in (0, len(send))
        others.difference_update(send)
    assert not others
