# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a gate by outcomes: delivered, under way and failed, as areas that fill up to 100%. Private."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

from .._format import share
from . import _palette, _text
from ._chart import Line, Panel, Shape, says
from ._lines import required_line
from ._model import GateResult
from ._outcome import TagOutcome, TimelineSpan, merged
from ._scale import Scale, ratio_scale, time_scale
from ._tag import TagResult

# Time, and the shares of the messages that are delivered and failed.
Point = Tuple[float, float, float]
_HEADING_CHARS = 40
# Delivered, under way, failed: colour and opacity of the area.
_BANDS = (
    ("delivered", _palette.DELIVERED, 0.4),
    ("under way", _palette.UNDER_WAY, 0.25),
    ("failed", _palette.FAILED, 0.75),
)


def area_panels(gate: GateResult, tag: TagResult, outcome: TagOutcome, shape: Shape) -> list[Panel]:
    """Return the panels of a tag: its messages at each look, and by when they were taken in."""
    panels = [_at_looks(gate, tag, outcome, shape), _by_time_taken_in(tag, outcome, shape)]
    return [panel for panel in panels if panel is not None]


def _at_looks(gate: GateResult, tag: TagResult, outcome: TagOutcome, shape: Shape) -> Panel | None:
    """Return all messages so far at each look; null where there are no two looks to compare."""
    seen = [(entry, entry.counts[tag.tag]) for entry in gate.history if tag.tag in entry.counts]
    seen = [(entry, counts) for entry, counts in seen if counts.messages and counts.failed is not None]
    if len(seen) < 2:
        return None
    times = time_scale(gate.history[-1].seconds)
    points = [
        (entry.seconds / times.unit, counts.deliveries / counts.messages, (counts.failed or 0) / counts.messages)
        for entry, counts in seen
    ]
    dots = [
        {"value": point[:2], "formatter": says(f"{entry.at}: {counts.sentence}")}
        for point, (entry, counts) in zip(points, seen)
    ]
    edge = Line(None, dots, _palette.DELIVERED, dots=2.0)
    below = f"{times.name} since the first look"
    return _panel(tag, "all messages so far", (times, below), shape, [*_areas(points, outcome), edge])


def _by_time_taken_in(tag: TagResult, outcome: TagOutcome, shape: Shape) -> Panel | None:
    """Return the messages by when they were taken in, as they are now; null without messages."""
    spans = merged(outcome.timeline)
    if not any(span.messages for span in spans):
        return None
    times = time_scale(spans[-1].end)
    below = f"{times.name} after the first message"
    return _panel(tag, "by when messages were taken in", (times, below), shape, _areas(_steps(spans, times), outcome))


def _steps(spans: Sequence[TimelineSpan], times: Scale) -> list[Point | None]:
    """Return both ends of each span; null where nothing was taken in, which leaves a gap."""
    points: list[Point | None] = []
    for span in spans:
        if not span.messages:
            points.append(None)
            continue
        shares = (span.deliveries / span.messages, span.failed / span.messages)
        points += [(span.start / times.unit, *shares), (span.end / times.unit, *shares)]
    return points


def _panel(tag: TagResult, what: str, axis: tuple[Scale, str], shape: Shape, lines: list[Line]) -> Panel:
    across, below = axis
    if tag.required is not None:
        lines.append(required_line(tag.required, across))
    heading = f"{_text.shorten(tag.tag, _HEADING_CHARS)}: {what}"
    low = replace(shape, plot_height=shape.area_height)
    return Panel(low, across, ratio_scale([0.0, 1.0]), heading, below, lines)


def _areas(points: Sequence[Point | None], outcome: TagOutcome) -> list[Line]:
    """Return the areas, one upon the other; their labels have the shares of the whole outcome."""
    totals = (outcome.deliveries, outcome.under_way, outcome.failed)
    lines, below = [], 0
    for band, (name, color, opacity) in enumerate(_BANDS):
        label = f"{name} {share(totals[band], outcome.messages)}" if totals[band] else None
        middle = (below + totals[band] / 2) / outcome.messages
        below += totals[band]
        for run in _runs(points):
            outline = [{"value": (time, top)} for time, top in _edge(run, band + 1)]
            outline += [{"value": (time, bottom)} for time, bottom in reversed(_edge(run, band))]
            lines.append(Line(None, outline, color, dots=0, label=label, label_at=middle, fill=opacity, width=0))
            label = None
    return lines


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """Return the points in groups without a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _edge(run: Sequence[Point], number: int) -> list[tuple[float, float]]:
    """Return an edge between areas: 0 is the lowest, 3 the highest."""
    return [(time, (0.0, delivered, 1 - failed, 1.0)[number]) for time, delivered, failed in run]
