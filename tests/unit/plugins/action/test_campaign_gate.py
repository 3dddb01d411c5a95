"""The gate's action: what it registers, and how it ends at a service that fails three times in ten."""

from __future__ import annotations

import types
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.mailops.smtpeter.plugins.action import campaign_gate
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, action, look_at, service

TOKEN = "a token of nobody".replace(" ", "-")


def gate(**args: Any) -> Any:
    """The action of a task with these arguments, on a host without a temporary directory yet."""
    return action(types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None)), **args)


@pytest.mark.parametrize("source", ["api_token", "access_token"])
def test_the_token_is_registered(registered: list[str], source: str) -> None:
    """Under either name, Ansible is told of it before anything of the task is shown."""
    assert "white space" in gate(tags=["a b"], **{source: TOKEN}).run(task_vars={})["msg"]
    assert set(registered) == {TOKEN}


@pytest.mark.parametrize("own", [{}, {"api_url": "https://localhost/v2"}])
def test_the_environment_of_the_controller(
    monkeypatch: pytest.MonkeyPatch, registered: list[str], own: dict[str, str]
) -> None:
    """It is for the controller's own plugins: no look gets a token or an address from it."""
    monkeypatch.setenv("SMTPETER_API_TOKEN", TOKEN)
    monkeypatch.setenv("SMTPETER_API_URL", "https://production.test/v1")
    looks: list[dict[str, Any]] = []

    def execute(module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        looks.append(module_args)
        return {"failed": True, "refused": True, "msg": "api_token: it is not set"}

    task = gate(tags=["a"], **own)
    task._execute_module = execute
    assert task.run(task_vars={}) == {"changed": False, "failed": True, "msg": "api_token: it is not set"}
    assert {name: looks[0][name] for name in ("api_token", "api_url") if name in looks[0]} == own
    assert registered == []


@pytest.mark.parametrize(
    ("given", "own", "said"),
    [
        ({"wait_timeout": 0}, "wave-1", "tags: it is at the level of the task"),
        ({}, None, "missing required arguments: tags"),
        ({"tags": ["a b"]}, ["deploy"], "white space"),
        ({"tag": "a b"}, ["deploy"], "white space"),
    ],
)
def test_tags_at_the_level_of_the_task(given: dict[str, Any], own: Any, said: str) -> None:
    """They are Ansible's own keyword, which only the task itself can have by mistake."""
    task = gate(**given)
    task._task._ds = {"mailops.smtpeter.campaign_gate": given, **({"tags": own} if own else {})}
    # What a play or a role gives to all its tasks.
    task._task.tags = ["deploy"]
    assert said in task.run(task_vars={})["msg"]


@pytest.mark.parametrize(
    "args", [{}, {"tags": [8]}, {"tags": ["a"], "wait_timeout": "30m"}, {"tags": ["a"], "x": 1}], ids=str
)
def test_bad_arguments(args: dict[str, Any]) -> None:
    """They fail the task without an exception, of which ansible-core 2.16 would show a traceback of nothing."""
    result = gate(**args).run(task_vars={})
    assert set(result) == {"changed", "failed", "msg"}
    assert result["failed"] is True


class Looks:
    """An action whose looks are these, each a result or an exception, on a host with temporary directories."""

    def __init__(self, *found: Any, **args: Any) -> None:
        given = {"tags": ["a"], "wait_timeout": 600, "wait_sleep": 0.001, "max_consecutive_errors": 1, **args}
        self.action = gate(**given)
        self.action._execute_module = self._look
        self._found = list(found)
        self.shell = self.action._connection._shell
        self.used: list[str] = []
        self.removed: list[str] = []

    def _look(self, **_more: Any) -> Any:
        if self.shell.tmpdir is None:
            self.shell.tmpdir = f"/tmp/ansible-tmp-{len(self.used)}"
        self.used.append(self.shell.tmpdir)
        found = self._found.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    def run(self) -> dict[str, Any]:
        """The result of the task."""
        self.action._remove_tmp_path = self.removed.append
        result: dict[str, Any] = self.action.run(task_vars={})
        self.action.cleanup()
        return result


PASS = {
    "stats": {"a": {"messages": 1000, "deliveries": 999, "opens": 0, "clicks": 0, "fetched_at": "2026-01-02T00:00:00Z",
                    "last_at": "2026-01-01T00:00:00Z"}},
    "errors": {},
}  # fmt: skip
REFUSED = {"failed": True, "refused": True, "msg": "ca_path: /no/such/file cannot be read"}
TROUBLES = [
    AnsibleConnectionFailure("no route to host"),
    AnsibleError("failed to transfer file to /tmp/x"),
    OSError(28, "No space left on device"),
    EOFError(),
    {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "KeyError: 1", "module_stdout": "", "rc": 1},
    {"unreachable": True, "msg": "no route to host"},
    {},
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_a_lost_look(trouble: Any) -> None:
    """It is one failed look, first or later, and the next one has a directory of its own; all are removed."""
    looks = Looks(trouble, PASS)
    result = looks.run()
    assert (result["verdict"], result["errors"], result["looks"]) == ("pass", 1, 2)
    assert len(set(looks.used)) == 2
    assert set(looks.removed) == set(looks.used)
    result = Looks(trouble, trouble).run()
    assert (result["verdict"], result["failed"]) == ("error", True)
    assert result["last_errors"]["a"]["kind"] == "lost"


def test_a_good_look_keeps_the_directory() -> None:
    """Making one costs a round trip."""
    looks = Looks({**PASS, "stats": {"a": {**PASS["stats"]["a"], "messages": 9, "deliveries": 9}}}, PASS)
    assert looks.run()["verdict"] == "pass"
    assert len(set(looks.used)) == 1


def test_what_the_first_look_cannot_do() -> None:
    """It fails the task; once a look could ask, the same is a failed look."""
    assert "verdict" not in Looks(REFUSED).run()
    result = Looks(AnsibleError("lost"), REFUSED).run()
    assert result["verdict"] == "error"
    assert "ca_path" in result["msg"]


def test_a_host_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be removed is told, as it may hold the token; the verdict stays."""
    told: list[str] = []
    monkeypatch.setattr(campaign_gate.display, "warning", told.append)
    looks = Looks(AnsibleError("lost"), PASS)

    def remove(path: str) -> None:
        if path.endswith("0"):
            raise AnsibleConnectionFailure("no route to host")
        looks.removed.append(path)

    looks.action._remove_tmp_path = remove
    assert looks.action.run(task_vars={})["verdict"] == "pass"
    looks.action.cleanup()
    assert looks.removed == ["/tmp/ansible-tmp-1"]
    (warning,) = told
    assert "remove /tmp/ansible-tmp-0 on the host" in warning


@pytest.mark.parametrize("check", [False, True])
def test_check_mode(check: bool) -> None:
    """It looks once, never fails, and says so."""
    looks = Looks(PASS, min_delivery_ratio=1)
    looks.action._task.check_mode = check
    result = looks.run()
    assert (result["verdict"], result["failed"]) == ("fail", not check)
    assert result["msg"].endswith("(check mode looks once and never stops the play)") is check


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.9, "fail")])
def test_the_right_verdict_whatever_fails(rate: float, verdict: str) -> None:
    """After thirty looks the verdict is that of the counters, and nothing is left that a look opened."""
    messages = 20 * STEP
    with service(seed=6, messages=messages, rate=rate) as url:
        outcome = look_at(url, messages, every=8)
    result = outcome.result
    assert (result["verdict"], result["failed"]) == (verdict, verdict != "pass")
    assert result["stats"]["wave-1"]["messages"] == messages
    assert result["looks"] >= 25
    assert result["errors"] >= 5
    assert {sample.threads for sample in outcome.samples} == {outcome.samples[0].threads}
    assert {sample.descriptors for sample in outcome.samples} == {outcome.samples[0].descriptors}
