"""Tests of the reports of a gate by outcomes: why mail failed and where, the areas of the picture, and privacy."""

import html
from urllib.parse import unquote

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._outcomes import OutcomeCollector
from ansible_collections.mailops.smtpeter.plugins.module_utils._privacy import DescriptionMask
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette, gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._outcome import TimelineSpan, merged
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import START, attempt, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import outcome_gate
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from ansible_collections.mailops.smtpeter.tests.unit.plugins.module_utils import test_privacy as privacy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report import reading
from hypothesis import example, given
from hypothesis import strategies as st

CAUSES = [
    ["80", "550 5.7.1", "Message from this sender is blocked by our policy", "example.net"],
    ["9", "550 5.1.1", "[masked]: no such user", "example.com, example.org, mail.example"],
    ["4", "452 5.2.2", "mailbox full", "example.com"],
    ["3", "–", "returned after it was accepted: message was returned", "example.org"],
]
DOMAINS = [
    ["example.com", "300", "270", "10", "20"], ["example.net", "200", "100", "80", "20"],
    ["example.org", "80", "72", "6", "2"], ["other domains", "20", "20", "0", "0"],
]  # fmt: skip


def areas(panel, color):
    """The upper and the lower corners of the filled areas of a colour, from left to right."""
    filled = [reading.points(path) for path in reading.paths(panel, color) if "nofill" not in path.get("class")]
    # pygal puts a corner at the bottom before the first and after the last.
    halves = [(corners[1:-1], len(corners) // 2 - 1) for corners in filled]
    return [(shape[:half], shape[half:][::-1]) for shape, half in halves]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_tables(read, form):
    """Both pages have the figures of the tag, the causes and the domains; of several tags each row has its tag."""
    tags, causes, domains = map(reading.rows, list(read("refused", form).iter("table"))[:3])
    assert tags == [["receipts", "✘ fail", "600", "462", "96", "42", "77%", "95%", "evidence"]]
    assert (causes, domains) == (CAUSES, DOMAINS)
    tags, causes, domains = map(reading.rows, list(read("five-tags", form).iter("table"))[:3])
    names = ["password-reset", "newsletter-2026-03", "invoices", "welcome"]
    assert [row[0] for row in tags] == ["password-reset", "status", *names[1:]]
    assert [row[0] for row in causes] == [row[0] for row in domains] == names
    assert tags[1][2:] == ["–", "–", "–", "–", "–", "95%", "–"]


def test_junit_causes(read):
    """Each cause has its domains, and each domain its counts: in the failure, or else in the output of the case."""
    (case,) = read("refused", "junit")
    _reason, *lines = case.result[0].text.splitlines()
    said = [f"{count} messages failed at {places}: {codes} {words}" for count, codes, words, places in CAUSES]
    assert lines[:4] == [line.replace(" – ", " ") for line in said]
    form = "{}: {} messages, {} delivered, {} failed, {} under way"
    assert lines[4:] == [form.format(*domain) for domain in DOMAINS[:3]]
    assert {"failed: 96", "under_way: 42", "delivery_ratio: 0.77"} <= set(case.system_out.splitlines())
    passed = next(iter(read("five-tags", "junit")))
    assert passed.result == []
    assert "4 messages failed at example.com: 550 5.1.1 no such user" in passed.system_out.splitlines()


def test_areas(gate, read):
    """Each area begins where the one below ends and is as high as its share; the description says why and where."""
    result = gate("refused")
    looks = [entry["tags"]["receipts"] for entry in result["history"]]
    spans = [span for span in result["tags"]["receipts"]["outcome"]["timeline"] for _end in range(2)]
    root = read("refused", "svg")
    # Over the wait, and by when messages were taken in.
    charts = root.findall("svg")
    for panel, entries in zip(charts, (looks, spans)):
        lines = panel.findall(".//g[@class='axis y always_show']/g/path")
        zero, whole = (reading.points(lines[place])[0][1] for place in (0, -1))
        ((delivered, floor),), ((under_way, low),), ((failed, high),) = (
            areas(panel, color) for color in (_palette.DELIVERED, _palette.UNDER_WAY, _palette.FAILED)
        )
        assert (low, high) == (delivered, under_way)
        assert [{y for _x, y in floor}, {y for _x, y in failed}] == [{zero}, {whole}]
        for key, heights in (
            ("deliveries", [zero - y for _x, y in delivered]),
            ("failed", [y - whole for _x, y in high]),
        ):
            shares = [entry[key] / entry["messages"] for entry in entries]
            assert [height / (zero - whole) for height in heights] == pytest.approx(shares, abs=0.001)
        assert reading.texts(panel, "ends") == ["delivered 77%", "under way 7%", "failed 16%", "required 95%"]
    said = reading.texts(charts[0], "dots", "title")
    assert len(said) == 9
    assert said[-1] == "2026-03-02T09:04:00Z: 462 of 600 delivered (77%), 96 failed"
    assert "at most 504 of 600 messages can be delivered (84%); 80 refused by example.net" in reading.shown(root)
    # A gate that looked once has the second chart alone.
    look = result["history"][-1:]
    root = read("refused", "svg", history=look)
    assert reading.texts(root, "dots", "title") == []
    assert reading.texts(root, "titles")[:2] == ["Campaign gate: fail", "receipts: by when messages were taken in"]
    assert len(areas(root, _palette.DELIVERED)) == 1
    caption = read("refused", "html", history=look).findtext(".//figcaption")
    assert caption == "What became of the messages, by when they were taken in."


def test_of_many_tags_each_has_a_bar(read):
    """Bars come first; the areas are of tags that have not passed, with a gap where nothing was taken in."""
    bars, *others = read("five-tags", "svg").findall("svg")
    assert reading.texts(bars, "ends") == ["✔ 99%", "? 93%", "✘ 70%", "✔ 98.5%"]
    tags, kinds = ("password-reset", "newsletter-2026-03"), ("all messages so far", "by when messages were taken in")
    titles = [reading.texts(panel, "titles")[0] for panel in others]
    assert titles == [f"{tag}: {kind}" for tag in tags for kind in kinds]
    assert [len(areas(panel, _palette.DELIVERED)) for panel in others] == [1, 1, 1, 2]


@pytest.mark.slow
def test_long_words_and_many_causes_are_bounded(gate):
    """However much an outcome holds, the report stays small."""
    result = gate("refused")
    outcome = result["tags"]["receipts"]["outcome"]
    cause, domain = outcome["failures"][0], outcome["domains"][0]
    outcome["failures"] = [{**cause, "description": "@" * 2000, "domains": ["d" * 5000] * 5}] * 500
    outcome["domains"] = [{**domain, "domain": "é" * 2000}] * 500
    for form, most in (("markdown", 150_000), ("junit", 25_000), ("svg", 50_000), ("html", 800_000)):
        assert len(gate_report(result, form).encode("utf-8")) < most


@example(counts=[1] * 41)
@given(counts=st.lists(st.integers(0, 9), max_size=200))
def test_merged_spans_keep_every_message(counts):
    """At most 40 spans are left, in order, and none of the messages is lost."""
    spans = [TimelineSpan(number, number + 1.0, count, count, 0) for number, count in enumerate(counts)]
    found = merged(spans)
    assert len(found) <= 40
    assert sum(span.messages for span in found) == sum(counts)
    assert all(before.end == after.start for before, after in zip(found, found[1:]))


@pytest.fixture(scope="module", params=privacy.WAYS.values(), ids=privacy.WAYS)
def refused(request):
    """The result of a gate that saw receivers repeat an address in one of the ways, beside the token, in any field."""
    words = f"{request.param(privacy.RECIPIENT)} {privacy.TOKEN}"
    collector = OutcomeCollector("wave-1", DescriptionMask(privacy.TOKEN))
    for number in range(200):
        collector.add([attempt(number, number, recipient=privacy.RECIPIENT)])
        fields = ("description", "state", "status", "code") if number % 2 else ("description",)
        event = failure(number + 1, number, recipient=privacy.RECIPIENT, **dict.fromkeys(fields, words))
        collector.add([event if number < 60 else delivery(number + 1, number, recipient=privacy.RECIPIENT)])
    outcome = Outcome.from_dict(collector.outcome(None, START, 10, 0.1).as_dict())
    gate = outcome_gate(["wave-1"], confidence=0.95)
    record = Record("wave-1", 200, 140, 0, 0, last_at=START, fetched_at=START)
    gate.look(Look(0.0, 1.0, START, {"wave-1": record}, {}, {"wave-1": outcome}))
    return gate.result()


@pytest.mark.parametrize("form", reading.READERS)
def test_no_address_in_a_report(refused, form):
    """No local part, no envelope and no token, also once the reader's program has decoded the report."""
    assert refused["verdict"] == "fail"
    text = gate_report(refused, form)
    assert "30" in text
    for seen in (text, html.unescape(text), unquote(html.unescape(text))):
        assert privacy.PRIVATE.findall(seen) == []
        assert leaks(seen, privacy.TOKEN) == []
