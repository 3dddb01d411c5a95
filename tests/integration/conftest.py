"""Real runs of ansible-playbook, on this environment's ansible-core."""

import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
import requests
import yaml
from ansible.release import __version__ as own_version
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.server import Service
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
COMMUNITY = ROOT / ".venv" / "community"
COLLECTION = pathlib.PurePath("ansible_collections", "mailops", "smtpeter")

# What the service of the fixture access is asked with.
TOKEN = 'only/for+"rehearsal"&<hére>'
# A proxy that does not answer, for all that is asked, with no exception for loopback.
DEAD_PROXY = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    "NO_PROXY": "",
    "no_proxy": "",
}


@dataclasses.dataclass(frozen=True)
class Core:
    """One ansible-core: `series` such as `2.16`, and the Python to run it with, whose path has no space."""

    series: str
    python: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished ansible-playbook: `tasks` are what the callback task_results wrote, as they ended."""

    returncode: int
    stdout: str
    stderr: str
    tasks: list[dict[str, Any]]

    @property
    def output(self):
        """All that the user sees."""
        return self.stdout + self.stderr

    def result(self, task):
        """The result of the last task of this name."""
        return [entry["result"] for entry in self.tasks if entry["task"] == task][-1]


def copy_tracked(target):
    """Copy the files that git tracks, as they are now, to `target`."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def only(collections):
    """The environment of a run that finds no collection but those in a directory."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "PYTHONPATH": "",
    }


def galaxy(*words, cwd, home):
    """Run `ansible-galaxy collection` where nothing is installed, without Galaxy."""
    command = [sys.executable, "-m", "ansible", "galaxy", "collection", *words]
    # A request to Galaxy fails.
    given = {**os.environ, **only(home), "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:1", "ANSIBLE_HOME": str(home)}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def artifact(tmp_path_factory):
    """The file that would be published, built from what git tracks."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("artifact")
    copy_tracked(source)
    galaxy("build", "--output-path", target, cwd=source, home=tmp_path_factory.mktemp("home"))
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="session")
def bare(artifact, tmp_path_factory):
    """A directory for collections in which it was installed as users without a network do it.

    All is deleted there but the four directories that content may use.
    """
    target, home = tmp_path_factory.mktemp("bare"), tmp_path_factory.mktemp("home")
    galaxy("install", artifact, "--offline", "--collections-path", target, cwd=home, home=home)
    for path in (target / COLLECTION).iterdir():
        if path.is_file():
            path.unlink()
        elif path.name not in ("meta", "plugins", "roles", "playbooks"):
            shutil.rmtree(path)
    return target


@pytest.fixture(scope="session")
def ansible_core(tmp_path_factory):
    """The ansible-core of this environment."""
    # Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
    link = tmp_path_factory.mktemp("core", numbered=True) / "venv"
    link.symlink_to(sys.prefix)
    return Core(".".join(own_version.split(".")[:2]), link / "bin" / "python")


def pytest_collection_modifyitems(items):
    """Mark what takes no `ansible_core`: it needs tools that only the environment of `make test` has."""
    for item in items:
        if HERE in item.path.parents and "ansible_core" not in getattr(item, "fixturenames", ()):
            item.add_marker("newest_core")


@pytest.fixture
def play(ansible_core, tmp_path):
    """Runs a playbook on the implicit localhost with `ansible_core`, in a directory and an ANSIBLE_HOME of its own.

    It is given as plays, as YAML text, or by its path or full name, with further command line arguments and `env`. A
    failure fails the test unless `check` is false.
    """

    def run(playbook, *args, env=None, check=True, timeout=300):
        results = tmp_path / "task-results.jsonl"
        results.write_text("", encoding="utf-8")
        done = subprocess.run(
            [ansible_core.python, "-m", "ansible", "playbook", written(playbook, tmp_path), *args],
            cwd=tmp_path,
            env={**environment(tmp_path), "TASK_RESULTS": str(results), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"ansible-playbook ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
        tasks = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
        return Run(done.returncode, done.stdout, done.stderr, tasks)

    return run


def written(playbook, directory):
    """What to give ansible-playbook: a path or a name as it is; text, and plays, as a file."""
    if isinstance(playbook, list):
        playbook = yaml.safe_dump(playbook, sort_keys=False)
    if isinstance(playbook, pathlib.Path) or "\n" not in playbook:
        return str(playbook)
    path = directory / "playbook.yml"
    path.write_text(playbook, encoding="utf-8")
    return str(path)


def environment(directory):
    """The environment of a run: what tests/conftest.py left, all that is written below `directory`, no colour."""
    return {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_REMOTE_TMP": str(directory / "remote"),
        "ANSIBLE_ROLES_PATH": str(HERE / "targets"),
    }


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    """The environment that leads to a sandbox in this process: `good` arrives, `poor` in part, `few` is small."""
    at_once = {"delay": 0, "open_rate": 0}
    scenario = {"default": {"delivery_rate": 1, **at_once}, "tags": {"poor": {"delivery_rate": 0.5, **at_once}}}
    settings = parse_settings({"api_token": TOKEN, "seed": 1, "scenario": scenario})
    with Service(settings, str(tmp_path_factory.mktemp("campaigns") / "mail.sqlite")) as running:
        for tag, count in (("good", 200), ("poor", 200), ("few", 20)):
            recipients = [f"reader{number}@example.org" for number in range(count)]
            mail = {"from": "a@example.com", "recipients": recipients, "subject": "s", "text": "t", "tags": [tag]}
            requests.post(
                f"{running.api_url}/send", params={"access_token": TOKEN}, json=mail, timeout=10
            ).raise_for_status()
        yield {"SMTPETER_API_URL": running.api_url, "SMTPETER_API_TOKEN": TOKEN}


class RedisServer:
    """A real Redis on a port of its own on 127.0.0.1, which keeps nothing on disk; `stop` ends it at once."""

    def __init__(self, directory):
        with socket.create_server(("127.0.0.1", 0)) as free:
            host, port = free.getsockname()
        # What the cache plugin connects to.
        self.connection = f"{host}:{port}:0"
        # The environment of a run that caches there by `community.general.redis`.
        self.settings = {
            "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}{os.pathsep}{COMMUNITY}",
            "ANSIBLE_INVENTORY_CACHE": "true",
            "ANSIBLE_INVENTORY_CACHE_PLUGIN": "community.general.redis",
            "ANSIBLE_INVENTORY_CACHE_CONNECTION": self.connection,
        }
        where = ["--bind", host, "--port", str(port), "--dir", str(directory), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(["redis-server", *where], stdout=subprocess.DEVNULL)
        self.client = Redis(host, port, retry=Retry(ConstantBackoff(0.02), 1500))
        self.client.ping()

    def stop(self):
        """End the server as a power failure would."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def redis(tmp_path):
    """A Redis for the test alone; skipped by name where the server or the collection is missing."""
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server on PATH (Debian: apt install redis-server)")
    if not COMMUNITY.is_dir():
        pytest.skip("no community.general: `make test` unpacks it")
    server = RedisServer(tmp_path)
    yield server
    server.stop()
