"""Tests of the page: what is on it, and that nothing on it is active or comes from elsewhere."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import assert_harmless, shown
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
NOTHING = "No message was seen at any look, so there is nothing to draw."
OUTCOMES = "What became of the messages"


@pytest.fixture
def page(report):
    """The page of a gate's result by name, as a browser reads it."""
    return lambda name: html.document_fromstring(report(name, "html"))


def test_every_gate(report, gate_name):
    """All results give a harmless page that says its language and verdict, for every width and for the dark."""
    text = report(gate_name, "html")
    page = html.document_fromstring(text)
    assert_harmless(page)
    assert text.startswith("<!DOCTYPE html>\n")
    assert page.get("lang") == "en"
    assert page.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"]
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]
    assert page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [POLICY]
    assert len(page.xpath("//svg[@role='img']/title")) == 2
    assert len(page.xpath("//svg[@role='img']/desc")) == 2
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {name for each in page.xpath("//@aria-labelledby") for name in each.split()} <= set(ids)
    if gate_name != "hostile":
        assert set(re.findall(r"\w+://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}


def test_what_is_on_it(page):
    """The verdict, the sentence, the table, the reasons, the notes, the errors and the policy are there."""
    page = page("fail")
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
        ("pass", ["delivered 96.2%", "required 95%", "messages 1000"]),
        ("error", ["delivered –", "required 95%", "messages –"]),
        ("fail", ["✘ fail 1", "? inconclusive 1"]),
        ("outcomes-fail", ["delivered 77%", "required 95%", "messages 600", "failed 96", "under way 42"]),
    ],
)
def test_facts(page, name, facts):
    """The figures of the only tag are large, or the number of tags by verdict, the worst first."""
    assert [" ".join(map(shown, fact)) for fact in page(name).find_class("facts")[0]] == facts


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("error", NOTHING),
        ("inconclusive", "The share of messages delivered at the only look."),
        ("outcomes-fail", f"{OUTCOMES}, at each look, and by when they were taken in."),
        ("outcomes-one-look", f"{OUTCOMES}, by when they were taken in."),
        ("outcomes-five-tags", f"{OUTCOMES}, of 4 of 5 tags, at each look, and by when they were taken in."),
        ("ten-tags", "The share of messages delivered at each look. 1 look in between was not kept."),
        ("pass", "The share of messages delivered at each look. 15 looks in between were not kept."),
    ],
)
def test_caption(page, name, said):
    """The caption says what the picture leaves out."""
    assert shown(page(name).find(".//figcaption")) == said


def test_caption_without_tags(gate):
    """There is nothing to draw."""
    page = html.document_fromstring(gate_report(gate("instant", tags={}, verdict="error"), "html"))
    assert shown(page.find(".//figcaption")) == NOTHING


@settings(max_examples=25)
@given(text=st.text(st.characters(codec=None), max_size=20))
def test_any_tag(text):
    """Whatever a tag is made of, the page is harmless and shows it."""
    page = html.document_fromstring(gate_report(bare(text, "error"), "html"))
    assert_harmless(page)
    expected = " ".join(plain(text).split())
    assert shown(page.find_class("msg")[0]) == expected
    assert shown(page.find_class("tags")[0].find("tbody/tr/th")) == expected
    assert shown(page.find_class("policy")[0].find(".//td")) == expected
