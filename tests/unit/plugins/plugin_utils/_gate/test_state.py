# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gate that goes on from its state: by outcomes, after time without a watch, and with a lower limit of looks."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.saved import DAMAGED
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import (
    SERVICE,
    START,
    gate,
    look,
    looked,
    outcome,
    outcome_gate,
    record,
)
from hypothesis import given, settings
from hypothesis import strategies as st

POLICY = {"grace_period": 90, "sending_gap": 60, "min_messages": 10, "min_delivery_ratio": 0.9}
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([1, 20, 31, 61, 91]),  # seconds since the last look
        st.integers(0, 40),  # taken in
        st.integers(0, 40),  # delivered of these
        st.integers(0, 5),  # failed of the rest
        st.booleans(),  # the service does not answer
        st.booleans(),  # the events are late
    ),
    min_size=1,
    max_size=25,
)


def copy_of(a_gate, restarted):
    """Restore a new gate from the state of another, through the text of a file."""
    restarted.restore(json.loads(json.dumps(a_gate.state())))
    return restarted


@settings(max_examples=50, deadline=None)
@given(LOOKS, st.booleans(), st.sampled_from([0, 300, 10**6]))
def test_a_restart_by_outcomes(looks, has_since, wait_timeout):
    """A gate that is killed after each look reads the same events, and tells the same to the last figure."""

    def new():
        return outcome_gate("a", has_since, {"wait_timeout": wait_timeout, "history_limit": 3}, **POLICY)

    steady, restarted = new(), new()
    second = messages = deliveries = failed = 0
    for after, sent, delivered, lost, fails, late in looks:
        second += after
        messages += sent
        deliveries = min(deliveries + delivered, messages - failed)
        failed = min(failed + lost, messages - deliveries)
        counters = {} if fails else {"a": record("a", second, messages, deliveries, first_at=START)}
        wanted = steady.wants_events(counters, second)
        assert restarted.wants_events(counters, second) == wanted
        seen = (messages // 2, deliveries // 2, 0) if late else (messages, deliveries, failed)
        events = {"a": outcome(second, *seen, read_seconds=0.5)} if wanted else {}
        one = Look(second, second + 0.5, START, counters, {"a": SERVICE} if fails else {}, events)
        assert restarted.look(one) == steady.look(one)
        assert restarted.result() == steady.result()
        restarted = copy_of(restarted, new())


def test_time_without_a_watch():
    """It counts for the time-out, and for no stillness: nobody saw that nothing moved."""
    timing = {"wait_timeout": 5000}
    restarted = gate(timing=timing)
    restarted.restore(looked([(0, (1000, 500))], timing=timing).state(), unseen=3600)
    assert restarted.next_look_in(3600) == 0
    event = look(restarted, 30, a=(1000, 500, {"last_at": None}))
    assert (event.verdict, event.elapsed) == (None, 3630)
    event = look(restarted, 1400, a=(1000, 500, {"last_at": None}))
    assert event.verdict == "fail"
    assert restarted.result()["waited"] == 5000


def test_time_that_was_seen():
    """Where it is certain how long the gate was away, what stood still all the time has stood still."""
    found = (1000, 500, {"last_at": None})
    assert look(copy_of(looked([(0, found)]), gate()), 1000, a=found).verdict == "fail"


def test_deliveries_that_were_ahead():
    """Counters that disagreed before a restart are not believed after it, either."""
    assert look(copy_of(looked([(0, (400, 401))]), gate()), 30, a=(1000, 1000)).verdict is None


@pytest.mark.parametrize(
    "state",
    [{}, {"trackers": {}}, {"trackers": {"a": None}}, {"trackers": {"a": {"movement": 1}}}, {"trackers": []}],
)
def test_no_state(state):
    """What is none is told by one family of errors."""
    with pytest.raises(DAMAGED):
        gate().restore(state)
