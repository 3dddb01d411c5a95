# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what readings tell of one tag over time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Ages
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import Tracker
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import START, growth, record


def update(tracker, second, *counts, **more):
    """Let a tracker take what a look at a second read."""
    tracker.update(Look(second, second, START, {"a": record("a", second, *counts, **more)}, {}))


def tracked(readings, before=None, **options):
    """The judgement of the last of some readings; each is (second, messages, deliveries)."""
    tracker = Tracker("a", Policy(**options), before)
    for second, *counts in readings:
        update(tracker, second, *counts)
    tracker.judge(None, time_up=False)
    return tracker.judgement


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
    assert tracked(readings).messages_due == due


@pytest.mark.parametrize(("readings", "due"), [([(0, 1050, 950)], 0), ([(0, 1050, 950), (900, 1100, 950)], 50)])
def test_messages_due_since_an_earlier_reading(readings, due):
    """Those from before are not due once more."""
    assert tracked(readings, Record("a", 1000, 900, 0, 0, under_way=0)).messages_due == due


def test_quick_readings_lose_no_count():
    """Between many quick looks, what is due is what was counted a grace period ago, or at most a hundredth more."""
    grace, every = 500, 0.5
    ages = Ages(grace)
    for number in range(4000):
        now = number * every
        ages.note(number + 1, now)
        latest = int((now - grace) // every) + 1 if now >= grace else 0
        earliest = int((now - grace - 5) // every) + 1 if now >= grace + 5 else 0
        assert earliest <= ages.due(now) <= latest


def test_quick_readings_take_no_memory():
    """A hundred looks a second, each with a message more, are remembered by some of them."""
    tracker = Tracker("a", Policy(grace_period=400), None)

    def looks(first, last):
        for number in range(first, last):
            update(tracker, number / 100, number, 0)

    assert growth(lambda: looks(1, 500), lambda: looks(500, 4500)) < 60_000


@pytest.mark.parametrize(("hours", "old"), [(-1, False), (0, False), (23, False), (24, False), (25, True)])
def test_old_mail(hours, old):
    """It was there more than a day before the first reading."""
    tracker = Tracker("a", Policy(), None)
    assert not tracker.has_old_mail
    reading = record("a", 0, 100, 90)
    first_at = reading.fetched_at - timedelta(hours=hours)
    update(tracker, 0, 100, 90, first_at=first_at)
    assert tracker.has_old_mail is old


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_an_unknown_last_activity_is_not_old(seconds):
    """One reading without it never tells that the mail is still, however short the grace period."""
    tracker = Tracker("a", Policy(grace_period=seconds), None)
    update(tracker, 0, 100, 90, last_at=None)
    tracker.judge(None, time_up=False)
    assert tracker.judgement.verdict is None


@pytest.mark.parametrize(
    ("counts", "evidence"), [((2000, 2000), True), ((2000, 2001), False), ((2000, 1990), True), ((990, 1000), False)]
)
def test_deliveries_of_what_was_under_way_are_not_ahead(counts, evidence):
    """More deliveries than messages since then are no disagreement, as far as mail was under way."""
    before = Record("a", 900, 890, 0, 0, under_way=10)
    later = tracked([(0, *counts), (30, 5000, 4990)], before)
    assert later.verdict == ("pass" if evidence else None)
