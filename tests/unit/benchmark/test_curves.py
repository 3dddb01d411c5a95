# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what the pictures of the simulation are drawn from."""

from __future__ import annotations

import json
from collections import Counter

from ansible_collections.mailops.smtpeter.tests.benchmark import _curves as curves
from ansible_collections.mailops.smtpeter.tests.benchmark import simulate


def tally(seconds, undecided=0):
    """Campaigns that pass after so many seconds, and some that are never decided."""
    return simulate.Tally(Counter({"pass": len(seconds), "inconclusive": undecided}), seconds=seconds)


def test_the_decided_by_minute():
    """Each minute counts those until then, the last one also what the deadline decides a moment later."""
    percents = curves.decided(tally([30.0, 60.0, 61.0, 1800.4], undecided=4))
    assert percents[:3] == [0.0, 25.0, 37.5]
    assert percents[-2:] == [37.5, 50.0]
    assert len(percents) == len(curves.MINUTES)


def test_what_is_written(tmp_path, monkeypatch):
    """Percents by judge, in the order of the rates, and by campaign, in the order of the minutes."""
    monkeypatch.setattr(curves, "FILE", tmp_path / "simulation.json")
    by_rate = [{"gate": tally([1.0], undecided=3)}, {"gate": tally([1.0])}]
    curves.write(4, 1, by_rate, {"blast": tally([30.0])})
    written = json.loads(curves.FILE.read_text(encoding="utf-8"))
    assert (written["runs"], written["passed"]) == (4, {"gate": [25.0, 100.0]})
    assert written["decided"]["blast"][:2] == [0.0, 100.0]


def test_what_is_kept_is_of_these_campaigns():
    """The names, the rates and the judges of the figures in the repository are those of the code."""
    kept = json.loads(curves.FILE.read_text(encoding="utf-8"))
    assert tuple(kept["rates"]) == curves.RATES
    assert list(kept["decided"]) == list(simulate.TIMED)
    assert set(kept["passed"]) == {simulate.GATE, simulate.GUARANTEED, *simulate.RIVALS}
    assert all(len(percents) == len(curves.RATES) for percents in kept["passed"].values())
