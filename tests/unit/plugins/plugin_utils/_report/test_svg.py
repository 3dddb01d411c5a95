# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the picture: what it shows, and that nothing in it is active, foreign or random."""

from __future__ import annotations

import datetime
import importlib
import re
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _palette, gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._text import plain
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "defs", "style", "g", "rect", "path", "text", "circle"}


def parsed(text):
    """The picture's elements."""
    return etree.fromstring(text.encode("utf-8"))


def labels(root):
    """What is written at the ends of the lines."""
    return [text.text for group in root.iter(f"{SVG}g") if group.get("class") == "ends" for text in group]


def dots(root):
    """What each dot says when it is pointed at."""
    return [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g") if group.get("class") == "dots"]


def assert_harmless(root):
    """Nothing runs, nothing is loaded, nothing leads away."""
    assert {element.tag.replace(SVG, "") for element in root.iter()} <= ELEMENTS
    for element in root.iter():
        for name in element.attrib:
            assert not name.startswith("on")
            assert "href" not in name
        if element.tag == f"{SVG}style":
            assert "url(" not in element.text
            assert "@import" not in element.text


def test_every_gate(report, gate_name):
    """All results give a harmless picture that says what it shows, and mentions no address but its namespace."""
    text = report(gate_name, "svg")
    root = parsed(text)
    assert_harmless(root)
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    described = {child.get("id") for child in root[:2]}
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert set(root.get("aria-labelledby").split()) == described
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


def test_what_is_drawn(report):
    """Each look of each tag is a dot that says its figures; each line says at its end what it is."""
    root = parsed(report("fail", "svg"))
    assert labels(root) == ["✘ wave-2 28%", "? welcome 100%", "at least 96.25%", "required 95%", "failed look"]
    said = dots(root)
    assert len(said) == 15 + 15 + 1
    assert said[0] == "wave-2, 2026-03-02T09:00:00Z: 40 of 400 delivered (10%)"
    assert said[-1].startswith("2026-03-02T09:05:00Z: wave-2: the service answered with status 503")
    style = root.findtext(f"{SVG}defs/{SVG}style")
    assert "stroke-dasharray:7,5" in style
    assert "stroke-dasharray:1,4" in style
    assert "prefers-color-scheme:dark" in style
    assert root.findtext(f"{SVG}title") == "Delivery ratio: fail"
    assert "wave-2: 40 of 400 delivered (10%) at first, 280 of 1000 delivered (28%) in the end, 95% required." in (
        root.findtext(f"{SVG}desc")
    )


def heights(root, serie):
    """How far down each dot of a series is, in pixels."""
    groups = root.iterfind(f".//{SVG}g[@class='series serie-{serie} color-{serie}']")
    return [float(circle.get("cy")) for group in groups for circle in group.iter(f"{SVG}circle")]


def test_places(report):
    """Dots are where their shares are: 0% is at the bottom, and 28% that much above it."""
    root = parsed(report("fail", "svg"))
    bottom = heights(root, 4)[0]
    top = heights(root, 1)[0]
    tag = heights(root, 0)
    assert (bottom - tag[-1]) / (bottom - top) == pytest.approx(0.28, abs=0.001)
    assert (bottom - tag[0]) / (bottom - top) == pytest.approx(0.1, abs=0.001)


def test_bounds(report):
    """The dotted line is what is delivered at least: without the 60 that may have been carried over."""
    root = parsed(report("hours", "svg"))
    (line,) = root.iterfind(f".//{SVG}g[@class='series serie-1 color-1']/{SVG}path")
    points = [float(number) for number in re.findall(r"[0-9.]+", line.get("d"))][1::2]
    limit = float(
        re.findall(r"[0-9.]+", root.find(f".//{SVG}g[@class='series serie-2 color-2']/{SVG}path").get("d"))[1]
    )
    most = heights(root, 0)
    # 985 of 1000 at first, 9900 of 10000 in the end, 98% required.
    pixels = (limit - most[0]) / 0.005
    assert (points[0] - most[0]) / pixels == pytest.approx(60 / 1000, rel=0.02)
    assert (points[-1] - most[-1]) / pixels == pytest.approx(60 / 10000, rel=0.02)


def widths(root, color):
    """How long the lines of a colour are, in pixels; pygal numbers the colours as the lines."""
    style = root.findtext(f"{SVG}defs/{SVG}style")
    numbers = re.findall(rf"\.color-(\d+) a:visited{{stroke:{color.light}", style)
    paths = [root.find(f".//{SVG}g[@class='series serie-{number} color-{number}']/{SVG}path") for number in numbers]
    points = [[float(number) for number in re.findall(r"[0-9.]+", path.get("d"))] for path in paths]
    return [points_of[2] - points_of[0] for points_of in points]


def test_one_look(report):
    """A single look is a bar as long as its share, with a mark at the share required, and no lonely dot."""
    root = parsed(report("inconclusive", "svg"))
    assert dots(root) == []
    assert labels(root) == ["? 95.45%"]
    (whole,), (delivered,) = widths(root, _palette.GUIDE), widths(root, _palette.DELIVERED)
    assert delivered / whole == pytest.approx(84 / 88, abs=0.001)


def test_one_look_with_mail_carried_over(gate):
    """A bar shows what is delivered at least, and in another colour what may be."""
    result = gate("hours")
    root = parsed(gate_report({**result, "history": result["history"][-1:]}, "svg"))
    sizes = [widths(root, color)[0] for color in (_palette.GUIDE, _palette.POSSIBLE, _palette.DELIVERED)]
    (tag,) = result["tags"].values()
    assert [size / sizes[0] for size in sizes[1:]] == pytest.approx(
        [tag["delivered_at_most"] / tag["messages"], tag["delivered_at_least"] / tag["messages"]], abs=0.001
    )


@pytest.mark.parametrize("changes", [{}, {"history": []}, {"history": [], "tags": {}}])
def test_nothing_to_draw(gate, changes):
    """Without a reading the picture says so."""
    root = parsed(gate_report(gate("error", **changes), "svg"))
    assert "no messages" in [text.text for text in root.iter(f"{SVG}text")]
    assert "so there is nothing to draw." in root.findtext(f"{SVG}desc")
    assert dots(root) == []


@pytest.mark.parametrize(("messages", "deliveries", "said"), [(200, 210, "(100%)"), (100000, 94999, "(94.99%)")])
def test_odd_counts(gate, messages, deliveries, said):
    """Deliveries above messages are drawn as all of them; a share is never rounded up."""
    look = {"at": "2026-03-02T09:00:00Z", "tags": {"wave-1": {"messages": messages, "deliveries": deliveries}}}
    texts = dots(parsed(gate_report(gate("pass", history=[look, look]), "svg")))
    assert [text.endswith(said) for text in texts] == [True, True]


def test_a_clock_that_ran_backward(gate):
    """Looks are never drawn before the first."""
    result = gate("pass")
    result["history"][1]["at"] = "2026-03-02T08:00:00Z"
    root = parsed(gate_report(result, "svg"))
    across = [float(circle.get("cx")) for circle in root.iter(f"{SVG}circle")]
    assert len(across) == len(result["history"])
    assert across[1] == across[0] == min(across)


def test_too_many_tags(gate):
    """The worst ten are drawn, in the order of the tags."""
    result = gate("ten-tags")
    for number in range(20):
        name = f"more-{number:02d}"
        result["tags"][name] = {**result["tags"]["newsletter-2026-03-01"], "verdict": "fail" if number == 7 else "pass"}
        result["history"][-1]["tags"][name] = {"messages": 100, "deliveries": 1}
    said = dots(parsed(gate_report(result, "svg")))
    names = list(dict.fromkeys(text.partition(", ")[0] for text in said))
    bad = [name for name, tag in result["tags"].items() if tag["verdict"] != "pass"]
    assert len(names) == 10
    assert names[-1] == "more-07"
    assert set(bad) <= set(names)


@settings(max_examples=25)
@given(text=st.text(st.characters(codec=None), min_size=1, max_size=20).filter(plain))
def test_any_tag(text):
    """Whatever a tag is made of, the picture is sound and shows it."""
    counts = {"messages": 100, "deliveries": 99}
    result = {
        "verdict": "fail",
        "msg": text,
        "looks": 1,
        "waited": 0,
        "errors": 0,
        "history_dropped": 0,
        "tags": {text: {"verdict": "fail", "required_delivery_ratio": 0.95}},
        "history": [{"at": "2026-03-02T09:00:00Z", "tags": {text: counts}}] * 2,
    }
    root = parsed(gate_report(result, "svg"))
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
    assert "pygal" in str(error.value)
    assert "pip install pygal" in str(error.value)
    assert sys.executable in str(error.value)
    assert gate_report(gate("pass"), "markdown")
    assert gate_report(gate("pass"), "junit")
