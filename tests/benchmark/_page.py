# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page C(docs/speed.md), written from what was measured. Private: names and behaviour may change."""

from __future__ import annotations

import textwrap
from typing import Any, Mapping

from ansible_collections.mailops.smtpeter.tests.benchmark._machine import sentence
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Table, figures_table, markdown
from ansible_collections.mailops.smtpeter.tests.tools.heading import heading

# With this share of a processor, a service has little left to give.
_LIMITING = 0.8
_METHOD = (
    "All of it was measured in one run, beside what one would use instead. Each measurement is the wall time of a"
    " process, from its start to its end. Those that are compared are interleaved, and their order turns in each round."
    " The median of {rounds} rounds counts, of a ratio the median of the rounds' ratios; what takes long and has no"
    " limit to hold is measured three times or once. Times vary with the machine, ratios much less."
)
_REPEAT = (
    "`make benchmark` repeats it in about twenty minutes on two idle cores, writes every run to"
    " `benchmark/speed.json`, and this page from that. `make benchmark ARGS=--quick` takes a look in three minutes and"
    " writes `benchmark/quick.json` alone. `ARGS='--only hosts'` runs one of the parts."
)
_SERVICE = (
    "The service is a process of its own on the loopback interface. It answers with bytes prepared in advance, and"
    " counts its requests, so that each run is checked to have made as many as it should. Whether it is what limits was"
    " checked twice. Before the measurements, a bare socket got {capacity:,.0f} answers a second out of it. And its"
    " share of one processor was taken during each run: the tables give the highest of a row; the highest of all was"
    " {busiest:.0%}, with {reader}, where {waited}."
)


def page(document: Mapping[str, Any]) -> str:
    """The whole page of a document as speed.py writes it."""
    runs = document["runs"]
    busiest = max(runs, key=lambda taken: taken["service_share"])
    waited = "it waited for its client" if busiest["service_share"] < _LIMITING else "it did limit its client"
    service = _SERVICE.format(
        capacity=document["capacity"], busiest=busiest["service_share"], waited=waited, reader=busiest["reader"]
    )
    figures = [Figure(**figure) for figure in document["figures"]]
    tables = [Table(**table) for table in document["tables"]]
    return "\n".join(
        [
            heading("How fast it is", "tests/benchmark/speed.py"),
            _wrapped(sentence(document["made"])),
            _wrapped(_METHOD.format(rounds=document["rounds"])),
            _wrapped(_REPEAT),
            markdown(figures_table(figures)),
            *(markdown(Table(table.title, _wrapped(table.note).strip(), table.head, table.rows)) for table in tables),
            "## The service\n",
            _wrapped(service).rstrip("\n"),
            "",
        ]
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"
