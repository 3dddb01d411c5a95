"""A fleet's tags, read in slices by ansible-runner's remote jobs and put together: nothing lost, nothing twice."""

import base64
import collections
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer, parse
from ansible_collections.mailops.smtpeter.tests.integration.conftest import environment
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

TOKEN = 'only/for+"rehearsal"&<hére>'
HOSTS = {f"campaign-{number}": {"smtpeter_tags": [f"{number}-first", f"{number}-second"]} for number in range(8)}
TAGS = [tag for variables in HOSTS.values() for tag in variables["smtpeter_tags"]]
# AWX gives every second host to each of two slices; by hand, ranges do as well.
SLICES = {"slice-1": "all[0:3]", "slice-2": "all[4:7]"}
READ = "Read the tags of this slice and hand the records out"

# What AWX does with the stream of a worker, less what it writes into its database.
PROCESS = """
import json, sys
from ansible_runner import run
said = []
run(streamer="process", private_data_dir=sys.argv[1], ident="lost", quiet=True, _input=sys.stdin.buffer,
    status_handler=lambda status, runner_config: said.append(status))
print(json.dumps(said[-1]))
"""


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


@pytest.fixture
def service():
    """A service that knows what it was asked for."""
    running = Service()
    yield running
    running.most = sys.maxsize
    running.close()


def asked(service):
    """How often each tag was asked for."""
    return collections.Counter(target.partition("?")[0].rpartition("/")[2] for target in service.targets)


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
        self.python = directory / "venv" / "bin" / "python"
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {**environment(directory), "TASK_RESULTS": os.devnull, "PATH": path}
        config = directory / "worker.cfg"
        config.write_text(f"[smtpeter]\napi_token = {TOKEN.replace('%', '%%')}\napi_url = {service.url}\n")
        config.chmod(0o600)
        self.worker_env = {**self.env, "ANSIBLE_CONFIG": str(config)}

    def transmit(self, limit):
        """The stream that a worker takes."""
        command = ["transmit", "fleet", "-p", "mailops.smtpeter.fleet", "--limit", limit]
        return self._runner(command, self.env, b"")

    def work(self, stream, env=None):
        """The stream that a worker gives."""
        return self._runner(["worker"], env or self.worker_env, stream)

    def process(self, stream, ident):
        """The status of what came back, if any, below results/artifacts."""
        self._runner(["process", "results", "--ident", ident], self.env, stream)
        status = self.directory / "results" / "artifacts" / ident / "status"
        return status.read_text() if status.exists() else None

    def run(self, ident, limit):
        """All three."""
        return self.process(self.work(self.transmit(limit)), ident)

    def lose(self, stream, answers):
        """Kill a worker that waits for an answer after so many; what it gave until then is in the file `lost`."""
        command = [self.python, "-m", "ansible_runner", "worker"]
        given = self.directory / "given"
        given.write_bytes(stream)
        self._service.most = answers
        with given.open("rb") as source, (self.directory / "lost").open("wb") as target:
            worker = subprocess.Popen(
                command, cwd=self.directory, env=self.worker_env, stdin=source, stdout=target, stderr=subprocess.DEVNULL
            )
        try:
            wait_for(lambda: len(self._service.targets) > answers)
        finally:
            kill(worker)
            self._service.most = sys.maxsize

    def merge(self, *args):
        """What fleet_merge says, its exit code, and the records that it wrote."""
        command = [self.python, "-m", "ansible", "playbook", "mailops.smtpeter.fleet_merge", "-i", "fleet/inventory"]
        command += ["-e", "smtpeter_results=results", "-e", "smtpeter_reports=reports", *args]
        done = subprocess.run(
            command, cwd=self.directory, env=self.env, capture_output=True, text=True, check=False, timeout=60
        )
        stats = self.directory / "reports" / "stats.json"
        return done.returncode, done.stdout + done.stderr, json.loads(stats.read_text()) if stats.exists() else {}

    def _runner(self, arguments, env, stream):
        command = [self.python, "-m", "ansible_runner", *arguments]
        done = subprocess.run(
            command, cwd=self.directory, env=env, input=stream, capture_output=True, check=True, timeout=60
        )
        return done.stdout


@pytest.fixture
def fleet(tmp_path, service):
    """A fleet whose service counts."""
    return Fleet(tmp_path, service, {})


def timeless(stats):
    """Records without the moment at which they were read."""
    return {tag: {**record, "fetched_at": None} for tag, record in stats.items()}


def descendants(pid):
    """A process and all below it; ansible-playbook and its workers lead sessions of their own."""
    found = [pid]
    for parent in found:
        for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def kill(worker):
    """What the loss of a machine does to a worker."""
    for pid in descendants(worker.pid):
        os.kill(pid, signal.SIGKILL)
    worker.wait(10)


def wait_for(condition):
    """Wait until it holds."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.01)


def test_slices_are_what_one_job_is(fleet, service):
    """Each tag is asked for once over all slices, and what is put together is what a single job reads."""
    with ThreadPoolExecutor(len(SLICES)) as pool:
        assert list(pool.map(fleet.run, SLICES, SLICES.values())) == ["successful"] * len(SLICES)
    assert asked(service) == collections.Counter(TAGS)
    code, said, sliced = fleet.merge()
    assert (code, list(sliced)) == (0, TAGS), said
    (fleet.directory / "results").rename(fleet.directory / "sliced")
    assert fleet.run("one", "all") == "successful"
    code, said, whole = fleet.merge()
    assert (code, timeless(whole)) == (0, timeless(sliced)), said


def test_a_worker_is_lost(fleet, service):
    """Its stream says so, the merge names what is missing, and its slice runs again, also where it had ended well."""
    assert fleet.run("slice-1", SLICES["slice-1"]) == "successful"
    fleet.lose(fleet.transmit(SLICES["slice-2"]), len(TAGS) // 2)
    lost = (fleet.directory / "lost").read_bytes()
    assert fleet.process(lost, "slice-2") is None
    said = subprocess.run(
        [fleet.python, "-c", PROCESS, fleet.directory / "again"], input=lost, capture_output=True, check=True
    )
    assert json.loads(said.stdout)["status"] == "error"
    code, said, stats = fleet.merge()
    assert (code, stats) == (2, {})
    assert f"8 of 16 tags are missing: {', '.join(TAGS[8:])}" in " ".join(said.split())

    for ident, limit in (("slice-2-again", SLICES["slice-2"]), ("slice-1-again", SLICES["slice-1"])):
        assert fleet.run(ident, limit) == "successful"
    code, said, stats = fleet.merge()
    assert (code, list(stats)) == (0, TAGS), said


@pytest.fixture
def sharing(tmp_path, service, redis):
    """A fleet whose workers share a cache, and read one tag after the other."""
    cache = {"cache": True, "cache_plugin": "community.general.redis", "cache_connection": redis.connection}
    options = {**cache, "cache_prefix": "fleet-", "parallel": 1}
    fleet = Fleet(tmp_path, service, {f"smtpeter_{name}": value for name, value in options.items()})
    fleet.worker_env["ANSIBLE_COLLECTIONS_PATH"] = redis.settings["ANSIBLE_COLLECTIONS_PATH"]
    return fleet


def stored(redis):
    """The number of records in the cache."""
    return int(redis.ask("ZCARD", "fleet-keys").lstrip(":"))


def test_a_lost_slice_costs_only_what_was_not_stored(sharing, service, redis):
    """When a slice whose worker was killed runs again, the service is asked for the rest alone."""
    stream = sharing.transmit("all")
    sharing.lose(stream, 5)
    first = asked(service)
    assert (list(first), stored(redis)) == (TAGS[:6], 5)

    assert sharing.process(sharing.work(stream), "again") == "successful"
    assert asked(service) - first == collections.Counter(TAGS[5:])
    code, said, stats = sharing.merge()
    assert (code, list(stats)) == (0, TAGS), said
    assert stored(redis) == len(TAGS)


def test_slices_share_a_tag(sharing, service):
    """What one slice has read, another finds in the cache."""
    assert sharing.run("one", "all[0:5]") == "successful"
    assert sharing.run("two", "all[2:7]") == "successful"
    assert asked(service) == collections.Counter(TAGS)
    code, said, stats = sharing.merge()
    assert (code, list(stats)) == (0, TAGS), said


def test_the_token_stays_on_the_worker(fleet, service):
    """From the worker's ansible.cfg, it is in no stream, no event and no artifact."""
    sent = fleet.transmit("all")
    back = fleet.work(sent)
    assert fleet.process(back, "all") == "successful"
    assert len(asked(service)) == len(TAGS)
    artifacts = sorted(path for path in (fleet.directory / "results").rglob("*") if path.is_file())
    assert "command" in {path.name for path in artifacts}
    places = {"sent": opened(sent), "back": opened(back)}
    places.update({path.name: path.read_text(encoding="utf-8") for path in artifacts})
    assert {place: leaks(text, TOKEN) for place, text in places.items() if leaks(text, TOKEN)} == {}


def test_where_an_environment_gets_to(fleet, service):
    """Why the guide says ansible.cfg: ansible-runner notes the worker's environment, and sends back what it noted."""
    env = {**fleet.worker_env, "ANSIBLE_CONFIG": fleet.env["ANSIBLE_CONFIG"], "SMTPETER_API_URL": service.url}
    back = fleet.work(fleet.transmit("all[0]"), {**env, "SMTPETER_API_TOKEN": TOKEN})
    assert fleet.process(back, "all") == "successful"
    artifacts = {path for path in (fleet.directory / "results").rglob("*") if path.is_file()}
    assert [path.name for path in artifacts if leaks(path.read_text(encoding="utf-8"), TOKEN)] == ["command"]


def opened(stream):
    """The text of a stream, with what is packed in it."""
    texts = []
    lines = iter(stream.split(b"\n"))
    for line in lines:
        texts.append(line)
        if line.startswith(b'{"zipfile": '):
            size = json.loads(line)["zipfile"]
            packed = next(lines)
            length = (size + 2) // 3 * 4
            with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed[:length]))) as archive:
                texts += [archive.read(name) for name in archive.namelist()]
            texts.append(packed[length:])
    return b"\n".join(texts).decode()


def as_workflow(artifacts):
    """What AWX hands to the node after the slices: of two values under one name, the later."""
    return {name: value for data in artifacts for name, value in data.items()}


@pytest.fixture
def read(play, tmp_path, service):
    """Reads a slice by ansible-playbook; what it hands out. Without a slice, writes the inventory alone."""
    inventory = tmp_path / "hosts.json"

    def run(hosts, *args, **options):
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
        done = play("mailops.smtpeter.fleet", "-i", str(inventory), *args, env=env, **options)
        return done if options else done.result(READ)["ansible_stats"]["data"]

    return run


@pytest.fixture
def records(tmp_path):
    """What a slice of all hosts hands out, read a moment ago; the inventory is written."""
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": HOSTS}}), encoding="utf-8")
    body, now = json.dumps(COUNTS).encode(), datetime.now(timezone.utc)
    return [parse(Answer(tag, body, now), str).as_dict() for tag in TAGS]


def merged(play, tmp_path, artifacts, *args):
    """Judge what a workflow passes on."""
    (tmp_path / "passed.json").write_text(json.dumps(as_workflow(artifacts)), encoding="utf-8")
    args = ["-i", str(tmp_path / "hosts.json"), "-e", f"@{tmp_path}/passed.json", *args]
    return play("mailops.smtpeter.fleet_merge", *args, "-e", "smtpeter_reports=reports", check=False)


def test_a_workflow_passes_the_slices_on(play, tmp_path, read, service):
    """No slice replaces another, a slice that runs again replaces itself, and a tag of two slices counts once."""
    hosts = {**HOSTS, "campaign-7": {"smtpeter_tags": "0-first"}}
    tags = TAGS[:-2]
    slices = [read(hosts, "--limit", limit) for limit in (*SLICES.values(), SLICES["slice-1"])]
    assert [data.keys() for data in slices] == [slices[0].keys(), slices[1].keys(), slices[0].keys()]
    assert len(as_workflow(slices)) == 2
    assert asked(service)["0-first"] == 3

    run = merged(play, tmp_path, slices)
    assert run.returncode == 0, run.output
    assert "DEPRECAT" not in run.output
    stats = json.loads((tmp_path / "reports" / "stats.json").read_text(encoding="utf-8"))
    assert list(stats) == tags
    assert {record["messages"] for record in stats.values()} == {1000}


def test_the_later_record_counts(play, tmp_path, records):
    """Of two records of a tag, wherever they come from, the one that was read later; too old ones are none."""
    older = [{**record, "fetched_at": "2016-01-01T00:00:00Z", "messages": 1, "deliveries": 0} for record in records]
    forged = {"smtpeter_fleet_0": older, "smtpeter_fleet_1": records[2:], "smtpeter_fleet_2": [*older, *records[:1]]}
    run = merged(play, tmp_path, [forged])
    assert run.returncode == 2
    assert "1 of 16 tags are missing: 0-second;" in " ".join(run.output.split())

    # In check mode, too.
    forged["smtpeter_fleet_3"] = [{**older[1], "fetched_at": records[0]["fetched_at"]}]
    run = merged(play, tmp_path, [forged], "-e", "smtpeter_max_age=999999999", "--check")
    assert run.returncode == 2
    assert "1 of 16 tags are not healthy: 0-second: 1 of at least 100 messages" in " ".join(run.output.split())


@pytest.mark.parametrize(
    ("hosts", "args", "said"),
    [
        ({"web": {}}, [], "smtpeter_tags: no host of the inventory has this variable"),
        (HOSTS, ["-e", "smtpeter_paralell=9"], "there is no such variable; did you mean smtpeter_parallel?"),
        (HOSTS, ["-e", "smtpeter_judge_by=outcomes"], "smtpeter_judge_by: a fleet is judged by its counters"),
    ],
)
def test_what_cannot_work(read, service, hosts, args, said):
    """It is refused before anything is asked, and the variable is named."""
    run = read(hosts, *args, check=False)
    assert run.returncode == 2
    assert said in " ".join(run.output.split())
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


def test_tags_of_an_ini_inventory(play, service, tmp_path):
    """Text is split at commas and stays what was written, and a run of some tags of Ansible's skips nothing."""
    (tmp_path / "hosts.ini").write_text(INI, encoding="utf-8")
    env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
    run = play("mailops.smtpeter.fleet", "-i", "hosts.ini", "--tags", "wave-1", env=env)
    (records,) = run.result(READ)["ansible_stats"]["data"].values()
    assert [record["tag"] for record in records] == ["wave-1", "wave-2", "1.10", "010", "no"]


def test_what_an_ini_inventory_reads_as_python(play, service, tmp_path):
    """It is refused, since what was written cannot be told any more."""
    (tmp_path / "hosts.ini").write_text("web smtpeter_tags=1,2\n", encoding="utf-8")
    env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
    run = play("mailops.smtpeter.fleet", "-i", "hosts.ini", env=env, check=False)
    assert run.returncode == 2
    shown = " ".join(run.output.split())
    assert "smtpeter_tags of web: " in shown
    assert "quote it" in shown
    assert service.targets == []


def event(records):
    """The last event of a job, as ansible-runner writes it."""
    data = {"smtpeter_fleet_0": records}
    return json.dumps({"uuid": "1", "event": "playbook_on_stats", "event_data": {"artifact_data": data}})


@pytest.mark.parametrize(("cut", "elsewhere"), [(0, True), (-1, False)])
def test_a_file_that_was_cut(play, tmp_path, records, cut, elsewhere):
    """It is named; the rest is merged only where nothing is missing."""
    results = tmp_path / "results" / "job_events"
    results.mkdir(parents=True)
    (results / "1-whole.json").write_text(event(records if elsewhere else records[:10]), encoding="utf-8")
    (results / "2-cut.json").write_text(event(records[10:])[:cut], encoding="utf-8")
    (results / "3-other.json").write_text('{"event": "runner_on_ok"}', encoding="utf-8")
    reports = tmp_path / "reports"
    reports.mkdir()
    for name in ("stats.json", "health.json", "notes.txt"):
        (reports / name).write_text("pass", encoding="utf-8")
    run = merged(play, tmp_path, [], "-e", "smtpeter_results=results", "--tags", "deploy")
    shown = " ".join(run.output.split())
    assert f"{results}/2-cut.json (it was cut short, or is no JSON)" in shown
    if elsewhere:
        assert run.returncode == 0, run.output
        assert "WARNING: these files are damaged, but all tags were found elsewhere" in shown
        assert list(json.loads((reports / "stats.json").read_text(encoding="utf-8"))) == TAGS
    else:
        assert run.returncode == 2
        assert f"6 of 16 tags are missing: {', '.join(TAGS[10:])}; these files are damaged" in shown
        assert [path.name for path in reports.iterdir()] == ["notes.txt"]


def test_hosts_are_only_names(read, service):
    """Nothing connects to them, options reach the lookup, and check mode reads as well."""
    hosts = {name: {**variables, "ansible_host": "192.0.2.1"} for name, variables in HOSTS.items()}
    # In a workflow, a gate may have come before.
    config = ["-e", "smtpeter_parallel=1", "-e", "smtpeter_missing=error", "-e", '{"smtpeter_gate": {}}']
    assert len(next(iter(read(hosts, "--check", *config).values()))) == len(TAGS)
    assert service.busiest == 1


def test_results_are_no_templates(play, tmp_path, records):
    """A machine that reads cannot have the one that judges run anything."""
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/ran') }}}}"
    data = {"smtpeter_fleet_0": [{**record, "notes": [evil], "first": evil} for record in records], evil: evil}
    data["smtpeter_fleet_1"] = [{**records[0], "tag": evil}]
    events = tmp_path / "results" / "job_events"
    events.mkdir(parents=True)
    event = {"event": "playbook_on_stats", "event_data": {"artifact_data": data}}
    (events / "9-a.json").write_text(json.dumps(event), encoding="utf-8")
    run = merged(play, tmp_path, [], "-e", "smtpeter_results=results")
    assert run.returncode == 0, run.output
    stats = json.loads((tmp_path / "reports" / "stats.json").read_text(encoding="utf-8"))
    assert stats["0-first"]["notes"] == [evil]
    assert not (tmp_path / "ran").exists()
