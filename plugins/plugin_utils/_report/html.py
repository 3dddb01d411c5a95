# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML report: one page that needs nothing from outside. Private: names and behaviour may change."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Sequence

from jinja2 import Environment, StrictUndefined, Template

from . import _page, _text, svg
from ._model import GateResult

# In bytes, so that a browser shows the page of ten thousand tags at once. A row has so much beside its tag.
_MOST_TAGS = 1_500_000
_MOST_SENTENCES = 500_000
_ROW = " " * 620


def render(gate: GateResult) -> str:
    """Return the page. Raises LibraryMissing where the picture cannot be drawn."""
    shown = len(_text.fitting((escape(tag.tag) + _ROW for tag in gate.worst_first), _MOST_TAGS))
    return _template().render(
        gate=gate,
        summary=_text.shorten(gate.summary, _text.LONGEST_SENTENCE),
        style=_page.STYLE,
        wide=svg.picture(gate, svg.WIDE, "wide"),
        narrow=svg.picture(gate, svg.NARROW, "narrow"),
        drawn=len(svg.drawn_tags(gate)),
        nothing_drawn=svg.NOTHING_DRAWN,
        tags=gate.worst_first[:shown],
        tags_left_out=_text.left_out(shown, len(gate.tags), "tags"),
        sections=[
            _section("Why", gate.further_reasons, "reasons"),
            _section("Notes", gate.notes, "notes"),
            _section("The last failed look", gate.failures, "errors"),
        ],
    )


def _section(heading: str, sentences: Sequence[str], noun: str) -> tuple[str, list[str], str]:
    """Return a heading, the sentences below it, and one on those that are left out."""
    short = [_text.shorten(sentence, _text.LONGEST_SENTENCE) for sentence in sentences]
    shown = len(_text.fitting(map(escape, short), _MOST_SENTENCES))
    return heading, short[:shown], _text.left_out(shown, len(short), noun)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    return environment.from_string(_page.TEMPLATE)
