# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures with their limits, tables, and how both are written. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.mailops.smtpeter.tests.benchmark._runs import Case, Runs


@dataclass(frozen=True)
class Figure:
    """Something measured, and what it may be at most, or is to be exactly; a null limit only reports it.

    C(unit) follows the number; C(part) writes it as one part of so many.
    """

    what: str
    measured: float
    limit: float | None = None
    unit: str = "times"
    exactly: bool = False

    @property
    def verdict(self) -> str:
        """C(within), C(above), or nothing without a limit."""
        if self.limit is None:
            return ""
        good = self.measured == self.limit if self.exactly else self.measured <= self.limit
        return "within" if good else "above"

    def row(self) -> list[str]:
        """The cells of a table's row."""
        limit = "" if self.limit is None else f"{'exactly ' if self.exactly else ''}{self._text(self.limit)}"
        return [self.what, self._text(self.measured), limit, self.verdict]

    def _text(self, number: float) -> str:
        if self.unit == "part":
            return f"1/{1 / number:.0f}" if number > 0 else "less than can be measured"
        whole = self.exactly or number >= 1000
        return f"{number:,.0f} {self.unit}".strip() if whole else f"{number:.2f} {self.unit}"


@dataclass(frozen=True)
class Table:
    """A table with a title, and a sentence or more on what it shows."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Part:
    """What a benchmark found: its figures, tables, and every run as it was."""

    figures: Sequence[Figure]
    tables: Sequence[Table] = ()
    runs: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = field(default=())


def figures_table(figures: Sequence[Figure]) -> Table:
    """The figures beside their limits."""
    head = ["figure", "measured", "limit", "verdict"]
    return Table("What was asked for", "", head, [figure.row() for figure in figures])


def markdown(table: Table) -> str:
    """The table in Markdown, under its title."""
    lines = [f"## {table.title}", "", *([table.note, ""] if table.note else [])]
    ruled = [list(table.head), ["---"] * len(table.head), *map(list, table.rows)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in ruled), ""])


def plain(table: Table) -> str:
    """The table for a terminal."""
    rows = [list(table.head), *map(list, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([f"\n{table.title}", *lines])


def duration(seconds: float) -> str:
    """So many seconds, as a reader wants them."""
    if seconds >= 300:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def growth_table(
    title: str, note: str, counted: str, counts: Sequence[int], runs: Runs, rows: Mapping[str, Sequence[Case]]
) -> Table:
    """A row a reader, a column a count of what is C(counted), such as C(tag); C(rows) gives each reader's cases."""
    columns = [f"{count:,} {counted}{'s' if count > 1 else ''}" for count in counts]
    head = ["", *columns, f"each further {counted}", "service busy"]
    body = []
    for name, cases in rows.items():
        if cases:
            by_count = {getattr(case, f"{counted}s"): case for case in cases}
            cells, each = _grown({count: runs.seconds(case) for count, case in by_count.items()}, counts)
            body.append([name, *cells, each, f"{runs.busiest(cases):.0%}"])
    return Table(title, note, head, body)


def _grown(seconds: Mapping[int, float], counts: Sequence[int]) -> tuple[list[str], str]:
    """The cells of the counts, and what each further one costs; what was not run is reckoned from that."""
    low, high = min(seconds), max(seconds)
    if low == high:
        return [duration(seconds[count]) if count in seconds else "not run" for count in counts], ""
    each = (seconds[high] - seconds[low]) / (high - low)
    cells = [
        duration(seconds[count])
        if count in seconds
        else f"not run, about {duration(seconds[low] + each * (count - low))}"
        for count in counts
    ]
    return cells, f"{each * 1000:.2f} ms"
