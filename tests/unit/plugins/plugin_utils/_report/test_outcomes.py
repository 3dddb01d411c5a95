"""Tests of the reports of a gate by outcomes: why mail failed, at which domains, and the areas of the picture."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette, gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._chart import spread
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._outcome import TimelineSpan, merged
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import (
    FORMATS,
    READERS,
    SVG,
    dots,
    labels,
    paths,
    points,
    read_junit,
    read_svg,
    rows,
    shown,
)
from hypothesis import example, given
from hypothesis import strategies as st

CAUSES = [
    ["80", "550 5.7.1", "Message from this sender is blocked by our policy", "example.net"],
    ["9", "550 5.1.1", "[masked]: no such user", "example.com, example.org, mail.example"],
    ["4", "452 5.2.2", "mailbox full", "example.com"],
    ["3", "–", "returned after it was accepted: message was returned", "example.org"],
]
DOMAINS = [
    ["example.com", "300", "270", "10", "20"],
    ["example.net", "200", "100", "80", "20"],
    ["example.org", "80", "72", "6", "2"],
    ["other domains", "20", "20", "0", "0"],
]


def areas(panel, color):
    """The upper and the lower corners of the filled areas of a colour, from left to right."""
    filled = [points(path) for path in paths(panel, color) if "nofill" not in path.get("class")]
    # pygal puts a corner at the bottom before the first and after the last.
    shapes = [corners[1:-1] for corners in filled]
    return [(shape[: len(shape) // 2], shape[len(shape) // 2 :][::-1]) for shape in shapes]


def guides(panel):
    """How far down 0% and 100% are."""
    lines = panel.findall(f".//{SVG}g[@class='axis y always_show']/{SVG}g/{SVG}path")
    return [points(lines[place])[0][1] for place in (0, -1)]


@pytest.fixture
def panels(report):
    """The charts of the picture of a gate's result."""

    def find(name):
        root = read_svg(report(name, "svg"))
        return root.findall(f"{SVG}svg") or [root]

    return find


@pytest.fixture
def receipts(gate):
    """A failed gate's result, and the outcome of its only tag."""
    result = gate("outcomes-fail")
    return result, result["tags"]["receipts"]["outcome"]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_tables(report, form):
    """Both pages have the figures of the tag, the causes and the domains."""
    tags, causes, domains = list(READERS[form](report("outcomes-fail", form)).iter("table"))[:3]
    assert rows(tags) == [["receipts", "✘ fail", "600", "462", "96", "42", "77%", "95%", "evidence"]]
    assert rows(causes) == CAUSES
    assert rows(domains) == DOMAINS


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_causes_of_several_tags_have_their_tag(report, form):
    """The tag comes first in each row, that of the worst verdict on top."""
    tags, causes, domains = list(READERS[form](report("outcomes-five-tags", form)).iter("table"))[:3]
    names = ["password-reset", "newsletter-2026-03", "invoices", "welcome"]
    assert [row[0] for row in rows(tags)] == ["password-reset", "status", *names[1:]]
    assert rows(tags)[1][2:] == ["–", "–", "–", "–", "–", "95%", "–"]
    assert [row[0] for row in rows(causes)] == [row[0] for row in rows(domains)] == names


def test_junit_text(report):
    """The text of the failure has each cause with its domains, and what became of the mail to each domain."""
    (case,) = read_junit(report("outcomes-fail", "junit"))
    assert case.result[0].text.splitlines()[1:] == [
        "80 messages failed at example.net: 550 5.7.1 Message from this sender is blocked by our policy",
        "9 messages failed at example.com, example.org, mail.example: 550 5.1.1 [masked]: no such user",
        "4 messages failed at example.com: 452 5.2.2 mailbox full",
        "3 messages failed at example.org: returned after it was accepted: message was returned",
        "example.com: 300 messages, 270 delivered, 10 failed, 20 under way",
        "example.net: 200 messages, 100 delivered, 80 failed, 20 under way",
        "example.org: 80 messages, 72 delivered, 6 failed, 2 under way",
    ]
    assert {"failed: 96", "under_way: 42", "delivery_ratio: 0.77"} <= set(case.system_out.splitlines())


def test_junit_causes_of_a_tag_that_passed(report):
    """They are in the output of the case, which has no failure."""
    (case,) = read_junit(report("outcomes-one-look", "junit"))
    assert case.result == []
    assert "12 messages failed at example.com: 550 5.1.1 no such user" in case.system_out.splitlines()


def test_the_picture_says_why_and_where(report):
    """The cause and the domain are in its description."""
    text = shown(read_svg(report("outcomes-fail", "svg")))
    for part in ("550 5.7.1", "blocked by our policy", "example.net"):
        assert part in text


def test_areas_fill_up(panels):
    """Over the wait, each area begins where the one below ends; the lowest begins at 0%, the highest ends at 100%."""
    for panel in panels("outcomes-fail"):
        ((delivered, floor),), ((under_way, low),), ((failed, high),) = (
            areas(panel, color) for color in (_palette.DELIVERED, _palette.UNDER_WAY, _palette.FAILED)
        )
        assert (low, high) == (delivered, under_way)
        assert [{y for _x, y in floor}, {y for _x, y in failed}] == [{y} for y in guides(panel)]
        assert labels(panel) == ["delivered 77%", "under way 7%", "failed 16%", "required 95%"]


def test_areas_are_as_high_as_their_shares(gate, panels):
    """By the history over the wait, and by the timeline over the moments when messages were taken in."""
    result = gate("outcomes-fail")
    looks = [entry["tags"]["receipts"] for entry in result["history"]]
    spans = [span for span in result["tags"]["receipts"]["outcome"]["timeline"] for _end in range(2)]
    for panel, entries in zip(panels("outcomes-fail"), (looks, spans)):
        zero, whole = guides(panel)
        ((delivered, _floor),), ((_ceiling, failed),) = (
            areas(panel, color) for color in (_palette.DELIVERED, _palette.FAILED)
        )
        tops = [(zero - y) / (zero - whole) for _x, y in delivered]
        bottoms = [(y - whole) / (zero - whole) for _x, y in failed]
        assert tops == pytest.approx([entry["deliveries"] / entry["messages"] for entry in entries], abs=0.001)
        assert bottoms == pytest.approx([entry["failed"] / entry["messages"] for entry in entries], abs=0.001)


def test_each_look_says_its_figures(panels):
    """A dot of the picture tells what was delivered and failed."""
    said = dots(panels("outcomes-fail")[0])
    assert len(said) == 9
    assert said[-1] == "2026-03-02T09:04:00Z: 462 of 600 delivered (77%), 96 failed"


def test_one_look_is_an_area(panels):
    """A gate that looked once shows its messages by when they were taken in, and no lonely dot."""
    (panel,) = panels("outcomes-one-look")
    assert dots(panel) == []
    assert labels(panel) == ["delivered 98%", "under way 1%", "failed 1%", "required 95%"]
    assert len(areas(panel, _palette.DELIVERED)) == 1


def test_of_many_tags_each_has_a_bar(panels):
    """Bars come first; the areas are of tags that have not passed, with a gap where nothing was taken in."""
    bars, *others = panels("outcomes-five-tags")
    assert labels(bars) == ["✔ 99%", "? 93%", "✘ 70%", "✔ 98.5%"]
    titles = [
        group.findtext(f"{SVG}text")
        for panel in others
        for group in panel.iter(f"{SVG}g")
        if group.get("class") == "titles"
    ]
    assert titles == [
        f"{tag}: {what}"
        for tag in ("password-reset", "newsletter-2026-03")
        for what in ("all messages so far", "by when messages were taken in")
    ]
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


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("outcome", {"failed": 999}, "messages of outcome of tags 'receipts' of the gate's result is less than"),
        ("outcome", {"failures": "many"}, "failures of outcome of tags 'receipts' of the gate's result is not a list"),
        ("failures", {"messages": -1}, "messages of failures entry 0 of outcome"),
        ("failures", {"domains": "example.com"}, "domains of failures entry 0 of outcome"),
        ("failures", {"description": 5}, "description of failures entry 0 of outcome"),
        ("domains", {"deliveries": 999}, "messages of domains entry 0 of outcome"),
        ("timeline", {"at": "soon"}, "at of timeline entry 0 of outcome"),
        ("timeline", {"seconds": None}, "seconds of timeline entry 0 of outcome"),
    ],
)
def test_wrong_values(receipts, part, changes, said):
    """A value that a gate never returns is refused by its name and place."""
    result, outcome = receipts
    (outcome if part == "outcome" else outcome[part][0]).update(changes)
    with pytest.raises(OptionError) as error:
        gate_report(result, "markdown")
    assert said in str(error.value)


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
        assert "evil" not in text or rows(page.find_class("domains")[0])[0][0] == text
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


@given(wanted=st.lists(st.floats(0, 300), max_size=11))
def test_labels_do_not_overlap(wanted):
    """They keep their order and their distance, and stay within the plot where they fit."""
    found = sorted(spread(wanted, 20.0, 300.0))
    assert all(after - before >= 20 - 1e-6 for before, after in zip(found, found[1:]))
    assert all(-1e-6 <= height <= 300 + 1e-6 for height in found)
