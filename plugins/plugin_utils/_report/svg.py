# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture: the share delivered over the wait, its bounds and the limit. Private: names and behaviour may change.

pygal computes and draws; its scripts, comments and time stamps are taken out again, so that the same result gives the
same bytes, and nothing in it is active or comes from elsewhere.
"""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Sequence

from ...module_utils._missing import LibraryMissing
from .._format import percent, share
from . import _palette, _text
from ._model import GateResult, Look, TagResult
from ._scale import Scale, ratio_scale, time_scale

if TYPE_CHECKING:
    from types import ModuleType

_NAMESPACE = "http://www.w3.org/2000/svg"
NOTHING_DRAWN = "There was no reading of any message, so there is nothing to draw."
_MARGIN = 14
_FOOT = 8
# In what is read aloud or shown where it is pointed at.
_LONGEST_TAG = 100
_LONGEST_ERROR = 300
_FEW_DOTS = 25
_MOST_TAGS = len(_palette.TAGS)


@dataclass(frozen=True)
class Shape:
    """The size of a picture in pixels, and of what is in it; C(tag_length) is in characters."""

    width: int
    plot_height: int
    font: int
    legend_columns: int
    tag_length: int


# Shown by itself it is scaled to the page, so that its text must be legible at half its size.
ALONE = Shape(width=560, plot_height=330, font=15, legend_columns=1, tag_length=34)
WIDE = Shape(width=860, plot_height=380, font=13, legend_columns=2, tag_length=34)
NARROW = Shape(width=400, plot_height=300, font=13, legend_columns=1, tag_length=30)


@dataclass(frozen=True)
class Line:
    """A series of the chart: its name if it is in the legend, its points, how its strokes and dots look."""

    name: str | None
    points: list[dict[str, Any]]
    color: _palette.Color
    dashes: str | None = None
    stroke: bool = True
    dots: float = 3.0


def render(gate: GateResult) -> str:
    """Return the picture as an SVG document. Raises LibraryMissing."""
    return picture(gate, ALONE, "delivery-ratio", f"Campaign gate: {gate.verdict}") + "\n"


def picture(gate: GateResult, shape: Shape, name: str, heading: str | None = None) -> str:
    """Return the picture as an C(svg) element; C(name) is in its ids, C(heading) above it. Raises LibraryMissing."""
    lines, ratios, times = _lines(gate, shape)
    x_title = f"{times.name} since the first look" if lines else None
    chart = chart_of(shape, lines, ratios, times, x_title)
    return document(chart, lines, name, heading, f"Delivery ratio: {gate.verdict}", description(gate))


def document(chart: Any, lines: Sequence[Line], name: str, heading: str | None, title: str, text: str) -> str:
    """Return a chart as an C(svg) element; C(title) and C(text) are for those who cannot see it."""
    chart.uuid = name
    chart.title = heading
    style = _palette.css(f"#chart-{name}", [line.color for line in lines])
    chart.config.css = [*chart.config.css, f"inline:{style}"]
    for line in lines:
        chart.add(
            line.name,
            line.points,
            stroke=line.stroke,
            show_dots=line.dots > 0,
            dots_size=line.dots,
            stroke_style={"dasharray": line.dashes},
        )
    # The bytes are of this library's own making, from text that XML can hold.
    root = ET.fromstring(chart.render())  # noqa: S314
    return ET.tostring(_tidied(root, name, title, text), encoding="unicode")


def description(gate: GateResult) -> str:
    """Return what the picture shows, for those who cannot see it."""
    sentences = [_text.shorten(gate.msg, _text.LONGEST_SENTENCE), f"{gate.effort}."]
    for tag in drawn_tags(gate):
        looks = [look for look in gate.history if tag.tag in look.counts]
        first, last = (_share_at(look, tag.tag) for look in (looks[0], looks[-1]))
        name = _text.shorten(tag.tag, _LONGEST_TAG)
        sentences.append(f"{name}: {first} at first, {last} in the end, {tag.required_text} required.")
    if not drawn_tags(gate):
        sentences.append(NOTHING_DRAWN)
    return " ".join(sentences)


def drawn_tags(gate: GateResult) -> list[TagResult]:
    """Return the tags that have a reading to draw; where they are too many to tell apart, those that did worst."""
    seen = {tag for look in gate.history for tag, counts in look.counts.items() if counts.messages}
    tags = [tag for tag in gate.tags if tag.tag in seen]
    if len(tags) <= _MOST_TAGS:
        return tags
    worst = {tag.tag for tag in [tag for tag in gate.worst_first if tag.tag in seen][:_MOST_TAGS]}
    return [tag for tag in tags if tag.tag in worst]


def _pygal() -> ModuleType:
    try:
        return importlib.import_module("pygal")
    except ImportError:
        raise LibraryMissing("pygal", ", or give the format markdown or junit, which do without") from None


def _lines(gate: GateResult, shape: Shape) -> tuple[list[Line], Scale, Scale]:
    """Return the series of the chart, and its axes."""
    tags = drawn_tags(gate)
    times = time_scale(gate.history[-1].seconds if gate.history else 0.0)
    series = [_tag_lines(gate, tag, _palette.TAGS[position], shape, times) for position, tag in enumerate(tags)]
    lines = [line for of_tag in series for line in of_tag]
    limits = sorted({tag.required for tag in tags if tag.required is not None})
    ratios = ratio_scale([*limits, *(point["value"][1] for line in lines for point in line.points)])
    for limit in limits:
        ends = [{"value": (end, limit), "formatter": _says(f"{percent(limit)} required")} for end in (0, times.high)]
        lines.append(Line(f"required: {percent(limit)} (dashed)", ends, _palette.LIMIT, dashes="7,5", dots=0))
    failed = [
        {
            "value": (look.seconds / times.unit, ratios.low),
            "formatter": _says(_text.shorten(f"{look.at}: {look.error}", _LONGEST_ERROR)),
        }
        for look in gate.history
        if look.error is not None and tags
    ]
    if failed:
        lines.append(Line("failed look", failed, _palette.FAILED, stroke=False, dots=5.0))
    return lines, ratios, times


def _tag_lines(gate: GateResult, tag: TagResult, color: _palette.Color, shape: Shape, times: Scale) -> list[Line]:
    """Return what is delivered at most, and where that differs what is delivered at least, at each reading."""
    most, least = [], []
    for look in gate.history:
        counts = look.counts.get(tag.tag)
        if counts is None or not counts.messages:
            continue
        time = look.seconds / times.unit
        delivered = min(counts.deliveries, counts.messages)
        text = f"{_text.shorten(tag.tag, _LONGEST_TAG)}, {look.at}: {_share_at(look, tag.tag)}"
        most.append({"value": (time, delivered / counts.messages), "formatter": _says(text)})
        bound = min(delivered, max(0, counts.deliveries - tag.carried_over))
        least.append({"value": (time, bound / counts.messages)})
    dots = 3.0 if len(most) <= _FEW_DOTS else 1.5
    name = f"{_text.shorten(tag.tag, shape.tag_length)}: {tag.verdict or 'undecided'}"
    if not tag.carried_over:
        return [Line(name, most, color, dots=dots)]
    return [
        Line(f"{name} (dotted: at least)", most, color, dots=dots),
        Line(None, least, color, dashes="1,4", dots=0),
    ]


def _share_at(look: Look, tag: str) -> str:
    counts = look.counts[tag]
    of = f"{counts.deliveries} of {counts.messages} delivered"
    delivered = min(counts.deliveries, counts.messages)
    return f"{of} ({share(delivered, counts.messages)})" if counts.messages else of


def _says(text: str) -> Any:
    return lambda _value: text


def chart_of(shape: Shape, lines: Sequence[Line], ratios: Scale, times: Scale, x_title: str | None) -> Any:
    """Return the empty chart with its axes. Raises PackageMissing."""
    pygal = _pygal()
    columns = shape.legend_columns
    named = sum(line.name is not None for line in lines)
    rows = -(-named // columns)
    row = int(shape.font * 1.5)
    return pygal.XY(
        width=shape.width,
        height=shape.plot_height + rows * row + _FOOT,
        explicit_size=True,
        js=[],
        css=["file://style.css", "file://graph.css"],
        style=pygal.style.Style(**_palette.style(shape.font, [line.color for line in lines])),
        xrange=(times.low, times.high),
        range=(ratios.low, ratios.high),
        # Without a line pygal says that there is no reading, and stumbles over labels.
        show_x_labels=bool(lines),
        show_y_labels=bool(lines),
        x_labels=[{"value": value, "label": label} for value, label in times.ticks] if lines else [],
        y_labels=[{"value": value, "label": label} for value, label in ratios.ticks] if lines else [],
        x_title=x_title,
        legend_at_bottom=True,
        legend_at_bottom_columns=columns,
        legend_box_size=shape.font - 2,
        truncate_legend=-1,
        margin=_MARGIN,
        # pygal's own room for the legend counts lines without a name, and forgets a last row that is not full.
        margin_bottom=_FOOT + _MARGIN + (rows - len(lines) // columns) * row or 1,
        no_data_text="no reading",
    )


def _tidied(root: ET.Element, name: str, title: str, text: str) -> ET.Element:
    """Take out of pygal's document what is active or repeated, and say what it shows."""
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2]
            value = kind == "desc" and child.get("class") == "value"
            if value:
                child.tag, child.attrib = f"{{{_NAMESPACE}}}title", {}
            elif kind in ("script", "desc", "title") or "tooltip" in child.get("class", "").split():
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if element is not root:
            element.attrib.pop("id", None)
    root.set("xmlns", _NAMESPACE)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for position, (kind, content) in enumerate((("title", title), ("desc", text))):
        element = ET.Element(kind, {"id": f"{name}-{kind}"})
        element.text = content
        root.insert(position, element)
    return root
