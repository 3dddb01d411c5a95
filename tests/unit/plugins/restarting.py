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

from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import counted, look_at
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import until
from ansible_collections.mailops.smtpeter.tests.unit.plugins.watching import state_of

MESSAGES = 1000


class Campaign:
    """Mail that is all sent once `is_sent` is set, of which a share is delivered."""

    def __init__(self, rate):
        self.is_sent = threading.Event()
        self._rate, self._requests = rate, itertools.count(1)

    def reply(self, _target):
        """Answer with the counters; they rise with each request until all is sent."""
        asked = min(MESSAGES - 1, next(self._requests))
        return counted(MESSAGES if self.is_sent.is_set() else asked, self._rate)


@contextmanager
def serving(campaign):
    """Serve a campaign; gives its api_url."""
    with closing(Hostile(campaign.reply)) as service:
        yield service.url


def gate(url, state):
    """Be a gate that keeps its state, and print its result."""
    print(json.dumps(look_at(url, MESSAGES, every=1000, state=state, wait_sleep=0.01, wait_timeout=7200)[0]))


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
            until(lambda looks=looks: state.exists() and looks_kept(state) > looks, 60)
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
    return state_of(state)["history"]["looks"]
