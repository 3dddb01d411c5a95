# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Days of windows of healthy streams by outcomes: how many are not `pass`. Exits with 1 above 1%, or for any `fail`."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from random import Random

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.benchmark import _campaigns as campaigns
from ansible_collections.mailops.smtpeter.tests.benchmark._fates import Fates

WINDOW, INTERVAL, HOURS, LIMIT = 3600, 60, 24, 0.01


def window(rng: Random, rate: float) -> str:
    """The verdict on an hour of a stream that was there before and goes on after; the window's mail is all it sees."""
    mail = campaigns.stream(rng, rate, campaigns.mixed, lasts=WINDOW)
    fates = Fates(rng, mail, since=0)
    policy = Policy.from_options({})
    gate = Gate(outcome_trackers_of([campaigns.TAG], policy, True), policy, Timing(WINDOW, INTERVAL))
    for second in range(INTERVAL, WINDOW + 1, INTERVAL):
        outcome = fates.outcome(second)
        now = campaigns.START + timedelta(seconds=second)
        record = Record(campaigns.TAG, outcome.messages, outcome.deliveries, 0, 0, last_at=now, fetched_at=now)
        records = {campaigns.TAG: record}
        read = {campaigns.TAG: outcome} if gate.wants_events(records, second) else {}
        event = gate.look(Look(second, second, now, records, {}, read))
        if event.verdict is not None:
            return event.verdict
    raise AssertionError("a window did not end")


def main() -> int:
    """Print the figures of some days (one without an argument)."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    is_missed = False
    for rate in (0.97, 0.98):
        found = Counter(window(Random(f"{rate} {number}"), rate) for number in range(days * HOURS))
        others = 1 - found["pass"] / found.total()
        is_missed |= others > LIMIT or found["fail"] > 0
        print(
            f"{rate:.0%}, 10 to 25% deferred: {found.total()} windows, {others:.1%} not pass: {dict(found)}", flush=True
        )
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
