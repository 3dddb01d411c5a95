"""Tests of a gate that judges by outcomes: when it reads events, how long they hold, and what it returns."""

import json
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, outcome, record
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import outcome_gate as gate
from hypothesis import given, settings
from hypothesis import strategies as st


def look(a_gate, second, counts=None, events=None, counters=None, **more):
    """One look at tag a, by counters and by events, if they are wanted: what the gate tells, and whether they were."""
    records = {} if counts is None else {"a": record("a", second, *counts, **(counters or {}))}
    wanted = a_gate.wants_events(records, second) == ["a"]
    outcomes = {"a": outcome(second, *events, **more)} if events and wanted else {}
    return a_gate.look(Look(second, second, START, records, {}, outcomes)), wanted


UNDER_WAY, DONE = (100, 90, 5), (100, 95, 5)


@pytest.mark.parametrize(
    ("events", "looks"),
    [
        # Nothing moved, and nothing is under way.
        (DONE, [(0, (100, 90), True), (30, (100, 90), False), (900, (100, 90), False)]),
        # Once a minute while mail is under way,
        (UNDER_WAY, [(0, (100, 90), True), (59, (100, 90), False), (60, (100, 90), True), (119, (100, 90), False)]),
        # whenever the counters moved, and once a minute after that, since events may be late.
        (DONE, [(0, (100, 90), True), (1, (101, 90), True), (2, (101, 91), True), (3, (101, 91), False)]),
        (DONE, [(0, (100, 90), True), (5, (101, 90), True), (66, (101, 90), True), (905, (101, 90), False)]),
        # Time is up; not without the counters.
        (DONE, [(0, (100, 90), True), (1800, (100, 90), True)]), (DONE, [(0, None, False), (30, (100, 90), True)]),
    ],
)  # fmt: skip
def test_when_events_are_read(events, looks):
    """The counters are asked at each look, the events only where they may have changed."""
    a_gate = gate(min_messages=10**6)
    for second, counts, is_wanted in looks:
        assert look(a_gate, second, counts, events)[1] is is_wanted


def test_reading_takes_a_tenth_of_the_time_at_most():
    """For all tags together, however slow the service is and however much moves; but not once time is up."""
    a_gate = gate("ab", min_messages=10**6)
    for second in (*range(0, 270, 30), 1800):
        records = {tag: record(tag, second, second, 0) for tag in "ab"}
        wanted = a_gate.wants_events(records, second)
        assert wanted == (["a", "b"] if second % 60 == 0 else [])
        outcomes = {tag: outcome(second, second, 0, 0, read_seconds=3 if second < 240 else 1000) for tag in wanted}
        a_gate.look(Look(second, second, START, records, {}, outcomes))


def test_what_was_read_holds_while_the_counters_stand_still():
    """So sending has stopped without the events being read once more."""
    a_gate = gate()
    assert look(a_gate, 0, (100, 96), (100, 96, 4))[0].verdict is None
    # No time passes by a copy of the counters.
    assert look(a_gate, 600, (100, 96), counters={"fetched_at": START})[0].verdict is None
    assert look(a_gate, 600, (100, 96), counters={"fetched_at": START + timedelta(seconds=59)})[0].verdict is None
    event, was_wanted = look(a_gate, 630, (100, 96))
    assert (event.verdict, was_wanted) == ("pass", False)


@pytest.mark.parametrize(
    ("finds", "expected"),
    [
        # The events say that sending stopped two minutes ago, the counters that it goes on.
        ([((100, 90), (90, 90, 0), -120), ((110, 99), (100, 99, 1), -60)], None),
        # At the first look, too: fewer messages than the counters have.
        ([((200, 190), (100, 98, 2), -120)], None),
        ([((100, 98), (100, 98, 2), -120)], "pass"),
        ([((100, 94), (100, 94, 6), -60)], "fail"),
        # The counters moved, for less than the sending gap and then for as long; and the events are behind them.
        ([((50, 45), (50, 45, 5), -120), ((110, 105), (110, 105, 5), -120)], None),
        ([((50, 45), (50, 45, 5), -120), *[((110, 105), (110, 105, 5), -120)] * 3], "pass"),
        ([((50, 45), (50, 45, 5), -120)] * 16 + [((110, 100), (105, 100, 5), -120)] * 4, None),
        # By the events nothing has moved for the grace period; by the counters something has, and then nothing.
        ([((100, 93), (100, 93, 0), -960), ((100, 94), (100, 94, 0), -960)], None),
        ([((100, 94), (100, 94, 0), -960)], "fail"),
    ],
)
def test_late_events_are_no_end_of_sending(finds, expected):
    """Events may lag behind the counters by minutes."""
    a_gate = gate()
    for number, (counts, events, taken) in enumerate(finds):
        event, _wanted = look(a_gate, 30 * number, counts, events, {"first_at": START}, taken=30 * number + taken)
    assert event.verdict == expected


@pytest.mark.parametrize(("at_deadline", "expected"), [("ratio", "pass"), ("inconclusive", "inconclusive")])
def test_the_ratio_when_time_is_up(at_deadline, expected):
    """It decides, unless the policy says otherwise."""
    a_gate = gate(timing={"wait_timeout": 0}, at_deadline=at_deadline)
    assert look(a_gate, 0, (100, 95), (100, 95, 0))[0].verdict == expected


def test_an_older_answer_is_passed_over():
    """A standby that is behind shows nothing new."""
    a_gate = gate(timing={"wait_timeout": 60})
    look(a_gate, 0, (1000, 900), (1000, 900, 20))
    older = outcome(-30, 500, 499, 0)
    event = a_gate.look(Look(30, 30, START, {"a": record("a", 30, 1001, 900)}, {}, {"a": older}))
    assert event.verdict is None
    assert a_gate.result()["tags"]["a"]["messages"] == 1000


@pytest.mark.parametrize(
    ("has_since", "first_at", "events", "noted"),
    [
        (False, START, (980, 900, 0, 0), True), (False, START, (1000, 880, 0, 0), True),
        (False, START, (1000, 880, 20, 20), False), (True, START, (500, 450, 0, 0), False),
        (False, START - timedelta(days=28), (500, 450, 0, 0), False), (False, START, (990, 900, 0, 0), False),
    ],
)  # fmt: skip
def test_counters_and_events_that_differ(has_since, first_at, events, noted):
    """By more than 1% for longer than the grace period, where both are over the same mail."""
    a_gate = gate(has_since=has_since, min_messages=10**6)
    *counts, returned = events
    for second in (0, 900, 960):
        before = a_gate.result()["tags"]["a"].get("outcome")
        assert not before or not before["notes"]
        look(a_gate, second, (1000, 900), counts, {"first_at": first_at}, returned=returned)
    notes = a_gate.result()["tags"]["a"]["outcome"]["notes"]
    assert [note.startswith("the events (") for note in notes] == [True] * noted


def test_the_result_has_outcomes():
    """The judgement, the outcome and the counters of each tag, the failed in the history, and no stats."""
    a_gate = gate(baseline_tag="b")
    records = {"a": record("a", 0, 1000, 850), "b": record("b", 0, 1000, 990)}
    a_gate.look(Look(0, 0, START, records, {}, {"a": outcome(0, 1000, 850, 100)}))
    result = json.loads(json.dumps(a_gate.result()))
    judged = result["tags"]["a"]
    assert (judged["verdict"], judged["delivered_at_least"], judged["delivered_at_most"]) == ("fail", 850, 900)
    assert (judged["outcome"]["failed"], judged["record"]["deliveries"]) == (100, 850)
    assert result["stats"] == {}
    assert result["history"][0]["tags"]["a"] == {"messages": 1000, "deliveries": 850, "failed": 100, "verdict": "fail"}


POLICY = {"grace_period": 90, "sending_gap": 60, "min_messages": 10, "min_delivery_ratio": 0.9}
LOOKS = st.lists(
    # Seconds since the last look; taken in, delivered of these, and failed of the rest; no answer, and late events.
    st.tuples(st.sampled_from([1, 20, 31, 61, 91]), st.integers(0, 40), st.integers(0, 40), st.integers(0, 5),
              st.booleans(), st.booleans()),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(LOOKS, st.booleans(), st.sampled_from([0, 300, 10**6]))
def test_a_restart_by_outcomes(looks, has_since, wait_timeout):
    """A gate that is killed after each look reads the same events, and tells the same to the last figure."""

    def new():
        return gate("a", has_since, {"wait_timeout": wait_timeout, "history_limit": 3}, **POLICY)

    steady, restarted = new(), new()
    second = messages = deliveries = failed = 0
    for after, sent, delivered, lost, fails, late in looks:
        second += after
        messages += sent
        deliveries = min(deliveries + delivered, messages - failed)
        failed = min(failed + lost, messages - deliveries)
        counters = {} if fails else {"a": record("a", second, messages, deliveries, first_at=START)}
        wanted = steady.wants_events(counters, second)
        assert restarted.wants_events(counters, second) == wanted
        seen = (messages // 2, deliveries // 2, 0) if late else (messages, deliveries, failed)
        events = {"a": outcome(second, *seen, read_seconds=0.5)} if wanted else {}
        one = Look(second, second + 0.5, START, counters, {"a": SERVICE} if fails else {}, events)
        assert restarted.look(one) == steady.look(one)
        assert restarted.result() == steady.result()
        kept, restarted = json.loads(json.dumps(restarted.state())), new()
        restarted.restore(kept)
