# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a gate by counters: the share delivered at each look, its bounds, and what is required. Private."""

from __future__ import annotations

from .._format import percent
from . import _palette, _text
from ._chart import Line, Panel, Shape, says
from ._history import HistoryEntry
from ._model import GateResult
from ._scale import Scale, ratio_scale, time_scale
from ._tag import TagResult, share_text

# In what is read aloud or shown where it is pointed at.
_TAG_CHARS = 100
_ERROR_CHARS = 300
_FEW_DOTS = 25
# What stands beside the tag in a label: its symbol and its share.
_LABEL_REST = 10


def lines_panel(gate: GateResult, tags: list[TagResult], shape: Shape, heading: str | None) -> Panel:
    """Return the panel with a line for each tag, from its history."""
    times = time_scale(gate.history[-1].seconds if gate.history else 0.0)
    series = [_tag_lines(gate, tag, _palette.TAGS[position], shape, times) for position, tag in enumerate(tags)]
    lines = [line for of_tag in series for line in of_tag]
    required = sorted({tag.required for tag in tags if tag.required is not None})
    ratios = ratio_scale([*required, *(point["value"][1] for line in lines for point in line.points)])
    lines += [required_line(ratio, times) for ratio in required]
    failed = [_failed_look(entry, times, ratios) for entry in gate.history if entry.error is not None and tags]
    if failed:
        label = "failed look" if len(failed) == 1 else "failed looks"
        lines.append(Line(None, failed, _palette.FAILED, stroke=False, dots=5.0, label=label))
    return Panel(shape, times, ratios, heading, f"{times.name} since the first look", lines)


def required_line(ratio: float, across: Scale) -> Line:
    """Return the dashed line at the required share."""
    text = f"required {percent(ratio)}"
    ends = [{"value": (end, ratio), "formatter": says(text)} for end in (0, across.high)]
    return Line(None, ends, _palette.LIMIT, dashes="7,5", dots=0, label=text)


def _failed_look(entry: HistoryEntry, times: Scale, ratios: Scale) -> dict[str, object]:
    text = _text.shorten(f"{entry.at}: {entry.error}", _ERROR_CHARS)
    return {"value": (entry.seconds / times.unit, ratios.low), "formatter": says(text)}


def _tag_lines(gate: GateResult, tag: TagResult, color: _palette.Color, shape: Shape, times: Scale) -> list[Line]:
    """Return what is delivered at most, and where that differs what is delivered at least, at each look."""
    most, least = [], []
    share = bound = ""
    for entry in gate.history:
        counts = entry.counts.get(tag.tag)
        if counts is None or not counts.messages:
            continue
        time = entry.seconds / times.unit
        delivered = min(counts.deliveries, counts.messages)
        text = f"{_text.shorten(tag.tag, _TAG_CHARS)}, {entry.at}: {counts.sentence}"
        most.append({"value": (time, delivered / counts.messages), "formatter": says(text)})
        at_least = min(delivered, max(0, counts.deliveries - tag.carried_over))
        least.append({"value": (time, at_least / counts.messages)})
        share, bound = share_text(delivered, counts.messages), share_text(at_least, counts.messages)
    dots = 3.0 if len(most) <= _FEW_DOTS else 1.5
    name = _text.shorten(tag.tag, shape.label_chars - _LABEL_REST)
    symbol = f"{_text.SYMBOLS[tag.verdict]} " if tag.verdict else ""
    lines = [Line(None, most, color, dots=dots, label=f"{symbol}{name} {share}")]
    if tag.carried_over:
        lines.append(Line(None, least, color, dashes="1,4", dots=0, label=f"at least {bound}"))
    return lines
