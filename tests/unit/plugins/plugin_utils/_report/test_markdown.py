"""Tests of the Markdown report, by what CommonMark renderers make of it."""

from __future__ import annotations

import html
import string

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import (
    read_markdown,
    rows,
    shown,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare, judged, result
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

ATTACKS = (
    "<script>alert(1)</script>", "a|b", "a\\|b", "`x``", "`a`|`b`", "[a](http://evil.example)",
    "![a](//evil.example/a.png)", "<http://evil.example>", "http://evil.example/a_b", "HTTPS://evil.example",
    "ftp://evil.example", "www.evil.example", "WwW.1.example", "www.", "me@evil.example", "mailto:me@evil.example",
    "xmpp:me@evil.example/x", "*a* _b_ **c** ~~d~~ snake_case_ _x", "&lt;b&gt; &#60; &copy", "# heading", "- item",
    "+ item", "* item", "1. item", "12) item", "> quote", "---", "===", "| a | b |", "```", "~~~ sh",
    "[x]: //evil.example", "[^1]: note", "</details><b>", "<!-- a", "--> b", "a  b\\", "$x$", "é \U0001f600 \u202e", "",
)  # fmt: skip


def failed_with(text):
    """The result of a failed gate whose only tag is the text, which is also in its sentences, errors and policy."""
    looks = [
        {"at": "2026-03-02T09:00:00Z", "tags": {text: {"messages": 300, "deliveries": 300}}},
        {"at": "2026-03-02T09:01:00Z", "error": text},
    ]
    tags = {text: judged(text, "fail", 300, 300, (text, f"{text}: few", f"see {text}"), "evidence")}
    policy = {"baseline_tag": text, "expected_messages": {text: 500}}
    more = {"msg": text, "reasons": [f"because {text}"], "last_errors": {text: {"msg": text}}}
    return result("fail", tags, looks, policy=policy, **more)


def test_structure(report):
    """There are a heading, the sentence, a row a tag, the reasons, and the policy."""
    body = read_markdown(report("fail", "markdown"))

    assert [child.tag for child in body] == ["h3", "p", "table", "p", "ul", "p", "ul", "p", "ul", "p", "details"]
    assert shown(body[0]) == "Campaign gate: ✘ fail"
    assert shown(body[1]).startswith("wave-2: at most 212 of the 400 messages")
    assert list(map(shown, body[2].iter("th"))) == [
        "Tag", "Verdict", "Messages", "Delivered", "Ratio", "Required", "Decided by",
    ]  # fmt: skip
    assert rows(body[2]) == [
        ["wave-2", "✘ fail", "1000", "280", "28%", "95%", "evidence"],
        ["welcome", "? inconclusive", "240", "231–240", "96.25% – 100%", "95%", "–"],
    ]
    assert [shown(heading) for heading in body.iter("strong")] == ["Why", "Notes", "The last failed look"]
    assert shown(body[9]) == (
        "Looked 16 times (1 failed) in 15 min 3 s, from 2026-03-02T09:00:00Z to 2026-03-02T09:15:00Z"
    )
    policy = dict(rows(body[10].find("table")))
    assert (policy["min_delivery_ratio"], policy["grace_period"]) == ("95%", "15 min")
    assert policy["expected_messages"] == "not set"


def test_every_gate(report, gate_name):
    """All results have a table of all their tags, and nothing that leads or loads from elsewhere."""
    body = read_markdown(report(gate_name, "markdown"))
    allowed = "body h3 p table thead tbody tr th td ul li strong code details summary"
    assert {element.tag for element in body.iter()} <= set(allowed.split())
    assert {len(row) for row in next(body.iter("tbody"))} == {9 if gate_name.startswith("outcomes") else 7}


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text(text):
    """A tag shows as it is wherever it stands, and makes no element."""
    body = read_markdown(gate_report(failed_with(text), "markdown"))
    harmless = read_markdown(gate_report(failed_with("x"), "markdown"))
    expected = plain(text)
    if expected:  # an empty sentence is an empty paragraph, which Markdown does not have
        outlines = [[element.tag for element in page.iter() if element.tag != "code"] for page in (body, harmless)]
        assert outlines[0] == outlines[1]
        assert shown(body[1]) == expected
        assert shown(next(body.iter("ul"))[-1]) == f"see {expected}"
    assert rows(next(body.iter("table")))[0][0] == expected


@settings(max_examples=50)
@given(text=st.text(st.sampled_from(string.punctuation + "ab1 é"), max_size=20))
def test_any_tag_in_the_table(text):
    """Whatever a tag is made of, another renderer too shows it as it is, in one cell."""
    markdown = gate_report(bare(text, "error", msg="m", reasons=[], policy={}), "markdown")
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inline = [token for before, token in zip(tokens, tokens[1:]) if before.type == "td_open"]
    assert len(inline) == 7
    assert {child.type for child in inline[0].children} <= {"text", "code_inline", "html_inline"}
    content = "".join(child.content for child in inline[0].children if child.type != "html_inline")
    assert content == plain(text)


def test_nothing_escaped_is_left_over(report):
    """Readers of the source are spared references where none is needed."""
    source = report("pass", "markdown")
    assert "| `wave-1` | ✔ pass | 1000 | 962 | 96.2% | 95% | ratio |" in source
    assert "wave-1: 962 of 1000 messages are delivered (96.2%), and at least 95% is required" in source
    assert html.unescape(source) == source
