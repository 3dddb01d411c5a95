"""The gate's action: what it registers, how it goes on from its state, and how it ends at a service that fails."""

import json
import shutil
import time
from unittest import mock

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.mailops.smtpeter.plugins.action import campaign_gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins import restarting
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, action, look_at, service

TOKEN = "a token of nobody".replace(" ", "-")
COUNTS = {"messages": 1000, "deliveries": 999, "opens": 0, "clicks": 0}
PASS = {
    "stats": {"a": {**COUNTS, "fetched_at": "2026-01-02T00:00:00Z", "last_at": "2026-01-01T00:00:00Z"}}, "errors": {},
}  # fmt: skip
LITTLE = {"stats": {"a": {**COUNTS, "messages": 10, "deliveries": 10}}, "errors": {}}
BUSY = {"stats": {}, "errors": {"a": {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}}}
REFUSED = {"failed": True, "refused": True, "msg": "ca_path: /no/such/file cannot be read"}


def gate(**args):
    """The action of a task with these arguments, on a host without a temporary directory yet."""
    return action(mock.Mock(**{"_shell.tmpdir": None}), **args)


class Looks:
    """An action whose looks are these, each a result or an exception, on a host with temporary directories."""

    def __init__(self, *found, **args):
        given = {"tags": ["a"], "wait_timeout": 600, "wait_sleep": 0.001, "max_consecutive_errors": 1, **args}
        self.action = gate(**given)
        self.action._execute_module = self._look
        self._found = mock.Mock(side_effect=found)
        self.used, self.removed = [], []

    def _look(self, **_more):
        shell = self.action._connection._shell
        shell.tmpdir = shell.tmpdir or f"/tmp/ansible-tmp-{len(self.used)}"
        self.used.append(shell.tmpdir)
        return self._found()

    def _remove(self, path):
        if path == "/tmp/ansible-tmp-gone":
            raise AnsibleConnectionFailure("no route to host")
        self.removed.append(path)

    def run(self, check=False):
        """The result of the task."""
        self.action._task.check_mode = check
        self.action._remove_tmp_path = self._remove
        result = self.action.run(task_vars={})
        self.action.cleanup()
        return result


@pytest.mark.parametrize("source", ["api_token", "access_token"])
def test_the_token_is_registered(registered, source):
    """Under either name, Ansible is told of it before anything of the task is shown."""
    assert "white space" in gate(tags=["a b"], **{source: TOKEN}).run(task_vars={})["msg"]
    assert set(registered) == {TOKEN}


@pytest.mark.parametrize("own", [{}, {"api_url": "https://localhost/v2"}])
def test_the_environment(monkeypatch, registered, own):
    """That of the controller is for its own plugins: no look gets a token or an address from it."""
    monkeypatch.setenv("SMTPETER_API_TOKEN", TOKEN)
    monkeypatch.setenv("SMTPETER_API_URL", "https://production.test/v1")
    looks = []
    task = gate(tags=["a"], **own)
    task._execute_module = lambda module_args, **_more: looks.append(module_args) or REFUSED
    assert task.run(task_vars={}) == {"changed": False, "failed": True, "msg": REFUSED["msg"]}
    assert {name: looks[0][name] for name in ("api_token", "api_url") if name in looks[0]} == own
    assert registered == []


@pytest.mark.parametrize(
    ("given", "own", "said"),
    [
        ({}, None, "missing required arguments: tags"),
        # Ansible's own keyword, which only the task itself can have by mistake.
        ({"wait_timeout": 0}, "wave-1", "tags: it is at the level of the task"),
        ({"tag": "a b"}, ["deploy"], "white space"),
    ],
)
def test_bad_arguments(given, own, said):
    """They fail the task without an exception, of which ansible-core 2.16 would show a traceback of nothing."""
    task = gate(**given)
    task._task._ds = {"mailops.smtpeter.campaign_gate": given, **({"tags": own} if own else {})}
    # What a play or a role gives to all its tasks.
    task._task.tags = ["deploy"]
    result = task.run(task_vars={})
    assert said in result.pop("msg")
    assert result == {"changed": False, "failed": True}


@pytest.mark.parametrize("trouble", [AnsibleConnectionFailure("no route to host"), EOFError(), {}], ids=repr)
def test_a_lost_look(trouble):
    """It is one failed look, first or later, and the next ones have a directory of their own; all are removed."""
    looks = Looks(trouble, LITTLE, PASS)
    result = looks.run()
    assert (result["verdict"], result["errors"], result["looks"]) == ("pass", 1, 3)
    # Making a directory costs a round trip, so good looks share one.
    assert len(set(looks.used)) == 2
    assert set(looks.removed) == set(looks.used)
    result = Looks(trouble, trouble).run()
    assert (result["verdict"], result["failed"]) == ("error", True)
    assert result["last_errors"]["a"]["kind"] == "lost"


def test_what_the_first_look_cannot_do(tmp_path):
    """It fails the task, and leaves no file from which time would count; once a look could ask, it is a failed look."""
    state = tmp_path / "gate.state"
    assert "verdict" not in Looks(REFUSED, state=str(state)).run()
    assert not state.exists()
    killed(state, LITTLE)
    assert "ca_path" in Looks(REFUSED, state=str(state)).run()["msg"]
    assert restarting.looks_kept(state) == 1
    result = Looks(AnsibleError("lost"), REFUSED).run()
    assert result["verdict"] == "error"
    assert "ca_path" in result["msg"]


def test_a_host_that_is_gone_at_the_end(monkeypatch):
    """What cannot be removed is told, as it may hold the token; the verdict stays."""
    told = []
    monkeypatch.setattr(campaign_gate.display, "warning", told.append)
    looks = Looks(AnsibleError("lost"), PASS)
    looks.action._connection._shell.tmpdir = "/tmp/ansible-tmp-gone"
    assert looks.run()["verdict"] == "pass"
    assert looks.removed == ["/tmp/ansible-tmp-1"]
    (warning,) = told
    assert "remove /tmp/ansible-tmp-gone on the host" in warning


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("content", [None, "half"])
def test_check_mode(tmp_path, check, content):
    """It looks once, never fails, and says so; and it neither reads nor changes the file of the state."""
    state = tmp_path / "gate.state"
    if content:
        state.write_text(content)
    result = Looks(PASS, min_delivery_ratio=1, state=str(state)).run(check)
    assert (result["verdict"], result["failed"], result["looks"]) == ("fail", not check, 1)
    assert result["msg"].endswith("(check mode looks once and never stops the play)") is check
    assert state.exists() is bool(check and content)
    assert not state.exists() or state.read_text() == content


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.9, "fail")])
def test_the_right_verdict_whatever_fails(rate, verdict):
    """After thirty looks the verdict is that of the counters, and nothing is left that a look opened."""
    messages = 20 * STEP
    with service(seed=6, messages=messages, rate=rate) as url:
        result, samples = look_at(url, messages, every=8)
    assert (result["verdict"], result["failed"]) == (verdict, verdict != "pass")
    assert result["stats"]["wave-1"]["messages"] == messages
    assert result["looks"] >= 25
    assert result["errors"] >= 5
    assert len({(sample.threads, sample.descriptors) for sample in samples}) == 1


class Killed(BaseException):
    """What no part of the gate catches."""


def killed(state, *found, **args):
    """A gate that is killed after these looks."""
    with pytest.raises(Killed):
        Looks(*found, Killed(), state=str(state), **args).run()


@pytest.mark.slow
def test_killed(tmp_path):
    """The verdict is that of a run that nobody disturbs, and nothing is left."""
    campaign, seed = restarting.Campaign(0.97), time.time_ns()
    with restarting.serving(campaign) as url:
        result = restarting.kill_again_and_again(url, campaign, tmp_path / "gate.state", 2, seed)
    assert result["verdict"] == "pass", seed
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on(tmp_path, capsys):
    """Looks and errors are counted on, no secret is in the file, and it says so."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE, BUSY, api_token=TOKEN, max_consecutive_errors=5)
    assert restarting.looks_kept(state) == 2
    assert TOKEN not in state.read_text(encoding="utf-8")
    result = Looks(PASS, state=str(state), api_token=TOKEN).run()
    assert (result["verdict"], result["looks"], result["errors"]) == ("pass", 3, 1)
    assert f"going on from {state}, after 2 looks" in capsys.readouterr().err
    assert not state.exists()


def test_its_time_goes_on(tmp_path, monkeypatch):
    """A run that starts again when time is up looks once."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE, wait_timeout=50)
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    result = Looks(LITTLE, state=str(state), wait_timeout=50).run()
    assert (result["verdict"], result["looks"]) == ("inconclusive", 2)
    assert result["waited"] == pytest.approx(60, abs=5)


def test_another_gate(tmp_path):
    """It fails at once, and nothing is asked and nothing lost."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE)
    before = state.read_bytes()
    since = {"a": {"messages": 1, "deliveries": 1}}
    others = {
        "tags": ["b"],
        "min_messages": 5,
        "judge_by": "outcomes",
        "since": since,
        "api_url": "http://localhost/v1",
    }
    for name, value in others.items():
        said = Looks(state=str(state), **{name: value}).run()["msg"]
        assert f"state: {state} is of another gate: {name} differ" in said
    assert state.read_bytes() == before


def test_damaged(tmp_path, capsys):
    """It starts from the beginning, and warns; a whole file that somebody made is damaged, too."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE)
    file = StateFile(str(state), json.loads(state.read_text().splitlines()[1])["of"])
    for damage in (lambda: state.write_text("half"), lambda: file.save({"trackers": {"a": {}}}, 5.0)):
        damage()
        assert Looks(PASS, state=str(state)).run()["looks"] == 1
        assert f"warning: state: {state} is damaged" in capsys.readouterr().err


def test_a_directory_that_goes_away(tmp_path, capsys):
    """A state that cannot be kept costs no verdict."""
    place = tmp_path / "place"
    place.mkdir()
    looks = Looks(LITTLE, PASS, state=str(place / "gate.state"))
    find = looks.action._execute_module
    looks.action._execute_module = lambda **more: shutil.rmtree(place, ignore_errors=True) or find(**more)
    assert looks.run()["verdict"] == "pass"
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


def test_paths(tmp_path):
    """What is no path is refused. A path is relative to the playbook, as with other actions that write files."""
    for state in (5, " ", ["a"]):
        assert Looks(state=state).run()["msg"].startswith("state: ")
    looks = Looks(PASS, state="no/such/gate.state")
    looks.action._loader.set_basedir(str(tmp_path))
    assert f"state: {tmp_path}/no/such/gate.state cannot be written" in looks.run()["msg"]
