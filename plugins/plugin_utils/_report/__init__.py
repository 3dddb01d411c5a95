# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports of a gate's result, one file for each format. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Callable

from ...module_utils._errors import OptionError
from ._model import GateResult
from .html import render as render_html
from .junit import render as render_junit
from .markdown import render as render_markdown
from .svg import render as render_svg

_FORMATS: dict[str, Callable[[GateResult], str]] = {
    "markdown": render_markdown,
    "junit": render_junit,
    "svg": render_svg,
    "html": render_html,
}


def gate_report(given: Any, form: Any) -> str:
    """Return the report of what `campaign_gate` returned; `form` is markdown, junit, svg or html.

    Raises OptionError for an unknown format or another input, LibraryMissing where pygal is missing.
    """
    render = _FORMATS.get(form) if isinstance(form, str) else None
    if render is None:
        raise OptionError("format", f"{repr(form)[:60]} is unknown; give one of {', '.join(_FORMATS)}")
    return render(GateResult.read(given))
