"""Tests of the reports of thousands of tags, of long tags and of long sentences: they stay small and say the worst."""

import re

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._model import GateResult
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report import reading, results

pytestmark = pytest.mark.slow

# Tags from the worst to the best.
SHAPES = {
    "many": [f"wave-{number}" for number in range(5000)],
    "wide": [f"{number}-" + 990 * "\U0001f4e7" for number in range(400)],
    "active": [f"{number}-" + 990 * "@" for number in range(400)],
    "one": ["0" + 990 * "@"],
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def large(tags, reasons=1):
    """A gate whose tags did ever better, the worst one at the end of the list."""
    entries = {}
    for position, tag in enumerate(reversed(tags)):
        deliveries = 50_000 + 4 * (len(tags) - position)
        reason = f"{tag}: only {deliveries} of 100000 messages are delivered, and nothing has moved for 900 s"
        said = [f"{reason} ({number})" for number in range(reasons)]
        notes = [f"{tag} was used before"]
        entries[tag] = results.judged(tag, "fail", 100_000, deliveries, said, "ratio", notes=notes)
    looks = results.history(60, [(19, "; ".join(tags))], **{tag: [(1000, 500)] * 20 for tag in tags[:10]})
    policy = {"baseline_tag": tags[0], "expected_messages": dict.fromkeys(tags, 9)}
    return results.result("fail", entries, looks, policy, [(tag, "no answer") for tag in tags])


def left_out(text, noun):
    """How many the report says that it leaves out; 0 where it says nothing."""
    return sum(map(int, re.findall(rf"(\d+) of \d+ {noun} are left out; the worst come first\.", text)))


@each_shape
def test_markdown(shape):
    """Below 1 MiB as GitHub counts it, the worst tags first, and what is left out is counted."""
    given = large(shape, reasons=3)
    text = gate_report(given, "markdown")
    assert len(text.encode("utf-8")) < 1024 * 1024 - 20_000
    body = reading.read_markdown(text)
    tags = [row[0] for row in reading.rows(next(body.iter("table")))]
    assert tags == shape[: len(tags)]
    assert len(tags) >= min(len(shape), 20)
    assert len(tags) + left_out(text, "tags") == len(shape)
    lists = {heading.getparent().getnext() for heading in body.iter("strong") if heading.text == "Why"}
    of_tags = [reading.shown(item).partition(":")[0] for each in lists for item in each]
    # The sentence above has the reasons of the worst tag, and cuts them short where they are very long.
    assert len(of_tags) + left_out(text, "reasons") == len(GateResult.read(given).further_reasons)
    assert of_tags == sorted(of_tags, key=shape.index)


@each_shape
@pytest.mark.parametrize("verdict", ["fail", "pass", None])
def test_junit(shape, verdict):
    """It has every tag, and of each no more than its reason, twice, and its figures."""
    shape = shape[:400]
    given = large(shape)
    for entry in list(given["tags"].values())[:-1]:
        entry.update(verdict=verdict, reasons=verdict and entry["reasons"])
    text = gate_report(given, "junit")
    assert {case.name for case in reading.read_junit(text)} == set(shape)
    size = len(text.encode("utf-8"))
    assert size < 10_000 + len(shape) * (900 + 4 * len(shape[-1].encode("utf-8")))
    assert len(shape[-1]) > 20 or size < len(shape) * 900


@each_shape
def test_page_and_picture(shape):
    """A browser can show them, and the page counts the tags that are left out."""
    given = large(shape)
    text = gate_report(given, "html")
    assert len(text.encode("utf-8")) < 3_400_000
    assert text.count('scope="row" role="rowheader"') + left_out(text, "tags") == len(shape)
    assert f">{shape[0]}</th>" in text
    assert len(gate_report(given, "svg").encode("utf-8")) < 160_000
