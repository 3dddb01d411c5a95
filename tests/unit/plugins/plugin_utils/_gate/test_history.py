# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The looks that a gate keeps, and the bounds of what it remembers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.history import TAG_ENTRIES_LIMIT, History
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Ages
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import gate, growth, look
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(2, 100), st.integers(1, 700))
def test_the_whole_wait_stays_covered(looks, limit, tags):
    """First and last are always there, in order, evenly spread, and never more than allowed."""
    history = History(limit, tags)
    for number in range(looks):
        history.add({"at": number})
    kept = [entry["at"] for entry in history.entries()]
    allowed = max(2, min(limit, TAG_ENTRIES_LIMIT // tags))
    assert len(kept) <= allowed
    assert history.dropped == looks - len(kept)
    assert kept == sorted(set(kept))
    if looks:
        assert (kept[0], kept[-1]) == (0, looks - 1)
    gaps = {later - earlier for earlier, later in zip(kept, kept[1:-1])}
    assert len(gaps) <= 1
    if looks <= allowed - 1:
        assert history.dropped == 0


@pytest.mark.parametrize(
    ("limit", "tags", "most"), [(60, 1, 60), (10**6, 1, 600), (60, 20, 30), (10**6, 7, 85), (60, 10000, 2), (0, 1, 2)]
)
def test_as_many_looks_as_allowed(limit, tags, most):
    """They are kept at times, never more, and none is dropped before there are as many."""
    history = History(limit, tags)
    kept = []
    for number in range(3 * most):
        history.add({"at": number})
        kept.append(len(history.entries()))
        assert history.dropped == history.looks - kept[-1]
    assert max(kept) == most
    assert kept[: most - 1] == list(range(1, most))


@pytest.mark.slow
def test_twice_as_many_looks_take_no_more_memory():
    """What a gate remembers is bounded, also of a stream that never rests."""
    a_gate = gate(min_delivery_ratio=0.97, grace_period=90, timing={"wait_timeout": 1e9, "history_limit": 10})

    def looks(first, last):
        for number in range(first, last):
            look(a_gate, number, a=(10 * number, int(9.7 * number)))

    assert growth(lambda: looks(0, 120), lambda: looks(120, 300)) < 8_000


@pytest.mark.parametrize("limit", [2, 7, 60])
def test_a_lower_limit_of_looks(limit):
    """A gate may go on with fewer looks to keep: first and last stay."""
    long, short = History(60, 1), History(limit, 1)
    for number in range(100):
        long.add({"at": number})
    short.restore(json.loads(json.dumps(long.state())))
    for number in range(100, 120):
        entries = short.entries()
        assert len(entries) <= limit
        assert (entries[0], entries[-1]) == ({"at": 0}, {"at": number - 1})
        short.add({"at": number})
    assert short.looks == 120


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
