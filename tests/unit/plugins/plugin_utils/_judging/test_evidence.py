"""Tests of the evidence, against exact arithmetic and against its own promise."""

import math
from fractions import Fraction

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging import evidence
from hypothesis import given, settings
from hypothesis import strategies as st

SIDES = ((1, evidence.log_evidence_for), (-1, evidence.log_evidence_against))


def exact(delivered, messages, rate, side):
    """The definition, in rational arithmetic: the mean of the likelihood ratios."""
    r, total = Fraction(rate), Fraction(0)
    for step in range(24):
        odds = r / (1 - r) * Fraction(math.exp(side * 0.1 * 40 ** (step / 23)))
        q = odds / (1 + odds)
        total += (q / r) ** delivered * ((1 - q) / (1 - r)) ** (messages - delivered)
    return total / 24


@pytest.mark.parametrize("rate", [0.01, 0.5, 0.95, 0.999])
@pytest.mark.parametrize(("delivered", "messages"), [(0, 0), (1, 1), (0, 20), (20, 20), (38, 40)])
def test_against_exact_arithmetic(delivered, messages, rate):
    """The logarithms agree with the definition, at no and at all delivered too."""
    for side, log_evidence in SIDES:
        wanted = math.log(exact(delivered, messages, rate, side))
        assert log_evidence(delivered, messages, rate) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1))
def test_no_overflow(one, other, rate):
    """A billion messages, and rates of 0 and 1, give a number."""
    delivered, messages = sorted((one, other))
    for _side, log_evidence in SIDES:
        assert -math.inf <= log_evidence(delivered, messages, rate) < math.inf


def test_a_rate_of_one_is_never_evident():
    """No count shows that more than all is delivered, or less than nothing."""
    for delivered in (0, 50, 99, 100):
        assert evidence.log_evidence_for(delivered, 100, 1.0) <= 0
        assert evidence.log_evidence_against(delivered, 100, 0.0) <= 0


@given(st.integers(1, 5000), st.floats(0.01, 0.99), st.data())
def test_a_delivery_more_speaks_for_a_pass(messages, rate, data):
    """Evidence for a pass only rises with late deliveries, and evidence against only falls."""
    delivered = data.draw(st.integers(0, messages - 1))
    for side, log_evidence in SIDES:
        assert side * log_evidence(delivered + 1, messages, rate) > side * log_evidence(delivered, messages, rate)


@given(st.integers(0, 300), st.floats(0.05, 0.95))
def test_the_mean_under_the_rate_is_one(delivered_before, rate):
    """At the boundary the next message changes the evidence by nothing on average: what Ville's inequality needs."""
    messages = 300
    now = evidence.log_evidence_for(delivered_before, messages, rate)
    up = math.exp(evidence.log_evidence_for(delivered_before + 1, messages + 1, rate) - now)
    down = math.exp(evidence.log_evidence_for(delivered_before, messages + 1, rate) - now)
    assert rate * up + (1 - rate) * down == pytest.approx(1, rel=1e-6)


@settings(max_examples=50)
@given(st.integers(0, 2000), st.integers(1, 2000), st.floats(0.1, 0.9))
def test_more_messages_decide(one, other, rate):
    """So many more messages like those so far do bring the evidence."""
    delivered, messages = sorted((one, other))
    more = evidence.more_messages(delivered, messages, rate, math.log(20))
    if more is None:
        # The nearest rate of the grid is 0.1 away on the logit scale; what is nearer than half of it stays open.
        share = delivered / messages
        assert abs(math.log(share / (1 - share)) - math.log(rate / (1 - rate))) < 0.052
    elif more:
        log_evidence = evidence.log_evidence_for if delivered / messages > rate else evidence.log_evidence_against
        assert log_evidence(delivered * (messages + more) // messages, messages + more, rate) >= math.log(20)


@pytest.mark.parametrize(
    ("delivered", "messages", "rate"),
    [(194, 200, 0.95), (96, 100, 0.95), (1, 1, 0.95), (1, 2, 0.45), (0, 1, 0.95), (1, 1, 0.5), (0, 1, 0.9)],
)
def test_no_more_messages_than_needed(delivered, messages, rate):
    """The number is the least one that decides, or at most a hundredth above it."""
    log_evidence = evidence.log_evidence_for if delivered / messages > rate else evidence.log_evidence_against
    least = messages
    while log_evidence(delivered * least // messages, least, rate) < math.log(20):
        least += 1
    assert least <= messages + evidence.more_messages(delivered, messages, rate, math.log(20)) <= least * 1.01


def test_more_messages_where_none_decide():
    """The very share that is required is never evident, nor is a share of nothing."""
    assert evidence.more_messages(95, 100, 0.95, math.log(20)) is None
    assert evidence.more_messages(0, 0, 0.95, math.log(20)) is None
