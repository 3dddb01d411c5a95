# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What readings tell of one tag over time."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Ages
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import growth, looked


@pytest.mark.parametrize(
    ("readings", "due", "before"),
    [
        ([(0, (100, 50)), (899, (110, 50))], 0, None),
        ([(0, (100, 50)), (900, (110, 50))], 100, None),
        ([(0, (100, 50)), (100, (110, 50)), (999, (120, 50))], 100, None),
        ([(0, (100, 50)), (100, (110, 50)), (200, (120, 50)), (1050, (130, 50))], 110, None),
        # What was counted first counts, however soon after it was seen again.
        ([(0, (100, 50)), (1, (110, 50)), (1.5, (110, 50)), (901, (120, 50))], 110, None),
        # Nothing has moved for as long: all of it is due.
        ([(0, (100, 50)), (900, (100, 50))], 100, None),
        # What is from before is not due once more.
        ([(0, (1050, 950))], 0, Record("a", 1000, 900, 0, 0, under_way=0)),
        ([(0, (1050, 950)), (900, (1100, 950))], 50, Record("a", 1000, 900, 0, 0, under_way=0)),
    ],
)
def test_messages_due(readings, due, before):
    """Those that were counted at least a grace period ago."""
    assert looked(readings, before=before and {"a": before}).result()["tags"]["a"]["messages_due"] == due


def test_quick_readings_lose_no_count():
    """Between many quick looks, what is due is what was counted a grace period ago, or at most a hundredth more."""
    grace, every = 500, 0.5
    ages = Ages(grace)
    for number in range(2000):
        now = number * every
        ages.note(number + 1, now)
        latest = int((now - grace) // every) + 1 if now >= grace else 0
        earliest = int((now - grace - 5) // every) + 1 if now >= grace + 5 else 0
        assert earliest <= ages.due(now) <= latest


def test_quick_readings_take_no_memory():
    """Thousands of looks in a grace period, each with a message more, are remembered by some of them."""
    ages = Ages(100)

    def note(first, last):
        for number in range(first, last):
            ages.note(number, number / 100)

    assert growth(lambda: note(1, 500), lambda: note(500, 4500)) < 60_000
