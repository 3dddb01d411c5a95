# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML report: one page that needs nothing from outside. Private: names and behaviour may change."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, StrictUndefined, Template

from . import _page, svg
from ._model import GateResult


def render(gate: GateResult) -> str:
    """Return the page. Raises LibraryMissing where the picture cannot be drawn."""
    return _template().render(
        gate=gate,
        style=_page.STYLE,
        wide=svg.picture(gate, svg.WIDE, "wide"),
        narrow=svg.picture(gate, svg.NARROW, "narrow"),
        drawn=len(svg.drawn_tags(gate)),
        nothing_drawn=svg.NOTHING_DRAWN,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    return environment.from_string(_page.TEMPLATE)
