"""Tests of the picture: what it shows, and that nothing in it is active, foreign or random."""

import datetime
import importlib
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette, gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._chart import spread
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._scale import ratio_scale, time_scale
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report import reading
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import SVG, dots, labels
from hypothesis import given
from hypothesis import strategies as st

ELEMENTS = {"svg", "title", "desc", "defs", "style", "g", "rect", "path", "text", "circle"}
AT = "2026-03-02T09:00:00Z"


@pytest.fixture
def picture(gate):
    """The picture's elements, of a gate's result by name with other values for some of its keys."""
    return lambda name, **changes: reading.read_svg(gate_report(gate(name, **changes), "svg"))


def heights(root, number):
    """How far down each dot of a series is, in pixels."""
    return [float(circle.get("cy")) for circle in reading.series(root, number, "circle")]


def shares(root, *colors):
    """How long the only bar of each colour is, beside a guide from 0% to 100%."""
    ends = [reading.points(reading.paths(root, color)[0]) for color in (_palette.GUIDE, *colors)]
    whole, *lengths = [corners[1][0] - corners[0][0] for corners in ends]
    return [length / whole for length in lengths]


def test_every_gate(report, gate_name, monkeypatch):
    """All results give a harmless picture that says what it shows, and mentions no address but its namespace.

    No clock, no chance, and no other library that happens to be installed plays a part.
    """
    text = report(gate_name, "svg")
    root = reading.read_svg(text)
    reading.assert_harmless(root)
    assert {element.tag.replace(SVG, "") for element in root.iter()} <= ELEMENTS
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert set(root.get("aria-labelledby").split()) == {child.get("id") for child in root[:2]}
    assert gate_name == "hostile" or text.count("://") == 1

    class AnotherDay(datetime.date):
        @classmethod
        def today(cls):
            return cls(1999, 12, 31)

    monkeypatch.setattr("pygal.svg.date", AnotherDay)
    pygal_etree = importlib.import_module("pygal.etree").etree
    pygal_etree.to_etree()
    try:
        assert report(gate_name, "svg") == text
    finally:
        pygal_etree.to_lxml()


def test_what_is_drawn(picture):
    """Each look of each tag is a dot that says its figures; each line says at its end what it is."""
    root = picture("fail")
    assert labels(root) == ["✘ wave-2 28%", "? welcome 100%", "at least 96.25%", "required 95%", "failed look"]
    said = dots(root)
    assert len(said) == 15 + 15 + 1
    assert said[0] == f"wave-2, {AT}: 40 of 400 delivered (10%)"
    assert said[-1].startswith("2026-03-02T09:05:00Z: wave-2: the service answered with status 503")
    style = root.findtext(f"{SVG}defs/{SVG}style")
    for part in ("stroke-dasharray:7,5", "stroke-dasharray:1,4", "prefers-color-scheme:dark"):
        assert part in style
    assert root.findtext(f"{SVG}title") == "Delivery ratio: fail"
    assert "wave-2: 40 of 400 delivered (10%) at first, 280 of 1000 delivered (28%) in the end, 95% required." in (
        root.findtext(f"{SVG}desc")
    )
    # 0% is at the bottom, and 28% that much above it.
    bottom, top, tag = heights(root, 4)[0], heights(root, 1)[0], heights(root, 0)
    assert [(bottom - tag[place]) / (bottom - top) for place in (0, -1)] == pytest.approx([0.1, 0.28], abs=0.001)


def test_bounds(gate, picture):
    """The dotted line, and the bar of a single look, is what is delivered without the 60 that may be carried over."""
    root = picture("hours")
    most, required = heights(root, 0), reading.points(reading.series(root, 2)[0])[0][1]
    least = [y for _x, y in reading.points(reading.series(root, 1)[0])]
    # 985 of 1000 at first, 9900 of 10000 in the end, 98% required.
    pixels = (required - most[0]) / 0.005
    assert (least[0] - most[0]) / pixels == pytest.approx(60 / 1000, rel=0.02)
    assert (least[-1] - most[-1]) / pixels == pytest.approx(60 / 10000, rel=0.02)
    root = picture("hours", history=gate("hours")["history"][-1:])
    found = shares(root, _palette.POSSIBLE, _palette.DELIVERED)
    assert found == pytest.approx([9900 / 10000, 9840 / 10000], abs=0.001)


def test_one_look(picture):
    """A single look is a bar as long as its share, with a mark at the share required, and no lonely dot."""
    root = picture("inconclusive")
    assert dots(root) == []
    assert labels(root) == ["? 95.45%"]
    assert shares(root, _palette.DELIVERED) == pytest.approx([84 / 88], abs=0.001)


@pytest.mark.parametrize("changes", [{}, {"history": []}, {"history": [], "tags": {}}])
def test_nothing_to_draw(picture, changes):
    """Without a record the picture says so."""
    root = picture("error", **changes)
    assert "no messages" in [text.text for text in root.iter(f"{SVG}text")]
    assert "so there is nothing to draw." in root.findtext(f"{SVG}desc")
    assert dots(root) == []


@pytest.mark.parametrize(("messages", "deliveries", "said"), [(200, 210, "(100%)"), (100000, 94999, "(94.99%)")])
def test_odd_counts(picture, messages, deliveries, said):
    """Deliveries above messages are drawn as all of them; a share is never rounded up."""
    look = {"at": AT, "tags": {"wave-1": {"messages": messages, "deliveries": deliveries}}}
    assert [text.endswith(said) for text in dots(picture("pass", history=[look, look]))] == [True, True]


def test_a_clock_that_ran_backward(gate, picture):
    """Looks are never drawn before the first."""
    looks = gate("pass")["history"]
    looks[1]["at"] = "2026-03-02T08:00:00Z"
    across = [float(circle.get("cx")) for circle in picture("pass", history=looks).iter(f"{SVG}circle")]
    assert len(across) == len(looks)
    assert across[1] == across[0] == min(across)


def test_too_many_tags(gate, picture):
    """The worst ten are drawn, in the order of the tags."""
    result = gate("fail")
    tags, history = result["tags"], result["history"]
    for number in range(20):
        name, verdict = f"more-{number:02d}", "fail" if number == 7 else "pass" if number % 3 else "inconclusive"
        tags[name] = {**tags["welcome"], "verdict": verdict}
        history[-1]["tags"][name] = {"messages": 100, "deliveries": 1}
    said = dots(picture("fail", tags=tags, history=history))
    names = dict.fromkeys(text.partition(", ")[0] for text in said if ", " in text)
    assert list(names) == [name for name, tag in tags.items() if tag["verdict"] != "pass"]
    assert len(names) == 10


@pytest.mark.parametrize("form", ["svg", "html"])
def test_without_pygal(gate, monkeypatch, form):
    """The error names the package and the way to it; the other formats do without."""
    monkeypatch.setitem(sys.modules, "pygal", None)
    with pytest.raises(LibraryMissing) as error:
        gate_report(gate("pass"), form)
    for part in ("pygal", "pip install pygal", sys.executable):
        assert part in str(error.value)
    assert gate_report(gate("pass"), "markdown")
    assert gate_report(gate("pass"), "junit")


@pytest.mark.parametrize(
    ("ratios", "ticks"),
    [
        ([], "0% 20% 40% 60% 80% 100%"), ([0.84, 0.95], "80% 85% 90% 95% 100%"),
        ([0.999, 0.995], "99% 99.2% 99.4% 99.6% 99.8% 100%"),
    ],
)  # fmt: skip
def test_ratio_scale(ratios, ticks):
    """The axis shows the smallest share with some room below."""
    assert [label for _tick, label in ratio_scale(ratios).ticks] == ticks.split()


@pytest.mark.parametrize(
    ("seconds", "name", "ticks"),
    [
        (0, "seconds", "0 1"), (90, "seconds", "0 15 30 45 60 75 90"), (660, "minutes", "0 2 4 6 8 10 12"),
        (14400, "hours", "0 1 2 3 4"), (100 * 86400, "hours", "0 408 816 1224 1632 2040 2448"),
    ],
)  # fmt: skip
def test_time_scale(seconds, name, ticks):
    """The axis has at most six steps of a size that people count in."""
    scale = time_scale(seconds)
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
