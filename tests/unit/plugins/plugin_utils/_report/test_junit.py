# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the JUnit report, by a schema and by the parser that CI tools use."""

from __future__ import annotations

import pathlib

import junitparser
import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

SCHEMA = etree.XMLSchema(file=str(pathlib.Path(__file__).parents[3] / "fixtures" / "junit.xsd"))


TOTALS = {"name", "time", "tests", "failures", "errors"}
OUTCOME = ({"type", "message"}, set())
# What junit-10.xsd of Jenkins' xUnit plugin 3.1 allows, as far as it could be in a report: attributes and children.
XUNIT = {
    "testsuites": (TOTALS, {"testsuite"}),
    "testsuite": (
        {*TOTALS, "group", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "skipped": OUTCOME,
    "error": OUTCOME,
    "failure": OUTCOME,
    "system-out": (set(), set()),
}


def parsed(text):
    """The suites, once the schemas have accepted the document, and GitLab has a text to show."""
    root = etree.fromstring(text.encode("utf-8"))
    SCHEMA.assertValid(root)
    for element in root.iter():
        attributes, children = XUNIT[element.tag]
        assert set(element.keys()) <= attributes
        assert {child.tag for child in element} <= children
        assert element.tag not in ("failure", "error") or element.text or not element.get("message")
    return junitparser.JUnitXml.fromstring(text.encode("utf-8"))


def outcome(case):
    """The kind and the type of what happened; nothing where the case passed."""
    return [(type(result).__name__, result.type) for result in case.result]


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("pass", {"wave-1": []}),
        ("instant", {"quick": []}),
        ("fail", {"wave-2": [("Failure", "fail")], "welcome": [("Failure", "inconclusive")]}),
        ("inconclusive", {"wave-3": [("Failure", "inconclusive")]}),
        ("error", {"wave-4": [("Error", "error")]}),
    ],
)
def test_outcomes(report, name, outcomes):
    """Each tag is a test case; failures are told apart by their type, errors are errors."""
    (suite,) = parsed(report(name, "junit"))
    assert {case.name: outcome(case) for case in suite} == outcomes


def test_every_gate(report, gate_name):
    """All results are valid, and their totals are those of the cases."""
    suites = parsed(report(gate_name, "junit"))
    totals = [(each.tests, each.failures, each.errors, each.time) for each in (suites, *suites)]
    assert totals[0] == totals[1]
    (suite,) = suites
    said = (*totals[1][:3], suite.skipped)
    suite.update_statistics()
    assert said == (suite.tests, suite.failures, suite.errors, suite.skipped)


def test_figures(report):
    """A suite has the gate's figures, a case those of its tag, its reason as message, the time of the wait."""
    (suite,) = parsed(report("fail", "junit"))
    assert (suite.time, suite.timestamp) == (903.1, "2026-03-02T09:00:00")
    properties = {item.name: item.value for item in suite.properties()}
    assert properties["verdict"] == "fail"
    assert properties["looks"] == "16"
    assert properties["policy.min_delivery_ratio"] == "95%"
    failed = next(iter(suite))
    assert failed.system_out.splitlines()[-8:] == [
        "verdict: fail",
        "decided_by: evidence",
        "messages: 1000",
        "messages_due: 400",
        "delivered_at_least: 280",
        "delivered_at_most: 280",
        "delivery_ratio: 0.28",
        "required_delivery_ratio: 0.95",
    ]
    assert failed.time == 903.1
    assert failed.result[0].message.startswith("wave-2: at most 212 of the 400 messages")
    assert failed.result[0].text == failed.result[0].message


def test_an_undecided_tag_is_skipped(gate):
    """A tag without a verdict is neither passed nor failed."""
    result = gate("fail")
    result["tags"]["welcome"]["verdict"] = None
    (suite,) = parsed(gate_report(result, "junit"))
    assert [outcome(case) for case in suite] == [[("Failure", "fail")], [("Skipped", None)]]


@pytest.mark.parametrize(("verdict", "kind"), [("error", "Error"), ("fail", "Failure"), ("inconclusive", "Failure")])
def test_the_gate_itself(gate, verdict, kind):
    """Where no tag has the gate's verdict, a case of its own has it, so that the file is never all green."""
    result = gate("pass", verdict=verdict, msg=f"{verdict}: the token was refused")
    (suite,) = parsed(gate_report(result, "junit"))
    cases = {case.name: outcome(case) for case in suite}
    assert cases == {"wave-1": [], "gate": [(kind, verdict)]}


def test_no_tags_no_history(gate):
    """A result without tags and looks has the case of the gate alone, and no moment."""
    result = gate("error", tags={}, history=[])
    (suite,) = parsed(gate_report(result, "junit"))
    assert [(case.name, outcome(case)) for case in suite] == [("gate", [("Error", "error")])]
    assert suite.timestamp is None


@given(text=st.text(st.characters(codec=None), max_size=20))
def test_any_tag(text):
    """Whatever a tag is made of, the document is valid and holds its text, less what XML cannot hold."""
    result = {
        "verdict": "fail",
        "msg": text,
        "looks": 1,
        "waited": 0,
        "errors": 0,
        "history_dropped": 0,
        "reasons": [text],
        "tags": {text: {"verdict": "fail", "reasons": [text]}},
    }
    (case,) = next(iter(parsed(gate_report(result, "junit"))))
    assert case.name == (plain(text) or "?")
    assert case.result[0].message == plain(text)
