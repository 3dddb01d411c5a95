"""Judging by outcomes: each rule, its bounds, and the sentences."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging import outcome_state
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome_decision import judge_outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import START, plain_outcome
from hypothesis import given
from hypothesis import strategies as st

UNDECIDED = (None, None)
STOPPED = {"sending_stopped": True}
SETTLED = {"sending_stopped": True, "settled": True}
UP = {"time_up": True}


def plain(messages, deliveries, failed, taken=0, moved=0, spans=(), **more):
    """An outcome as the module returns it; `taken` and `moved` seconds ago; spans are (ended ago, counts)."""
    timeline = [
        {"at": to_iso(START - timedelta(seconds=ended + 10)), "seconds": 10, "messages": counts[0],
         "deliveries": counts[1], "failed": counts[2]}
        for ended, counts in spans
    ]  # fmt: skip
    return plain_outcome(0, messages, deliveries, failed, -taken, -moved, timeline=timeline, **more)


SENDING = {"sending_stopped": False, "settled": False, "time_up": False, "ratio_decides": True, "tags": 1}


def state(messages, deliveries, failed, **more):
    """A tag in the middle of sending, unless said otherwise."""
    flags = {key: more.pop(key, value) for key, value in SENDING.items()}
    return outcome_state.OutcomeState(
        outcome=Outcome.from_dict(plain(messages, deliveries, failed, **more)), now=START, **flags
    )


SURE = {"confidence": 0.99999}
OLD = ((905, (100, 96, 0)),)


@pytest.mark.parametrize(
    ("a_state", "options", "expected"),
    [
        # 1. Fewer than min_messages: nothing.
        (state(99, 0, 99, **SETTLED, **UP), {}, ("inconclusive", None)),
        (state(99, 99, 0, **STOPPED), {"min_messages": 99}, ("pass", "ratio")),
        # 2. Still being sent: evidence, in which mail under way counts against a pass and never for a fail.
        (state(1000, 990, 0), {}, ("pass", "evidence")),
        (state(1000, 900, 60), {}, UNDECIDED),
        (state(100, 0, 16), {}, ("fail", "evidence")),
        (state(100, 0, 16, tags=50), {}, UNDECIDED),
        (state(1000, 990, 0), {"confidence": 0}, ("pass", "ratio")),
        (state(1000, 0, 1000), {"confidence": 0}, UNDECIDED),
        # 2. Groups of older messages: 60, 300, 900 and 1200 s.
        (state(1000, 600, 0, spans=((59, (100, 100, 0)),)), {}, UNDECIDED),
        (state(1000, 600, 0, spans=((60, (100, 100, 0)),)), {}, ("pass", "evidence")),
        (state(1000, 600, 0, spans=((60, (99, 99, 0)),)), {}, UNDECIDED),
        (state(1000, 600, 0, spans=((60, (100, 60, 0)), (300, (100, 100, 0)))), {}, ("pass", "evidence")),
        (state(1000, 600, 0, spans=((300, (100, 60, 0)), (900, (100, 100, 0)))), {}, ("pass", "evidence")),
        (state(1000, 600, 0, spans=((900, (100, 60, 0)), (1200, (100, 100, 0)))), {}, ("pass", "evidence")),
        (state(1000, 600, 0, spans=((1199, (100, 60, 0)), (1100, (100, 100, 0)))), {}, UNDECIDED),
        (state(1000, 600, 20, spans=((60, (100, 60, 20)),)), {}, ("fail", "evidence")),
        (state(1000, 600, 0, spans=((30, (100, 100, 0)),)), {"grace_period": 450}, ("pass", "evidence")),
        # 3. Sending has stopped: the counts, and a fail without any grace.
        (state(100, 95, 5, **STOPPED), {}, ("pass", "ratio")),
        (state(100, 94, 5, **STOPPED), {}, UNDECIDED),
        (state(100, 0, 6, **STOPPED), {}, ("fail", "ratio")),
        (state(100, 94, 0, **SETTLED), {}, ("fail", "ratio")),
        (state(100, 94, 0, **SETTLED, known=False), {}, UNDECIDED),
        # 4. Time is up.
        (state(100, 95, 0, **UP), {}, ("pass", "ratio")),
        (state(100, 94, 0, **UP), {}, ("inconclusive", None)),
        (state(100, 95, 0, ratio_decides=False, **UP), {}, ("inconclusive", None)),
        (state(1000, 600, 0, spans=OLD, **UP), SURE, ("pass", "ratio")),
        (state(1000, 600, 0, spans=((895, (100, 100, 0)),), **UP), SURE, ("inconclusive", None)),
        (state(1000, 600, 0, spans=((905, (99, 99, 0)),), **UP), SURE, ("inconclusive", None)),
        (state(1000, 600, 0, spans=((905, (100, 94, 0)),), **UP), SURE, ("inconclusive", None)),
        (state(1000, 600, 0, spans=OLD, **STOPPED, **UP), SURE, ("inconclusive", None)),
        # With an expectation, fewer messages when time is up never pass by the ratio.
        (state(500, 480, 0, **UP), {"expected_messages": 1000, "confidence": 0}, ("inconclusive", None)),
        (state(500, 499, 0, **UP), {"expected_messages": 1000}, ("pass", "evidence")),
        # Nothing is required.
        (state(100, 0, 100), {"min_delivery_ratio": 0}, ("pass", "evidence")),
    ],
)  # fmt: skip
def test_decisions(a_state, options, expected):
    """Rule by rule, as the design has them."""
    judgement = judge_outcome(a_state, Policy.from_options(options))
    assert (judgement.verdict, judgement.decided_by) == expected
    if judgement.decided_by == "evidence":
        assert (" of the first " in judgement.reasons[0]) == bool(a_state.outcome.timeline)
        assert expected[0] == "pass" or "at most 8" in judgement.reasons[0]


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.booleans(), st.booleans(), st.booleans())
def test_no_verdict_against_the_figures(deliveries, failed, under_way, stopped, settled, time_up):
    """A pass by ratio has the share, a fail by ratio can never reach it, and the bounds are in order."""
    a_state = state(deliveries + failed + under_way, deliveries, failed, sending_stopped=stopped,
                    settled=settled and stopped, time_up=time_up)  # fmt: skip
    judgement = judge_outcome(a_state, Policy())
    assert 0 <= judgement.delivered_at_least <= judgement.delivered_at_most <= judgement.messages
    assert judgement.messages_due == judgement.messages
    if judgement.verdict == "pass" and judgement.decided_by == "ratio":
        assert deliveries / judgement.messages >= 0.95
    if judgement.verdict == "fail" and not settled:
        assert (judgement.messages - failed) / judgement.messages < 0.95
    assert judgement.reasons


@pytest.mark.parametrize(
    ("outcome", "options", "expected"),
    [
        (plain(100, 95, 5, taken=10), {}, "pass"),
        (plain(100, 94, 6, taken=59), {}, "inconclusive"),
        (plain(100, 94, 6, taken=60), {}, "fail"),
        (plain(100, 94, 0, taken=900, moved=900), {}, "fail"),
        (plain(100, 94, 0, taken=900, moved=899), {}, "inconclusive"),
        (plain(100, 95, 0, taken=10), {"confidence": 0.95}, "inconclusive"),
        (plain(1000, 800, 200, taken=0), {}, "inconclusive"),
        (plain(200, 190, 0, taken=0), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (plain(200, 190, 0, taken=900, moved=900), {"expected_messages": 300}, "inconclusive"),
        (plain(0, 0, 0, known=False, last_taken_at=None, last_moved_at=None), {"min_messages": 1}, "inconclusive"),
    ],
)
def test_one_outcome_alone(outcome, options, expected):
    """Time is up, and the events' own times tell whether sending has stopped; a fail needs no grace."""
    policy = Policy.from_options(options, confidence=0.0)
    alone = outcome_state.state_of_outcome(Outcome.from_dict(outcome), policy, 1)
    assert judge_outcome(alone, policy).verdict == expected


@pytest.mark.parametrize("baseline", [Record("b", 1000, 990), Outcome.from_dict(plain(1000, 990, 10))])
def test_a_baseline(baseline):
    """A record or an outcome raises what is required; a weak one decides nothing."""
    a_state, policy = state(100, 96, 4, **STOPPED), Policy(baseline_tag="b")
    judgement = judge_outcome(a_state, policy, baseline)
    assert (judgement.verdict, judgement.required_delivery_ratio) == ("fail", 0.97)
    assert judge_outcome(a_state, policy, replace(baseline, messages=99)).verdict == "inconclusive"


def cause(messages, **more):
    """A cause of failure."""
    common = {"code": 550, "status": None, "state": "rcpt", "description": None, "domains": []}
    return {**common, "messages": messages, **more}


@pytest.mark.parametrize(
    ("failures", "parts"),
    [
        ([cause(98, status="5.7.1", description="550 5.7.1 blocked", domains=["example.net"]),
          cause(4, status="5.1.1", description="no such user")],
         ["102 of 600 messages failed: 98 refused by example.net with 550 5.7.1 (blocked), 4 unknown mailboxes (550"]),
        ([cause(1, status="5.1.1"), cause(60, code=452, status="4.2.2")],
         ["1 unknown mailbox (550 5.1.1)", "60 full mailboxes (452 4.2.2)", "41 for other causes"]),
        ([cause(102, code=None, state="bounce", domains=["a.example", "b.example", "c.example"])],
         ["102 returned by a.example and b.example and others"]),
        ([cause(102, description="no", domains=["a.example", "b.example"])], ["a.example and b.example with 550 (no)"]),
        ([cause(102, code=None, state=None, description="x" * 200)], ["102 refused (" + "x" * 60 + " ...)"]),
        ([cause(10), cause(9, code=551), cause(8, code=552), cause(7, code=553)],
         ["10 refused with 550, 9 refused with 551, 8 refused with 552, 75 for other causes"]),
        ([cause(60, status="5.7.1"), cause(41, status="5.1.1", description="no such user", domains=["a.example"]),
          cause(39, status="5.1.1", description="unknown", domains=["b.example"])],
         ["messages failed: 80 unknown mailboxes (550 5.1.1), 60 refused with 550 5.7.1"]),
        ([cause(10), cause(9, state="message"), cause(8, state="bounce"), cause(7)],
         ["26 refused with 550, 8 returned with 550, 68 for other causes"]),
    ],
)  # fmt: skip
def test_a_fail_names_its_causes(failures, parts):
    """How many, what, where and why, in the order of the outcome."""
    judgement = judge_outcome(state(600, 480, 102, failures=failures, **STOPPED), Policy())
    assert judgement.verdict == "fail"
    assert judgement.reasons[0].startswith("a: at most 498 of 600 messages can be delivered (83%), and at least 95%")
    for part in parts:
        assert part in judgement.reasons[0]


@pytest.mark.parametrize(
    ("a_state", "options", "parts"),
    [
        (state(99, 99, 0), {}, ["99 of at least 100 messages"]),
        (state(100, 95, 0), {}, ["95 of 100", "5 are under way", "way decides"]),
        (state(100, 95, 5), {}, ["95 of 100", "5 of 100 messages failed", "way decides"]),
        (state(200, 196, 2, tags=50), {}, ["196 of 200", "2 of 200 messages failed", "2 are under", "about 150 more"]),
        (state(200, 180, 5, **UP), {}, ["180 of 200", "5 of 200 messages failed", "15 are under way", "way decides"]),
        (state(200, 180, 20), {"expected_messages": 300, "min_delivery_ratio": 0.92},
         ["180 of 200", "20 of 200 messages failed", "200 of 300 expected", "more messages like these"]),
        (state(0, 0, 0, known=False), {}, ["check its spelling"]),
    ],
)  # fmt: skip
def test_what_an_undecided_tag_lacks(a_state, options, parts):
    """Each lack is a sentence."""
    for reason, part in zip(judge_outcome(a_state, Policy.from_options(options)).reasons, parts, strict=True):
        assert reason.startswith("a: ")
        assert part in reason


@pytest.mark.parametrize(
    ("option", "change"),
    [
        ("messages", {"messages": "many"}), ("failed", {"failed": -1}), ("deliveries", {"deliveries": True}),
        ("returned", {"returned": None}), ("deliveries", {"deliveries": 99, "failed": 99}), ("at", {"timeline": [{}]}),
        ("fetched_at", {"fetched_at": None}), ("last_taken_at", {"last_taken_at": "noon"}),
        ("failures", {"failures": "none"}), ("timeline", {"timeline": [1]}),
    ],
)  # fmt: skip
def test_outcomes_refused(option, change):
    """What is missing or of another type is named."""
    with pytest.raises(OptionError) as caught:
        Outcome.from_dict({**plain(100, 90, 5), **change})
    assert caught.value.option == option
