# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios: what is read from the option, and which one a message follows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import (
    SCENARIOS,
    Scenario,
    parse_scenarios,
)


@pytest.mark.parametrize(
    ("value", "default", "tags"),
    [
        ("dead", SCENARIOS["dead"], {}),
        ({}, SCENARIOS["healthy"], {}),
        ({"delivery_rate": "0.5", "delay": 0}, Scenario(delivery_rate=0.5, delay=(0.0, 0.0)), {}),
        ('{"delivery_rate": 0.5}', Scenario(delivery_rate=0.5), {}),
        ({"hold": None}, SCENARIOS["healthy"], {}),
        ({"blocked_domains": "Bad.example"}, Scenario(blocked_domains=("bad.example",)), {}),
        ({"refusals": "spam"}, Scenario(refusals=(("spam", 1.0),)), {}),
        ({"refusals": {"spam": "2", "mailbox_full": None}}, Scenario(refusals=(("spam", 2.0),)), {}),
        ({"returned_delay": 60}, Scenario(returned_delay=(60.0, 60.0)), {}),
        (
            {"hold": 1, "domains": {"A.example": "dead", "b.example": {"delay": 2}}},
            Scenario(
                hold=1.0,
                domains={"a.example": SCENARIOS["dead"], "b.example": Scenario(hold=1.0, delay=(2.0, 2.0))},
            ),
            {},
        ),
        ({"tags": {"a": "dead"}}, SCENARIOS["healthy"], {"a": SCENARIOS["dead"]}),
        ({"tags": {2024: "dead"}}, SCENARIOS["healthy"], {"2024": SCENARIOS["dead"]}),
        ({"default": "outage", "tags": {"a": {"hold": 1}}}, SCENARIOS["outage"], {"a": Scenario(hold=1.0)}),
    ],
)
def test_scenarios_read(value: object, default: Scenario, tags: dict[str, Scenario]) -> None:
    """A name, rates, or either of them by tag."""
    scenarios = parse_scenarios("scenario", value)
    assert scenarios.default == default
    assert scenarios.tags == tags


@pytest.mark.parametrize(
    ("value", "where", "problem"),
    [
        ("heathy", "scenario", "give one of healthy, deferred, blocked, dead, outage"),
        (7, "scenario", "not a name"),
        ([], "scenario", "not a name"),
        ("{nonsense", "scenario", "not JSON"),
        ({"delivery": 1}, "scenario.delivery", "there is no such key; give one of blocked_domains"),
        ({"delivery_rate": 95}, "scenario.delivery_rate", "did you mean 0.95?"),
        ({"open_rate": True}, "scenario.open_rate", "not a number"),
        ({"delay": float("nan")}, "scenario.delay", "not a finite number"),
        ({"retries": []}, "scenario.retries", "rising list"),
        ({"retries": [20, 10]}, "scenario.retries", "rising list"),
        ({"retries": 600}, "scenario.retries", "not a list"),
        ({"blocked_domains": ["a@b"]}, "scenario.blocked_domains", "what follows the @"),
        ({"refusals": {"virus": 1}}, "scenario.refusals.virus", "give one of mailbox_full, no_such_address, spam"),
        ({"refusals": "virus"}, "scenario.refusals.virus", "there is no such key"),
        ({"refusals": {}}, "scenario.refusals", "no cause has a weight above 0"),
        ({"refusals": {"spam": 0}}, "scenario.refusals", "no cause has a weight above 0"),
        ({"refusals": {"spam": -1}}, "scenario.refusals.spam", "not 0 or more"),
        ({"refusals": 5}, "scenario.refusals", "not a dict"),
        ({"returned_rate": 2}, "scenario.returned_rate", "did you mean 0.02?"),
        ({"blocked_rate": 0.6, "unreachable_rate": 0.6}, "scenario", "add up to more than 1"),
        ({"domains": "example.net"}, "scenario.domains", "not a dict"),
        ({"domains": {"a@b": "dead"}}, "scenario.domains['a@b']", "what follows the @"),
        ({"domains": {"b": "ded"}}, "scenario.domains['b']", "not a name (healthy, deferred, blocked"),
        ({"domains": {"b": {"delay": -1}}}, "scenario.domains['b'].delay", "is negative"),
        ({"domains": {"b": {"domains": {}}}}, "scenario.domains['b'].domains", "there is no such key"),
        ({"default": "x"}, "scenario.default", "is unknown"),
        ({"default": "dead", "delay": 1}, "scenario.delay", "give one of default, tags"),
        ({"tags": ["a"]}, "scenario.tags", "not a dict"),
        ({"tags": {"a b": "dead"}}, "scenario.tags['a b']", "white space"),
        ({"tags": {"a": {"hold": -1}}}, "scenario.tags['a'].hold", "is negative"),
        ({"tags": {"a": {"tags": {}}}}, "scenario.tags['a'].tags", "there is no such key"),
    ],
)
def test_scenarios_refused(value: Any, where: str, problem: str) -> None:
    """A scenario that means nothing is refused with the path to the key, the problem and the remedy."""
    with pytest.raises(OptionError) as caught:
        parse_scenarios("scenario", value)
    assert caught.value.option == where
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(["x"], "healthy"), ([], "healthy"), (["a"], "dead"), (["x", "b", "a"], "outage"), (["a", "b"], "dead")],
)
def test_scenario_of_a_message(tags: list[str], expected: str) -> None:
    """The first tag with a scenario of its own decides."""
    assert parse_scenarios("scenario", {"tags": {"a": "dead", "b": "outage"}}).for_tags(tags) == SCENARIOS[expected]
