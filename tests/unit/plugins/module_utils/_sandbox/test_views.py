# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The views of the same mail: whatever is sent and whenever it is asked, counters and events say the same."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import agree, clocked
from hypothesis import given, settings
from hypothesis import strategies as st

TAGS = ("a", "b", "caf-1")
DOMAINS = ("example.com", "example.net", "EXAMPLE.org")


rates = st.sampled_from([0, 0.3, 0.7, 1])
spans = st.sampled_from([0, 5, [1, 90], [0, 7200]])
scenario_dicts = st.fixed_dictionaries(
    {},
    optional={
        "delivery_rate": rates,
        "delay": spans,
        "hold": st.sampled_from([0, 600]),
        "deferred_rate": rates,
        "retry_rate": rates,
        "returned_rate": rates,
        "returned_delay": spans,
        "open_rate": rates,
        "open_delay": spans,
        "click_rate": rates,
        "click_delay": spans,
        "repeat_rate": rates,
        "refusals": st.sampled_from(["spam", {"no_such_address": 1, "mailbox_full": 2}]),
        "domains": st.sampled_from([{"example.net": "blocked"}, {"example.org": {"unreachable_rate": 1}}]),
    },
)
sends = st.fixed_dictionaries(
    {
        "tags": st.lists(st.sampled_from(TAGS), unique=True),
        "recipients": st.lists(st.sampled_from([f"ann@{domain}" for domain in DOMAINS]), min_size=1, max_size=9),
        "trackopens": st.booleans(),
        "trackclicks": st.booleans(),
    }
)
# Seconds until the next send or look.
steps = st.lists(st.tuples(st.floats(0, 100_000), st.none() | sends), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    scenario=scenario_dicts | st.sampled_from(["deferred", "blocked", "dead", "outage", "unreachable"]),
    steps=steps,
    seed=st.integers(0, 1000),
    speed=st.sampled_from([1, 60, 10_000]),
)
def test_views_never_disagree(scenario: Any, steps: Any, seed: int, speed: float) -> None:
    """At any moment, distinct events are what the counters count, by whatever method they are asked for."""
    with clocked(scenario=scenario, seed=seed, speed=speed) as running:
        for pause, body in steps:
            running.now += pause
            if body is not None:
                running.send(**body)
            agree(running, TAGS)
        running.now += 200_000
        agree(running, TAGS)


@settings(max_examples=30, deadline=None)
@given(scenario=scenario_dicts, bodies=st.lists(sends, min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_every_message_ends_once(scenario: Any, bodies: Any, seed: int) -> None:
    """After two days each message is delivered or has failed; both only where it was returned, with a bounce."""
    with clocked(scenario=scenario, seed=seed) as running:
        for body in bodies:
            running.send(**{**body, "tags": ["a"]})
        running.now += 200_000
        by_id: dict[str, dict[str, Any]] = {}
        for event in running.get("events/tags/a"):
            by_id.setdefault(event["data"]["id"], {})[event["type"]] = event["data"]
        assert len(by_id) == sum(len(body["recipients"]) for body in bodies)
        for found in by_id.values():
            assert "delivery" in found or "failure" in found
            returned = "delivery" in found and "failure" in found
            assert returned == ("bounce" in found)
            if "failure" in found:
                assert (found["failure"]["state"] == "bounce") == returned
                assert "open" not in found
            if returned:
                assert found["delivery"]["time"] <= found["failure"]["time"] == found["bounce"]["time"]
