"""The gate's option `state`: a gate that is killed goes on from its file, and the file goes with the verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import StateFile
from ansible_collections.mailops.smtpeter.tests.unit.plugins.action.test_campaign_gate import (
    PASS,
    REFUSED,
    TOKEN,
    Looks,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.restarting import (
    Campaign,
    kill_again_and_again,
    looks_kept,
    serving,
)

LITTLE = {"stats": {"a": {"messages": 10, "deliveries": 10, "opens": 0, "clicks": 0}}, "errors": {}}
BUSY = {"stats": {}, "errors": {"a": {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}}}


class Killed(BaseException):
    """What no part of the gate catches."""


@pytest.mark.slow
def test_killed(tmp_path: Path) -> None:
    """The verdict is that of a run that nobody disturbs, and nothing is left."""
    campaign, state, seed = Campaign(0.97), tmp_path / "gate.state", time.time_ns()
    with serving(campaign) as url:
        result = kill_again_and_again(url, campaign, state, 2, seed)
    assert result["verdict"] == "pass", seed
    assert list(tmp_path.iterdir()) == []


def killed(state: Path, *found: Any, **args: Any) -> None:
    """A gate that is killed after these looks."""
    with pytest.raises(Killed):
        Looks(*found, Killed(), state=str(state), **args).run()


def test_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looks and errors are counted on, no secret is in the file, and it says so."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE, BUSY, api_token=TOKEN, max_consecutive_errors=5)
    assert looks_kept(state) == 2
    assert TOKEN not in state.read_text(encoding="utf-8")
    result = Looks(PASS, state=str(state), api_token=TOKEN).run()
    assert (result["verdict"], result["looks"], result["errors"]) == ("pass", 3, 1)
    assert f"going on from {state}, after 2 looks" in capsys.readouterr().err
    assert not state.exists()


def test_its_time_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that starts again when time is up looks once."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE, wait_timeout=50)
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    result = Looks(LITTLE, state=str(state), wait_timeout=50).run()
    assert (result["verdict"], result["looks"]) == ("inconclusive", 2)
    assert result["waited"] == pytest.approx(60, abs=5)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"tags": ["b"]}, "tags differ"),
        ({"min_messages": 5}, "min_messages differ"),
        ({"judge_by": "outcomes"}, "judge_by differs"),
        ({"since": {"a": {"messages": 1, "deliveries": 1}}}, "since differs"),
        ({"api_url": "http://localhost:8025/v1"}, "api_url differs"),
    ],
)
def test_another_gate(tmp_path: Path, args: dict[str, Any], said: str) -> None:
    """It fails at once, and nothing is asked and nothing lost."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE)
    before = state.read_bytes()
    result = Looks(state=str(state), **args).run()
    assert said in result["msg"]
    assert str(state) in result["msg"]
    assert state.read_bytes() == before


@pytest.mark.parametrize("is_whole", [False, True])
def test_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str], is_whole: bool) -> None:
    """It starts from the beginning, and warns; a whole file that somebody made is damaged, too."""
    state = tmp_path / "gate.state"
    killed(state, LITTLE)
    if is_whole:
        StateFile(str(state), json.loads(state.read_text().splitlines()[1])["of"]).save({"trackers": {"a": {}}}, 5.0)
    else:
        state.write_text("half")
    assert Looks(PASS, state=str(state)).run()["looks"] == 1
    assert f"warning: state: {state} is damaged" in capsys.readouterr().err


def test_check_mode(tmp_path: Path) -> None:
    """It neither reads nor changes the file."""
    state = tmp_path / "gate.state"
    for content in (None, "half"):
        if content is not None:
            state.write_text(content)
        looks = Looks(PASS, state=str(state))
        looks.action._task.check_mode = True
        assert looks.run()["looks"] == 1
        assert (state.read_text() if state.exists() else None) == content


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    """A first look that cannot even ask leaves no file, so that time does not count from there."""
    state = tmp_path / "gate.state"
    assert "ca_path" in Looks(REFUSED, state=str(state)).run()["msg"]
    assert not state.exists()
    killed(state, LITTLE)
    assert "ca_path" in Looks(REFUSED, state=str(state)).run()["msg"]
    assert looks_kept(state) == 1


def test_a_directory_that_goes_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A state that cannot be kept costs no verdict."""
    place = tmp_path / "place"
    place.mkdir()
    looks = Looks(LITTLE, PASS, state=str(place / "gate.state"))
    found = looks.action._execute_module

    def look(**more: Any) -> Any:
        for path in place.glob("*"):
            path.unlink()
        if place.exists():
            place.rmdir()
        return found(**more)

    looks.action._execute_module = look
    assert looks.run()["verdict"] == "pass"
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize("state", [5, " ", ["a"]])
def test_no_path(state: Any) -> None:
    """What is no path is refused."""
    assert Looks(state=state).run()["msg"].startswith("state: ")


def test_a_relative_path(tmp_path: Path) -> None:
    """It is relative to the playbook, as with other actions that write files of the controller."""
    looks = Looks(PASS, state="no/such/gate.state")
    looks.action._loader.set_basedir(str(tmp_path))
    assert f"state: {tmp_path}/no/such/gate.state cannot be written" in looks.run()["msg"]
