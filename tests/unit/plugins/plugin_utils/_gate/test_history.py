# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the looks that a gate keeps, and of the bounds of what it remembers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.history import TAG_ENTRIES_LIMIT, History
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import growth
from hypothesis import given
from hypothesis import strategies as st

POLICY = Policy(min_delivery_ratio=0.97)


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


@pytest.mark.parametrize(("tags", "entries"), [(1, 60), (10, 60), (20, 30), (300, 2), (10000, 2)])
def test_entries_of_tags_over_all(tags, entries):
    """A gate over many tags keeps fewer looks."""
    history = History(60, tags)
    for number in range(1000):
        history.add({"at": number})
    assert entries // 2 <= len(history.entries()) <= entries


@pytest.mark.parametrize(
    ("limit", "tags", "most"), [(60, 1, 60), (10**6, 1, 600), (10**6, 7, 85), (2, 1, 2), (0, 1, 2)]
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
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    gate = Gate(trackers_of(["a"], POLICY, {}), POLICY, Timing(wait_timeout=1e9, wait_sleep=1))

    def looks(first, last):
        for number in range(first, last):
            now = start + timedelta(seconds=number)
            record = Record("a", 10 * number, int(9.7 * number), 0, 0, last_at=now, fetched_at=now)
            gate.look(Look(number, number, now, {"a": record}, {}))

    assert growth(lambda: looks(0, 1200), lambda: looks(1200, 2400)) < 8_000
