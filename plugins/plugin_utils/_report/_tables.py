# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the reports that people read. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

from ._model import GateResult
from ._tag import TagResult

_CODE, _NUMBER, _TEXT, _VERDICT = "code", "number", "text", "verdict"
_COUNTS = (("Messages", _NUMBER), ("Delivered", _NUMBER))
_FATES = (("Failed", _NUMBER), ("Under way", _NUMBER))


@dataclass(frozen=True)
class Table:
    """A table: `columns` are name and kind, one of code, number, text and verdict; `noun` is what its rows are.

    A cell of the kind verdict ends in the verdict. `name` tells the tables apart.
    """

    name: str
    heading: str
    columns: tuple[tuple[str, str], ...]
    rows: Sequence[tuple[str, ...]]
    noun: str


def tables_of(gate: GateResult) -> list[Table]:
    """Return the tables that have rows: tags, and with outcomes why mail failed, and at which domains; worst first."""
    return [table for table in (_tags(gate), _causes(gate), _domains(gate)) if table.rows]


def _tags(gate: GateResult) -> Table:
    fates = _FATES if gate.has_outcomes else ()
    columns = (
        ("Tag", _CODE),
        ("Verdict", _VERDICT),
        *_COUNTS,
        *fates,
        ("Ratio", _NUMBER),
        ("Required", _NUMBER),
        ("Decided by", _TEXT),
    )
    return Table("tags", "Tags", columns, [_cells(tag, bool(fates)) for tag in gate.worst_first], "tags")


def _cells(tag: TagResult, has_fates: bool) -> tuple[str, ...]:
    fates = (tag.failed_text, tag.under_way_text) if has_fates else ()
    counts = (tag.messages_text, tag.delivered_text, *fates)
    return (tag.tag, tag.verdict_text, *counts, tag.ratio_text, tag.required_text, tag.decided_text)


def _causes(gate: GateResult) -> Table:
    columns = (("Failed", _NUMBER), ("Code", _TEXT), ("What the receiver said", _TEXT), ("Domains", _TEXT))
    rows = [
        (tag.tag, str(cause.messages), cause.codes, cause.description, cause.domains_text)
        for tag in gate.worst_first
        if tag.outcome
        for cause in tag.outcome.causes
    ]
    return _of_tags(gate, "causes", "Why mail failed", columns, rows)


def _domains(gate: GateResult) -> Table:
    columns = (("Domain", _TEXT), *_COUNTS, *_FATES)
    rows = [
        (tag.tag, each.domain, *map(str, (each.messages, each.deliveries, each.failed, each.under_way)))
        for tag in gate.worst_first
        if tag.outcome
        for each in tag.outcome.domains
    ]
    return _of_tags(gate, "domains", "Receiving domains", columns, rows)


def _of_tags(
    gate: GateResult,
    name: str,
    heading: str,
    columns: tuple[tuple[str, str], ...],
    rows: Iterable[tuple[str, ...]],
) -> Table:
    """Return a table whose rows begin with their tag, which is left out where there is only one."""
    if len(gate.tags) > 1:
        return Table(name, heading, (("Tag", _CODE), *columns), list(rows), name)
    return Table(name, heading, columns, [row[1:] for row in rows], name)
