"""The lookup's cache in real plays: many hosts, several plays and several controllers share one request."""

import json
import os
import signal
import threading
import time
from collections import Counter

import psutil
import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

TOKEN = "a-token-of-the-cache"


class Service:
    """A service that takes 0.2 s for an answer, so that forks miss at the same time.

    `pause` runs before each answer, and the first `failures` of them are errors.
    """

    def __init__(self):
        self.pause = lambda: time.sleep(0.2)
        self.failures = 0
        self.server = Hostile(self._reply)

    def _reply(self, _target):
        self.pause()
        self.failures -= 1
        yield answer(COUNTS) if self.failures < 0 else answer(b"no", "500 Oops")

    @property
    def asked(self):
        """How often each tag was asked for."""
        return Counter(target.split("/")[3].split("?")[0] for target in self.server.targets)


@pytest.fixture
def service():
    """The service, stopped after the test."""
    started = Service()
    yield started
    started.server.close()


@pytest.fixture
def look(play, service):
    """Run a play on so many hosts that looks tags up without retries, ten hosts at a time."""

    def run(*tags, hosts, env=None, check=True):
        terms = ", ".join(map(repr, tags))
        query = f"query('mailops.smtpeter.tag_stats', {terms}, retries=0, cache=true) | map(attribute='messages')"
        task = {"name": "look", "ansible.builtin.debug": {"msg": f"{{{{ {query} }}}}"}}
        env = {"SMTPETER_API_TOKEN": TOKEN, "SMTPETER_API_URL": service.server.url, **(env or {})}
        inventory = "".join(f"host{number}," for number in range(hosts))
        plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
        return play(plays, "-i", inventory, "--forks", "10", env=env, check=check, timeout=120)

    return run


def seen(run):
    """What each host got."""
    return [entry["result"]["msg"] for entry in run.tasks]


def test_many_hosts_and_plays(look, service, tmp_path):
    """Forks that look at the same time, and the next play, ask for a tag once, and no secret is kept.

    An error is not kept: each host tries again, and the first that succeeds ends that for all.
    """
    service.failures = 2
    run = look("wave-1", hosts=15, check=False)
    assert Counter(entry["status"] for entry in run.tasks) == {"failed": 2, "ok": 13}
    assert service.asked == {"wave-1": 3}
    run = look("wave-1", "wave-2", hosts=15)
    assert seen(run) == [[1000, 1000]] * 15
    assert service.asked == {"wave-1": 3, "wave-2": 1}
    assert "WARNING" not in run.output
    # Where they are by default.
    files = list((tmp_path / "ansible" / "mailops.smtpeter" / "cache").iterdir())
    assert len(files) == 2
    for file in files:
        assert leaks(file.name + file.read_text(encoding="utf-8"), TOKEN) == []


def test_a_worker_that_is_killed(look, service):
    """Ansible gives up a play whose worker dies; the next one finds no lock that is left and no damaged entry."""
    victims = []

    def kill_the_first():
        if not victims:
            victims.append(kill_whoever_asks(service.server.port))
        time.sleep(0.2)

    service.pause = kill_the_first
    assert look("wave-1", hosts=5, check=False).returncode != 0
    assert seen(look("wave-1", hosts=5)) == [[1000]] * 5
    # Before Ansible gave up, another worker may have asked in the place of the dead one.
    assert 2 <= service.asked["wave-1"] <= 3


def kill_whoever_asks(port):
    """Kill the process that has a connection to a port of this machine; its number."""
    for connection in psutil.net_connections("tcp"):
        if connection.raddr and connection.raddr.port == port and connection.status == psutil.CONN_ESTABLISHED:
            os.kill(connection.pid, signal.SIGKILL)
            return connection.pid
    raise AssertionError("nobody is connected")


def test_redis(look, service, redis, tmp_path):
    """Plays share a Redis as they share a directory, also with one whose home is elsewhere; facts keep their keys."""
    redis.client.zadd("ansible_cache_keys", {"facts-of-a-host": 1})
    env = {**redis.settings, "ANSIBLE_INVENTORY_CACHE_TIMEOUT": "60"}
    for home in ("one", "another"):
        run = look("wave-1", hosts=5, env={**env, "ANSIBLE_HOME": str(tmp_path / home)})
        assert seen(run) == [[1000]] * 5
        assert "WARNING" not in run.output
    assert service.asked == {"wave-1": 1}
    assert redis.client.zcard("ansible_cache_keys") == 1
    assert redis.client.dbsize() == 3


def test_a_redis_that_goes_away(look, service, redis):
    """In the middle of a play: every host has its record all the same, by requests of its own, and is told once."""
    gone = threading.Event()

    def stop_it():
        if not gone.is_set():
            gone.set()
            redis.stop()

    service.pause = stop_it
    run = look("wave-1", hosts=12, env=redis.settings)
    assert gone.is_set()
    assert seen(run) == [[1000]] * 12
    assert 1 < service.asked["wave-1"] <= 12
    assert run.output.count("the cache fails") == 1
    assert "Traceback" not in run.output
    assert leaks(json.dumps(run.tasks) + run.output, TOKEN) == []
