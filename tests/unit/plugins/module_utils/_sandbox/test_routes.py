"""The routes without a socket: scenarios, seeds, faults, tags without mail, and views that never disagree."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import Fault, StatusFault
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import SURE, agree, clocked
from hypothesis import given
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
ZEROS = {"first": None, "last": None, "messages": 0, "deliveries": 0}


@pytest.mark.parametrize(
    ("unknown_tag", "status", "stats", "later"),
    [
        ("not_found", 404, None, None),
        (
            "zeros",
            200,
            {**ZEROS, "opens": 0, "clicks": 0},
            {**ZEROS, "tag": "x", "all_opens": 0, "unique_opens": 0, "all_clicks": 0, "unique_clicks": 0},
        ),
        ("object", 200, {}, {}),
        ("list", 200, [], []),
        ("null", 200, None, None),
    ],
)
def test_unknown_tags(unknown_tag: str, status: int, stats: object, later: object) -> None:
    """A tag without mail is answered as was asked for, and has no events; a known one always has its counters."""
    with clocked(faults={"unknown_tag": unknown_tag}) as running:
        assert running.ask("stats/x").status == running.ask("tag/x").status == status
        assert (running.get("stats/x"), running.get("tag/x"), running.get("events/tags/x")) == (stats, later, [])
        running.send(recipient="a@example.com", tags=["x"])
        assert running.get("stats/x")["messages"] == 1


def test_scenarios_by_tag() -> None:
    """Each message follows its first tag with a scenario, else the default."""
    with clocked(scenario={"default": SURE, "tags": {"bad": "dead", "late": {**SURE, "hold": 3600}}}) as running:
        for tags in (["good"], ["bad"], ["late"], ["x", "bad"]):
            running.send(recipients=["a@example.com"] * 5, tags=tags)
        found = {tag: running.get(f"stats/{tag}")["deliveries"] for tag in ("good", "bad", "late", "x")}
    assert found == {"good": 5, "bad": 0, "late": 0, "x": 0}


def test_seed_repeats() -> None:
    """The same sends under the same seed have the same counters, under another seed or none others."""
    counted: list[Any] = []
    for seed in (1, 1, 2, None):
        with clocked(scenario={**SURE, "delivery_rate": 0.5, "open_rate": 0.5}, seed=seed) as running:
            for tag in ("a", "b"):
                running.send(recipients=["a@example.com"] * 250, tags=[tag])
            counted.append([running.get(f"stats/{tag}") for tag in ("a", "b")])
    assert counted[0] == counted[1]
    assert all(counted[0] != other for other in counted[2:])


@pytest.mark.parametrize("path", ["stats", "stats/x", "tag/x", "events/tags/x"])
def test_faults(path: str) -> None:
    """Requests for statistics meet drops, statuses and slow bytes in order; sends, other paths and refusals none."""
    statuses = [503, {"status": 429, "retry_after": 7}]
    faults = {"latency": 3, "drop": 1, "statuses": statuses, "slow_bytes": 2, "slow_count": 1}
    with clocked(faults=faults) as running:
        running.send(recipient="a@example.com", tags=["x"])
        assert [running.ask(other).fault for other in ("send", "nothing", "stats/")] == [Fault()] * 3
        assert running.ask(path, access_token="wrong").fault == Fault()
        answers = [running.ask(path) for _each in range(5)]
    assert [answer.fault for answer in answers] == [
        Fault(3.0, drop=True),
        Fault(3.0, status=StatusFault(503)),
        Fault(3.0, status=StatusFault(429, 7)),
        Fault(3.0, slow_bytes=2.0),
        Fault(3.0),
    ]
    assert [(answer.status, answer.headers) for answer in answers[1:]] == [
        (503, ()),
        (429, (("Retry-After", "7"),)),
        (200, ()),
        (200, ()),
    ]
    assert b"asked to answer with this status" in answers[1].body


def test_no_day() -> None:
    """A start that is no day is refused in words."""
    with clocked() as running:
        answer = running.ask("events/tags/x", start="yesterday")
    assert answer.status == 400
    assert answer.body == b"start: 'yesterday' is not a day; write it as YYYY-MM-DD\n"


@pytest.mark.slow
@hypothesis.settings(max_examples=30, deadline=None)
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


@hypothesis.settings(max_examples=25, deadline=None)
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
