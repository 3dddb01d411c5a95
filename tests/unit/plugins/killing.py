"""A sandbox that is killed in the middle of sends, again and again."""

import itertools
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import requests
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, kill, read

SENDERS = 4
EVERY = "every"


class Ledger:
    """What the senders know. Recipients are unique, so that a message stored twice would show."""

    def __init__(self):
        self.acknowledged = {}  # recipients by message id
        self.unanswered = []  # the recipients of each such send
        self.sends = 0


def kill_in_the_middle(sandbox, data, kills, seed):
    """Kill the sandbox so many times while it takes sends, and look after each start that the counters are right."""
    chance, ledger = random.Random(seed), Ledger()
    running = sandbox.run(data=str(data))
    for name in (f"r{number}" for number in range(kills)):
        began = threading.Event()
        with ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(_send_on, ledger, running, name, each, began) for each in range(SENDERS)]
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


def _send_on(ledger, sandbox, tag, sender, began):
    """Send again and again, and write down each answer; the first send without one is the last."""
    with requests.Session() as session:
        for sends in itertools.count():
            recipients = [f"{tag}.{sender}.{sends}.{each}@example.com" for each in range(1 + sends % 3)]
            given = {"params": {"access_token": TOKEN}, "json": {"recipients": recipients, "tags": [tag, EVERY]}}
            try:
                answer = session.post(f"{sandbox['api_url']}/send", timeout=10, **given)
            except requests.RequestException:
                ledger.unanswered.append(recipients)
                return
            assert answer.status_code == 200, answer.text
            ledger.acknowledged.update(answer.json())
            ledger.sends += 1
            began.set()


def compare(data, ledger):
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
