"""The lookup's cache in real plays: many hosts, several plays and several controllers share one request."""

import json
import os
import pathlib
import signal
import threading
import time
from collections import Counter

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

TOKEN = "a-token-of-the-cache"


class Counted:
    """A service that takes 0.2 s for an answer, so that forks miss at the same time; `pause` runs before each."""

    def __init__(self):
        self.pause = lambda: time.sleep(0.2)
        self.server = Hostile(self._reply)

    def _reply(self, _target):
        self.pause()
        yield answer(COUNTS)

    @property
    def asked(self):
        """How often each tag was asked for."""
        return Counter(target.split("/")[3].split("?")[0] for target in self.server.targets)


@pytest.fixture
def service():
    """The service, stopped after the test."""
    started = Counted()
    yield started
    started.server.close()


@pytest.fixture
def settings(service, tmp_path):
    """The environment of a play that asks the service, and caches in files where it caches."""
    return {
        "ANSIBLE_INVENTORY_CACHE_CONNECTION": str(tmp_path / "cache"),
        "SMTPETER_API_TOKEN": TOKEN,
        "SMTPETER_API_URL": service.server.url,
    }


@pytest.fixture
def hosts(tmp_path):
    """Write an inventory of so many hosts, which are all this machine; the arguments that name it."""

    def write(count):
        inventory = tmp_path / "hosts"
        inventory.write_text("".join(f"host{number} ansible_connection=local\n" for number in range(count)))
        return ["-i", str(inventory), "--forks", "10"]

    return write


def looking(*tags, options="cache=true"):
    """A play on all hosts that looks the tags up."""
    terms = ", ".join(f"'{tag}'" for tag in tags)
    message = "{{ query('mailops.smtpeter.tag_stats', " + terms + ", " + options + ") | map(attribute='messages') }}"
    task = {"name": "look", "ansible.builtin.debug": {"msg": message}}
    return [{"hosts": "all", "gather_facts": False, "tasks": [task]}]


def seen(run):
    """What each host got."""
    return [entry["result"]["msg"] for entry in run.tasks if entry["task"] == "look"]


def test_many_hosts(play, hosts, service, settings):
    """They make one request among them, though the first ten look at the same time."""
    count = 30
    run = play(looking("wave-1"), *hosts(count), env=settings)
    assert seen(run) == [[1000]] * count
    assert service.asked == {"wave-1": 1}
    assert "WARNING" not in run.output


def test_several_tags_and_plays(play, hosts, service, settings):
    """Each tag is asked for once, whichever host and play wants it first, and no secret is kept."""
    for tags in (["wave-1", "wave-2"], ["wave-2", "wave-3"]):
        assert seen(play(looking(*tags), *hosts(10), env=settings)) == [[1000, 1000]] * 10
    assert service.asked == {"wave-1": 1, "wave-2": 1, "wave-3": 1}
    files = list(pathlib.Path(settings["ANSIBLE_INVENTORY_CACHE_CONNECTION"]).iterdir())
    assert len(files) == 3
    for file in files:
        assert leaks(file.name + file.read_text(encoding="utf-8"), TOKEN) == []


def test_the_directory_by_default(play, service, settings, tmp_path):
    """Without a connection it is below Ansible's home, and a second play finds what the first one left."""
    del settings["ANSIBLE_INVENTORY_CACHE_CONNECTION"]
    plays = looking("wave-1")
    plays[0]["hosts"] = "localhost"
    for _time in range(2):
        play(plays, env=settings)
    assert service.asked == {"wave-1": 1}
    assert len(list((tmp_path / "ansible" / "mailops.smtpeter" / "cache").iterdir())) == 1


def test_errors_are_not_kept(play, hosts, service, settings):
    """Each host tries again when the service fails, and the first that succeeds ends that for all."""
    failures = iter([True, True])

    def script(_target):
        yield answer(b"no", "500 Oops") if next(failures, False) else answer(COUNTS)

    broken = Hostile(script)
    settings["SMTPETER_API_URL"] = broken.url
    run = play(looking("wave-1", options="cache=true, retries=0"), *hosts(5), env=settings, check=False)
    broken.close()
    assert Counter(entry["status"] for entry in run.tasks) == {"failed": 2, "ok": 3}
    assert len(broken.requests) == 3


def test_a_worker_that_is_killed(play, hosts, service, settings):
    """Ansible gives up a play whose worker dies; the next one finds no lock that is left and no damaged entry."""
    victims = []

    def kill_the_first():
        if not victims:
            victims.append(kill_whoever_asks(service.server.port))
        time.sleep(0.2)

    service.pause = kill_the_first
    assert play(looking("wave-1"), *hosts(8), env=settings, check=False, timeout=120).returncode != 0
    run = play(looking("wave-1"), *hosts(8), env=settings, timeout=120)
    assert seen(run) == [[1000]] * 8
    # Before Ansible gave up, another worker may have asked in the place of the dead one.
    assert 2 <= service.asked["wave-1"] <= 3


def kill_whoever_asks(port):
    """Kill the process that has a connection to a port of this machine; its number."""
    wanted = f"{0x0100007F:08X}:{port:04X}"
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{words[9]}]" for words in lines if words[2] == wanted and words[3] == "01"}
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            held = str(link.readlink())
        except OSError:
            continue
        if held in inodes:
            process = int(link.parts[2])
            os.kill(process, signal.SIGKILL)
            return process
    raise AssertionError("nobody is connected")


def test_redis(play, hosts, service, settings, redis, tmp_path):
    """Plays share a Redis as they share a directory, also with one whose home is elsewhere; facts keep their keys."""
    redis.ask("ZADD", "ansible_cache_keys", "1", "facts-of-a-host")
    elsewhere = {**settings, **redis.settings, "ANSIBLE_INVENTORY_CACHE_TIMEOUT": "60"}
    for home in ("one", "another"):
        run = play(looking("wave-1", options=""), *hosts(10), env={**elsewhere, "ANSIBLE_HOME": str(tmp_path / home)})
        assert seen(run) == [[1000]] * 10
        assert "WARNING" not in run.output
    assert service.asked == {"wave-1": 1}
    assert redis.ask("ZCARD", "ansible_cache_keys") == ":1"
    assert redis.ask("DBSIZE") == ":3"


def test_a_redis_that_goes_away(play, hosts, service, settings, redis):
    """In the middle of a play: every host has its record all the same, by requests of its own, and is told once."""
    gone = threading.Event()

    def stop_it():
        if not gone.is_set():
            gone.set()
            redis.stop()

    service.pause = stop_it
    run = play(looking("wave-1", options=""), *hosts(20), env={**settings, **redis.settings}, timeout=120)
    assert gone.is_set()
    assert seen(run) == [[1000]] * 20
    assert 1 < service.asked["wave-1"] <= 20
    assert run.output.count("the cache fails") == 1
    assert "Traceback" not in run.output
    assert leaks(json.dumps(run.tasks) + run.output, TOKEN) == []
