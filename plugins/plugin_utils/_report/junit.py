# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JUnit report, one test case for each tag, as CI servers show it. Private: names and behaviour may change.

The verdicts `fail` and `inconclusive` are failures, told apart by their type; `error` is an error, and a tag that was
not decided when another ended the gate is skipped.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timezone
from typing import Sequence

from . import _text
from ._model import GateResult
from ._tag import TagResult

_SUITE = "mailops.smtpeter.campaign_gate"
_UNDECIDED = "not decided, since another tag ended the gate before"
_LONGEST_MESSAGE = 300
_MOST_PARTS = 10
_ELEMENTS = {"fail": "failure", "inconclusive": "failure", "error": "error", None: "skipped"}


def render(gate: GateResult) -> str:
    """Return the report as an XML document, in UTF-8 once it is written."""
    suites = ET.Element("testsuites", {"name": _SUITE})
    suite = ET.SubElement(suites, "testsuite", {"name": _SUITE})
    _properties(suite, [*_gate_figures(gate), *((f"policy.{name}", value) for name, value in gate.policy)])
    for tag in gate.tags:
        _case(suite, gate, tag)
    if gate.verdict != "pass" and not any(tag.verdict == gate.verdict for tag in gate.tags):
        # Where no tag caused the verdict, the file must not look like success.
        _result(_test_case(suite, "gate", gate.waited), gate.verdict, gate.msg, gate.reasons)
    _totals(suites, gate)
    _totals(suite, gate)
    suite.set("skipped", str(len(list(suite.iter("skipped")))))
    if gate.history:
        # The format has no time zone, so this is UTC.
        suite.set("timestamp", gate.history[0].moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"))
    ET.indent(suites)
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(suites, encoding="unicode") + "\n"


def _case(suite: ET.Element, gate: GateResult, tag: TagResult) -> None:
    case = _test_case(suite, tag.tag, gate.waited)
    causes = _causes(tag)
    _result(case, tag.verdict, tag.reasons[0] if tag.reasons else _UNDECIDED, [*tag.reasons, *causes])
    # The schema of Jenkins' xUnit plugin has no properties here.
    has_text = tag.verdict not in ("pass", None)
    lines = [*([] if has_text else [*tag.reasons, *causes]), *(f"note: {note}" for note in tag.notes)]
    lines += [f"{name}: {value}" for name, value in _tag_figures(tag)]
    ET.SubElement(case, "system-out").text = "\n".join(lines)


def _causes(tag: TagResult) -> list[str]:
    """Return why mail failed, and what became of it by domain."""
    if tag.outcome is None:
        return []
    parts = (tag.outcome.causes[:_MOST_PARTS], [each for each in tag.outcome.domains if each.failed][:_MOST_PARTS])
    return [part.sentence for of_kind in parts for part in of_kind]


def _result(case: ET.Element, verdict: str | None, message: str, lines: Sequence[str]) -> None:
    if verdict == "pass":
        return
    element = ET.SubElement(case, _ELEMENTS[verdict], {"message": _text.shorten(message, _LONGEST_MESSAGE)})
    if verdict:
        element.set("type", verdict)
        # GitLab shows only this.
        element.text = "\n".join(_text.shorten(reason, _text.LONGEST_SENTENCE) for reason in lines or (message,))


def _test_case(suite: ET.Element, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", {"classname": _SUITE, "name": name or "?", "time": f"{seconds:.3f}"})


def _properties(parent: ET.Element, figures: list[tuple[str, str]]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in figures:
        ET.SubElement(properties, "property", {"name": name, "value": value})


def _gate_figures(gate: GateResult) -> list[tuple[str, str]]:
    return [
        ("verdict", gate.verdict),
        ("msg", _text.shorten(gate.msg, _text.LONGEST_SENTENCE)),
        ("looks", str(gate.looks)),
        ("errors", str(gate.errors)),
        ("waited", f"{gate.waited:.3f}"),
    ]


def _tag_figures(tag: TagResult) -> list[tuple[str, str]]:
    figures: list[tuple[str, object]] = [
        ("verdict", tag.verdict),
        ("decided_by", tag.decided_by),
        ("messages", tag.messages),
        ("messages_due", tag.messages_due),
        ("delivered_at_least", tag.at_least),
        ("delivered_at_most", tag.at_most),
        ("failed", tag.outcome.failed if tag.outcome else None),
        ("under_way", tag.outcome.under_way if tag.outcome else None),
        ("delivery_ratio", tag.ratio),
        ("required_delivery_ratio", tag.required),
    ]
    return [(name, _text.plain(value)) for name, value in figures if value is not None]


def _totals(parent: ET.Element, gate: GateResult) -> None:
    parent.set("tests", str(len(list(parent.iter("testcase")))))
    for attribute, element in (("failures", "failure"), ("errors", "error")):
        parent.set(attribute, str(len(list(parent.iter(element)))))
    parent.set("time", f"{gate.waited:.3f}")
