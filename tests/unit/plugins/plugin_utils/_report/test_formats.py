"""Tests of the Markdown, the JUnit file and the page, by what their readers' programs make of them."""

import html as escapes
import re
import string

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report import reading
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import rows, shown
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare, with_outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

METAS = {
    None: None,  # of the character set
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "viewport": "width=device-width, initial-scale=1", "color-scheme": "light dark", "referrer": "no-referrer",
}  # fmt: skip
COLUMNS = ["Tag", "Verdict", "Messages", "Delivered", "Ratio", "Required", "Decided by"]
ROWS = [
    ["wave-2", "✘ fail", "1000", "280", "28%", "95%", "evidence"],
    ["welcome", "? inconclusive", "240", "231–240", "96.25% – 100%", "95%", "–"],
]
BY_OUTCOMES = ("hostile", "refused", "no-mail", "five-tags")
DELIVERED = "The share of messages delivered at"
CARRIED_OVER = "Mail from before may be among the deliveries: a dotted line is what is delivered at least."
ATTACKS = (
    "<script>alert(1)</script>", "a|b", "a\\|b", "`x``", "`a`|`b`", "[a](http://evil.example)",
    "![a](//evil.example/a.png)", "<http://evil.example>", "http://evil.example/a_b", "www.evil.example", "www.",
    "me@evil.example", "*a* _b_ **c** ~~d~~ snake_case_ _x", "&lt;b&gt; &#60; &copy",
    "# heading", "- item", "+ item", "* item", "1. item", "> quote", "---", "===", "| a | b |", "```", "~~~ sh",
    "[x]: //evil.example", "[^1]: note", "</details><b>", "<!-- a", "--> b", "a  b\\", "$x$", "é \U0001f600 \u202e", "",
)  # fmt: skip


def test_every_gate(read, gate_name):
    """All results have a sound JUnit file, and in Markdown a table of all tags and nothing that leads elsewhere."""
    assert list(read(gate_name, "junit"))
    body = read(gate_name, "markdown")
    allowed = "body h3 p table thead tbody tr th td ul li strong code details summary"
    assert {element.tag for element in body.iter()} <= set(allowed.split())
    assert {len(row) for row in next(body.iter("tbody"))} == {9 if gate_name in BY_OUTCOMES else 7}


def test_every_page(report, gate_name):
    """All results give a harmless page that says its language, for every width and for the dark."""
    text = report(gate_name, "html")
    page = reading.READERS["html"](text)
    reading.assert_harmless(page)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n')
    assert {meta.get("name") or meta.get("http-equiv"): meta.get("content") for meta in page.iter("meta")} == METAS
    assert len(page.xpath("//svg[@role='img'][title][desc]")) == 2
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {name for each in page.xpath("//@aria-labelledby") for name in each.split()} <= set(ids)
    if gate_name != "hostile":
        assert set(re.findall(r"\w+://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_what_is_on_the_pages(report, read, form):
    """There are the verdict, the sentence, a row a tag, the reasons that are not said yet, the rest and the policy."""
    page = read("fail", form)
    tags, policy = page.iter("table")
    assert shown(next(page.iter("h1", "h3"))).replace(":", "") == "Campaign gate ✘ fail"
    assert shown(next(page.iter("p"))).startswith("wave-2: at most 212 of the 400 messages")
    assert list(map(shown, tags.iterfind("thead/tr/th"))) == COLUMNS
    assert rows(tags) == ROWS
    if form == "markdown":  # nothing is escaped in vain
        source = report("fail", form)
        assert "| `wave-2` | ✘ fail | 1000 | 280 | 28% | 95% | evidence |" in source
        assert escapes.unescape(source) == source
    else:  # on a phone each cell says its heading itself
        assert [[cell.get("data-label") for cell in row[1:]] for row in tags.find("tbody")] == [COLUMNS[1:]] * 2
    assert [shown(title) for title in page.iter("h2", "strong")][-3:] == ["Why", "Notes", "The last failed look"]
    assert [shown(item).partition(":")[0] for item in next(page.iter("ul"))] == ["welcome"]
    effort = "Looked 16 times (1 failed) in 15 min 3 s, from 2026-03-02T09:00:00Z to 2026-03-02T09:15:00Z"
    assert effort in map(shown, page.iter("p"))
    (details,) = page.iter("details")
    assert (shown(details.find("summary")), details.get("open")) == ("Policy", None)
    settings = {"min_delivery_ratio": "95%", "grace_period": "15 min", "expected_messages": "not set"}
    assert settings.items() <= dict(rows(policy)).items()
    assert not list(read("fail", form, policy=None, last_errors=None).iter("details"))


def test_what_is_in_the_junit_file(read):
    """A suite has the gate's figures, a case those of its tag, its reason as message, the time of the wait."""
    suite = read("fail", "junit")
    failed, _undecided = suite
    assert (suite.time, suite.timestamp, failed.time) == (903.1, "2026-03-02T09:00:00", 903.1)
    figures = {item.name: item.value for item in suite.properties()}
    assert {"verdict": "fail", "looks": "16", "policy.min_delivery_ratio": "95%"}.items() <= figures.items()
    assert ", ".join(failed.system_out.splitlines()).endswith(
        "verdict: fail, decided_by: evidence, messages: 1000, messages_due: 400, delivered_at_least: 280, "
        "delivered_at_most: 280, delivery_ratio: 0.28, required_delivery_ratio: 0.95"
    )
    assert failed.result[0].text == failed.result[0].message
    assert failed.result[0].text.startswith("wave-2: at most 212 of the 400 messages")


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("pass", {}, {"wave-1": []}),
        ("fail", {}, {"wave-2": [("Failure", "fail")], "welcome": [("Failure", "inconclusive")]}),
        ("error", {}, {"wave-4": [("Error", "error")]}),
        # Where no tag has the gate's verdict, a case of its own has it, so that the file is never all green.
        ("pass", {"verdict": "error"}, {"wave-1": [], "gate": [("Error", "error")]}),
        ("pass", {"verdict": "fail"}, {"wave-1": [], "gate": [("Failure", "fail")]}),
        ("pass", {"verdict": "inconclusive"}, {"wave-1": [], "gate": [("Failure", "inconclusive")]}),
        ("error", {"tags": {}, "history": []}, {"gate": [("Error", "error")]}),
        ("error", {"tags": {"a": {"verdict": None}}}, {"a": [("Skipped", None)], "gate": [("Error", "error")]}),
    ],
)
def test_junit_cases(read, name, changes, expected):
    """Each tag is a case; failures are told apart by their type, errors are errors, what is undecided is skipped."""
    suite = read(name, "junit", **changes)
    found = {case.name: [(type(result).__name__, result.type) for result in case.result] for case in suite}
    assert found == expected
    assert (suite.timestamp is None) == (changes.get("history") == [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pass", "delivered 96.2%|required 95%|messages 1000"),
        ("pass", f"{DELIVERED} each look. 15 looks in between were not kept."),
        ("error", "delivered –|required 95%|messages –"),
        ("error", "No message was seen at any look, so there is nothing to draw."),
        ("fail", "✘ fail 1|? inconclusive 1"),
        ("fail", f"{DELIVERED} each look. 1 look in between was not kept. {CARRIED_OVER}"),
        ("inconclusive", "delivered 90.9% – 95.45%|required 95%|messages 88"),
        ("inconclusive", f"{DELIVERED} the only look. {CARRIED_OVER}"),
        ("refused", "delivered 77%|required 95%|messages 600|failed 96|under way 42"),
        ("five-tags", "✘ fail 1|! error 1|? inconclusive 1|✔ pass 2"),
        ("five-tags", "What became of the messages, of 4 of 5 tags, at each look, and by when they were taken in."),
    ],
)
def test_facts_and_caption(read, name, said):
    """The figures of the only tag are large, or the tags by verdict; the caption says what the picture leaves out."""
    page = read(name, "html")
    facts = "|".join(" ".join(map(shown, fact)) for fact in page.find_class("facts")[0])
    assert said in (facts, shown(page.find(".//figcaption")))


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text(text):
    """A tag and the words of a receiver show in Markdown as they are wherever they stand, and make no element."""
    bodies = []
    for each in (text, "x"):
        result, causes = bare(each, "fail"), [(550, None, None, each, 1, [each])]
        of_tag = with_outcome(each, "fail", (3, 2, 1), [], 1, (), causes, [(each, 3, 2, 1)])
        result["tags"][each]["outcome"] = of_tag["outcome"]
        bodies.append(reading.read_markdown(gate_report(result, "markdown")))
    expected = plain(text)
    if expected:  # an empty sentence is an empty paragraph, which Markdown does not have
        outline, usual = ([part.tag for part in body.iter() if part.tag != "code"] for body in bodies)
        assert outline == usual
        assert shown(bodies[0][1]) == expected
        assert shown(next(bodies[0].iter("ul"))[-1]) == f"see {expected}"
    (tag,), (cause,), (domain,) = map(rows, list(bodies[0].iter("table"))[:3])
    assert [tag[0], *cause[2:], domain[0]] == [expected, expected or "(no text)", expected or "–", expected]


@settings(max_examples=75)
@given(text=st.text(st.characters(codec=None), max_size=20) | st.text(st.sampled_from(string.punctuation + "ab1 é")))
def test_any_tag(text):
    """Whatever a tag is made of, all reports are sound and show it, in Markdown by another renderer, too."""
    look = {"at": "2026-03-02T09:00:00Z", "tags": {text: {"messages": 100, "deliveries": 99}}}
    result, expected = bare(text, "fail", history=[look, look]), plain(text)
    (case,), page, picture = (reading.READERS[form](gate_report(result, form)) for form in ("junit", "html", "svg"))
    assert (case.name, case.result[0].message) == (expected or "?", expected)
    reading.assert_harmless(page)
    reading.assert_harmless(picture)
    (msg,), (tags,), (policy,) = map(page.find_class, ("msg", "tags", "policy"))
    for part in (msg, tags.find("tbody/tr/th"), policy.find(".//td")):
        assert shown(part) == " ".join(expected.split())
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(gate_report(result, "markdown"))
    cells = [token for before, token in zip(tokens, tokens[1:]) if before.type == "td_open"]
    assert len(cells) == 7 + 2 * 2
    parts = [child for child in cells[0].children if child.type != "html_inline"]
    assert {part.type for part in parts} <= {"text", "code_inline"}
    assert "".join(part.content for part in parts) == expected
    said = reading.texts(picture, "dots", "title")[0]
    assert not expected or said == f"{expected}, 2026-03-02T09:00:00Z: 99 of 100 delivered (99%)"
