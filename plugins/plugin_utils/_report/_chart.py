# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart as an SVG element, drawn by pygal. Private: names and behaviour may change.

pygal's scripts, comments and time stamps are removed, so that the same result gives the same bytes, and nothing in a
picture is active or comes from elsewhere.
"""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Sequence

from ...module_utils._missing import LibraryMissing
from . import _palette
from ._scale import Scale

if TYPE_CHECKING:
    from types import ModuleType

NAMESPACE = "http://www.w3.org/2000/svg"
_MARGIN = 14
_FOOT = 8
# The mean width of a character, and the distance of two lines of text, by the size of the font.
_CHAR = 0.66
_LEADING = 1.3
_WIDTH = 2.0


@dataclass(frozen=True)
class Shape:
    """The size of a chart and its font in pixels, and how long names and the labels of lines can be in characters.

    `area_height` is the height of each of several charts, one below the other.
    """

    width: int
    plot_height: int
    area_height: int
    font: int
    label_chars: int
    name_chars: int
    legend_columns: int = 1


@dataclass(frozen=True)
class Line:
    """A series of the chart.

    `name` is shown in the legend, `label` where the line ends, or at the height `label_at`. With `fill`, the points
    are the outline of an area of that opacity. `width` is in pixels, `dots` the radius of dots.
    """

    name: str | None
    points: Sequence[dict[str, Any]]
    color: _palette.Color
    dashes: str | None = None
    stroke: bool = True
    dots: float = 3.0
    label: str | None = None
    label_at: float | None = None
    fill: float = 0.0
    width: float = _WIDTH

    @property
    def label_height(self) -> float:
        """The height of the label, on the vertical axis."""
        return self.points[-1]["value"][1] if self.label_at is None else self.label_at


@dataclass(frozen=True)
class Panel:
    """A chart that is yet to be drawn: its lines, its axes `across` and `up`, and the texts above and below.

    `label_chars` is the least room for labels, so that panels one below the other align.
    """

    shape: Shape
    across: Scale
    up: Scale
    heading: str | None = None
    below: str | None = None
    lines: Sequence[Line] = field(default_factory=list)
    label_chars: int = 0

    @property
    def longest_label(self) -> int:
        """The length of the longest label in characters."""
        return max((len(line.label) for line in self.lines if line.label), default=self.label_chars)


def drawn(panel: Panel, name: str) -> ET.Element:
    """Return a panel as an `svg` element; `name` is part of its id. Raises LibraryMissing."""
    chart = _chart(panel)
    chart.uuid = name
    chart.title = panel.heading
    style = _palette.css(f"#chart-{name}", [line.color for line in panel.lines], _rules(panel))
    chart.config.css = [*chart.config.css, f"inline:{style}"]
    for line in panel.lines:
        chart.add(
            line.name,
            line.points,
            stroke=line.stroke,
            fill=line.fill > 0,
            show_dots=line.dots > 0,
            dots_size=line.dots,
            stroke_style={"dasharray": line.dashes},
        )
    # The bytes come from this library, made of text that XML can hold.
    root = ET.fromstring(chart.render())  # noqa: S314
    _tidy(root)
    _label_lines(root, panel)
    return root


def document(parts: Sequence[ET.Element], name: str, title: str, text: str) -> str:
    """Return drawn panels, one below the other, as one `svg` element; `title` and `text` describe it for readers
    who cannot see it."""
    root = parts[0] if len(parts) == 1 else _stacked(parts)
    root.set("xmlns", NAMESPACE)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for position, (kind, content) in enumerate((("title", title), ("desc", text))):
        element = ET.Element(kind, {"id": f"{name}-{kind}"})
        element.text = content
        root.insert(position, element)
    return ET.tostring(root, encoding="unicode")


def says(text: str) -> Callable[[Any], str]:
    """Return the formatter of a dot that says this where it is pointed at."""
    return lambda _value: text


def _pygal() -> ModuleType:
    try:
        return importlib.import_module("pygal")
    except ImportError:
        raise LibraryMissing("pygal", ", or give the format markdown or junit, which do without") from None


def _chart(panel: Panel) -> Any:
    """Return the empty chart with its axes. Raises LibraryMissing."""
    pygal = _pygal()
    shape, lines = panel.shape, panel.lines
    label_chars = max(panel.longest_label, panel.label_chars)
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
        xrange=(panel.across.low, panel.across.high),
        range=(panel.up.low, panel.up.high),
        # Without a line pygal shows this text, and fails over labels.
        show_x_labels=bool(lines),
        show_y_labels=bool(lines),
        x_labels=_labels(panel.across) if lines else [],
        y_labels=_labels(panel.up) if lines else [],
        x_title=panel.below if lines else None,
        show_legend=named > 0,
        legend_at_bottom=True,
        legend_at_bottom_columns=columns,
        legend_box_size=shape.font - 2,
        truncate_legend=-1,
        margin=_MARGIN,
        margin_right=_MARGIN + int(label_chars * shape.font * _CHAR),
        # pygal's own room for the legend counts lines without a name, and forgets a last row that is not full.
        margin_bottom=_FOOT + _MARGIN + ((rows - len(lines) // columns) * row if named else 0) or 1,
        no_data_text="no messages",
    )


def _rules(panel: Panel) -> dict[str, str]:
    """Return the rules of style for labels, areas and bars."""
    rules = {".ends text": f"font-family: {_palette.FONTS}; font-size: {panel.shape.font}px; font-weight: 600"}
    for number, line in enumerate(panel.lines):
        if line.fill or line.width != _WIDTH:
            rules[f".serie-{number} .line"] = f"stroke-width: {line.width:g}; fill-opacity: {line.fill:g}"
    return rules


def _labels(scale: Scale) -> list[dict[str, Any]]:
    return [{"value": value, "label": label} for value, label in scale.ticks]


def _tidy(root: ET.Element) -> None:
    """Remove from pygal's document what is active or repeated; what dots say becomes their title."""
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2]
            if kind == "desc" and child.get("class") == "value":
                child.tag, child.attrib = f"{{{NAMESPACE}}}title", {}
            elif kind in ("script", "desc", "title") or "tooltip" in child.get("class", "").split():
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if element is not root:
            element.attrib.pop("id", None)


def _label_lines(root: ET.Element, panel: Panel) -> None:
    """Write the labels of lines to the right of the plot, at the height of their lines and clear of each other."""
    labelled = [(number, line) for number, line in enumerate(panel.lines) if line.label]
    plot = root.find(".//g[@class='plot']")
    if not labelled or plot is None:
        return
    height_of = _heights(plot, panel.up)
    background = plot[0]
    gap = panel.shape.font * _LEADING
    wanted = [height_of(line.label_height) for _number, line in labelled]
    group = ET.SubElement(root[-1], "g", {"class": "ends", "transform": plot.get("transform", "")})
    for (number, line), height in zip(labelled, spread(wanted, gap, float(background.get("height", 0)))):
        place = {"x": f"{float(background.get('width', 0)) + 6:g}", "y": f"{height + panel.shape.font * 0.35:.2f}"}
        ET.SubElement(group, "text", {**place, "class": f"color-{number}"}).text = line.label


def _heights(plot: ET.Element, up: Scale) -> Callable[[float], float]:
    """Return the function from a value on the vertical axis to pixels from the top of the plot, by its guides."""
    guides = [path.get("d", "").split()[1] for path in plot.iterfind("g[@class='axis y always_show']/g/path")]
    guides = guides or [path.get("d", "").split()[1] for path in plot.iterfind("g[@class='axis y']/g/path")]
    first, last = float(guides[0]), float(guides[-1])
    (low, _label), (high, _other) = up.ticks[0], up.ticks[-1]
    slope = (last - first) / (high - low) if high > low else 0.0
    return lambda value: first + (value - low) * slope


def spread(wanted: Sequence[float], gap: float, end: float) -> list[float]:
    """Return heights near the wanted ones, at least `gap` apart and where possible from 0 to `end`."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    found = list(wanted)
    low = 0.0
    for number in order:
        found[number] = low = max(low, wanted[number])
        low += gap
    high = max(end, gap * (len(wanted) - 1))
    for number in reversed(order):
        found[number] = high = min(high, found[number])
        high -= gap
    return found


def _stacked(parts: Sequence[ET.Element]) -> ET.Element:
    """Return one element that has the parts one below the other."""
    width = max(int(part.get("width", 0)) for part in parts)
    top = 0
    for part in parts:
        part.set("y", str(top))
        top += int(part.get("height", 0))
    root = ET.Element("svg", {"viewBox": f"0 0 {width} {top}", "width": str(width), "height": str(top)})
    root.extend(parts)
    return root
