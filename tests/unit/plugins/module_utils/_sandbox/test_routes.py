"""The routes without a socket: scenarios, seeds, faults, tags without mail, and views that never disagree."""

import hypothesis
import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import Fault, StatusFault
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import SURE, agree, clocked
from hypothesis import given
from hypothesis import strategies as st

TAGS = ("a", "b", "caf-1")
RATES, SPANS = st.sampled_from([0, 0.3, 0.7, 1]), st.sampled_from([0, 5, [1, 90], [0, 7200]])
RATED = ("delivery_rate", "deferred_rate", "retry_rate", "returned_rate", "open_rate", "click_rate", "repeat_rate")
NAMED = {
    **dict.fromkeys(RATED, RATES),
    **dict.fromkeys(("delay", "returned_delay", "open_delay", "click_delay"), SPANS),
    "hold": st.sampled_from([0, 600]),
    "refusals": st.sampled_from(["spam", {"no_such_address": 1, "mailbox_full": 2}]),
    "domains": st.sampled_from([{"example.net": "blocked"}, {"example.org": {"unreachable_rate": 1}}]),
}
RECIPIENTS = st.sampled_from(["ann@example.com", "ann@example.net", "ann@EXAMPLE.org"])
SENDS = st.builds(
    dict,
    tags=st.lists(st.sampled_from(TAGS), unique=True),
    recipients=st.lists(RECIPIENTS, min_size=1, max_size=9),
    trackopens=st.booleans(),
    trackclicks=st.booleans(),
)
# Seconds until the next send or look.
STEPS = st.lists(st.tuples(st.floats(0, 100_000), st.none() | SENDS), min_size=1, max_size=12)
ZEROS = {"first": None, "last": None, "messages": 0, "deliveries": 0}
LATER_ZEROS = {**ZEROS, "tag": "x", "all_opens": 0, "unique_opens": 0, "all_clicks": 0, "unique_clicks": 0}


@pytest.mark.parametrize(
    ("unknown_tag", "stats", "later"),
    [
        ("not_found", None, None), ("zeros", {**ZEROS, "opens": 0, "clicks": 0}, LATER_ZEROS), ("object", {}, {}),
        ("list", [], []), ("null", None, None),
    ],
)  # fmt: skip
def test_unknown_tags(unknown_tag, stats, later):
    """A tag without mail is answered as was asked for, and has no events; a known one always has its counters."""
    status = 404 if unknown_tag == "not_found" else 200
    with clocked(faults={"unknown_tag": unknown_tag}) as running:
        assert running.ask("stats/x").status == running.ask("tag/x").status == status
        assert (running.get("stats/x"), running.get("tag/x"), running.get("events/tags/x")) == (stats, later, [])
        running.send(recipient="a@example.com", tags=["x"])
        assert running.get("stats/x")["messages"] == 1


def test_scenarios_by_tag():
    """Each message follows its first tag with a scenario, else the default."""
    with clocked(scenario={"default": SURE, "tags": {"bad": "dead", "good": SURE}}) as running:
        for tags in (["any"], ["x", "bad", "good"], ["y", "good", "bad"]):
            running.send(recipients=["a@example.com"] * 5, tags=tags)
        assert [running.get(f"stats/{tag}")["deliveries"] for tag in ("any", "x", "y")] == [5, 0, 5]


def test_seed_repeats():
    """The same sends under the same seed have the same counters, under another seed or none others."""
    counted = []
    for seed in (1, 1, 2, None):
        with clocked(scenario={**SURE, "delivery_rate": 0.5, "open_rate": 0.5}, seed=seed) as running:
            for tags in (["a"], ["a", "b"]):
                running.send(recipients=["a@example.com"] * 250, tags=tags)
            counted.append(running.get("stats"))
    assert counted[0] == counted[1]
    assert counted[0] not in counted[2:]


@pytest.mark.parametrize("path", ["stats", "stats/x", "tag/x", "events/tags/x"])
def test_faults(path):
    """Requests for statistics meet drops, statuses and slow bytes in order; sends, other paths and refusals none."""
    faults = {"latency": 3, "drop": 1, "statuses": [503, {"status": 429, "retry_after": 7}], "slow_bytes": 2}
    with clocked(faults={**faults, "slow_count": 1}) as running, clocked(faults={"slow_bytes": 2}) as always_slow:
        assert [running.ask(other).fault for other in ("send", "nothing", "stats/")] == [Fault()] * 3
        assert running.ask(path, access_token="wrong").fault == Fault()
        dropped, *answers = (running.ask(path) for _each in range(5))
        assert [always_slow.ask(path).fault for _each in range(3)] == [Fault(slow_bytes=2.0)] * 3
    statuses = [Fault(3.0, status=StatusFault(503)), Fault(3.0, status=StatusFault(429, 7))]
    slow = Fault(3.0, slow_bytes=2.0)
    assert [answer.fault for answer in (dropped, *answers)] == [Fault(3.0, drop=True), *statuses, slow, Fault(3.0)]
    assert [answer.status for answer in answers[:2]] == [503, 429]
    assert [answer.headers for answer in answers] == [(), (("Retry-After", "7"),), (), ()]
    assert b"asked to answer with this status" in answers[0].body


def test_recent_tags():
    """The ten tags to which something happened last, the latest first, whenever their mail was sent."""
    with clocked(scenario={"default": SURE, "tags": {"t3": {**SURE, "delay": 100}}}) as running:
        for number in range(12):
            running.send(recipient="a@b", tags=[f"t{number}"])
            running.now += 1
        assert [entry["tag"] for entry in running.get("stats")] == [f"t{number}" for number in range(11, 1, -1)]
        running.now += 200
        assert [entry["tag"] for entry in running.get("stats")][:2] == ["t3", "t11"]


@pytest.mark.slow
@hypothesis.settings(max_examples=40)
@given(
    scenario=st.fixed_dictionaries({}, optional=NAMED)
    | st.sampled_from(["deferred", "blocked", "dead", "outage", "unreachable"]),
    steps=STEPS,
    seed=st.integers(0, 1000),
    speed=st.sampled_from([1, 60, 10_000]),
)
def test_views_never_disagree(scenario, steps, seed, speed):
    """At any moment events are what the counters count; in the end each message was delivered, has failed, or both."""
    with clocked(scenario=scenario, seed=seed, speed=speed) as running:
        for pause, body in steps:
            running.now += pause
            if body is not None:
                running.send(**body)
            agree(running, TAGS)
        running.now += 200_000
        agree(running, TAGS)
        by_id = {}
        for event in (event for tag in TAGS for event in running.get(f"events/tags/{tag}")):
            by_id.setdefault(event["data"]["id"], {})[event["type"]] = event["data"]
    for found in by_id.values():
        assert "delivery" in found or "failure" in found
        # Both only where the message was returned, with a bounce.
        returned = "delivery" in found and "failure" in found
        assert returned == ("bounce" in found)
        if "failure" in found:
            assert (found["failure"]["state"] == "bounce") == returned
            assert "open" not in found
        if returned:
            assert found["delivery"]["time"] <= found["failure"]["time"] == found["bounce"]["time"]
