"""The files in which the playbooks leave their reports."""

import json
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report_files import write_reports
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare

FILES = ["gate.md", "gate.junit.xml", "gate.json", "stats.json", "gate.svg", "gate.html"]
RESULT = {**bare("wave-1", "pass"), "stats": {"wave-1": {"messages": 100}}}


def test_files_are_written_and_removed(tmp_path):
    """In a directory that is made; other files in it stay."""
    reports = tmp_path / "out" / "reports"
    assert write_reports(str(reports), FILES, RESULT) == []
    assert sorted(path.name for path in reports.iterdir()) == sorted(FILES)
    assert json.loads((reports / "gate.json").read_text(encoding="utf-8")) == RESULT
    assert json.loads((reports / "stats.json").read_text(encoding="utf-8")) == RESULT["stats"]
    (reports / "notes.txt").touch()
    write_reports(str(reports), FILES, None)
    assert [path.name for path in reports.iterdir()] == ["notes.txt"]


def test_what_was_there(tmp_path, monkeypatch):
    """Without pygal there are no pictures, not even old ones; a link, perhaps to another gate's file, is replaced."""
    (tmp_path / "gate.svg").touch()
    (tmp_path / "kept.json").touch()
    (tmp_path / "gate.json").symlink_to("kept.json")
    monkeypatch.setitem(sys.modules, "pygal", None)
    assert write_reports(str(tmp_path), FILES, RESULT) == ["gate.svg", "gate.html"]
    assert {path.name for path in tmp_path.iterdir()} == {"kept.json", *FILES} - {"gate.svg", "gate.html"}
    assert (tmp_path / "kept.json").read_bytes() == b""
    with pytest.raises(LibraryMissing, match=f"pygal.*{sys.executable}.* pip install pygal"):
        gate_report(RESULT, "html")


def test_a_directory_that_cannot_be_used(tmp_path):
    """The variable, the file and the remedy are named."""
    (tmp_path / "gate.json").mkdir()
    with pytest.raises(OptionError, match=r"smtpeter_reports: \S+/gate.json cannot be written \(.*\); name a dir"):
        write_reports(str(tmp_path), FILES, RESULT)
