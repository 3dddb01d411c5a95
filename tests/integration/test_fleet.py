"""A fleet's tags, read in slices by ansible-runner's remote jobs and put together: nothing lost, nothing twice."""

import collections
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone

import psutil
import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer, parse
from ansible_collections.mailops.smtpeter.tests.integration.conftest import environment
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

TOKEN = 'only/for+"rehearsal"&<hére>'
HOSTS = {f"campaign-{number}": {"smtpeter_tags": [f"{number}-first", f"{number}-second"]} for number in range(8)}
TAGS = [tag for variables in HOSTS.values() for tag in variables["smtpeter_tags"]]
# What all slices hand out, read a moment ago.
RECORDS = [parse(Answer(tag, json.dumps(COUNTS).encode(), datetime.now(timezone.utc)), str).as_dict() for tag in TAGS]
LONG_AGO = "2016-01-01T00:00:00Z"
# AWX gives every second host to each of two slices; by hand, ranges do as well.
SLICES = ["all[0:3]", "all[4:7]"]
READ = "Read the tags of this slice and hand the records out"


class Service(Hostile):
    """A service that takes its time, as the real one does, and answers no more than `most` requests."""

    def __init__(self):
        self.most = sys.maxsize
        super().__init__(self._slowly)

    def _slowly(self, _target):
        time.sleep(0.03)
        while len(self.requests) > self.most:
            time.sleep(0.01)
        yield answer(COUNTS)

    @property
    def asked(self):
        """How often each tag was asked for."""
        return collections.Counter(target.partition("?")[0].rpartition("/")[2] for target in self.targets)


@pytest.fixture
def service():
    """A service that knows what it was asked for."""
    running = Service()
    yield running
    running.most = sys.maxsize
    running.close()


class Fleet:
    """Two machines in a directory: the one with the inventory, and a worker with the token in its own ansible.cfg."""

    def __init__(self, directory, service, variables):
        self.directory = directory
        self._service = service
        inventory = directory / "fleet" / "inventory"
        inventory.mkdir(parents=True)
        (inventory / "hosts.json").write_text(json.dumps({"all": {"hosts": HOSTS, "vars": variables}}))
        # Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
        (directory / "venv").symlink_to(sys.prefix)
        self._python = directory / "venv" / "bin" / "python"
        path = f"{self._python.parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {**environment(directory), "TASK_RESULTS": os.devnull, "PATH": path}
        config = directory / "worker.cfg"
        config.write_text(f"[smtpeter]\napi_token = {TOKEN.replace('%', '%%')}\napi_url = {service.url}\n")
        config.chmod(0o600)
        self.worker_env = {**self.env, "ANSIBLE_CONFIG": str(config)}

    def transmit(self, limit):
        """The stream that a worker takes."""
        return self._runner(["transmit", "fleet", "-p", "mailops.smtpeter.fleet", "--limit", limit], self.env, b"")

    def work(self, stream, env=None):
        """The stream that a worker gives."""
        return self._runner(["worker"], env or self.worker_env, stream)

    def process(self, stream, ident):
        """The status of what came back, if any, below results/artifacts."""
        self._runner(["process", "results", "--ident", ident], self.env, stream)
        status = self.directory / "results" / "artifacts" / ident / "status"
        return status.read_text() if status.exists() else None

    def lose(self, stream, answers):
        """What a worker gives that is killed while it waits for an answer after so many."""
        given, lost = self.directory / "given", self.directory / "lost"
        given.write_bytes(stream)
        self._service.most = len(self._service.targets) + answers
        command = [self._python, "-m", "ansible_runner", "worker"]
        with given.open("rb") as source, lost.open("wb") as target:
            worker = subprocess.Popen(command, cwd=self.directory, env=self.worker_env, stdin=source, stdout=target)
        until = time.monotonic() + 30
        while len(self._service.targets) <= self._service.most and time.monotonic() < until:
            time.sleep(0.01)
        for process in (worker, *psutil.Process(worker.pid).children(recursive=True)):
            process.kill()
        worker.wait(10)
        self._service.most = sys.maxsize
        return lost.read_bytes()

    def merge(self):
        """What fleet_merge says, its exit code, and the records that it wrote."""
        command = [self._python, "-m", "ansible", "playbook", "mailops.smtpeter.fleet_merge", "-i", "fleet/inventory"]
        command += ["-e", "smtpeter_results=results", "-e", "smtpeter_reports=reports"]
        done = subprocess.run(command, cwd=self.directory, env=self.env, capture_output=True, text=True, check=False)
        stats = self.directory / "reports" / "stats.json"
        said = " ".join((done.stdout + done.stderr).split())
        return done.returncode, said, json.loads(stats.read_text()) if stats.exists() else {}

    def _runner(self, arguments, env, stream):
        command = [self._python, "-m", "ansible_runner", *arguments]
        done = subprocess.run(command, cwd=self.directory, env=env, input=stream, stdout=subprocess.PIPE, check=True)
        return done.stdout


def test_slices_of_which_one_is_lost(tmp_path, service):
    """The merge names what is missing; once that slice ran again, all is there, and the token stayed on the workers."""
    fleet = Fleet(tmp_path, service, {})
    first, second = map(fleet.transmit, SLICES)
    back = fleet.work(first)
    assert fleet.process(back, "slice-1") == "successful"
    assert service.asked == collections.Counter(TAGS[:8])
    lost = fleet.lose(second, 4)
    assert fleet.process(lost, "slice-2") is None
    code, said, stats = fleet.merge()
    assert (code, stats) == (2, {})
    assert f"8 of 16 tags are missing: {', '.join(TAGS[8:])}; no slice handed out" in said

    # Why the guide says ansible.cfg: ansible-runner notes the worker's environment, and sends back what it noted.
    env = {**fleet.env, "SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
    assert fleet.process(fleet.work(second, env), "again") == "successful"
    code, said, stats = fleet.merge()
    assert code == 0, said
    assert [{**stats[tag], "fetched_at": None} for tag in stats] == [
        {**record, "fetched_at": None} for record in RECORDS
    ]

    artifacts = sorted(path for path in (tmp_path / "results").rglob("*") if path.is_file())
    assert {path.parent.name for path in artifacts if path.name == "command"} == {"slice-1", "again"}
    leaking = [path for path in artifacts if leaks(path.read_text(encoding="utf-8"), TOKEN)]
    assert leaking == [tmp_path / "results" / "artifacts" / "again" / "command"]
    assert leaks((first + back + lost).decode(), TOKEN) == []


def test_a_lost_slice_costs_only_what_was_not_stored(tmp_path, service, redis):
    """When a slice whose worker was killed runs again, the service is asked for what no slice put into the cache."""
    cache = {"cache": True, "cache_plugin": "community.general.redis", "cache_connection": redis.connection}
    options = {**cache, "cache_prefix": "fleet-", "parallel": 1}
    fleet = Fleet(tmp_path, service, {f"smtpeter_{name}": value for name, value in options.items()})
    fleet.worker_env["ANSIBLE_COLLECTIONS_PATH"] = redis.settings["ANSIBLE_COLLECTIONS_PATH"]
    stream = fleet.transmit("all")
    fleet.lose(stream, 5)
    assert list(service.asked) == TAGS[:6]
    assert redis.client.zcard("fleet-keys") == 5

    assert fleet.process(fleet.work(stream), "again") == "successful"
    assert service.asked == collections.Counter([*TAGS, TAGS[5]])
    code, said, stats = fleet.merge()
    assert (code, list(stats)) == (0, TAGS), said
    assert redis.client.zcard("fleet-keys") == len(TAGS)


def inventory(hosts):
    """The text of an inventory."""
    return json.dumps({"all": {"hosts": hosts}})


@pytest.fixture
def run(play, tmp_path, service):
    """Runs a playbook with the text of an inventory; the run, and its output as one line."""

    def run(playbook, hosts, *args):
        (tmp_path / "hosts").write_text(hosts, encoding="utf-8")
        env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
        done = play(f"mailops.smtpeter.{playbook}", "-i", "hosts", *args, env=env, check=False)
        return done, " ".join(done.output.split())

    return run


def test_a_workflow_passes_the_slices_on(run, tmp_path, service):
    """No slice replaces another, a slice that runs again replaces itself, and a tag of two slices counts once.

    Hosts are only names, to which nothing connects; options reach the lookup, and check mode reads as well.
    """
    hosts = {**HOSTS, "campaign-7": {"smtpeter_tags": "0-first"}}
    hosts = inventory({name: {**variables, "ansible_host": "192.0.2.1"} for name, variables in hosts.items()})
    # In a workflow, a gate may have come before.
    options = ["-e", "smtpeter_parallel=1", "-e", "smtpeter_missing=error", "-e", '{"smtpeter_gate": {}}']
    slices = []
    for args in (SLICES[:1], SLICES[1:], [SLICES[0], "--check"]):
        done, said = run("fleet", hosts, *options, "--limit", *args)
        assert done.returncode == 0, said
        slices.append(done.result(READ)["ansible_stats"]["data"])
    assert list(slices[0]) == list(slices[2]) != list(slices[1])
    assert service.asked["0-first"] == 3
    assert service.busiest == 1

    # AWX hands to the next node, of two values under one name, the later.
    passed = json.dumps({**slices[0], **slices[1], **slices[2], "smtpeter_gate": {}})
    done, said = run("fleet_merge", hosts, "-e", passed, "-e", "smtpeter_reports=reports")
    assert done.returncode == 0, said
    assert "DEPRECAT" not in said
    stats = json.loads((tmp_path / "reports" / "stats.json").read_text(encoding="utf-8"))
    assert list(stats) == TAGS[:-2]
    assert {record["messages"] for record in stats.values()} == {1000}


def test_the_later_record_counts(run, tmp_path):
    """Of two records of a tag, wherever they come from, the one that was read later; check mode judges, too."""
    bad = {"messages": 1, "deliveries": 0}
    older = [{**record, **bad, "fetched_at": LONG_AGO} for record in RECORDS]
    passed = {"smtpeter_fleet_0": older, "smtpeter_fleet_1": RECORDS, "smtpeter_fleet_2": older}
    passed["smtpeter_fleet_3"] = [{**RECORDS[1], **bad}]
    args = ["-e", json.dumps(passed), "-e", "smtpeter_max_age=999999999", "--check"]
    done, said = run("fleet_merge", inventory(HOSTS), *args)
    assert done.returncode == 2
    assert "1 of 16 tags are not healthy: 0-second: 1 of at least 100 messages" in said


@pytest.mark.parametrize(
    ("hosts", "args", "said"),
    [
        (inventory({"web": {}}), [], ["smtpeter_tags: no host of the inventory has this variable"]),
        (
            inventory(HOSTS),
            ["-e", "smtpeter_judge_by=outcomes"],
            ["smtpeter_judge_by: a fleet is judged by its counters"],
        ),
        # What was written cannot be told any more, since Ansible reads it as Python.
        ("web smtpeter_tags=1,2", [], ["smtpeter_tags of web: ", "quote it"]),
    ],
)
def test_what_cannot_work(run, service, hosts, args, said):
    """It is refused before anything is asked, and the variable is named."""
    done, shown = run("fleet", hosts, *args)
    assert done.returncode == 2
    assert [text for text in said if text not in shown] == []
    assert service.targets == []


INI = """
[news]
spring smtpeter_tags=wave-1,wave-2
summer smtpeter_tags='"1.10"'
autumn smtpeter_tags=010
winter smtpeter_tags='["no", "wave-1"]'
[news:vars]
smtpeter_environment=production
"""


def test_tags_of_an_ini_inventory(run):
    """Text is split at commas and stays what was written, and a run of some tags of Ansible's skips nothing."""
    done, _said = run("fleet", INI, "--tags", "wave-1")
    (records,) = done.result(READ)["ansible_stats"]["data"].values()
    assert [record["tag"] for record in records] == ["wave-1", "wave-2", "1.10", "010", "no"]


@pytest.mark.parametrize("complete", [True, False])
def test_damaged_files(run, tmp_path, complete):
    """They are named; the rest is merged only where no tag is missing or old, and what it holds is no template."""
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/ran') }}}}"
    records = [{**record, "notes": [evil], "first": evil} for record in RECORDS]
    if not complete:
        records[10:] = [{**record, "fetched_at": LONG_AGO} for record in RECORDS[10:]]
    data = {"smtpeter_fleet_0": records, "smtpeter_fleet_1": [{**RECORDS[0], "tag": evil}], evil: evil}
    event = json.dumps({"event": "playbook_on_stats", "event_data": {"artifact_data": data}})
    events = {"1-whole.json": event, "2-cut.json": event[:-1], "3-other.json": '{"event": "runner_on_ok"}'}
    stale = {"stats.json": "pass", "health.json": "pass", "notes.txt": ""}
    for name, files in {"results": events, "reports": stale}.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text, encoding="utf-8")

    args = ["-e", "smtpeter_results=results", "-e", "smtpeter_reports=reports", "--tags", "deploy"]
    done, said = run("fleet_merge", inventory(HOSTS), *args)
    assert f"{tmp_path}/results/2-cut.json (it was cut short, or is no JSON)" in said
    assert not (tmp_path / "ran").exists()
    if complete:
        assert done.returncode == 0, said
        assert "WARNING: these files are damaged, but all tags were found elsewhere" in said
        stats = json.loads((tmp_path / "reports" / "stats.json").read_text(encoding="utf-8"))
        assert (list(stats), stats["0-first"]["notes"]) == (TAGS, [evil])
    else:
        assert done.returncode == 2
        assert f"6 of 16 tags are missing: {', '.join(TAGS[10:])}; these files are damaged" in said
        assert [path.name for path in (tmp_path / "reports").iterdir()] == ["notes.txt"]
