# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a single look, or of many tags at once: one bar for each tag. Private: names may change."""

from __future__ import annotations

from dataclasses import replace

from . import _palette, _text
from ._chart import Line, Panel, Shape
from ._model import GateResult
from ._scale import Scale, ratio_scale
from ._tag import TagResult

# In pixels: a row, the room above and below all rows, a bar. In rows: half of the mark.
_ROW = 46
_AROUND = 110
_BAR = 24.0
_MARK = 0.4


def bars_panel(gate: GateResult, tags: list[TagResult], shape: Shape, heading: str | None) -> Panel:
    """Return the panel with a bar for each tag, up to the share delivered, and a mark at the share required."""
    from_below = list(enumerate(reversed(tags)))
    ticks = tuple((float(row), _text.shorten(tag.tag, shape.name_chars)) for row, tag in from_below)
    what = "delivered, under way, failed" if gate.has_outcomes else "delivered"
    return Panel(
        shape=replace(shape, plot_height=_AROUND + _ROW * len(tags)),
        across=ratio_scale([0.0, 1.0]),
        up=Scale(-0.5, len(tags) - 0.5, ticks),
        heading=heading,
        below=f"{what}; the mark is the share required",
        lines=[line for row, tag in from_below for line in _bar(tag, row)],
    )


def _bar(tag: TagResult, row: int) -> list[Line]:
    if tag.figures is None or not tag.figures[2]:
        return []
    messages = tag.figures[2]
    lines = []
    for count, color in _parts(tag, *tag.figures):
        ends = [{"value": (end, row)} for end in (0.0, min(count, messages) / messages)]
        lines.append(Line(None, ends, color, dots=0, width=_BAR))
    symbol = f"{_text.SYMBOLS[tag.verdict]} " if tag.verdict else ""
    lines[-1] = replace(lines[-1], label=f"{symbol}{tag.ratio_text}")
    if tag.required is not None:
        mark = [{"value": (tag.required, row + step)} for step in (-_MARK, _MARK)]
        lines.append(Line(None, mark, _palette.LIMIT, dots=0, width=3.0))
    return lines


def _parts(tag: TagResult, least: int, most: int, messages: int) -> list[tuple[int, _palette.Color]]:
    """Return up to which message a colour goes, the longest first, as each is drawn upon the one before."""
    if tag.outcome:
        not_failed = messages - tag.outcome.failed
        return [(messages, _palette.FAILED), (not_failed, _palette.WAITING), (least, _palette.DELIVERED)]
    return [(messages, _palette.GUIDE), (most, _palette.POSSIBLE), (least, _palette.DELIVERED)]
