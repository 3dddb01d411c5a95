"""The guarantees of judging, on simulated campaigns; `make simulate` measures how well it does beyond them."""

from functools import partial
from random import Random

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.benchmark import _campaigns as campaigns
from ansible_collections.mailops.smtpeter.tests.benchmark import _rivals as rivals

pytestmark = pytest.mark.slow

RUNS = 50
# Where 5% are wrong by chance, more than so many of 50 are in less than one of ten thousand series: the exact binomial.
MOST_ERRORS = 10
GUARANTEED = Policy(at_deadline="inconclusive")
# With so short a grace, evidence against a stream has nearly all of its mail to count.
SHORT_GRACE = Policy(at_deadline="inconclusive", grace_period=10)


def judged(make_mail, policy, number, view=campaigns.prompt):
    """The gate's verdict on one seeded campaign."""
    rng = Random(f"guarantee {number}")
    mail = make_mail(rng)
    looks = campaigns.looks_at(rng, mail, view(rng), Timing(), 0)
    return rivals.run_gate(looks, policy, Timing(), None)[0].verdict


@pytest.mark.parametrize(
    ("rate", "deferral", "policy", "wrong"),
    [(0.9499, campaigns.at_once, GUARANTEED, "pass"), (0.95, campaigns.mixed, GUARANTEED, "fail"),
     (0.95, campaigns.at_once, SHORT_GRACE, "fail")],
)  # fmt: skip
def test_evidence_keeps_its_promise(rate, deferral, policy, wrong):
    """On streams at the very limit, wrong verdicts are no more than 1 - confidence, however often the gate looks."""
    make = partial(campaigns.stream, rate=rate, deferral=deferral)
    errors = sum(judged(make, policy, number) == wrong for number in range(RUNS))
    assert errors <= MOST_ERRORS


@pytest.mark.parametrize(
    ("rate", "policy", "verdict"), [(0.99, GUARANTEED, "pass"), (0.85, SHORT_GRACE, "fail"), (0.85, GUARANTEED, None)]
)
def test_evidence_does_decide(rate, policy, verdict):
    """A gate that never decides would keep every promise; and what is not older than the grace is no evidence yet."""
    make = partial(campaigns.stream, rate=rate, deferral=campaigns.at_once)
    assert {judged(make, policy, number) for number in range(10)} == {verdict or "inconclusive"}


@pytest.mark.parametrize("deferral", [campaigns.at_once, campaigns.mixed, campaigns.retried, campaigns.outage])
@pytest.mark.parametrize("view", [campaigns.prompt, campaigns.refreshed(10, 50), campaigns.backward])
@pytest.mark.parametrize(("lowest", "highest", "wrong"), [(0.85, 0.9499, "pass"), (0.97, 0.99, "fail")])
def test_blasts(deferral, view, lowest, highest, wrong):
    """None below the limit passes, not even at the deadline, and no healthy one fails, however its counters come."""
    # A counter that runs backward is rarer than a campaign, and harms only while slow mail arrives.
    runs = RUNS if view is campaigns.backward and deferral is campaigns.mixed and wrong == "fail" else RUNS // 5
    for number in range(runs):
        make = partial(campaigns.blast, share=Random(number).uniform(lowest, highest), deferral=deferral)
        assert judged(make, Policy(), number, view) != wrong
