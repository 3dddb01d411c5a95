# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the page: what is on it, and that nothing on it is active or comes from elsewhere."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

# What makes a browser load, run, send or leave.
ACTIVE_ELEMENTS = {
    "script", "img", "image", "iframe", "object", "embed", "link", "base", "form", "a", "use", "animate", "set",
    "foreignobject", "video", "audio", "source", "input", "button",
}  # fmt: skip
ACTIVE_ATTRIBUTES = {"src", "href", "xlink:href", "action", "srcset", "background", "poster", "data"}


def parsed(text):
    """The page as a browser reads it."""
    return html.document_fromstring(text)


def shown(element):
    """What a reader sees of an element, on one line."""
    return " ".join(element.text_content().split())


def assert_harmless(page):
    """Nothing runs, nothing is loaded, nothing leads away."""
    for element in page.iter():
        if isinstance(element.tag, str):
            assert element.tag.lower() not in ACTIVE_ELEMENTS
            assert not {name for name in element.attrib if name in ACTIVE_ATTRIBUTES or name.startswith("on")}
    for style in page.iter("style"):
        assert "url(" not in style.text
        assert "@import" not in style.text


def test_every_gate(report, gate_name):
    """All results give a harmless page that says its language and verdict, for every width and for the dark."""
    text = report(gate_name, "html")
    page = parsed(text)
    assert_harmless(page)
    assert text.startswith("<!DOCTYPE html>\n")
    assert page.get("lang") == "en"
    assert page.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"]
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert len(page.xpath("//svg[@role='img']/title")) == 2
    assert len(page.xpath("//svg[@role='img']/desc")) == 2
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {name for each in page.xpath("//@aria-labelledby") for name in each.split()} <= set(ids)


def test_what_is_on_it(report):
    """The verdict, the sentence, the table, the reasons, the notes, the errors and the policy are there."""
    page = parsed(report("fail", "html"))
    assert shown(page.find(".//h1")) == "Campaign gate ✘ fail"
    assert shown(page.find_class("msg")[0]).startswith("wave-2: at most 212 of the 400 messages")
    rows = [[shown(cell) for cell in row] for row in page.find_class("tags")[0].iter("tr")]
    assert rows[1:] == [
        ["wave-2", "✘ fail", "1000", "280", "28%", "95%", "evidence"],
        ["welcome", "? inconclusive", "240", "231–240", "96.25% – 100%", "95%", "–"],
    ]
    # On a phone each cell says its heading itself.
    for row in page.find_class("tags")[0].xpath("./tbody/tr"):
        assert [cell.get("data-label") for cell in row[1:]] == rows[0][1:]
    assert [shown(heading) for heading in page.iter("h2")] == ["Tags", "Why", "Notes", "The last failed look"]
    (details,) = page.iter("details")
    assert shown(details.find("summary")) == "Policy"
    assert details.get("open") is None
    policy = dict([shown(cell) for cell in row] for row in page.find_class("policy")[0].iter("tr"))
    assert policy["sending_gap"] == "1 min"
    assert "a dotted line is what is delivered at least" in shown(page.find(".//figcaption"))


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("pass", [["delivered", "96.2%"], ["required", "95%"], ["messages", "1000"]]),
        ("error", [["delivered", "–"], ["required", "95%"], ["messages", "–"]]),
        ("fail", [["✘ fail", "1"], ["? inconclusive", "1"]]),
        (
            "outcomes-fail",
            [["delivered", "77%"], ["required", "95%"], ["messages", "600"], ["failed", "96"], ["under way", "42"]],
        ),
    ],
)
def test_facts(report, name, facts):
    """The figures of the only tag are large, or the number of tags by verdict, the worst first."""
    page = parsed(report(name, "html"))
    assert [[shown(part) for part in fact] for fact in page.find_class("facts")[0]] == facts


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("error", {}, "No message was seen at any look, so there is nothing to draw."),
        ("inconclusive", {}, "The share of messages delivered at the only look."),
        ("outcomes-fail", {}, "What became of the messages, at each look, and by when they were taken in."),
        ("outcomes-one-look", {}, "What became of the messages, by when they were taken in."),
        (
            "outcomes-five-tags",
            {},
            "What became of the messages, of 4 of 5 tags, at each look, and by when they were taken in.",
        ),
        ("ten-tags", {}, "The share of messages delivered at each look. 1 look in between was not kept."),
        ("pass", {}, "The share of messages delivered at each look. 15 looks in between were not kept."),
        (
            "instant",
            {"tags": {}, "verdict": "error"},
            "No message was seen at any look, so there is nothing to draw.",
        ),
    ],
)
def test_caption(gate, name, changes, said):
    """The caption says what the picture leaves out."""
    assert shown(parsed(gate_report(gate(name, **changes), "html")).find(".//figcaption")) == said


def test_no_address(report):
    """The page names no address but the namespace of its pictures."""
    assert set(re.findall(r"\w+://[^\s\"'<]+", report("ten-tags", "html"))) == {"http://www.w3.org/2000/svg"}


@settings(max_examples=25)
@given(text=st.text(st.characters(codec=None), max_size=20))
def test_any_tag(text):
    """Whatever a tag is made of, the page is harmless and shows it."""
    result = {
        "verdict": "error",
        "msg": text,
        "looks": 1,
        "waited": 0,
        "errors": 0,
        "history_dropped": 0,
        "reasons": [f"see {text}"],
        "tags": {text: {"verdict": "error"}},
        "policy": {"baseline_tag": text},
    }
    page = parsed(gate_report(result, "html"))
    assert_harmless(page)
    expected = " ".join(plain(text).split())
    assert shown(page.find_class("msg")[0]) == expected
    assert shown(page.find_class("tags")[0].find("tbody/tr/th")) == expected
    assert shown(page.find_class("policy")[0].find(".//td")) == expected
