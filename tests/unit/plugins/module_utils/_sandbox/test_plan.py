"""What becomes of messages under a scenario."""

import dataclasses
from collections import Counter

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import plan_message, random_of
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import SCENARIOS, Scenario
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import parse_scenarios as parse

SURE = Scenario(delivery_rate=1.0, delay=(0.0, 0.0))
MESSAGES = 2000
BOTH = Scenario(delivery_rate=0, refusals=(("spam", 3.0), ("mailbox_full", 1.0)))
UNREACHED = dataclasses.replace(SURE, unreachable_rate=0.4, blocked_rate=0.2)
# Domains with a scenario of their own: one by name, or what differs from the scenario around them.
DOMAINS = {"Blocked.example": "blocked", "gone.example": "unreachable", "full.example": {"delivery_rate": 0.5}}
RATES = {"delivery_rate": 1, "delay": 0, "refusals": "mailbox_full", "blocked_domains": "Bad.example"}
OWN = parse("scenario", {**RATES, "domains": DOMAINS}).default


def plans(scenario, speed=1.0, domain="example.com"):
    """What becomes of so many messages."""
    return [plan_message(scenario, f"a@{domain}", random_of(1, number), speed) for number in range(MESSAGES)]


def shares(found):
    """The share of each thing among all messages."""
    return {each: count / MESSAGES for each, count in Counter(found).items()}


@pytest.mark.parametrize(
    ("name", "delivered"),
    [
        ("healthy", {0.9: 0, 5: 0.985}), ("deferred", {5: 0.74, 605: 0.92, 1e9: 0.985}),
        ("outage", {600: 0, 605: 0.985}), ("blocked", {1e9: 0.69}), ("unreachable", {1e9: 0.69}),
    ],
)  # fmt: skip
def test_named_scenarios(name, delivered):
    """Each named scenario delivers the share that its description says, in the time that it says."""
    times = [plan.delivered for plan in plans(SCENARIOS[name]) if plan.delivered is not None]
    found = {within: sum(time <= within for time in times) / MESSAGES for within in delivered}
    assert found == pytest.approx(delivered, rel=0.01)


def test_retries_follow_the_schedule():
    """Deferred mail is delivered at one of the retries, which are counted, later ones getting less."""
    late = plans(dataclasses.replace(SURE, deferred_rate=0.5, retry_rate=0.5))
    expected = {(0, 0.0): 0.5, (1, 600.0): 0.25, (2, 1200.0): 0.125, (3, 3000.0): 0.0625, (4, 4800.0): 0.0625}
    assert shares((each.attempt, each.delivered) for each in late) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("scenario", "domain", "expected"),
    [
        (Scenario(delivery_rate=0), "a", {"no_such_address": 0.6, "mailbox_full": 0.2, "spam": 0.2}),
        (BOTH, "a", {"spam": 0.75, "mailbox_full": 0.25}),
        (UNREACHED, "a", {"unreachable": 0.4, "blocked": 0.2, None: 0.4}),
        (SCENARIOS["dead"], "a", {"spam": 1}), (OWN, "good.example", {None: 1}), (OWN, "BAD.example", {"blocked": 1}),
        (OWN, "BLOCKED.example", {"blocked": 1}), (OWN, "gone.example", {"unreachable": 1}),
        (OWN, "full.example", {"mailbox_full": 0.5, None: 0.5}), (OWN, "sub.blocked.example", {None: 1}),
    ],
)  # fmt: skip
def test_causes(scenario, domain, expected):
    """Lost mail has the causes of the scenario, or of that of its domain, in the shares that it says."""
    assert shares(plan.cause for plan in plans(scenario, domain=domain)) == pytest.approx(expected, abs=0.03)


def test_what_becomes_of_a_message():
    """Mail is delivered, and then may be opened and clicked; or it is returned; or refused at once, or in a day."""
    rates = {"delivery_rate": 0.5, "unreachable_rate": 0.2, "blocked_rate": 0.1, "returned_rate": 0.4}
    times = {"hold": 60.0, "delay": (1.0, 9.0), "returned_delay": (60.0, 120.0)}
    seen = plans(Scenario(open_rate=0.5, click_rate=0.5, repeat_rate=0.9, **rates, **times))
    expected = {(True, False): 0.7 * 0.5 * 0.6, (True, True): 0.7 * 0.5 * 0.4, (False, True): 0.3 + 0.7 * 0.5}
    found = shares((each.delivered is not None, each.failed is not None) for each in seen)
    assert found == pytest.approx(expected, abs=0.03)
    # Nothing is repeated more than nine times.
    assert max(len(each.opened) for each in seen) == max(len(each.clicked) for each in seen) == 10
    for each in seen:
        assert (each.failed is None) == (each.cause is None)
        if each.cause == "unreachable":
            assert (each.failed, each.attempt) == (86400.0, 4)
        elif each.failed is not None:
            assert 61 <= each.failed <= 69 if each.delivered is None else 60 <= each.failed - each.delivered <= 120
            assert each.attempt == 0
        assert each.clicked == () or each.opened != ()
        for moments in ((each.delivered or 0.0, *each.opened), (*each.opened[:1], *each.clicked)):
            assert list(moments) == sorted(moments)


def test_speed_divides_every_delay():
    """At ten times the speed everything happens, in a tenth of the time."""
    scenario = dataclasses.replace(SCENARIOS["deferred"], returned_rate=0.1, unreachable_rate=0.1)

    def times(speed):
        moments = [(each.delivered, each.failed, *each.opened, *each.clicked) for each in plans(scenario, speed)]
        return [at for each in moments for at in each if at is not None]

    assert times(10) == pytest.approx([at / 10 for at in times(1)])
