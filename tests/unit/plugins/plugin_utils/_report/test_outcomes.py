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
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import FORMATS, READERS, SVG
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import GATES
from hypothesis import example, given
from hypothesis import strategies as st

TAG = "wave-1"
MESSAGES, FAILED = 200, 60
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
IN_JUNIT = """
80 messages failed at example.net: 550 5.7.1 Message from this sender is blocked by our policy
9 messages failed at example.com, example.org, mail.example: 550 5.1.1 [masked]: no such user
4 messages failed at example.com: 452 5.2.2 mailbox full
3 messages failed at example.org: returned after it was accepted: message was returned
example.com: 300 messages, 270 delivered, 10 failed, 20 under way
example.net: 200 messages, 100 delivered, 80 failed, 20 under way
example.org: 80 messages, 72 delivered, 6 failed, 2 under way"""


def panels(name):
    """The charts of the picture of a gate's result."""
    root = reading.read_svg(gate_report(GATES[name], "svg"))
    return root.findall(f"{SVG}svg") or [root]


def areas(panel, color):
    """The upper and the lower corners of the filled areas of a colour, from left to right."""
    filled = [reading.points(path) for path in reading.paths(panel, color) if "nofill" not in path.get("class")]
    # pygal puts a corner at the bottom before the first and after the last.
    shapes = [corners[1:-1] for corners in filled]
    return [(shape[: len(shape) // 2], shape[len(shape) // 2 :][::-1]) for shape in shapes]


@pytest.fixture
def receipts(gate):
    """A failed gate's result, and the outcome of its only tag."""
    result = gate("outcomes-fail")
    return result, result["tags"]["receipts"]["outcome"]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_tables(report, form):
    """Both pages have the figures of the tag, the causes and the domains; of several tags each row has its tag."""
    tags, causes, domains = list(READERS[form](report("outcomes-fail", form)).iter("table"))[:3]
    assert reading.rows(tags) == [["receipts", "✘ fail", "600", "462", "96", "42", "77%", "95%", "evidence"]]
    assert (reading.rows(causes), reading.rows(domains)) == (CAUSES, DOMAINS)
    tables = list(READERS[form](report("outcomes-five-tags", form)).iter("table"))[:3]
    tags, causes, domains = ([row[0] for row in reading.rows(table)] for table in tables)
    names = ["password-reset", "newsletter-2026-03", "invoices", "welcome"]
    assert (tags, causes, domains) == (["password-reset", "status", *names[1:]], names, names)
    assert reading.rows(tables[0])[1][2:] == ["–", "–", "–", "–", "–", "95%", "–"]


def test_junit_causes(report):
    """Each cause has its domains, and each domain its counts: in the failure, or else in the output of the case."""
    (case,) = reading.read_junit(report("outcomes-fail", "junit"))
    assert case.result[0].text.partition("\n")[2] == IN_JUNIT.strip()
    assert {"failed: 96", "under_way: 42", "delivery_ratio: 0.77"} <= set(case.system_out.splitlines())
    (case,) = reading.read_junit(report("outcomes-one-look", "junit"))
    assert case.result == []
    assert "12 messages failed at example.com: 550 5.1.1 no such user" in case.system_out.splitlines()


def test_areas(gate, report):
    """Each area begins where the one below ends and is as high as its share; the description says why and where.

    The first chart is over the wait, by the history, the second by when messages were taken in, by the timeline.
    """
    result = gate("outcomes-fail")
    looks = [entry["tags"]["receipts"] for entry in result["history"]]
    spans = [span for span in result["tags"]["receipts"]["outcome"]["timeline"] for _end in range(2)]
    charts = panels("outcomes-fail")
    for panel, entries in zip(charts, (looks, spans)):
        lines = panel.findall(f".//{SVG}g[@class='axis y always_show']/{SVG}g/{SVG}path")
        zero, whole = (reading.points(lines[place])[0][1] for place in (0, -1))
        ((delivered, floor),), ((under_way, low),), ((failed, high),) = (
            areas(panel, color) for color in (_palette.DELIVERED, _palette.UNDER_WAY, _palette.FAILED)
        )
        assert (low, high) == (delivered, under_way)
        assert [{y for _x, y in floor}, {y for _x, y in failed}] == [{zero}, {whole}]
        tops = [(zero - y) / (zero - whole) for _x, y in delivered]
        bottoms = [(y - whole) / (zero - whole) for _x, y in high]
        assert tops == pytest.approx([entry["deliveries"] / entry["messages"] for entry in entries], abs=0.001)
        assert bottoms == pytest.approx([entry["failed"] / entry["messages"] for entry in entries], abs=0.001)
        assert reading.labels(panel) == ["delivered 77%", "under way 7%", "failed 16%", "required 95%"]
    said = reading.dots(charts[0])
    assert len(said) == 9
    assert said[-1] == "2026-03-02T09:04:00Z: 462 of 600 delivered (77%), 96 failed"
    text = reading.shown(reading.read_svg(report("outcomes-fail", "svg")))
    for part in ("at most 504 of 600 messages", "example.net with 550 5.7.1"):
        assert part in text


def test_one_look_is_an_area():
    """A gate that looked once shows its messages by when they were taken in, and no lonely dot."""
    (panel,) = panels("outcomes-one-look")
    assert reading.dots(panel) == []
    assert reading.labels(panel) == ["delivered 98%", "under way 1%", "failed 1%", "required 95%"]
    assert len(areas(panel, _palette.DELIVERED)) == 1


def test_of_many_tags_each_has_a_bar():
    """Bars come first; the areas are of tags that have not passed, with a gap where nothing was taken in."""
    bars, *others = panels("outcomes-five-tags")
    assert reading.labels(bars) == ["✔ 99%", "? 93%", "✘ 70%", "✔ 98.5%"]
    tags, kinds = ("password-reset", "newsletter-2026-03"), ("all messages so far", "by when messages were taken in")
    titles = [reading.texts(panel, "titles")[0] for panel in others]
    assert titles == [f"{tag}: {kind}" for tag in tags for kind in kinds]
    assert [len(areas(panel, _palette.DELIVERED)) for panel in others] == [1, 1, 1, 2]


@pytest.mark.parametrize("form", FORMATS)
def test_an_outcome_without_mail(receipts, form):
    """A tag of which there is no message has a report, too."""
    result, outcome = receipts
    nothing = {"messages": 0, "deliveries": 0, "failed": 0}
    outcome.update(nothing, failures=[], domains=[], timeline=[], delivery_ratio=None)
    result["tags"]["receipts"].update(messages=0, delivered_at_least=0, delivered_at_most=0, verdict="inconclusive")
    result["history"] = [{**result["history"][0], "tags": {"receipts": nothing}}]
    assert gate_report(result, form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a|b`c`|d", "http://evil.example", "]]>&<!--", "\u202egpj", "\x00\x1b[31m"]
)
def test_the_words_of_receivers_are_harmless(receipts, report, form, text):
    """Whatever a receiver says, and whatever its domain is, makes no markup and is shown as text."""
    result, outcome = receipts
    outcome["failures"][0].update(description=text, status=text, state=text, domains=[text])
    outcome["domains"][0]["domain"] = text
    written = gate_report(result, form)
    page = READERS[form](written)
    if form == "markdown":
        harmless = READERS[form](report("outcomes-fail", form))
        assert [element.tag for element in page.iter()] == [element.tag for element in harmless.iter()]
    if form == "html":
        assert not list(page.iter("script", "a"))
        assert "evil" not in text or reading.rows(page.find_class("domains")[0])[0][0] == text
    assert not {"\u202e", "\x00", "\x1b"} & set(written)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "most"), [("markdown", 150_000), ("junit", 25_000), ("svg", 50_000), ("html", 800_000)]
)
def test_long_words_and_many_causes_are_bounded(receipts, form, most):
    """However much an outcome holds, the report stays small."""
    result, outcome = receipts
    cause = {**outcome["failures"][0], "description": "@" * 2000, "domains": ["d" * 5000] * 5}
    outcome["failures"] = [cause] * 500
    outcome["domains"] = [{**outcome["domains"][0], "domain": "é" * 2000}] * 500
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


@pytest.fixture(scope="module", params=privacy.WAYS)
def refused(request):
    """The result of a gate that saw receivers repeat an address in one of the ways, beside the token, in any field."""
    words = f"{privacy.WAYS[request.param](privacy.RECIPIENT)} {privacy.TOKEN}"
    collector = OutcomeCollector(TAG, DescriptionMask(privacy.TOKEN))
    for number in range(MESSAGES):
        collector.add([attempt(number, number, recipient=privacy.RECIPIENT)])
        if number < FAILED:
            fields = ("description", "state", "status", "code") if number % 2 else ("description",)
            event = failure(number + 1, number, recipient=privacy.RECIPIENT, **dict.fromkeys(fields, words))
        else:
            event = delivery(number + 1, number, recipient=privacy.RECIPIENT)
        collector.add([event])
    outcome = collector.outcome(None, START, 10, 0.1).as_dict()
    gate = outcome_gate([TAG], confidence=0.95)
    record = Record(TAG, MESSAGES, MESSAGES - FAILED, 0, 0, last_at=START, fetched_at=START)
    gate.look(Look(0.0, 1.0, START, {TAG: record}, {}, {TAG: Outcome.from_dict(outcome)}))
    return gate.result()


@pytest.mark.parametrize("form", FORMATS)
def test_no_address_in_a_report(refused, form):
    """No local part, no envelope and no token, also once the reader's program has decoded the report."""
    assert refused["verdict"] == "fail"
    text = gate_report(refused, form)
    assert f"{FAILED // 2}" in text
    for seen in (text, html.unescape(text), unquote(html.unescape(text))):
        assert privacy.PRIVATE.findall(seen) == []
        assert leaks(seen, privacy.TOKEN) == []
