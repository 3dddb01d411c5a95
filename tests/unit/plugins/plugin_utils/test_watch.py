# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what readings tell of one tag over time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._watch import Watch
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import growth, record


def watched(readings, before=None, **options):
    """A watch, and the look that the last of its readings gave; each is (second, messages, deliveries)."""
    watch = Watch("a", Policy(**options), before)
    looks = [watch.take(record("a", second, *counts), second, second, 1) for second, *counts in readings]
    return watch, looks[-1]


@pytest.mark.parametrize(
    ("readings", "due"),
    [
        ([(0, 100, 50)], 0),
        ([(0, 100, 50), (899, 110, 50)], 0),
        ([(0, 100, 50), (900, 110, 50)], 100),
        ([(0, 100, 50), (950, 110, 50)], 100),
        ([(0, 100, 50), (100, 110, 50), (999, 120, 50)], 100),
        ([(0, 100, 50), (100, 110, 50), (1000, 110, 51)], 110),
        ([(0, 100, 50), (100, 110, 50), (200, 120, 50), (1050, 130, 50)], 110),
        # What was counted first counts, however soon after it was seen again.
        ([(0, 100, 50), (1, 110, 50), (1.5, 110, 50), (901, 120, 50)], 110),
        # Nothing has moved for as long: all of it is due.
        ([(0, 100, 50), (900, 100, 50)], 100),
    ],
)
def test_messages_due(readings, due):
    """Those that were counted at least a grace period ago."""
    _watch, look = watched(readings)
    assert look.messages_due == due


@pytest.mark.parametrize(("readings", "due"), [([(0, 1050, 950)], 0), ([(0, 1050, 950), (900, 1100, 950)], 50)])
def test_messages_due_since_an_earlier_reading(readings, due):
    """Those from before are not due once more."""
    _watch, look = watched(readings, Record("a", 1000, 900, 0, 0, under_way=0))
    assert look.messages_due == due


def test_quick_readings_lose_no_count():
    """Between many quick looks, what is due is what was counted a grace period ago, or at most a hundredth more."""
    grace, every = 500, 0.5
    watch = Watch("a", Policy(grace_period=grace), None)
    for number in range(4000):
        now = number * every
        look = watch.take(record("a", now, number + 1, 0), now, now, 1)
        latest = int((now - grace) // every) + 1 if now >= grace else 0
        earliest = int((now - grace - 5) // every) + 1 if now >= grace + 5 else 0
        assert earliest <= look.messages_due <= latest


def test_quick_readings_take_no_memory():
    """A hundred looks a second, each with a message more, are remembered by some of them."""
    watch = Watch("a", Policy(grace_period=400), None)

    def looks(first, last):
        for number in range(first, last):
            watch.take(record("a", number / 100, number, 0), number / 100, number / 100, 1)

    assert growth(lambda: looks(1, 500), lambda: looks(500, 4500)) < 60_000


@pytest.mark.parametrize(("messages", "deliveries"), [(0, 0), (0, 1), (1, 0)])
def test_no_first_reading_runs_backward(messages, deliveries):
    """Without an earlier one there is nothing to fall below."""
    assert Watch("a", Policy(), None).runs_backward(record("a", 0, messages, deliveries)) is None


@pytest.mark.parametrize(("hours", "old"), [(-1, False), (0, False), (23, False), (24, False), (25, True)])
def test_old_mail(hours, old):
    """It was there more than a day before the first reading."""
    watch = Watch("a", Policy(), None)
    assert not watch.needs_note
    reading = record("a", 0, 100, 90)
    first_at = reading.fetched_at - timedelta(hours=hours)
    watch.take(record("a", 0, 100, 90, first_at=first_at), 0, 0, 1)
    assert watch.needs_note is old


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_an_unknown_last_activity_is_not_old(seconds):
    """One reading without it never tells that the mail is still, however short the grace period."""
    watch = Watch("a", Policy(grace_period=seconds), None)
    assert not watch.take(record("a", 0, 100, 90, last_at=None), 0, 0, 1).still


def test_deliveries_of_what_was_under_way_are_not_ahead():
    """More deliveries than messages since then are no disagreement, as far as mail was under way."""
    before = Record("a", 1000, 990, 0, 0, under_way=10)
    assert not watched([(0, 2000, 2000)], before)[1].deliveries_ahead
    assert watched([(0, 2000, 2000), (30, 2000, 2001)], before)[1].deliveries_ahead
    assert not watched([(0, 2000, 1990)], before)[1].deliveries_ahead
