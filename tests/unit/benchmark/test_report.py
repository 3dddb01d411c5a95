# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How benchmarks tell what they found."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from ansible_collections.mailops.smtpeter.tests.benchmark._page import page
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Table, duration, growth_table
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import Case, Run, Runs


@pytest.mark.parametrize(
    ("figure", "cells"),
    [
        (Figure("f", 1.15, 1.15), ["1.15 times", "1.15 times", "within"]),
        (Figure("f", 1.154, 1.15), ["1.15 times", "1.15 times", "above"]),
        (Figure("f", 1 / 700, 1 / 300, "part"), ["1/700", "1/300", "within"]),
        (Figure("f", 1 / 299, 1 / 300, "part"), ["1/299", "1/300", "above"]),
        (Figure("f", 1, 1, "requests", exactly=True), ["1 requests", "exactly 1 requests", "within"]),
        (Figure("f", 0, 1, "requests", exactly=True), ["0 requests", "exactly 1 requests", "above"]),
        (Figure("f", 1, 1, "", exactly=True), ["1", "exactly 1", "within"]),
        (Figure("f", 3.2, None, "KB a tag"), ["3.20 KB a tag", "", ""]),
    ],
)
def test_a_figure_is_judged_by_its_limit(figure, cells):
    """At the limit is within; what is to be exact is above when it is less; without a limit nothing is judged."""
    assert figure.row() == ["f", *cells]


def runs_of(seconds_by_tags):
    """One run of a reader for each number of tags."""
    runs = Runs()
    for tags, seconds in seconds_by_tags.items():
        runs.add(Case("reader", tags), Run(seconds, cpu=0, requests=tags, service_share=tags / 1000))
    return runs


def test_a_table_reckons_what_was_not_run():
    """From the fewest and the most tags that ran; the service's share is the highest."""
    runs = runs_of({5: 2.0, 50: 11.0})
    table = growth_table("title", "", "tag", [5, 50, 1_000, 10_000], runs, {"row": list(runs.by_case), "absent": []})
    assert list(table.head) == [
        "",
        "5 tags",
        "50 tags",
        "1,000 tags",
        "10,000 tags",
        "each further tag",
        "service busy",
    ]
    row = ["row", "2.00 s", "11.0 s", "not run, about 201 s", "not run, about 33 min", "200.00 ms", "5%"]
    assert [list(cells) for cells in table.rows] == [row]


def test_one_count_says_nothing_of_others():
    """A reader that ran with one number of tags has no cost of a further one."""
    runs = runs_of({5: 2.0})
    table = growth_table("title", "", "tag", [5, 50], runs, {"row": list(runs.by_case)})
    assert list(table.rows[0]) == ["row", "2.00 s", "not run", "", "0%"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0071, "0.01 s"), (4.6, "4.60 s"), (19.51, "19.5 s"), (240.4, "240 s"), (4200, "70 min")]
)
def test_durations(seconds, text):
    """Three figures at most."""
    assert duration(seconds) == text


@pytest.mark.parametrize(("share", "said"), [(0.34, "it waited for its client"), (0.95, "it did limit its client")])
def test_the_page_says_all_that_was_found(share, said):
    """Machine, method, figures and tables; and whether the service was what limited."""
    made = dict.fromkeys(
        ("python", "ansible_core", "ansible_runner", "requests", "urllib3", "curl", "system", "commit"), "1.2.3"
    )
    document = {
        "made": {**made, "date": "2026-11-24", "cores": 2, "load_before": 0.1},
        "rounds": 5,
        "capacity": 54321.0,
        "figures": [asdict(Figure("a `figure`", 1.2, 1.15))],
        "tables": [asdict(Table("A table", "A note.", ["", "head"], [["row", "cell"]]))],
        "runs": [{"service_share": share, "reader": "curl"}, {"service_share": 0.01, "reader": "info"}],
    }
    text = page(document)
    assert "| a `figure` | 1.20 times | 1.15 times | above |" in text
    assert "## A table\n\nA note.\n\n|  | head |\n| --- | --- |\n| row | cell |\n" in text
    assert "on 2 cores" in text
    assert "54,321" in text
    assert said in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 120
