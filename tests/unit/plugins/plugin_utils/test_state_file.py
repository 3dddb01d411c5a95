"""The file of a gate's state: what is used, what is refused, and what is a start from the beginning."""

import json
import os
import stat
import subprocess
from unittest import mock

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import FORMAT, Clock, OtherFile, StateFile

OF = {"tags": ["a", "b"], "judge_by": "counters", "since": None, "min_messages": 100, "min_delivery_ratio": 0.95}
STATE = {"trackers": {"a": {"figures": [1, 0.25, None], "note": "ü \u2028"}}}


def clock(monotonic=1000.0, wall=5e9, boot="one"):
    """What the clocks show."""
    return Clock(lambda: monotonic, lambda: wall, boot)


def loaded(path, now=None, **of):
    """What is kept, and the warnings."""
    warnings = []
    return StateFile(str(path), {**OF, **of}, now or clock()).load(warnings.append), warnings


def save(path, state=STATE, now=None):
    """Save a state, 40 seconds after the start."""
    StateFile(str(path), OF, now or clock()).save(state, 40.0)


@pytest.fixture
def path(tmp_path):
    """A file that has a state."""
    save(tmp_path / "gate.state")
    return tmp_path / "gate.state"


@pytest.mark.parametrize("state", [STATE, {}, {"watches": {}}, {"watches": {"ä\"'\n": {"b": [1.5, {"c": True}]}}}])
def test_there_and_back(path, state):
    """What was saved comes back, however deep it is, for the owner alone, and with no other file beside it."""
    save(path, state)
    kept, warnings = loaded(path)
    assert (kept.state, kept.seen, kept.unseen, warnings) == (state, 40.0, 0.0, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("boot", "later", "seen", "unseen"),
    [
        pytest.param("one", clock(1600, 4e9), 640, 0, id="the same boot, and the calendar was set back"),
        pytest.param("one", clock(5000, 5e9 + 600, "two"), 40, 600, id="another boot, or another machine"),
        pytest.param("one", clock(20, 4e9, "two"), 40, 0, id="another boot, and the calendar is behind"),
        pytest.param(None, clock(1600, 5e9 + 600, None), 40, 600, id="two boots that are not known are not the same"),
        pytest.param("one", clock(20, 5e9 + 600), 40, 600, id="a clock that went backward"),
    ],
)
def test_time_away(path, boot, later, seen, unseen):
    """Only where the same boot goes on is it certain; else it is what the calendar says, and never below 0."""
    save(path, now=clock(boot=boot))
    kept, _warnings = loaded(path, later)
    assert (kept.seen, kept.unseen) == (seen, unseen)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({"tags": ["a", "c"]}, "is of another gate: tags differ; remove it, or name another"),
        ({"min_delivery_ratio": 0.97, "min_messages": 200}, "min_messages, min_delivery_ratio differ;"),
        ({"window": 3600}, "window differs;"),
        (None, r"is of a newer release of mailops.smtpeter \(format 2, and this one knows 1\)"),
    ],
)
def test_another_gate(path, of, said):
    """It is refused by name, and so is a newer format, whatever else there is; the file stays."""
    if of is None:
        path.write_text(json.dumps({"format": FORMAT + 1, "new": []}) + "\nsomething else\n")
    before = path.read_bytes()
    with pytest.raises(OtherFile, match=f"^state: {path}.*{said}"):
        loaded(path, **(of or {}))
    assert path.read_bytes() == before


def test_damaged(path):
    """Any byte that is missing or another makes it a start from the beginning, with a warning."""
    whole = path.read_bytes()
    texts = [whole[:length] for length in range(0, len(whole) - 1, 3)] + [whole[:-2]]
    # One letter of a name that matters, and one of a figure.
    texts += [whole.replace(b"tags", b"tabs"), whole.replace(b"0.25", b"0.26"), b"\xff" * 80, b"[" * 10**5, b"[]\n{}\n"]
    for text in texts:
        path.write_bytes(text)
        kept, warnings = loaded(path)
        assert kept is None, text
        assert warnings == [f"state: {path} is damaged, so what it kept is lost and the gate starts from the beginning"]


def test_what_cannot_be_used(tmp_path):
    """A directory or a pipe is refused, and not waited for; what cannot be written is told with what helps."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OtherFile, match=r"^state: .* cannot be read"):
            loaded(path)
    with pytest.raises(OtherFile, match=r"cannot be written \(No such file or directory\); name a file in a directory"):
        save(tmp_path / "no" / "x")
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(tmp_path / "x", {"a": float("nan")})


def test_a_link(path, tmp_path):
    """The file that it points to is the one that is kept and removed, also where it is gone already."""
    link = tmp_path / "link"
    link.symlink_to(path)
    assert loaded(link)[0].state == STATE
    save(link, {})
    assert link.is_symlink()
    for _time in range(2):
        StateFile(str(link), OF).remove()
        assert os.listdir(tmp_path) == ["link"]
    assert loaded(link) == (None, [])


def test_leftovers(path):
    """Temporary files of processes that were killed are removed; those of running ones and all others stay."""
    with subprocess.Popen(["true"]) as process:
        pass
    *others, leftover = (f".{path.name}.{middle}tmp" for middle in (f"{os.getppid()}.", "", f"{process.pid}."))
    for name in (*others, leftover):
        (path.parent / name).touch()
    loaded(path)
    assert {*os.listdir(path.parent)} == {path.name, *others}


def test_other_threads_are_not_kept_waiting(path):
    """Each of an event source's many tags is encoded on its own, since nothing else runs while one call encodes."""
    watches = {f"tag-{number}": {"gate": ["x" * 1000]} for number in range(100)}
    with mock.patch.object(json, "dumps", wraps=json.dumps) as dumps:
        save(path, {"watches": watches})
    assert max(len(str(call.args[0])) for call in dumps.call_args_list) < 2000
    assert loaded(path)[0].state == {"watches": watches}
