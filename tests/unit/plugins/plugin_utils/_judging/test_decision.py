# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the judgement of one look."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.baseline import required_ratio
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.decision import judge
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import TagState, state_of_record
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2016, 1, 2, 12, 0, 0, tzinfo=timezone.utc)


def record(messages, deliveries, idle=None, tag="wave-1", **more):
    """A record whose last activity was so many seconds ago, or at an unknown time."""
    last_at = None if idle is None else NOON - timedelta(seconds=idle)
    more.setdefault("opens", 0)
    more.setdefault("clicks", 0)
    return Record(tag, messages, deliveries, last_at=last_at, fetched_at=NOON, **more)


def look(messages, deliveries, **more):
    """A look of the gate in the middle of sending, unless said otherwise."""
    state = {
        "messages_due": 0, "sending_stopped": False, "settled": False, "time_up": False, "ratio_decides": True,
        "deliveries_ahead": False, "tags": 1, "fallen": (),
    }  # fmt: skip
    state.update({key: more.pop(key) for key in state if key in more})
    return TagState(record=record(messages, deliveries, **more), **state)


def verdict(a_look, **options):
    """The verdict and what decided it."""
    judgement = judge(a_look, Policy.from_options(options))
    return judgement.verdict, judgement.decided_by


UNDECIDED = (None, None)
STOPPED = {"sending_stopped": True}
STILL = {"sending_stopped": True, "settled": True}
UP = {"time_up": True}


@pytest.mark.parametrize(
    ("a_look", "options", "expected"),
    [
        # Fewer than min_messages: nothing, however they stand.
        (look(99, 99), {}, UNDECIDED),
        (look(99, 0, messages_due=99, **STILL), {}, UNDECIDED),
        (look(99, 99, **STILL, **UP), {}, ("inconclusive", None)),
        (look(99, 99, **STILL), {"min_messages": 99}, ("pass", "ratio")),
        # Still being sent: evidence.
        (look(1000, 990), {}, ("pass", "evidence")),
        (look(1000, 955), {}, UNDECIDED),
        (look(100, 98), {}, UNDECIDED),
        (look(100, 100), {}, ("pass", "evidence")),
        (look(1000, 990, carried_over=40), {}, UNDECIDED),
        (look(1000, 990, deliveries_ahead=True), {}, UNDECIDED),
        (look(1000, 0), {}, UNDECIDED),
        (look(1000, 0, messages_due=99), {}, UNDECIDED),
        (look(1000, 0, messages_due=100), {}, ("fail", "evidence")),
        (look(1000, 95, messages_due=100), {}, UNDECIDED),
        (look(1000, 88, messages_due=100), {}, UNDECIDED),
        (look(1000, 84, messages_due=100), {}, ("fail", "evidence")),
        (look(1000, 84, messages_due=100, tags=50), {}, UNDECIDED),
        (look(1000, 500, messages_due=400), {}, UNDECIDED),
        # A confidence of 0: the bare ratio passes, and nothing fails.
        (look(100, 95), {"confidence": 0}, ("pass", "ratio")),
        (look(100, 94), {"confidence": 0}, UNDECIDED),
        (look(100, 0, messages_due=100), {"confidence": 0}, UNDECIDED),
        # Sending has stopped: counts.
        (look(100, 95, **STOPPED), {}, ("pass", "ratio")),
        (look(100, 94, **STOPPED), {}, UNDECIDED),
        (look(100, 96, carried_over=2, **STOPPED), {}, UNDECIDED),
        (look(100, 94, **STILL), {}, ("fail", "ratio")),
        (look(100, 96, carried_over=2, **STILL), {}, UNDECIDED),
        (look(100, 95, **STILL, deliveries_ahead=True), {}, ("pass", "ratio")),
        # Time is up.
        (look(100, 95, **UP), {}, ("pass", "ratio")),
        (look(100, 94, **UP), {}, ("inconclusive", None)),
        (look(100, 0, **UP), {}, ("inconclusive", None)),
        (look(100, 95, ratio_decides=False, **UP), {}, ("inconclusive", None)),
        (look(100, 95, ratio_decides=False, **STOPPED, **UP), {}, ("pass", "ratio")),
        (look(100, 97, carried_over=3, **UP), {}, ("inconclusive", None)),
        (look(100, 95, **UP), {"confidence": 0}, ("pass", "ratio")),
        # With an expectation, fewer messages when time is up never pass by the ratio.
        (look(500, 480, **UP), {"expected_messages": 1000}, ("inconclusive", None)),
        (look(500, 480, **UP), {"expected_messages": 1000, "confidence": 0}, ("inconclusive", None)),
        (look(500, 499, **UP), {"expected_messages": 1000}, ("pass", "evidence")),
        # The ends of the scale.
        (look(100, 0), {"min_delivery_ratio": 0}, ("pass", "evidence")),
        (look(99, 99), {"min_delivery_ratio": 0}, UNDECIDED),
        (look(10**6, 10**6), {"min_delivery_ratio": 1}, UNDECIDED),
        (look(100, 100, **STOPPED), {"min_delivery_ratio": 1}, ("pass", "ratio")),
        (look(100, 99, **STILL), {"min_delivery_ratio": 1}, ("fail", "ratio")),
        # Opens and clicks hold a pass, and never fail.
        (look(1000, 990), {"min_open_ratio": 0.1}, UNDECIDED),
        (look(1000, 990, opens=99), {"min_open_ratio": 0.1}, ("pass", "evidence")),
        (look(1000, 990, opens=99), {"min_open_ratio": 0.1, "min_click_ratio": 0.01}, UNDECIDED),
        (look(1000, 990, opens=99, **UP), {"min_click_ratio": 0.01}, ("inconclusive", None)),
        (look(1000, 900, **STILL), {"min_open_ratio": 0.1}, ("fail", "ratio")),
        (look(1000, 990, **STILL, known=False), {}, UNDECIDED),
    ],
)  # fmt: skip
def test_decisions(a_look, options, expected):
    """Section by section, the rules of judging."""
    assert verdict(a_look, **options) == expected


@pytest.mark.parametrize(
    ("given_record", "options", "expected"),
    [
        (record(100, 95), {}, "pass"),
        (record(100, 94), {}, "inconclusive"),
        (record(100, 0), {}, "inconclusive"),
        (record(100, 94, idle=901), {}, "fail"),
        (record(100, 94, idle=900), {}, "inconclusive"),
        (record(100, 94, idle=100), {"grace_period": 99}, "fail"),
        (record(100, 94, idle=-5), {"grace_period": 0}, "inconclusive"),
        (record(100, 95, idle=901), {"confidence": 0.95}, "pass"),
        (record(100, 95, idle=10), {"confidence": 0.95}, "inconclusive"),
        (record(1000, 990, idle=10), {"confidence": 0.95}, "pass"),
        (record(100, 100, idle=901), {"expected_messages": 200}, "inconclusive"),
        (record(200, 190, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (record(200, 0, idle=901), {"expected_messages": 300, "confidence": 0.95}, "fail"),
        (record(200, 0, idle=901), {"expected_messages": 300}, "inconclusive"),
        (record(0, 0, known=False), {"min_delivery_ratio": 0, "min_messages": 1}, "inconclusive"),
        (record(100, 120), {}, "inconclusive"),
        # More messages than expected have stopped as well.
        (record(250, 238, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        # Deliveries above messages are no evidence; as many are, and what is carried over is not counted.
        (record(1000, 1001, idle=10), {"confidence": 0.95}, "inconclusive"),
        (record(1000, 1000, idle=10), {"confidence": 0.95}, "pass"),
        (record(1000, 990, idle=10, carried_over=11), {"confidence": 0.95}, "pass"),
    ],
)
def test_single_look(given_record, options, expected):
    """One reading alone: time is up, and only old mail is still."""
    policy = Policy.from_options(options, confidence=0.0)
    assert judge(state_of_record(given_record, policy, 1), policy).verdict == expected


@pytest.mark.parametrize("counts", [(1000, 1200), (1000, 1001), (100, 10**9), (0, 1), (150, 200)])
@pytest.mark.parametrize("state", [{}, STOPPED, STILL, UP, {**STILL, **UP}, {"messages_due": 100}])
@pytest.mark.parametrize(
    "options",
    [{}, {"confidence": 0}, {"min_delivery_ratio": 0}, {"min_messages": 1}, {"min_delivery_ratio": 1},
     {"expected_messages": 100}],
)  # fmt: skip
def test_contradictory_counters_decide_nothing(counts, state, options):
    """More deliveries than messages never pass or fail, whatever else holds, and the reason has both figures."""
    judgement = judge(look(*counts, **state), Policy.from_options(options))
    assert judgement.verdict == ("inconclusive" if "time_up" in state else None)
    assert judgement.decided_by is None
    assert f"{counts[1]} deliveries are counted for {counts[0]} messages" in judgement.reasons[0]


@pytest.mark.parametrize(("carried_over", "contradicts"), [(0, True), (199, True), (200, False), (500, False)])
def test_deliveries_of_earlier_messages_are_no_contradiction(carried_over, contradicts):
    """What may belong to messages from before the interval is taken off first."""
    state = look(1000, 1200, carried_over=carried_over, **STILL)
    assert state.contradicts_itself is contradicts
    assert (judge(state, Policy()).verdict is None) is contradicts or judge(state, Policy()).verdict != "pass"


@pytest.mark.parametrize("counts", [(1000, 500), (1000, 999)])
def test_a_contradictory_baseline_decides_nothing(counts):
    """Nothing can be compared with it, and the reason names it with its figures."""
    judgement = judge(look(*counts, **STILL, **UP), Policy(baseline_tag="b"), record(1000, 1100, tag="b"))
    assert judgement.verdict == "inconclusive"
    assert judgement.reasons[0].startswith("baseline_tag b: 1100 deliveries are counted for 1000 messages")


@pytest.mark.parametrize(
    ("fallen", "options", "expected"),
    [
        (("opens fell from 500 to 400",), {}, ("pass", "evidence")),
        (("opens fell from 500 to 400",), {"min_open_ratio": 0.1}, UNDECIDED),
        (("clicks fell from 9 to 8",), {"min_open_ratio": 0.1}, ("pass", "evidence")),
        (("clicks fell from 9 to 8",), {"min_click_ratio": 0.001}, UNDECIDED),
    ],
)
def test_opens_and_clicks_that_fell(fallen, options, expected):
    """They hold what asks for them, though the ratio be met, and nothing else."""
    state = look(1000, 990, opens=400, clicks=8, fallen=fallen)
    assert verdict(state, **options) == expected
    if expected == UNDECIDED:
        assert fallen[0] in judge(state, Policy.from_options(options)).reasons[0]


@pytest.mark.parametrize(("idle", "due"), [(901, 100), (900, 0), (None, 0)])
def test_messages_due_at_a_single_look(idle, due):
    """Either all messages are older than the grace period, or nobody knows of any."""
    assert judge(state_of_record(record(100, 90, idle=idle), Policy(), 1), Policy()).messages_due == due


def test_many_records_need_more_evidence_to_fail():
    """One of many is enough to fail, so that each must be surer."""
    policy = Policy.from_options({"expected_messages": 200})
    verdicts = {
        tags: judge(state_of_record(record(100, 84, idle=901), policy, tags), policy).verdict for tags in (1, 50)
    }
    assert verdicts == {1: "fail", 50: "inconclusive"}


@pytest.mark.parametrize(
    ("a_record", "bounds"),
    [
        (record(100, 90), (90, 90)),
        (record(100, 90, carried_over=20), (70, 90)),
        (record(100, 90, carried_over=95), (0, 90)),
        (record(100, 110), (100, 100)),
        (record(100, 110, carried_over=30), (80, 100)),
    ],
)
def test_bounds(a_record, bounds):
    """At least and at most so many are delivered."""
    found = state_of_record(a_record, Policy(), 1)
    assert (found.delivered_at_least, found.delivered_at_most) == bounds


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_bounds_are_in_order(messages, deliveries, carried_over):
    """The lower bound is never above the upper one, nor either above messages."""
    found = look(messages, deliveries, carried_over=carried_over)
    assert 0 <= found.delivered_at_least <= found.delivered_at_most <= messages


@pytest.mark.parametrize(
    ("baseline", "drop", "required"),
    [
        (None, 0.02, 0.95),
        (record(1000, 990, tag="control"), 0.02, 0.97),
        (record(1000, 960, tag="control"), 0.02, 0.95),
        (record(1000, 1100, tag="control"), 0.02, 0.98),
        (record(0, 0, tag="control", known=False), 0.02, 0.95),
        (record(1000, 970, tag="control"), 0, 0.97),
    ],
)
def test_required_ratio(baseline, drop, required):
    """The higher of the policy's own ratio and the baseline's less the drop."""
    assert required_ratio(Policy(max_delivery_drop=drop), baseline) == required


def test_a_baseline_raises_the_limit():
    """What passes by itself fails beside a better baseline."""
    policy = Policy(baseline_tag="control")
    a_look = look(1000, 960, **STILL)
    assert judge(a_look, policy, record(1000, 970, tag="control")).verdict == "pass"
    judgement = judge(a_look, policy, record(1000, 990, tag="control"))
    assert (judgement.verdict, judgement.required_delivery_ratio) == ("fail", 0.97)


@pytest.mark.parametrize("baseline", [record(99, 99, tag="control"), record(0, 0, tag="control", known=False)])
def test_a_weak_baseline(baseline):
    """A baseline with too little mail ends it at once, and says so."""
    judgement = judge(look(1000, 990), Policy(baseline_tag="control"), baseline)
    assert (judgement.verdict, judgement.decided_by) == ("inconclusive", None)
    assert "baseline_tag 'control'" in judgement.reasons[0]


def test_a_baseline_with_just_enough_mail():
    """The minimum is enough."""
    policy = Policy(baseline_tag="control")
    assert judge(look(1000, 990), policy, record(100, 97, tag="control")).verdict == "pass"


@pytest.mark.parametrize(
    ("a_look", "options", "parts"),
    [
        (look(1000, 990), {}, ["wave-1", "990 of 1000", "99%", "95%"]),
        (look(1000, 900, **STILL), {}, ["wave-1", "900 of 1000", "90%", "95%", "900 s", "taken for spam"]),
        (look(1000, 70, messages_due=100), {}, ["wave-1", "70 of the 100", "70%", "95%"]),
        (look(88, 88), {}, ["wave-1", "88 of at least 100 messages so far"]),
        (look(1000, 930, **UP), {}, ["70 may still be under way"]),
        (look(200, 196, **UP, ratio_decides=False), {}, ["more messages like these"]),
        (look(500, 480, **UP), {"expected_messages": 1000}, ["500 of 1000 expected messages so far"]),
        (look(100, 97, carried_over=3, **UP), {}, ["3 of the deliveries may belong to mail from before"]),
        (look(1000, 990, opens=10), {"min_open_ratio": 0.1}, ["10 opens of 990 deliveries", "min_open_ratio", "10%"]),
        (look(1000, 990, clicks=1), {"min_click_ratio": 0.1}, ["1 clicks of 990 deliveries", "min_click_ratio"]),
        (look(0, 0, known=False), {}, ["wave-1", "check its spelling and api_url"]),
        (look(1000, 950, deliveries_ahead=True), {}, ["deliveries were seen above messages"]),
        (look(1000, 950), {}, ["too close to the required one"]),
        (look(1000, 500), {}, ["mail younger than 900 s does not count as lost yet"]),
        (look(100000, 94999, **STILL), {}, ["94.99%", "95%"]),
    ],
)
def test_reasons(a_look, options, parts):
    """Each reason has the figure and the limit."""
    text = " | ".join(judge(a_look, Policy.from_options(options)).reasons)
    for part in parts:
        assert part in text


def test_about_so_many_more_messages():
    """The number of messages that the reason asks for does decide."""
    text = judge(look(200, 194), Policy()).reasons[-1]
    more = int(text.split("about ")[1].split()[0])
    share = (200 + more) * 194 // 200
    assert judge(look(200 + more, share), Policy()).verdict == "pass"


def test_opens_that_were_not_counted():
    """A record without opens cannot be asked for them."""
    with pytest.raises(OptionError, match="min_open_ratio: the record has no opens"):
        judge(look(1000, 990, opens=None), Policy(min_open_ratio=0.1))


def test_nothing_judged_can_be_changed():
    """Whoever reads a judgement leaves it to the next as it was."""
    a_look = look(1000, 990)
    for value, name in ((a_look, "settled"), (judge(a_look, Policy()), "verdict")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


def test_a_judgement_in_plain_types():
    """The keys are those that are promised."""
    judgement = judge(look(1000, 990, messages_due=10), Policy()).as_dict()
    assert isinstance(judgement.pop("reasons"), list)
    assert judgement == {
        "verdict": "pass",
        "decided_by": "evidence",
        "required_delivery_ratio": 0.95,
        "delivered_at_least": 990,
        "delivered_at_most": 990,
        "messages": 1000,
        "messages_due": 10,
    }


@given(
    st.integers(0, 3000),
    st.floats(0, 1),
    st.integers(0, 50),
    st.booleans(),
    st.floats(0.5, 0.99),
    st.sampled_from([0.0, 0.5, 0.95]),
)
def test_still_mail_is_judged_by_its_count(messages, share, carried_over, up, limit, confidence):
    """Once mail is still, no pass is below the limit, and no fail above it."""
    deliveries = int(messages * share)
    policy = Policy(min_delivery_ratio=limit, confidence=confidence)
    state = {**STILL, "time_up": up, "messages_due": messages}
    judgement = judge(look(messages, deliveries, carried_over=carried_over, **state), policy)
    if judgement.verdict == "pass":
        assert max(0, deliveries - carried_over) / messages >= limit
    if judgement.verdict == "fail":
        assert deliveries / messages < limit
    if not carried_over and messages >= 100:
        assert judgement.verdict in ("pass", "fail")
