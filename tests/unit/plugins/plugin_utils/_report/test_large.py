# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the reports of thousands of tags, of long tags and of long sentences: they stay small and say the worst."""

from __future__ import annotations

import cmarkgfm
import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._model import GateResult
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.test_junit import parsed
from lxml import etree

MIB = 1024 * 1024
LOOKS = 60
SHAPES = {
    "2,500": (2500, "wave-{}"),
    "10,000": (10_000, "campaign-2026-{}"),
    "long": (1500, "{}-" + 990 * "x"),
    "wide": (600, "{}-" + 990 * "\U0001f4e7"),
    "active": (600, "{}-" + 990 * "@"),
    "one": (1, "{}" + 990 * "@"),
}


def large(tags, reasons=1, verdict="fail", **changes):
    """A gate whose tags did ever better, the first one worst, and most of them at the end of the list."""
    judged, stats = {}, {}
    for position, tag in enumerate(reversed(tags)):
        messages, deliveries = 100_000, 50_000 + 4 * (len(tags) - position)
        reason = f"{tag}: only {deliveries} of {messages} messages are delivered, and nothing has moved for 900 s"
        record = {"tag": tag, "carried_over": 0, "notes": [f"{tag} was used before"]}
        judged[tag] = {
            "verdict": verdict,
            "decided_by": "ratio",
            "reasons": [reason, *(f"{reason} ({number})" for number in range(1, reasons))],
            "required_delivery_ratio": 0.95,
            "delivered_at_least": deliveries,
            "delivered_at_most": deliveries,
            "messages": messages,
            "messages_due": messages,
            "record": record,
        }
        stats[tag] = record
    counts = {tag: {"messages": 1000, "deliveries": 500, "verdict": None} for tag in tags[:10]}
    history = [{"at": f"2026-03-02T09:{minute:02}:00Z", "tags": counts} for minute in range(LOOKS - 1)]
    history.append({"at": "2026-03-02T10:00:00Z", "error": "; ".join(tags)})
    all_reasons = [reason for judgement in judged.values() for reason in judgement["reasons"]]
    return {
        "verdict": verdict,
        "msg": f"{verdict}: {all_reasons[0]}; and {len(tags) - 1} more",
        "reasons": all_reasons,
        "tags": judged,
        "stats": stats,
        "looks": LOOKS,
        "waited": 3600.0,
        "errors": 1,
        "last_errors": {tag: {"kind": "timeout", "status": None, "msg": f"tag '{tag}': no answer"} for tag in tags},
        "history": history,
        "history_dropped": 0,
        "policy": {"min_delivery_ratio": 0.95, "baseline_tag": tags[0], "expected_messages": dict.fromkeys(tags, 9)},
        **changes,
    }


@pytest.fixture(params=SHAPES)
def shape(request):
    """Tags from the worst to the best."""
    count, form = SHAPES[request.param]
    return [form.format(number) for number in range(count)]


def left_out(text, noun):
    """How many the report says that it leaves out; 0 where it says nothing."""
    (said,) = [line for line in text.splitlines() if line.endswith(f"{noun} are left out; the worst come first.")] or [
        "0"
    ]
    return int(said.split()[0])


@pytest.mark.parametrize("reasons", [1, 3])
def test_markdown(shape, reasons):
    """Below 1 MiB as GitHub counts it, the worst tags first, and what is left out is counted."""
    text = gate_report(large(shape, reasons), "markdown")
    assert len(text.encode("utf-8")) < MIB - 20_000
    page = cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    body = etree.fromstring(f"<body>{page}</body>".replace("&quot;", '"'), etree.XMLParser(huge_tree=True))
    rows = ["".join(row[0].itertext()) for row in next(body.iter("tbody"))]
    assert rows == shape[: len(rows)]
    assert len(rows) >= min(len(shape), 20)
    assert len(rows) + left_out(text, "tags") == len(shape)
    lists = {heading.getparent().getnext() for heading in body.iter("strong") if heading.text == "Why"}
    sentences = ["".join(item.itertext()) for each in lists for item in each]
    # The sentence above has the first reason of the worst tag, and cuts it short where it is very long.
    whole = GateResult.read(large(shape, reasons)).further_reasons
    assert len(sentences) + left_out(text, "reasons") == len(whole)
    assert [shape.index(sentence.partition(":")[0]) for sentence in sentences] == sorted(
        shape.index(sentence.partition(":")[0]) for sentence in sentences
    )


def test_one_worst_tag_comes_first():
    """A failing tag stands above thousands of undecided ones, even if it was the last in the list."""
    result = large([f"wave-{number}" for number in range(9000)], verdict="inconclusive")
    result["tags"]["late"] = {**result["tags"]["wave-0"], "verdict": "fail", "reasons": ["late: it is lost"]}
    text = gate_report({**result, "verdict": "fail"}, "markdown")
    assert text.index("| `late` |") < text.index("| `wave-")
    assert "**Why**\n\n- late: it is lost\n" in text


def test_what_fits_is_whole():
    """Nothing is left out of an ordinary report."""
    text = gate_report(large([f"wave-{number}" for number in range(500)]), "markdown")
    assert "left out" not in text
    assert text.count("| `wave-") == 500


@pytest.mark.parametrize("verdict", ["fail", "pass", None])
def test_junit(shape, verdict):
    """It has every tag, and of each no more than its reason, twice, and its figures."""
    result = large(shape, verdict="fail")
    for judgement in list(result["tags"].values())[:-1]:
        judgement.update(verdict=verdict, reasons=judgement["reasons"] if verdict else [])
    text = gate_report(result, "junit")
    (suite,) = parsed(text)
    assert {case.name for case in suite} == set(shape)
    assert len(text.encode("utf-8")) < 10_000 + len(shape) * (900 + 4 * len(shape[-1].encode("utf-8")))
    if len(shape[-1]) < 20:
        assert len(text.encode("utf-8")) < len(shape) * 900


@pytest.mark.parametrize("form", ["html", "svg"])
def test_page_and_picture(shape, form):
    """A browser can show them."""
    text = gate_report(large(shape), form)
    assert len(text.encode("utf-8")) < (4_500_000 if form == "html" else 500_000)
    if form == "html":
        assert text.count('scope="row" role="rowheader"') + left_out(
            text.replace('<p class="soft">', "").replace("</p>", ""), "tags"
        ) == len(shape)
        assert text.index(f">{shape[0]}</th>") > 0
