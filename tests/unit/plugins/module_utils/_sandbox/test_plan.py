# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of messages under a scenario."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import Plan, plan_message, random_of
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import (
    SCENARIOS,
    Scenario,
    parse_scenarios,
)

SURE = Scenario(delivery_rate=1.0, delay=(0.0, 0.0))


def plans(scenario: Scenario, messages: int = 4000, speed: float = 1.0, seed: int = 1) -> list[Plan]:
    """What becomes of so many messages."""
    return [
        plan_message(scenario, f"{number}@example.com", random_of(seed, number), speed) for number in range(messages)
    ]


def delivered(scenario: Scenario, within: float = float("inf"), messages: int = 4000) -> float:
    """The share delivered within so many seconds."""
    times = [each.delivered for each in plans(scenario, messages)]
    return sum(1 for time in times if time is not None and time <= within) / messages


@pytest.mark.parametrize(
    ("name", "within", "least", "most"),
    [
        ("healthy", 0.9, 0, 0),
        ("healthy", 5, 0.98, 0.99),
        ("healthy", 1e9, 0.98, 0.99),
        ("deferred", 5, 0.72, 0.76),
        ("deferred", 605, 0.89, 0.93),
        ("deferred", 1e9, 0.98, 0.99),
        ("blocked", 1e9, 0.67, 0.71),
        ("dead", 1e9, 0, 0),
        ("outage", 600, 0, 0),
        ("outage", 605, 0.98, 0.99),
        ("unreachable", 1e9, 0.67, 0.71),
    ],
)
def test_named_scenarios(name: str, within: float, least: float, most: float) -> None:
    """Each named scenario delivers the share that its description says, in the time that it says."""
    assert least <= delivered(SCENARIOS[name], within) <= most


def test_retries_follow_the_schedule() -> None:
    """Deferred mail is delivered at one of the retries, later ones getting less, and never between them."""
    times = [each.delivered for each in plans(dataclasses.replace(SURE, deferred_rate=1.0, retry_rate=0.5))]
    counts = [times.count(after) for after in (600.0, 1200.0, 3000.0, 4800.0)]
    assert sum(counts) == len(times)
    assert [round(count / len(times), 1) for count in counts] == [0.5, 0.2, 0.1, 0.1]


@pytest.mark.parametrize(("recipient", "arrives"), [("a@bad.example", False), ("a@BAD.example", False), ("a@b", True)])
def test_blocked_domains(recipient: str, arrives: bool) -> None:
    """A named domain refuses everything, however its name is written, and others do not."""
    scenario = dataclasses.replace(SURE, blocked_domains=("bad.example",))
    assert (plan_message(scenario, recipient, random_of(1, 1)).delivered is not None) is arrives


def causes(scenario: Scenario, recipient: str = "a@example.com", messages: int = 2000) -> dict[str | None, float]:
    """The share of each cause among so many messages, None for those that do not fail."""
    found = Counter(plan_message(scenario, recipient, random_of(1, number)).cause for number in range(messages))
    return {cause: round(count / messages, 1) for cause, count in found.items()}


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (Scenario(delivery_rate=0), {"no_such_address": 0.6, "mailbox_full": 0.2, "spam": 0.2}),
        (SCENARIOS["dead"], {"spam": 1}),
        (SCENARIOS["blocked"], {"blocked": 0.3, None: 0.7, "no_such_address": 0, "mailbox_full": 0, "spam": 0}),
        (Scenario(blocked_domains=("example.com",)), {"blocked": 1}),
        (
            Scenario(delivery_rate=0, refusals=(("spam", 30.0), ("mailbox_full", 10.0))),
            {"spam": 0.7, "mailbox_full": 0.3},
        ),
        (
            dataclasses.replace(SURE, unreachable_rate=0.4, blocked_rate=0.2),
            {"unreachable": 0.4, "blocked": 0.2, None: 0.4},
        ),
        (
            dataclasses.replace(SURE, returned_rate=0.2, refusals=(("mailbox_full", 1.0),)),
            {"mailbox_full": 0.2, None: 0.8},
        ),
    ],
)
def test_causes(scenario: Scenario, expected: dict[str | None, float]) -> None:
    """Lost mail has the causes of the scenario, in the shares that it says."""
    assert causes(scenario) == pytest.approx(expected, abs=0.11)


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
    scenario = dataclasses.replace(
        SURE, returned_rate=0.3, returned_delay=(60.0, 120.0), open_rate=1.0, delivery_rate=0.8
    )
    returned = [each for each in plans(scenario) if each.delivered is not None and each.failed is not None]
    assert 0.3 * 0.8 - 0.03 < len(returned) / 4000 < 0.3 * 0.8 + 0.03
    assert all(60 <= (each.failed or 0) - (each.delivered or 0) <= 120 for each in returned)
    assert not any(each.opened or each.clicked for each in returned)
    assert delivered(scenario) == pytest.approx(0.8, abs=0.03)


def test_new_chances_leave_the_others_as_they_were() -> None:
    """What is lost or delivered, and when, does not depend on what receivers say of it, nor on what is returned."""
    plain = [(each.delivered, each.attempt) for each in plans(SCENARIOS["deferred"])]
    for changes in ({"refusals": (("spam", 1.0),)}, {"returned_rate": 0.5}):
        changed = plans(dataclasses.replace(SCENARIOS["deferred"], **changes))
        assert [(each.delivered, each.attempt) for each in changed] == plain


def test_attempts_are_counted() -> None:
    """A delivery has the number of its attempt: 0 at once, then one more for each retry."""
    late = dataclasses.replace(SURE, deferred_rate=0.5, retry_rate=0.5)
    moments = {(each.attempt, each.delivered) for each in plans(late)}
    assert moments == {(0, 0.0), (1, 600.0), (2, 1200.0), (3, 3000.0), (4, 4800.0)}


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("good.example", {None: 1}),
        ("BLOCKED.example", {"blocked": 1}),
        ("gone.example", {"unreachable": 1}),
        ("full.example", {"mailbox_full": 0.5, None: 0.5}),
        ("sub.blocked.example", {None: 1}),
    ],
)
def test_domains(domain: str, expected: dict[str | None, float]) -> None:
    """A domain that is named follows its own scenario: one by name, or one that differs from the scenario around it."""
    scenario = parse_scenarios(
        "scenario",
        {
            "delivery_rate": 1,
            "delay": 0,
            "refusals": "mailbox_full",
            "domains": {
                "Blocked.example": "blocked",
                "gone.example": "unreachable",
                "full.example": {"delivery_rate": 0.5},
            },
        },
    ).default
    assert causes(scenario, f"a@{domain}") == pytest.approx(expected, abs=0.1)
    assert scenario.for_domain("full.example").delay == (0.0, 0.0)


def test_opens_and_clicks_follow_a_delivery() -> None:
    """Only delivered mail is opened, only opened mail is clicked, and each after the other."""
    busy = Scenario(delivery_rate=0.5, open_rate=0.5, click_rate=0.5, repeat_rate=0.5)
    seen = plans(busy)
    assert any(each.clicked for each in seen)
    assert any(len(each.opened) > 1 for each in seen)
    for each in seen:
        if each.delivered is None:
            assert not each.opened
        if not each.opened:
            assert not each.clicked
        assert list(each.opened) == sorted(each.opened)
        assert list(each.clicked) == sorted(each.clicked)
        assert all(moment >= (each.delivered or 0) for moment in each.opened)
        assert all(moment >= each.opened[0] for moment in each.clicked)


def test_repeats_end() -> None:
    """A message that is always opened once more is still opened a limited number of times."""
    always = dataclasses.replace(SURE, open_rate=1.0, click_rate=1.0, repeat_rate=1.0)
    assert [(len(each.opened), len(each.clicked)) for each in plans(always, 2)] == [(10, 10), (10, 10)]


def test_speed_divides_every_delay() -> None:
    """At ten times the speed everything happens, in a tenth of the time."""
    scenario = dataclasses.replace(SCENARIOS["deferred"], returned_rate=0.1, unreachable_rate=0.1)
    slow, fast = plans(scenario), plans(scenario, speed=10)
    for once, ten in zip(slow, fast):
        assert ten.failed == (None if once.failed is None else pytest.approx(once.failed / 10))
        assert ten.delivered == (None if once.delivered is None else pytest.approx(once.delivered / 10))
        assert ten.opened == pytest.approx([moment / 10 for moment in once.opened])
        assert ten.clicked == pytest.approx([moment / 10 for moment in once.clicked])


def test_streams_repeat() -> None:
    """The same seed and number give the same plan, another seed or number another."""
    assert plans(SCENARIOS["deferred"], seed=7) == plans(SCENARIOS["deferred"], seed=7)
    assert plans(SCENARIOS["deferred"], seed=7) != plans(SCENARIOS["deferred"], seed=8)
    assert random_of(1, 12).random() != random_of(11, 2).random()
