# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guarantees of judging, on simulated campaigns; `make simulate` measures how well it does beyond them."""

from __future__ import annotations

from functools import partial
from math import comb
from random import Random

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate import Timing
from ansible_collections.mailops.smtpeter.tests.benchmark import _campaigns as campaigns
from ansible_collections.mailops.smtpeter.tests.benchmark import _rivals as rivals

RUNS = 150
GUARANTEED = Policy(at_deadline="inconclusive")
TIMING = Timing()


def most_errors(runs, chance):
    """The number of errors that chance alone exceeds in less than one of ten thousand series of runs."""
    left = 1.0
    for errors in range(runs + 1):
        left -= comb(runs, errors) * chance**errors * (1 - chance) ** (runs - errors)
        if left < 1e-4:
            return errors
    return runs


def judged(make_mail, policy, number):
    """The gate's outcome for one seeded campaign, and the share that is delivered in the end."""
    rng = Random(f"guarantee {number}")
    mail = make_mail(rng)
    looks = campaigns.looks_at(rng, mail, campaigns.prompt(rng), TIMING, 0)
    outcome, _result = rivals.run_gate(looks, policy, TIMING, None)
    return outcome, mail.share


@pytest.mark.parametrize(("rate", "wrong"), [(0.9499, "pass"), (0.9501, "fail")])
@pytest.mark.parametrize("deferral", [campaigns.at_once, campaigns.mixed])
def test_evidence_keeps_its_promise(rate, wrong, deferral):
    """On streams at the very limit, wrong verdicts are no more than 1 - confidence, however often the gate looks."""
    make = partial(campaigns.stream, rate=rate, deferral=deferral)
    errors = sum(judged(make, GUARANTEED, number)[0].verdict == wrong for number in range(RUNS))
    assert errors <= most_errors(RUNS, 1 - GUARANTEED.confidence)


@pytest.mark.parametrize("deferral", [campaigns.at_once, campaigns.mixed, campaigns.retried, campaigns.outage])
def test_no_blast_below_the_limit_passes(deferral):
    """Nor does the ratio at the deadline let one through."""
    for number in range(RUNS // 3):
        rate = Random(number).uniform(0.85, 0.9499)
        outcome, share = judged(partial(campaigns.blast, share=rate, deferral=deferral), Policy(), number)
        assert outcome.verdict != "pass", (number, share)


@pytest.mark.parametrize("deferral", [campaigns.at_once, campaigns.mixed, campaigns.retried, campaigns.outage])
def test_no_healthy_blast_fails(deferral):
    """Slow mail is not lost mail."""
    for number in range(RUNS // 3):
        rate = Random(number).uniform(0.97, 0.99)
        outcome, share = judged(partial(campaigns.blast, share=rate, deferral=deferral), Policy(), number)
        assert outcome.verdict != "fail", (number, share)
