"""A gate that is killed in the middle of its looks, again and again."""

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from datetime import datetime, timezone

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import FORMAT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile, answer
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import look_at

MESSAGES = 1000


class Campaign:
    """Mail that is all sent once `is_sent` is set, of which a share is delivered."""

    def __init__(self, rate):
        self.is_sent = threading.Event()
        self._rate = rate
        self._requests = itertools.count(1)

    def reply(self, _target):
        """Answer with the counters; they rise with each request until all is sent."""
        asked = next(self._requests)
        sent = MESSAGES if self.is_sent.is_set() else min(MESSAGES - 1, asked)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        counters = {"messages": sent, "deliveries": int(sent * self._rate), "opens": 0, "clicks": 0}
        return [answer({"first": now, "last": now, **counters})]


@contextmanager
def serving(campaign):
    """Serve a campaign; gives its api_url."""
    with closing(Hostile(campaign.reply)) as service:
        yield service.url


def gate(url, state):
    """Be a gate that keeps its state, and print its result."""
    print(json.dumps(look_at(url, MESSAGES, every=1000, state=state, wait_sleep=0.01, wait_timeout=7200).result))


def start(url, state):
    """Start a gate."""
    # Ansible's loader finds plugins only in what it imported itself.
    loader = "from ansible.plugins.loader import init_plugin_loader; init_plugin_loader()"
    command = [sys.executable, "-c", f"{loader}; from {__name__} import gate; gate({url!r}, {str(state)!r})"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)


def kill_again_and_again(url, campaign, state, kills, seed):
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
        result = json.loads(process.communicate(timeout=60)[0])
    assert result["looks"] > looks
    assert result["waited"] <= time.monotonic() - began
    return result


def looks_kept(state):
    """How many looks a file has, which must not be damaged."""
    header, content, end = state.read_text(encoding="utf-8").split("\n")
    assert (json.loads(header)["format"], end) == (FORMAT, "")
    return json.loads(content)["state"]["history"]["looks"]
