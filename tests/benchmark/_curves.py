# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a simulation goes into the pictures of tests/tools/_judging.py. Private: names and behaviour may change."""

from __future__ import annotations

import json
import math
import pathlib
from typing import Any, Mapping, Sequence

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "pictures" / "simulation.json"
RATES = tuple(round(0.9 + step / 200, 3) for step in range(19))
MINUTES = range(31)


def passed(tallies: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """By judge, how many percent it passes of the campaigns of each rate."""
    return {name: [round(of[name].percent("pass"), 2) for of in tallies] for name in tallies[0]}


def decided(tally: Any) -> list[float]:
    """How many percent of the campaigns have a pass or a fail after each minute; after the last one, time is up."""
    ends = [60.0 * minute for minute in MINUTES[:-1]] + [math.inf]
    return [round(100 * sum(seconds <= end for seconds in tally.seconds) / tally.runs, 2) for end in ends]


def write(runs: int, seed: int, by_rate: Sequence[Mapping[str, Any]], by_campaign: Mapping[str, Any]) -> None:
    """Write the figures; C(by_rate) has tallies by judge for each of RATES, C(by_campaign) a tally each."""
    figures = {
        "runs": runs,
        "seed": seed,
        "rates": RATES,
        "passed": passed(by_rate),
        "decided": {name: decided(tally) for name, tally in by_campaign.items()},
    }
    FILE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
