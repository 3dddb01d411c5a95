# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the Markdown report, by what CommonMark renderers make of it."""

from __future__ import annotations

import html
import string
from typing import Any

import cmarkgfm
import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

ATTACKS = (
    "<script>alert(1)</script>",
    "a|b",
    "a\\|b",
    "`x``",
    "`a`|`b`",
    "[a](http://evil.example)",
    "![a](//evil.example/a.png)",
    "<http://evil.example>",
    "http://evil.example/a_b",
    "HTTPS://evil.example",
    "ftp://evil.example",
    "www.evil.example",
    "WwW.1.example",
    "www.",
    "me@evil.example",
    "mailto:me@evil.example",
    "xmpp:me@evil.example/x",
    "*a* _b_ **c** ~~d~~ snake_case_ _x",
    "&lt;b&gt; &#60; &copy",
    "# heading",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "12) item",
    "> quote",
    "---",
    "===",
    "| a | b |",
    "```",
    "~~~ sh",
    "[x]: //evil.example",
    "[^1]: note",
    "</details><b>",
    "<!-- a",
    "--> b",
    "a  b\\",
    "$x$",
    "é \U0001f600 \u202e",
    "",
)


def rendered(markdown: str) -> Any:
    """The elements of the page that GitHub's own renderer makes of it, with everything that it can do."""
    options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    page = cmarkgfm.github_flavored_markdown_to_html(markdown, options)
    return etree.fromstring(f"<body>{page}</body>".replace("&quot;", '"'), etree.XMLParser(remove_comments=True))


def shown(element: Any) -> str:
    """What of an element a reader sees."""
    return plain("".join(element.itertext()))


def cells(row: Any) -> list[str]:
    """What a reader sees in each cell."""
    return [shown(cell) for cell in row]


def test_structure(report):
    """There are a heading, the sentence, a row a tag, the reasons, and the policy."""
    body = rendered(report("fail", "markdown"))

    assert [child.tag for child in body] == ["h3", "p", "table", "p", "ul", "p", "ul", "p", "ul", "p", "details"]
    assert shown(body[0]) == "Campaign gate: ✘ fail"
    assert shown(body[1]).startswith("wave-2: at most 212 of the 400 messages")
    assert [cells(row) for row in body[2].iter("tr")] == [
        ["Tag", "Verdict", "Messages", "Delivered", "Ratio", "Required", "Decided by"],
        ["wave-2", "✘ fail", "1000", "280", "28%", "95%", "evidence"],
        ["welcome", "? inconclusive", "240", "231–240", "96.25% – 100%", "95%", "–"],
    ]
    assert [shown(heading) for heading in body.iter("strong")] == ["Why", "Notes", "The last failed look"]
    assert shown(body[9]) == (
        "Looked 16 times (1 failed) in 15 min 3 s, from 2026-03-02T09:00:00Z to 2026-03-02T09:15:00Z"
    )
    policy = dict(cells(row) for row in body[10].iter("tr"))
    assert policy["min_delivery_ratio"] == "95%"
    assert policy["grace_period"] == "15 min"
    assert policy["expected_messages"] == "not set"


def test_every_gate(report, gate_name):
    """All results have a table of all their tags, and nothing that leads or loads from elsewhere."""
    body = rendered(report(gate_name, "markdown"))
    allowed = {"body", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong", "code"}
    assert {element.tag for element in body.iter()} <= allowed | {"details", "summary"}
    assert {len(row) for row in next(body.iter("tbody"))} == {9 if gate_name.startswith("outcomes") else 7}


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text(named, text):
    """A tag shows as it is wherever it stands, and makes no element."""
    body = rendered(gate_report(named(text), "markdown"))
    harmless = rendered(gate_report(named("x"), "markdown"))

    def outline(page: Any) -> list[str]:
        return [element.tag for element in page.iter() if element.tag != "code"]

    expected = plain(text)
    if expected:  # an empty sentence is an empty paragraph, which Markdown does not have
        assert outline(body) == outline(harmless)
        assert shown(body[1]) == expected
        reasons = [shown(item) for item in next(body.iter("ul"))]
        assert reasons[-1] == f"see {expected}"
    assert cells(next(body.iter("tbody"))[0])[0] == expected


@given(text=st.text(st.sampled_from(string.punctuation + "ab1 é"), max_size=20))
def test_any_tag_in_the_table(text):
    """Whatever a tag is made of, another renderer too shows it as it is, in one cell."""
    result = {
        "verdict": "error",
        "msg": "m",
        "looks": 1,
        "waited": 0,
        "errors": 0,
        "history_dropped": 0,
        "tags": {text: {"verdict": "error"}},
    }
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(gate_report(result, "markdown"))
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
