# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Markdown report, for a CI job summary. Private: names and behaviour may change.

Active characters are written as character references, which CommonMark never takes for structure. GitHub's renderer
would still make links of mail addresses, so an empty comment splits these.
"""

from __future__ import annotations

import re
from typing import Iterable, Sequence

from . import _text
from ._model import GateResult
from ._tables import Table, tables_of

# What has no meaning where it is stays, so that the source is readable, too.
_ACTIVE = re.compile(
    r"[\\`*\[\]<>{}~|&@$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # not within a word
    r"|:(?=[^\s\d])|/(?=/)"  # as in an address
    r"|(?<![0-9])\.(?=\S)|\.(?=[^\s\d])"  # not within a number, not at the end of a sentence
)
_AT = "&#64;<!-- -->"
_UNSAFE_IN_CODE = re.compile(r"[`|\\<&]")
# In bytes. GitHub shows nothing of a summary above 1 MiB; all parts together stay below, with the escapes.
_MOST_ROWS = {"tags": 350_000, "causes": 80_000, "domains": 60_000}
_MOST_REASONS = 250_000
_MOST_OTHERS = 60_000
_ALIGNMENTS = {"number": "--:"}


def render(gate: GateResult) -> str:
    """Return the report, ending in a line feed."""
    parts = [
        f"### Campaign gate: {escape(gate.verdict_text)}",
        _line(_text.shorten(gate.summary, _text.LONGEST_SENTENCE)),
    ]
    for table in tables_of(gate):
        parts += _table_of(table)
    parts += _section("Why", gate.further_reasons, "reasons", _MOST_REASONS)
    parts += _section("Notes", gate.notes, "notes", _MOST_OTHERS)
    parts += _section("The last failed look", gate.last_errors, "errors", _MOST_OTHERS)
    parts.append(_line(gate.effort))
    if gate.policy:
        policy = _table(["Policy", "Value"], ["---", "---"], (_row(map(escape, setting)) for setting in gate.policy))
        parts.append(f"<details>\n<summary>Policy</summary>\n\n{policy}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows unchanged within a line."""
    return _ACTIVE.sub(_reference, text)


def _line(text: str) -> str:
    """Return text that Markdown shows unchanged at the start of a line, where a list or a heading could begin."""
    if text[:1].isalpha() or _ACTIVE.match(text):
        return escape(text)
    return f"&#{ord(text[0])};{escape(text[1:])}" if text else ""


def _reference(found: re.Match[str]) -> str:
    return _AT if found[0] == "@" else f"&#{ord(found[0])};"


def _code(text: str) -> str:
    """Return a tag as code, which is never made a link, unless it has what a renderer may take for markup."""
    return escape(text) if _UNSAFE_IN_CODE.search(text) or not text else f"`{text}`"


def _table_of(table: Table) -> list[str]:
    """Return a table, below its heading unless that is of the tags, and a sentence on the rows that are left out."""
    rows = _text.fitting((_row(_cells(table, row)) for row in table.rows), _MOST_ROWS[table.name])
    alignments = [_ALIGNMENTS.get(kind, "---") for _name, kind in table.columns]
    text = _table([name for name, _kind in table.columns], alignments, rows)
    heading = "" if table.name == "tags" else f"**{table.heading}**"
    return list(filter(None, [heading, text, _text.left_out(len(rows), len(table.rows), table.noun)]))


def _cells(table: Table, row: Iterable[str]) -> Iterable[str]:
    return (_code(text) if kind == "code" else escape(text) for text, (_name, kind) in zip(row, table.columns))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(headings: Sequence[str], alignments: Sequence[str], rows: Iterable[str]) -> str:
    return "\n".join([_row(headings), f"|{'|'.join(alignments)}|", *rows])


def _section(heading: str, sentences: Sequence[str], noun: str, limit: int) -> list[str]:
    items = (f"- {_line(_text.shorten(sentence, _text.LONGEST_SENTENCE))}" for sentence in sentences)
    shown = _text.fitting(items, limit)
    more = _text.left_out(len(shown), len(sentences), noun)
    return [f"**{heading}**", *filter(None, ["\n".join(shown), more])] if sentences else []
