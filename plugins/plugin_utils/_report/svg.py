# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a gate: the share delivered over the wait, or with outcomes what became of all messages. Private."""

from __future__ import annotations

from dataclasses import replace

from . import _palette, _text
from ._areas import area_panels
from ._bars import bars_panel
from ._chart import Panel, Shape, document, drawn
from ._lines import lines_panel
from ._model import GateResult
from ._scale import Scale
from ._tag import TagResult

NOTHING_DRAWN = "No message was seen at any look, so there is nothing to draw."
_TAG_CHARS = 100
_MOST_TAGS = len(_palette.TAGS)
# More tags than these would need a picture of many screens, so that the others are bars only.
_MOST_AREAS = 3

# Shown by itself it is scaled to the page, so that its text must be legible at half its size.
ALONE = Shape(width=640, plot_height=330, area_height=270, font=15, label_chars=22, name_chars=20)
WIDE = Shape(width=1000, plot_height=380, area_height=280, font=14, label_chars=30, name_chars=34)
NARROW = Shape(width=400, plot_height=300, area_height=270, font=13, label_chars=20, name_chars=14)


def render(gate: GateResult) -> str:
    """Return the picture as an SVG document. Raises LibraryMissing."""
    return picture(gate, ALONE, "delivery-ratio", f"Campaign gate: {gate.verdict}") + "\n"


def picture(gate: GateResult, shape: Shape, name: str, heading: str | None = None) -> str:
    """Return the picture as an `svg` element; `name` is part of its ids, `heading` above it. Raises LibraryMissing."""
    parts = [drawn(panel, f"{name}-{number}") for number, panel in enumerate(_panels(gate, shape, heading))]
    return document(parts, name, f"Delivery ratio: {gate.verdict}", description(gate))


def description(gate: GateResult) -> str:
    """Return what the picture shows, for readers who cannot see it."""
    sentences = [_text.shorten(gate.msg, _text.LONGEST_SENTENCE), f"{gate.effort}."]
    for tag in drawn_tags(gate):
        entries = [entry for entry in gate.history if tag.tag in entry.counts]
        name = _text.shorten(tag.tag, _TAG_CHARS)
        if entries:
            first, last = (entry.counts[tag.tag].sentence for entry in (entries[0], entries[-1]))
            seen = f"{first} at first, {last} in the end" if len(entries) > 1 else last
            sentences.append(f"{name}: {seen}, {tag.required_text} required.")
    if not drawn_tags(gate):
        sentences.append(NOTHING_DRAWN)
    return " ".join(sentences)


def drawn_tags(gate: GateResult) -> list[TagResult]:
    """Return the tags of which messages were seen; where they are too many to tell apart, the worst of them."""
    seen = {tag for entry in gate.history for tag, counts in entry.counts.items() if counts.messages}
    seen |= {tag.tag for tag in gate.tags if tag.outcome and tag.outcome.messages}
    tags = [tag for tag in gate.tags if tag.tag in seen]
    if len(tags) <= _MOST_TAGS:
        return tags
    worst = {tag.tag for tag in [tag for tag in gate.worst_first if tag.tag in seen][:_MOST_TAGS]}
    return [tag for tag in tags if tag.tag in worst]


def has_one_look(gate: GateResult) -> bool:
    """Whether there is no more than one look at messages, so that there is no wait to show."""
    return sum(any(counts.messages for counts in entry.counts.values()) for entry in gate.history) <= 1


def _panels(gate: GateResult, shape: Shape, heading: str | None) -> list[Panel]:
    tags = drawn_tags(gate)
    if not tags:
        return [Panel(shape, Scale(0.0, 1.0, ()), Scale(0.0, 1.0, ()), heading)]
    if not gate.has_outcomes:
        draw = bars_panel if has_one_look(gate) else lines_panel
        return [draw(gate, tags, shape, heading)]
    return _outcome_panels(gate, tags, shape, heading)


def _outcome_panels(gate: GateResult, tags: list[TagResult], shape: Shape, heading: str | None) -> list[Panel]:
    """Return the areas of each tag; of many tags bars, and below them the areas of the worst that have not passed."""
    shown = [(tag, tag.outcome) for tag in gate.worst_first if tag in tags and tag.outcome and tag.outcome.messages]
    if len(tags) > _MOST_AREAS:
        shown = [entry for entry in shown if entry[0].verdict != "pass"][:_MOST_AREAS]
    panels = [panel for tag, outcome in shown for panel in area_panels(gate, tag, outcome, shape)]
    if not panels or len(tags) > _MOST_AREAS:
        panels.insert(0, bars_panel(gate, tags, shape, None))
    first = "\n".join(filter(None, [heading, panels[0].heading])) or None
    panels[0] = replace(panels[0], heading=first)
    label_chars = max(panel.longest_label for panel in panels)
    return [replace(panel, label_chars=label_chars) for panel in panels]
