# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML report: one page that needs nothing from outside. Private: names and behaviour may change.

Jinja escapes every value; only the style and the pictures, which are made here, are marked as safe.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Sequence

from jinja2 import Environment, StrictUndefined, Template

from . import _text, svg
from ._model import GateResult
from ._tables import Table, tables_of
from ._tag import verdict_text

# In bytes, so that a browser shows the page of ten thousand tags at once. A cell has so much beside its text.
_MOST_ROWS = {"tags": 1_500_000, "causes": 400_000, "domains": 400_000}
_MOST_SENTENCES = 500_000
_CELL = 90
_FOLDER = Path(__file__).parent


def render(gate: GateResult) -> str:
    """Return the page. Raises LibraryMissing where the picture cannot be drawn."""
    return _template().render(
        gate=gate,
        summary=_text.shorten(gate.summary, _text.LONGEST_SENTENCE),
        style=_style(),
        facts=_facts(gate),
        wide=svg.picture(gate, svg.WIDE, "wide"),
        narrow=svg.picture(gate, svg.NARROW, "narrow"),
        caption=_caption(gate),
        tables=[_fitting(table) for table in tables_of(gate)],
        sections=[
            _section("Why", gate.further_reasons, "reasons"),
            _section("Notes", gate.notes, "notes"),
            _section("The last failed look", gate.last_errors, "errors"),
        ],
    )


def _facts(gate: GateResult) -> list[tuple[str, str]]:
    """Return the figures that are shown large: those of the only tag, or how many tags have each verdict."""
    if len(gate.tags) != 1:
        counts = Counter(tag.verdict for tag in gate.worst_first)
        return [(verdict_text(verdict), str(count)) for verdict, count in counts.items()]
    (tag,) = gate.tags
    facts = [("delivered", tag.ratio_text), ("required", tag.required_text), ("messages", tag.messages_text)]
    if tag.outcome:
        facts += [("failed", tag.failed_text), ("under way", tag.under_way_text)]
    return facts


def _caption(gate: GateResult) -> str:
    """Return what the picture shows, and what it leaves out."""
    drawn = len(svg.drawn_tags(gate))
    if not drawn:
        return svg.NOTHING_DRAWN
    of_tags = f", of {drawn} of {len(gate.tags)} tags" if drawn < len(gate.tags) else ""
    when = "at the only look" if svg.has_one_look(gate) else "at each look"
    sentences = [f"The share of messages delivered {when}{of_tags}."]
    if gate.has_outcomes:
        when = "" if svg.has_one_look(gate) else " at each look, and"
        sentences = [f"What became of the messages{of_tags},{when} by when they were taken in."]
    if gate.history_dropped:
        sentences.append(gate.dropped_text)
    if any(tag.carried_over for tag in gate.tags):
        sentences.append("Mail from before may be among the deliveries: a dotted line is what is delivered at least.")
    return " ".join(sentences)


def _fitting(table: Table) -> tuple[Table, list[tuple[str, ...]], str]:
    """Return a table, those of its rows that the page has room for, and a sentence on those that are left out."""
    sizes = (" " * _CELL * len(row) + escape("".join(row)) for row in table.rows)
    shown = len(_text.fitting(sizes, _MOST_ROWS[table.name]))
    return table, list(table.rows[:shown]), _text.left_out(shown, len(table.rows), table.noun)


def _section(heading: str, sentences: Sequence[str], noun: str) -> tuple[str, list[str], str]:
    """Return a heading, the sentences below it, and one on those that are left out."""
    short = [_text.shorten(sentence, _text.LONGEST_SENTENCE) for sentence in sentences]
    shown = len(_text.fitting(map(escape, short), _MOST_SENTENCES))
    return heading, short[:shown], _text.left_out(shown, len(short), noun)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    return environment.from_string((_FOLDER / "page.html.j2").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8").partition("*/\n")[2]
