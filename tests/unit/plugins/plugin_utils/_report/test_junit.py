"""Tests of the JUnit report, by the schemas and the parser that CI tools use."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import read_junit
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare
from hypothesis import given, settings
from hypothesis import strategies as st

FIGURES = """verdict: fail
decided_by: evidence
messages: 1000
messages_due: 400
delivered_at_least: 280
delivered_at_most: 280
delivery_ratio: 0.28
required_delivery_ratio: 0.95"""


def outcomes(suite):
    """By case, the kind and the type of what happened; nothing where it passed."""
    return {case.name: [(type(result).__name__, result.type) for result in case.result] for case in suite}


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("pass", {}, {"wave-1": []}),
        ("instant", {}, {"quick": []}),
        ("fail", {}, {"wave-2": [("Failure", "fail")], "welcome": [("Failure", "inconclusive")]}),
        ("inconclusive", {}, {"wave-3": [("Failure", "inconclusive")]}),
        ("error", {}, {"wave-4": [("Error", "error")]}),
        # Where no tag has the gate's verdict, a case of its own has it, so that the file is never all green.
        ("pass", {"verdict": "error"}, {"wave-1": [], "gate": [("Error", "error")]}),
        ("pass", {"verdict": "fail"}, {"wave-1": [], "gate": [("Failure", "fail")]}),
        ("pass", {"verdict": "inconclusive"}, {"wave-1": [], "gate": [("Failure", "inconclusive")]}),
        ("error", {"tags": {}, "history": []}, {"gate": [("Error", "error")]}),
    ],
)
def test_outcomes(gate, name, changes, expected):
    """Each tag is a test case; failures are told apart by their type, errors are errors."""
    assert outcomes(read_junit(gate_report(gate(name, **changes), "junit"))) == expected


def test_every_gate(report, gate_name):
    """All results are valid, and their totals are those of the cases."""
    suite = read_junit(report(gate_name, "junit"))
    said = (suite.tests, suite.failures, suite.errors, suite.skipped)
    suite.update_statistics()
    assert said == (suite.tests, suite.failures, suite.errors, suite.skipped)


def test_figures(report):
    """A suite has the gate's figures, a case those of its tag, its reason as message, the time of the wait."""
    suite = read_junit(report("fail", "junit"))
    assert (suite.time, suite.timestamp) == (903.1, "2026-03-02T09:00:00")
    properties = {item.name: item.value for item in suite.properties()}
    figures = [properties[name] for name in ("verdict", "looks", "policy.min_delivery_ratio")]
    assert figures == ["fail", "16", "95%"]
    failed = next(iter(suite))
    assert failed.system_out.endswith(FIGURES)
    assert failed.time == 903.1
    assert failed.result[0].message.startswith("wave-2: at most 212 of the 400 messages")
    assert failed.result[0].text == failed.result[0].message


def test_an_undecided_tag_is_skipped(gate):
    """A tag without a verdict is neither passed nor failed."""
    result = gate("fail")
    result["tags"]["welcome"]["verdict"] = None
    suite = read_junit(gate_report(result, "junit"))
    assert outcomes(suite) == {"wave-2": [("Failure", "fail")], "welcome": [("Skipped", None)]}


def test_no_history(gate):
    """A gate that never looked has no moment."""
    assert read_junit(gate_report(gate("error", history=[]), "junit")).timestamp is None


@settings(max_examples=50)
@given(text=st.text(st.characters(codec=None), max_size=20))
def test_any_tag(text):
    """Whatever a tag is made of, the document is valid and holds its text, less what XML cannot hold."""
    (case,) = read_junit(gate_report(bare(text, "fail"), "junit"))
    assert case.name == (plain(text) or "?")
    assert case.result[0].message == plain(text)
