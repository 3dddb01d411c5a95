"""A day of windows of healthy streams, judged by outcomes."""

from collections import Counter
from random import Random

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.benchmark._campaigns import TAG, at, mixed, stream
from ansible_collections.mailops.smtpeter.tests.benchmark._fates import Fates
from ansible_collections.mailops.smtpeter.tests.benchmark._rivals import run_gate_by_outcomes

WINDOW, INTERVAL, HOURS = 3600, 60, 24


def judge_window(rng, rate):
    """The verdict on an hour of a stream that was there before and goes on after; the window's mail is all it sees."""
    fates = Fates(rng, stream(rng, rate, mixed, lasts=WINDOW), since=0)
    looks = []
    for second in range(INTERVAL, WINDOW + 1, INTERVAL):
        outcome, now = fates.outcome(second), at(second)
        record = Record(TAG, outcome.messages, outcome.deliveries, 0, 0, last_at=now, fetched_at=now)
        looks.append(Look(second, second, now, {TAG: record}, {}))
    return run_gate_by_outcomes(looks, Policy.from_options({}), Timing(WINDOW, INTERVAL), fates, 0, True).verdict


@pytest.mark.parametrize("rate", [0.97, 0.98])
def test_a_day_of_windows(rate):
    """With 10 to 25% deferred, at most 1% of them do not pass, and none fails."""
    found = Counter(judge_window(Random(f"{rate} {hour}"), rate) for hour in range(HOURS))
    assert found["fail"] == 0
    assert found["pass"] >= 0.99 * HOURS
