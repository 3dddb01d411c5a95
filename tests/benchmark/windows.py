"""Days of windows of healthy streams by outcomes: how many are not `pass`. Exits with 1 above 1%, or for any `fail`."""

import sys
from collections import Counter
from random import Random

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.benchmark._campaigns import TAG, at, mixed, stream
from ansible_collections.mailops.smtpeter.tests.benchmark._fates import Fates
from ansible_collections.mailops.smtpeter.tests.benchmark._rivals import run_gate_by_outcomes

WINDOW, INTERVAL, HOURS, LIMIT = 3600, 60, 24, 0.01


def window(rng, rate):
    """The verdict on an hour of a stream that was there before and goes on after; the window's mail is all it sees."""
    fates = Fates(rng, stream(rng, rate, mixed, lasts=WINDOW), since=0)
    looks = []
    for second in range(INTERVAL, WINDOW + 1, INTERVAL):
        outcome, now = fates.outcome(second), at(second)
        record = Record(TAG, outcome.messages, outcome.deliveries, 0, 0, last_at=now, fetched_at=now)
        looks.append(Look(second, second, now, {TAG: record}, {}))
    return run_gate_by_outcomes(looks, Policy.from_options({}), Timing(WINDOW, INTERVAL), fates, 0, True).verdict


if __name__ == "__main__":
    days, is_missed = int((sys.argv[1:] or [1])[0]), False
    for rate in (0.97, 0.98):
        found = Counter(window(Random(f"{rate} {number}"), rate) for number in range(days * HOURS))
        others = 1 - found["pass"] / found.total()
        is_missed |= others > LIMIT or found["fail"] > 0
        print(
            f"{rate:.0%}, 10 to 25% deferred: {found.total()} windows, {others:.1%} not pass: {dict(found)}", flush=True
        )
    sys.exit(is_missed)
