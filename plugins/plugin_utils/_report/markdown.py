# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Markdown report, for a CI job summary. Private: names and behaviour may change.

Everything foreign is written as character references, which CommonMark never takes for structure; GitHub's renderer
would still make links of mail addresses in it, so those are taken apart by an empty comment.
"""

from __future__ import annotations

import re
from typing import Iterable, Sequence

from . import _text
from ._model import GateResult, TagResult

# What means nothing in its place stays, so that the source can be read too.
_ACTIVE = re.compile(
    r"[\\`*\[\]<>{}~|&@$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # not within a word
    r"|:(?=[^\s\d])|/(?=/)"  # as in an address
    r"|(?<![0-9])\.(?=\S)|\.(?=[^\s\d])"  # not within a number, not at the end of a sentence
)
_AT = "&#64;<!-- -->"
_UNSAFE_IN_CODE = re.compile(r"[`|\\<&]")
# In bytes. GitHub shows nothing of a summary above 1 MiB; all parts together stay below, with the escapes.
_MOST_TAGS = 400_000
_MOST_REASONS = 300_000
_MOST_OTHERS = 60_000
_HEADINGS = ("Tag", "Verdict", "Messages", "Delivered", "Ratio", "Required", "Decided by")


def render(gate: GateResult) -> str:
    """Return the report, ending in a line feed."""
    parts = [
        f"### Campaign gate: {escape(gate.verdict_text)}",
        _line(_text.shorten(gate.summary, _text.LONGEST_SENTENCE)),
    ]
    if gate.tags:
        parts += _tags(gate)
    parts += _section("Why", gate.further_reasons, "reasons", _MOST_REASONS)
    parts += _section("Notes", gate.notes, "notes", _MOST_OTHERS)
    parts += _section("The last failed look", gate.failures, "errors", _MOST_OTHERS)
    parts.append(_line(gate.effort))
    if gate.policy:
        policy = _table(("Policy", "Value"), (_row(map(escape, setting)) for setting in gate.policy), "---|---")
        parts.append(f"<details>\n<summary>Policy</summary>\n\n{policy}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, within a line."""
    return _ACTIVE.sub(_reference, text)


def _line(text: str) -> str:
    """Return text that Markdown shows as it is where a line begins, and with it a list or a heading could."""
    if text[:1].isalpha() or _ACTIVE.match(text):
        return escape(text)
    return f"&#{ord(text[0])};{escape(text[1:])}" if text else ""


def _reference(found: re.Match[str]) -> str:
    return _AT if found[0] == "@" else f"&#{ord(found[0])};"


def _code(text: str) -> str:
    """Return a tag as code, which nothing takes for a link, unless it holds what some reader may see as markup."""
    return escape(text) if _UNSAFE_IN_CODE.search(text) or not text else f"`{text}`"


def _tags(gate: GateResult) -> list[str]:
    tags = gate.worst_first
    rows = _text.fitting((_row(_cells(tag)) for tag in tags), _MOST_TAGS)
    table = _table(_HEADINGS, rows, "---|---|--:|--:|--:|--:|---")
    return list(filter(None, [table, _text.left_out(len(rows), len(tags), "tags")]))


def _cells(tag: TagResult) -> Iterable[str]:
    return (
        _code(tag.tag),
        escape(tag.verdict_text),
        tag.messages_text,
        tag.delivered_text,
        tag.ratio_text,
        tag.required_text,
        tag.decided_text,
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(headings: Iterable[str], rows: Iterable[str], alignment: str) -> str:
    return "\n".join([_row(headings), f"|{alignment}|", *rows])


def _section(heading: str, sentences: Sequence[str], noun: str, limit: int) -> list[str]:
    items = (f"- {_line(_text.shorten(sentence, _text.LONGEST_SENTENCE))}" for sentence in sentences)
    shown = _text.fitting(items, limit)
    more = _text.left_out(len(shown), len(sentences), noun)
    return [f"**{heading}**", *filter(None, ["\n".join(shown), more])] if sentences else []
