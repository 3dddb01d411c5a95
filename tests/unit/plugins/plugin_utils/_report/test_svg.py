"""Tests of the picture: what it shows, and that nothing in it is active, foreign or random."""

import datetime
import importlib

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._chart import spread
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._scale import ratio_scale, time_scale
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report import reading
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import texts
from hypothesis import given
from hypothesis import strategies as st


def test_every_gate(report, gate_name, monkeypatch):
    """All results give a harmless picture that says what it shows, whatever the day and the libraries installed."""
    text = report(gate_name, "svg")
    root = reading.READERS["svg"](text)
    reading.assert_harmless(root)
    assert (root.tag, root.get("role"), reading.NAMESPACE in text) == ("svg", "img", True)
    assert [child.tag for child in root[:2]] == ["title", "desc"]
    assert set(root.get("aria-labelledby").split()) == {child.get("id") for child in root[:2]}
    assert gate_name == "hostile" or text.count("://") == 1
    another_day = type("date", (datetime.date,), {"today": classmethod(lambda day: day(1999, 12, 31))})
    monkeypatch.setattr("pygal.svg.date", another_day)
    pygal_etree = importlib.import_module("pygal.etree").etree
    pygal_etree.to_etree()
    try:
        assert report(gate_name, "svg") == text
    finally:
        pygal_etree.to_lxml()


def test_what_is_drawn(read):
    """Each look of each tag is a dot that says its figures; each line says at its end what it is."""
    root = read("fail", "svg")
    assert texts(root, "ends") == ["✘ wave-2 28%", "? welcome 100%", "at least 96.25%", "required 95%", "failed look"]
    said = texts(root, "dots", "title")
    assert len(said) == 15 + 15 + 1
    assert said[0] == "wave-2, 2026-03-02T09:00:00Z: 40 of 400 delivered (10%)"
    assert said[-1].startswith("2026-03-02T09:05:00Z: wave-2: the service answered with status 503")
    style = root.findtext("defs/style")
    for part in ("stroke-dasharray:7,5", "stroke-dasharray:1,4", "prefers-color-scheme:dark"):
        assert part in style
    assert root.findtext("title") == "Delivery ratio: fail"
    in_the_end = "wave-2: 40 of 400 delivered (10%) at first, 280 of 1000 delivered (28%) in the end, 95% required."
    assert in_the_end in root.findtext("desc")
    # The failed look is at 0%, all of welcome's mail is delivered, and 9 of these may be carried over.
    (bottom,), (top, *_others), tag = (
        [float(dot.get("cy")) for dot in reading.series(root, number, "circle")] for number in (4, 1, 0)
    )
    least = [y for _x, y in reading.points(reading.series(root, 2)[0])]
    shares = [(bottom - lines[place]) / (bottom - top) for lines in (tag, least) for place in (0, -1)]
    assert shares == pytest.approx([0.1, 0.28, 111 / 120, 231 / 240], abs=0.001)


def test_few_looks(read):
    """Without a record the picture says so; one is a bar for deliveries at most and one for at least, and no dot."""
    for changes in ({}, {"history": [], "tags": {}}):
        root = read("error", "svg", **changes)
        assert "no messages" in [text.text for text in root.iter("text")]
        assert "so there is nothing to draw." in root.findtext("desc")
    root = read("inconclusive", "svg")
    assert texts(root, "dots", "title") == []
    assert texts(root, "ends") == ["? 90.9% – 95.45%"]
    colors = (_palette.GUIDE, _palette.POSSIBLE, _palette.DELIVERED)
    whole, *lengths = (
        right - left for color in colors for (left, _y), (right, _) in [reading.points(reading.paths(root, color)[0])]
    )
    assert [length / whole for length in lengths] == pytest.approx([84 / 88, 80 / 88], abs=0.001)


@pytest.mark.parametrize(("messages", "deliveries", "said"), [(200, 210, "(100%)"), (100000, 94999, "(94.99%)")])
def test_odd_counts(read, messages, deliveries, said):
    """Deliveries above messages are drawn as all of them; a share is never rounded up; no look is before the first."""
    tags = {"wave-1": {"messages": messages, "deliveries": deliveries}}
    root = read("pass", "svg", history=[{"at": f"2026-03-02T{hour}:00:00Z", "tags": tags} for hour in ("09", "08")])
    assert [text.endswith(said) for text in texts(root, "dots", "title")] == [True, True]
    first, second = root.iter("circle")
    assert first.get("cx") == second.get("cx")


def test_too_many_tags(gate, read):
    """The worst ten are drawn, in the order of the tags."""
    result = gate("fail")
    tags, history = result["tags"], result["history"]
    for number in range(20):
        name, verdict = f"more-{number:02d}", "fail" if number == 7 else "pass" if number % 3 else "inconclusive"
        tags[name] = {**tags["welcome"], "verdict": verdict}
        history[-1]["tags"][name] = {"messages": 100, "deliveries": 1}
    said = texts(read("fail", "svg", tags=tags, history=history), "dots", "title")
    names = dict.fromkeys(text.partition(", ")[0] for text in said if ", " in text)
    assert list(names) == [name for name, tag in tags.items() if tag["verdict"] != "pass"]
    assert len(names) == 10


@pytest.mark.parametrize(
    ("axis", "given", "name", "ticks"),
    [
        (ratio_scale, [], "", "0% 20% 40% 60% 80% 100%"), (ratio_scale, [0.84, 0.95], "", "80% 85% 90% 95% 100%"),
        (ratio_scale, [0.999, 0.995], "", "99% 99.2% 99.4% 99.6% 99.8% 100%"), (time_scale, 0, "seconds", "0 1"),
        (time_scale, 90, "seconds", "0 15 30 45 60 75 90"), (time_scale, 660, "minutes", "0 2 4 6 8 10 12"),
        (time_scale, 8640000, "hours", "0 408 816 1224 1632 2040 2448"),
    ],
)  # fmt: skip
def test_scales(axis, given, name, ticks):
    """The smallest share has some room below; time has at most six steps of a size that people count in."""
    scale = axis(given)
    assert (scale.name, [label for _tick, label in scale.ticks]) == (name, ticks.split())


@given(seconds=st.floats(0, 1e9))
def test_any_time(seconds):
    """Everything fits on the axis, with room for every label."""
    scale = time_scale(seconds)
    assert seconds / scale.unit <= scale.high == scale.ticks[-1][0]
    assert 2 <= len(scale.ticks) <= 7


@given(wanted=st.lists(st.floats(0, 300), max_size=11))
def test_labels_do_not_overlap(wanted):
    """They keep their order and their distance, and stay within the plot where they fit."""
    found = sorted(spread(wanted, 20.0, 300.0))
    assert all(after - before >= 20 - 1e-6 for before, after in zip(found, found[1:]))
    assert all(-1e-6 <= height <= 300 + 1e-6 for height in found)
