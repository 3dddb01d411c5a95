"""What becomes of messages under a scenario."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import Plan, plan_message, random_of
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import SCENARIOS, Scenario
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import parse_scenarios as parse

SURE = Scenario(delivery_rate=1.0, delay=(0.0, 0.0))
MESSAGES = 4000
BOTH = Scenario(delivery_rate=0, refusals=(("spam", 3.0), ("mailbox_full", 1.0)))
UNREACHED = dataclasses.replace(SURE, unreachable_rate=0.4, blocked_rate=0.2)


def plans(scenario: Scenario, speed: float = 1.0, domain: str = "example.com") -> list[Plan]:
    """What becomes of so many messages."""
    return [plan_message(scenario, f"a@{domain}", random_of(1, number), speed) for number in range(MESSAGES)]


def delivered(scenario: Scenario, within: float = math.inf) -> float:
    """The share delivered within so many seconds."""
    return sum(plan.delivered is not None and plan.delivered <= within for plan in plans(scenario)) / MESSAGES


def causes(scenario: Scenario, domain: str = "example.com") -> dict[str | None, float]:
    """The share of each cause, None for those that do not fail."""
    found = Counter(plan.cause for plan in plans(scenario, domain=domain))
    return {cause: count / MESSAGES for cause, count in found.items()}


@pytest.mark.parametrize(
    ("name", "within", "least", "most"),
    [
        ("healthy", 0.9, 0, 0), ("healthy", 5, 0.98, 0.99), ("healthy", 1e9, 0.98, 0.99),
        ("deferred", 5, 0.72, 0.76), ("deferred", 605, 0.89, 0.93), ("deferred", 1e9, 0.98, 0.99),
        ("outage", 600, 0, 0), ("outage", 605, 0.98, 0.99), ("dead", 1e9, 0, 0),
        ("blocked", 1e9, 0.67, 0.71), ("unreachable", 1e9, 0.67, 0.71),
    ],
)  # fmt: skip
def test_named_scenarios(name: str, within: float, least: float, most: float) -> None:
    """Each named scenario delivers the share that its description says, in the time that it says."""
    assert least <= delivered(SCENARIOS[name], within) <= most


def test_retries_follow_the_schedule() -> None:
    """Deferred mail is delivered at one of the retries, which are counted, later ones getting less."""
    late = plans(dataclasses.replace(SURE, deferred_rate=0.5, retry_rate=0.5))
    counts = Counter((each.attempt, each.delivered) for each in late)
    expected = {(0, 0.0): 0.5, (1, 600.0): 0.25, (2, 1200.0): 0.125, (3, 3000.0): 0.0625, (4, 4800.0): 0.0625}
    assert {key: count / MESSAGES for key, count in counts.items()} == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (Scenario(delivery_rate=0), {"no_such_address": 0.6, "mailbox_full": 0.2, "spam": 0.2}),
        (SCENARIOS["dead"], {"spam": 1}), (BOTH, {"spam": 0.75, "mailbox_full": 0.25}),
        (UNREACHED, {"unreachable": 0.4, "blocked": 0.2, None: 0.4}),
    ],
)  # fmt: skip
def test_causes(scenario: Scenario, expected: dict[str | None, float]) -> None:
    """Lost mail has the causes of the scenario, in the shares that it says."""
    assert causes(scenario) == pytest.approx(expected, abs=0.03)


def test_lost_mail_fails_at_once_but_where_nobody_is_reached() -> None:
    """A refusal comes at the first attempt; without anybody to refuse it, mail fails after a day; nothing stays."""
    lossy = Scenario(delivery_rate=0.5, delay=(1.0, 9.0), hold=60.0, unreachable_rate=0.3, blocked_rate=0.2)
    for each in plans(lossy):
        assert (each.delivered is None) == (each.failed is not None) == (each.cause is not None)
        if each.cause == "unreachable":
            assert (each.failed, each.attempt) == (86400.0, 4)
        elif each.failed is not None:
            assert 61 <= each.failed <= 69
            assert each.attempt == 0


def test_returned_mail() -> None:
    """It is delivered, fails after the delay, and nobody opens it."""
    rates = {"delivery_rate": 0.8, "returned_rate": 0.3, "open_rate": 1.0}
    scenario = dataclasses.replace(SURE, returned_delay=(60.0, 120.0), **rates)
    returned = [each for each in plans(scenario) if each.delivered is not None and each.failed is not None]
    assert len(returned) / MESSAGES == pytest.approx(0.3 * 0.8, abs=0.03)
    assert all(60 <= (each.failed or 0) - (each.delivered or 0) <= 120 for each in returned)
    assert not any(each.opened or each.clicked for each in returned)
    assert delivered(scenario) == pytest.approx(0.8, abs=0.03)


def test_new_chances_leave_the_others_as_they_were() -> None:
    """What is lost or delivered, and when, does not depend on what receivers say of it, nor on what is returned."""
    plain = [(each.delivered, each.attempt) for each in plans(SCENARIOS["deferred"])]
    for changes in ({"refusals": (("spam", 1.0),)}, {"returned_rate": 0.5}):
        changed = plans(dataclasses.replace(SCENARIOS["deferred"], **changes))
        assert [(each.delivered, each.attempt) for each in changed] == plain


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("good.example", {None: 1}), ("BAD.example", {"blocked": 1}), ("BLOCKED.example", {"blocked": 1}),
        ("gone.example", {"unreachable": 1}), ("full.example", {"mailbox_full": 0.5, None: 0.5}),
        ("sub.blocked.example", {None: 1}),
    ],
)  # fmt: skip
def test_domains(domain: str, expected: dict[str | None, float]) -> None:
    """A domain that is named follows its own scenario: one by name, or one that differs from the scenario around it."""
    domains = {"Blocked.example": "blocked", "gone.example": "unreachable", "full.example": {"delivery_rate": 0.5}}
    given = {"delivery_rate": 1, "delay": 0, "refusals": "mailbox_full", "blocked_domains": "Bad.example"}
    scenario = parse("scenario", {**given, "domains": domains}).default
    assert causes(scenario, domain) == pytest.approx(expected, abs=0.03)
    assert scenario.for_domain("full.example").delay == (0.0, 0.0)


def test_opens_and_clicks_follow_a_delivery() -> None:
    """Only delivered mail is opened, only opened mail is clicked, each after the other, and ten times at most."""
    busy = Scenario(delivery_rate=0.5, open_rate=0.5, click_rate=0.5, repeat_rate=0.9)
    seen = plans(busy)
    assert max(len(each.opened) for each in seen) == max(len(each.clicked) for each in seen) == 10
    for each in seen:
        assert each.opened == () or each.delivered is not None
        assert each.clicked == () or each.opened != ()
        for times in ((each.delivered or 0.0, *each.opened), (*each.opened[:1], *each.clicked)):
            assert list(times) == sorted(times)


def test_speed_divides_every_delay() -> None:
    """At ten times the speed everything happens, in a tenth of the time."""
    scenario = dataclasses.replace(SCENARIOS["deferred"], returned_rate=0.1, unreachable_rate=0.1)

    def times(speed: float) -> list[float]:
        moments = [(each.delivered, each.failed, *each.opened, *each.clicked) for each in plans(scenario, speed)]
        return [math.inf if at is None else at for each in moments for at in each]

    assert times(10) == pytest.approx([at / 10 for at in times(1)])


def test_streams_repeat() -> None:
    """The same seed and number give the same plan, another seed or number another."""
    draws = [random_of(seed, number).random() for seed, number in ((1, 12), (1, 12), (11, 2), (1, 13), (2, 12))]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4
