# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The colours of the picture, by day and by night. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


@dataclass(frozen=True)
class Color:
    """A colour on white, and its counterpart on black."""

    light: str
    dark: str


BACKGROUND = Color("#ffffff", "#0d1117")
TEXT = Color("#1f2328", "#e6edf3")
SUBTLE = Color("#59636e", "#9198a1")
GUIDE = Color("#d1d9e0", "#3d444d")
LIMIT = Color("#1f2328", "#e6edf3")
FAILED = Color("#cf222e", "#ff7b72")
DELIVERED = Color("#0550ae", "#79c0ff")
UNDER_WAY = Color("#59636e", "#9198a1")
# Of bars: a part that is under way, and one that may be delivered.
WAITING = Color("#b6bec7", "#6e7681")
POSSIBLE = Color("#a5cdff", "#1f4f85")
TAGS = (
    Color("#0550ae", "#79c0ff"),
    Color("#bc4c00", "#ffa657"),
    Color("#116329", "#56d364"),
    Color("#8250df", "#d2a8ff"),
    Color("#9a6700", "#e3b341"),
    Color("#0b7285", "#4dd0e1"),
    Color("#bf3989", "#ff9bce"),
    Color("#57606a", "#b1bac4"),
    Color("#4d7c0f", "#a3e635"),
    Color("#7c2d12", "#f0a58f"),
)


def style(font_size: int, colors: Sequence[Color]) -> dict[str, Any]:
    """Return the settings of pygal's style for the picture by day, with a colour for each series."""
    return {
        "background": BACKGROUND.light,
        "plot_background": BACKGROUND.light,
        "foreground": TEXT.light,
        "foreground_strong": TEXT.light,
        "foreground_subtle": GUIDE.light,
        "guide_stroke_color": GUIDE.light,
        "guide_stroke_dasharray": "none",
        "major_guide_stroke_color": GUIDE.light,
        "major_guide_stroke_dasharray": "none",
        "font_family": FONTS,
        "label_font_size": font_size,
        "major_label_font_size": font_size,
        "legend_font_size": font_size,
        "title_font_size": font_size,
        "no_data_font_size": 2 * font_size,
        "opacity": "1",
        "opacity_hover": "1",
        "stroke_opacity": "1",
        "stroke_opacity_hover": "1",
        "stroke_width": "2",
        "stroke_width_hover": "2",
        "transition": "0s",
        "colors": tuple(color.light for color in colors) or (TEXT.light,),
        "ci_colors": tuple(color.light for color in colors),
    }


def css(selector: str, colors: Sequence[Color], further: Mapping[str, str]) -> str:
    """Return what pygal's style has no setting for: quiet axes, the `further` rules, and a dark picture by night."""
    by_day = {
        ".titles .title": f"fill: {SUBTLE.light}",
        ".titles .plot_title": f"fill: {TEXT.light}; font-weight: 600",
        ".axis > .line": f"stroke: {SUBTLE.light}",
        ".axis .guides:first-child .line": f"stroke: {SUBTLE.light}",
        ".dot": "stroke-width: 1",
        "text.no_data": f"fill: {SUBTLE.light}",
        **further,
    }
    by_night = {
        "": f"background-color: {BACKGROUND.dark}",
        ".graph > .background": f"fill: {BACKGROUND.dark}",
        ".plot > .background": f"fill: {BACKGROUND.dark}",
        ".graph": f"fill: {TEXT.dark}",
        "text": f"fill: {TEXT.dark}",
        ".legends .legend text": f"fill: {TEXT.dark}",
        ".axis text.major": f"fill: {TEXT.dark}",
        ".titles .title": f"fill: {SUBTLE.dark}",
        ".titles .plot_title": f"fill: {TEXT.dark}",
        ".axis .guide.line": f"stroke: {GUIDE.dark}",
        ".axis .major.guide.line": f"stroke: {GUIDE.dark}",
        ".axis > .line": f"stroke: {SUBTLE.dark}",
        ".axis .guides:first-child .line": f"stroke: {SUBTLE.dark}",
        "text.no_data": f"fill: {SUBTLE.dark}",
        **{f".color-{index}": f"stroke: {color.dark}; fill: {color.dark}" for index, color in enumerate(colors)},
    }
    return f"{_rules(selector, by_day)}\n@media (prefers-color-scheme: dark) {{\n{_rules(selector, by_night)}\n}}\n"


def _rules(selector: str, rules: Mapping[str, str]) -> str:
    return "\n".join(f"{selector} {part} {{{rule}}}" for part, rule in rules.items())
