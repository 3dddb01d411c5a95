"""The action that writes the playbooks' reports."""

from __future__ import annotations

import pathlib
import sys
import types
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task
from ansible_collections.mailops.smtpeter.plugins.action import _report_files
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare

FILES = ["gate.md", "gate.junit.xml", "gate.json", "stats.json", "gate.svg", "gate.html"]
RESULT = {**bare("wave-1", "pass"), "stats": {"wave-1": {"messages": 100}}}


def run(directory: pathlib.Path, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    """What the action returns."""
    task = Task()
    task.args, task.check_mode = {"directory": str(directory), "files": FILES, **more}, check_mode
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    context = dict.fromkeys(("play_context", "loader", "templar", "shared_loader_obj"))
    return _report_files.ActionModule(task=task, connection=connection, **context).run(task_vars={})


def test_files_are_written_and_removed(tmp_path: pathlib.Path) -> None:
    """In a directory that is made; other files in it stay, and check mode changes nothing."""
    reports = tmp_path / "out" / "reports"
    assert run(reports, check_mode=True, result=RESULT) == {"changed": False}
    assert not reports.exists()
    assert run(reports, result=RESULT) == {"changed": True}
    assert sorted(path.name for path in reports.iterdir()) == sorted(FILES)
    assert '"wave-1": {\n        "messages": 100' in (reports / "stats.json").read_text(encoding="utf-8")
    (reports / "notes.txt").write_text("", encoding="utf-8")
    run(reports)
    assert [path.name for path in reports.iterdir()] == ["notes.txt"]


def test_a_link_is_replaced(tmp_path: pathlib.Path) -> None:
    """What it leads to may be another gate's."""
    (tmp_path / "kept.json").write_text("kept", encoding="utf-8")
    (tmp_path / "gate.json").symlink_to("kept.json")
    run(tmp_path, result=RESULT)
    assert (tmp_path / "kept.json").read_text(encoding="utf-8") == "kept"


def test_without_pygal(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are left out, and a warning says so."""
    warnings: list[str] = []
    monkeypatch.setattr(_report_files.display, "warning", warnings.append)
    monkeypatch.setitem(sys.modules, "pygal", None)
    run(tmp_path, result=RESULT)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES} - {"gate.svg", "gate.html"}
    assert "gate.svg and gate.html are left out, since the Python library pygal is not installed" in warnings[0]


def test_a_directory_that_cannot_be_used(tmp_path: pathlib.Path) -> None:
    """The variable, the file and the remedy are named."""
    (tmp_path / "gate.json").mkdir()
    with pytest.raises(
        AnsibleActionFail, match=r"smtpeter_reports: \S+/gate.json cannot be written \(.*\); name a dir"
    ):
        run(tmp_path, result=RESULT)
