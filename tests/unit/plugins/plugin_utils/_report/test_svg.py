"""Tests of the picture: what it shows, and that nothing in it is active, foreign or random."""

from __future__ import annotations

import datetime
import importlib
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette, gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import (
    SVG,
    assert_harmless,
    dots,
    labels,
    paths,
    points,
    read_svg,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import bare
from hypothesis import given, settings
from hypothesis import strategies as st

ELEMENTS = {"svg", "title", "desc", "defs", "style", "g", "rect", "path", "text", "circle"}


@pytest.fixture
def picture(gate):
    """The picture's elements, of a gate's result by name with other values for some of its keys."""
    return lambda name, **changes: read_svg(gate_report(gate(name, **changes), "svg"))


def heights(root, serie):
    """How far down each dot of a series is, in pixels."""
    groups = root.iterfind(f".//{SVG}g[@class='series serie-{serie} color-{serie}']")
    return [float(circle.get("cy")) for group in groups for circle in group.iter(f"{SVG}circle")]


def corners(root, serie):
    """How far down each corner of the line of a series is, in pixels."""
    return [y for _x, y in points(root.find(f".//{SVG}g[@class='series serie-{serie} color-{serie}']/{SVG}path"))]


def shares(root, *colors):
    """How long the only bar of each colour is, beside a guide from 0% to 100%."""
    ends = [points(paths(root, color)[0]) for color in (_palette.GUIDE, *colors)]
    whole, *lengths = [corners[1][0] - corners[0][0] for corners in ends]
    return [length / whole for length in lengths]


def test_every_gate(report, gate_name):
    """All results give a harmless picture that says what it shows, and mentions no address but its namespace."""
    text = report(gate_name, "svg")
    root = read_svg(text)
    assert_harmless(root)
    assert {element.tag.replace(SVG, "") for element in root.iter()} <= ELEMENTS
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert set(root.get("aria-labelledby").split()) == {child.get("id") for child in root[:2]}
    if gate_name != "hostile":
        assert text.count("://") == 1


def test_same_input_same_bytes(report, gate_name, monkeypatch):
    """No clock, no chance, and no other library that happens to be installed plays a part."""
    pygal_etree = importlib.import_module("pygal.etree").etree
    before = report(gate_name, "svg")

    class AnotherDay(datetime.date):
        @classmethod
        def today(cls):
            return cls(1999, 12, 31)

    monkeypatch.setattr("pygal.svg.date", AnotherDay)
    pygal_etree.to_etree()
    try:
        assert report(gate_name, "svg") == before
    finally:
        pygal_etree.to_lxml()


def test_what_is_drawn(picture):
    """Each look of each tag is a dot that says its figures; each line says at its end what it is."""
    root = picture("fail")
    assert labels(root) == ["✘ wave-2 28%", "? welcome 100%", "at least 96.25%", "required 95%", "failed look"]
    said = dots(root)
    assert len(said) == 15 + 15 + 1
    assert said[0] == "wave-2, 2026-03-02T09:00:00Z: 40 of 400 delivered (10%)"
    assert said[-1].startswith("2026-03-02T09:05:00Z: wave-2: the service answered with status 503")
    style = root.findtext(f"{SVG}defs/{SVG}style")
    for part in ("stroke-dasharray:7,5", "stroke-dasharray:1,4", "prefers-color-scheme:dark"):
        assert part in style
    assert root.findtext(f"{SVG}title") == "Delivery ratio: fail"
    assert "wave-2: 40 of 400 delivered (10%) at first, 280 of 1000 delivered (28%) in the end, 95% required." in (
        root.findtext(f"{SVG}desc")
    )


def test_places(picture):
    """Dots are where their shares are: 0% is at the bottom, and 28% that much above it."""
    root = picture("fail")
    bottom, top, tag = heights(root, 4)[0], heights(root, 1)[0], heights(root, 0)
    shares = [(bottom - tag[place]) / (bottom - top) for place in (0, -1)]
    assert shares == pytest.approx([0.1, 0.28], abs=0.001)


def test_bounds(picture):
    """The dotted line is what is delivered at least: without the 60 that may have been carried over."""
    root = picture("hours")
    most, least, (required, *_rest) = heights(root, 0), corners(root, 1), corners(root, 2)
    # 985 of 1000 at first, 9900 of 10000 in the end, 98% required.
    pixels = (required - most[0]) / 0.005
    assert (least[0] - most[0]) / pixels == pytest.approx(60 / 1000, rel=0.02)
    assert (least[-1] - most[-1]) / pixels == pytest.approx(60 / 10000, rel=0.02)


def test_one_look(picture):
    """A single look is a bar as long as its share, with a mark at the share required, and no lonely dot."""
    root = picture("inconclusive")
    assert dots(root) == []
    assert labels(root) == ["? 95.45%"]
    assert shares(root, _palette.DELIVERED) == pytest.approx([84 / 88], abs=0.001)


def test_one_look_with_mail_carried_over(gate, picture):
    """A bar shows what is delivered at least, and in another colour what may be."""
    root = picture("hours", history=gate("hours")["history"][-1:])
    found = shares(root, _palette.POSSIBLE, _palette.DELIVERED)
    assert found == pytest.approx([9900 / 10000, 9840 / 10000], abs=0.001)


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
    look = {"at": "2026-03-02T09:00:00Z", "tags": {"wave-1": {"messages": messages, "deliveries": deliveries}}}
    assert [text.endswith(said) for text in dots(picture("pass", history=[look, look]))] == [True, True]


def test_a_clock_that_ran_backward(gate, picture):
    """Looks are never drawn before the first."""
    looks = gate("pass")["history"]
    looks[1]["at"] = "2026-03-02T08:00:00Z"
    across = [float(circle.get("cx")) for circle in picture("pass", history=looks).iter(f"{SVG}circle")]
    assert len(across) == len(looks)
    assert across[1] == across[0] == min(across)


def test_too_many_tags(gate):
    """The worst ten are drawn, in the order of the tags."""
    result = gate("ten-tags")
    for number in range(20):
        name = f"more-{number:02d}"
        result["tags"][name] = {**result["tags"]["newsletter-2026-03-01"], "verdict": "fail" if number == 7 else "pass"}
        result["history"][-1]["tags"][name] = {"messages": 100, "deliveries": 1}
    said = dots(read_svg(gate_report(result, "svg")))
    names = list(dict.fromkeys(text.partition(", ")[0] for text in said))
    assert len(names) == 10
    assert names[-1] == "more-07"
    assert {name for name, tag in result["tags"].items() if tag["verdict"] != "pass"} <= set(names)


@settings(max_examples=25)
@given(text=st.text(st.characters(codec=None), min_size=1, max_size=20).filter(plain))
def test_any_tag(text):
    """Whatever a tag is made of, the picture is sound and shows it."""
    look = {"at": "2026-03-02T09:00:00Z", "tags": {text: {"messages": 100, "deliveries": 99}}}
    root = read_svg(gate_report(bare(text, "fail", history=[look, look]), "svg"))
    assert_harmless(root)
    assert dots(root)[0] == f"{plain(text)}, 2026-03-02T09:00:00Z: 99 of 100 delivered (99%)"


@pytest.mark.parametrize("form", ["svg", "html"])
def test_without_pygal(gate, monkeypatch, form):
    """The error names the package and the way to it; the other formats do without."""
    found = importlib.import_module

    def import_module(name, package=None):
        if name == "pygal":
            raise ModuleNotFoundError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(LibraryMissing) as error:
        gate_report(gate("pass"), form)
    for part in ("pygal", "pip install pygal", sys.executable):
        assert part in str(error.value)
    assert gate_report(gate("pass"), "markdown")
    assert gate_report(gate("pass"), "junit")
