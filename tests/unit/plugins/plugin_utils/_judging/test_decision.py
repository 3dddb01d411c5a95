# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judging by counters: each rule, its bounds, the baseline, and the sentences."""

from __future__ import annotations

import math
import re
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._format import percent, share
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.baseline import required_ratio
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.decision import judge
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.evidence import (
    log_evidence_against,
    log_evidence_for,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import TagState, state_of_record
from ansible_collections.mailops.smtpeter.tests.unit.plugins import gating
from hypothesis import given
from hypothesis import strategies as st


def record(messages, deliveries, idle=None, tag="wave-1", **more):
    """A record whose last activity was so many seconds ago, or at an unknown time."""
    last_at = None if idle is None else gating.START - timedelta(seconds=idle)
    return gating.record(tag, 0, messages, deliveries, last_at=last_at, **more)


def look(messages, deliveries, **more):
    """A tag in the middle of sending, unless said otherwise."""
    state = {
        "messages_due": 0, "sending_stopped": False, "settled": False, "time_up": False, "ratio_decides": True,
        "deliveries_ahead": False, "tags": 1, "fallen": (),
    }  # fmt: skip
    state.update({key: more.pop(key) for key in state if key in more})
    return TagState(record=record(messages, deliveries, **more), **state)


UNDECIDED = (None, None)
STOPPED = {"sending_stopped": True}
STILL = {"sending_stopped": True, "settled": True}
UP = {"time_up": True}
OPENS_FELL, CLICKS_FELL = ("opens fell from 500 to 400",), ("clicks fell from 9 to 8",)


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
        (look(1000, 0, messages_due=99), {}, UNDECIDED),
        (look(1000, 0, messages_due=100), {}, ("fail", "evidence")),
        (look(1000, 88, messages_due=100), {}, UNDECIDED),
        (look(1000, 84, messages_due=100), {}, ("fail", "evidence")),
        (look(1000, 84, messages_due=100, tags=50), {}, UNDECIDED),
        (look(1000, 500, messages_due=400), {}, UNDECIDED),
        # A confidence of 0: the bare ratio passes, and nothing fails.
        (look(100, 95), {"confidence": 0}, ("pass", "ratio")),
        (look(100, 94), {"confidence": 0}, UNDECIDED),
        (look(100, 95, deliveries_ahead=True), {"confidence": 0}, UNDECIDED),
        (look(100, 0, messages_due=100), {"confidence": 0}, UNDECIDED),
        # Sending has stopped: counts.
        (look(100, 95, **STOPPED), {}, ("pass", "ratio")),
        (look(100, 94, **STOPPED), {}, UNDECIDED),
        (look(100, 96, carried_over=2, **STOPPED), {}, UNDECIDED),
        (look(100, 94, **STILL), {}, ("fail", "ratio")),
        (look(100, 96, carried_over=2, **STILL), {}, UNDECIDED),
        (look(100, 95, **STILL, deliveries_ahead=True), {}, ("pass", "ratio")),
        # Deliveries that may belong to earlier messages are taken off before the counters contradict each other.
        (look(1000, 1200, carried_over=199, **STILL), {}, UNDECIDED),
        (look(1000, 1200, carried_over=200, **STILL), {}, ("pass", "ratio")),
        (look(1000, 1200, carried_over=500, **STILL), {}, UNDECIDED),
        # Time is up.
        (look(100, 95, **UP), {}, ("pass", "ratio")),
        (look(100, 94, **UP), {}, ("inconclusive", None)),
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
        (look(10**6, 10**6), {"min_delivery_ratio": 1}, UNDECIDED),
        (look(100, 100, **STOPPED), {"min_delivery_ratio": 1}, ("pass", "ratio")),
        (look(100, 99, **STILL), {"min_delivery_ratio": 1}, ("fail", "ratio")),
        # Opens and clicks hold a pass, and never fail; those that fell hold what asks for them, and nothing else.
        (look(1000, 990), {"min_open_ratio": 0.1}, UNDECIDED),
        (look(1000, 990, opens=99), {"min_open_ratio": 0.1}, ("pass", "evidence")),
        (look(1000, 990, opens=99), {"min_open_ratio": 0.1, "min_click_ratio": 0.01}, UNDECIDED),
        (look(1000, 990, **UP), {"min_click_ratio": 0.01}, ("inconclusive", None)),
        (look(1000, 900, **STILL), {"min_open_ratio": 0.1}, ("fail", "ratio")),
        (look(1000, 990, opens=400, fallen=OPENS_FELL), {}, ("pass", "evidence")),
        (look(1000, 990, opens=400, fallen=OPENS_FELL), {"min_open_ratio": 0.1}, UNDECIDED),
        (look(1000, 990, opens=400, fallen=CLICKS_FELL), {"min_open_ratio": 0.1}, ("pass", "evidence")),
        (look(1000, 990, clicks=8, fallen=CLICKS_FELL), {"min_click_ratio": 0.001}, UNDECIDED),
        (look(1000, 990, **STILL, known=False), {}, UNDECIDED),
    ],
)  # fmt: skip
def test_decisions(a_look, options, expected):
    """Section by section, the rules of judging."""
    judgement = judge(a_look, Policy.from_options(options))
    assert (judgement.verdict, judgement.decided_by) == expected


@pytest.mark.parametrize(
    ("given_record", "options", "expected"),
    [
        (record(100, 95), {}, "pass"),
        (record(100, 94), {}, "inconclusive"),
        (record(100, 94, idle=901), {}, "fail"),
        (record(100, 94, idle=900), {}, "inconclusive"),
        (record(100, 94, idle=100), {"grace_period": 99}, "fail"),
        (record(100, 94, idle=-5), {"grace_period": 0}, "inconclusive"),
        (record(100, 95, idle=901), {"confidence": 0.95}, "pass"),
        (record(100, 95, idle=10), {"confidence": 0.95}, "inconclusive"),
        (record(100, 100, idle=901), {"expected_messages": 200}, "inconclusive"),
        # As many messages as expected have stopped, and so have more.
        (record(200, 190, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (record(250, 238, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (record(200, 0, idle=901), {"expected_messages": 300, "confidence": 0.95}, "fail"),
        (record(200, 0, idle=901), {"expected_messages": 300}, "inconclusive"),
        (record(0, 0, known=False), {"min_delivery_ratio": 0, "min_messages": 1}, "inconclusive"),
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


@pytest.mark.parametrize(("tags", "expected"), [(1, "fail"), (50, "inconclusive")])
def test_many_records_need_more_evidence_to_fail(tags, expected):
    """One of many is enough to fail, so that each must be surer."""
    policy = Policy.from_options({"expected_messages": 200})
    assert judge(state_of_record(record(100, 84, idle=901), policy, tags), policy).verdict == expected


@pytest.mark.parametrize("counts", [(1000, 1001), (100, 10**9), (0, 1)])
@pytest.mark.parametrize("state", [{"messages_due": 100}, STOPPED, STILL, {**STILL, **UP}])
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


@pytest.mark.parametrize(
    ("a_record", "bounds"),
    [
        (record(100, 90), (90, 90, 0)),
        (record(100, 90, idle=901), (90, 90, 100)),
        (record(100, 90, idle=900), (90, 90, 0)),
        (record(100, 90, carried_over=20), (70, 90, 0)),
        (record(100, 90, carried_over=95), (0, 90, 0)),
        (record(100, 110), (100, 100, 0)),
        (record(100, 110, carried_over=30), (80, 100, 0)),
    ],
)
def test_bounds(a_record, bounds):
    """At least and at most so many are delivered; all messages are due once the mail is settled."""
    found = state_of_record(a_record, Policy(), 1)
    assert (found.delivered_at_least, found.delivered_at_most, found.messages_due) == bounds


@pytest.mark.parametrize(
    ("baseline", "drop", "required"),
    [
        (None, 0.02, 0.95),
        (record(1000, 990), 0.02, 0.97),
        (record(1000, 960), 0.02, 0.95),
        (record(1000, 1100), 0.02, 0.98),
        (record(0, 0, known=False), 0.02, 0.95),
        (record(1000, 970), 0, 0.97),
    ],
)
def test_required_ratio(baseline, drop, required):
    """The higher of the policy's own ratio and the baseline's less the drop."""
    assert required_ratio(Policy(max_delivery_drop=drop), baseline) == required


@pytest.mark.parametrize(
    ("a_look", "counts", "expected", "required", "said"),
    [
        (look(1000, 960, **STILL), (1000, 970), ("pass", "ratio"), 0.95, "960 of 1000"),
        (look(1000, 960, **STILL), (1000, 990), ("fail", "ratio"), 0.97, "960 of 1000"),
        # The minimum is enough, and less ends it at once.
        (look(1000, 990), (100, 97), ("pass", "evidence"), 0.95, "990 of 1000"),
        (look(1000, 990), (99, 99), ("inconclusive", None), 0.98, "baseline_tag 'b' has 99 of at least 100 messages"),
        (look(1000, 990), (0, 0), ("inconclusive", None), 0.95, "baseline_tag 'b': the service has nothing"),
        # Nothing can be compared with one that contradicts itself, but a later one may do.
        (look(1000, 500, **STILL), (1000, 1100), UNDECIDED, 0.98, "b: 1100 deliveries are counted for 1000"),
        (look(1000, 999, **STILL, **UP), (1000, 1100), ("inconclusive", None), 0.98, "baseline_tag b: 1100 deliveries"),
    ],
)  # fmt: skip
def test_a_baseline(a_look, counts, expected, required, said):
    """It raises what is required; a weak or contradictory one decides nothing, and the reason names it."""
    baseline = record(*counts, tag="b", known=counts != (0, 0))
    judgement = judge(a_look, Policy(baseline_tag="b"), baseline)
    assert (judgement.verdict, judgement.decided_by) == expected
    assert judgement.required_delivery_ratio == required
    assert said in judgement.reasons[0]


def test_opens_that_were_not_counted():
    """A record without opens cannot be asked for them."""
    with pytest.raises(OptionError, match="min_open_ratio: the record has no opens"):
        judge(look(1000, 990, opens=None), Policy(min_open_ratio=0.1))


def test_a_judgement_in_plain_types():
    """The keys are those that are promised."""
    judgement = judge(look(1000, 990, messages_due=10), Policy()).as_dict()
    assert isinstance(judgement.pop("reasons"), list)
    assert judgement == {
        "verdict": "pass", "decided_by": "evidence", "required_delivery_ratio": 0.95, "delivered_at_least": 990,
        "delivered_at_most": 990, "messages": 1000, "messages_due": 10,
    }  # fmt: skip


@given(
    st.integers(0, 3000), st.floats(0, 1.1), st.integers(0, 50), st.booleans(), st.floats(0.5, 0.99),
    st.sampled_from([0.0, 0.5, 0.95]),
)  # fmt: skip
def test_still_mail_is_judged_by_its_count(messages, share, carried_over, up, limit, confidence):
    """Once mail is still, no pass is below the limit, and no fail above it; the bounds are in order."""
    deliveries = int(messages * share)
    state = look(messages, deliveries, carried_over=carried_over, messages_due=messages, **{**STILL, "time_up": up})
    judgement = judge(state, Policy(min_delivery_ratio=limit, confidence=confidence))
    assert 0 <= judgement.delivered_at_least <= judgement.delivered_at_most <= messages
    if judgement.verdict == "pass":
        assert max(0, deliveries - carried_over) / messages >= limit
    if judgement.verdict == "fail":
        assert deliveries / messages < limit
    if not carried_over and messages >= max(100, deliveries):
        assert judgement.verdict in ("pass", "fail")


def reasons(counts, policy=None, due=0, stopped=False, settled=False, up=False, ahead=False, tags=1, **more):
    """The sentences of the judgement of tag a; counts are messages and deliveries, with or without opens and clicks."""
    more.update(zip(("opens", "clicks"), counts[2:]))
    flags = {"sending_stopped": stopped or settled, "settled": settled, "time_up": up, "deliveries_ahead": ahead}
    more = {"tag": "a", **more}
    return judge(look(*counts[:2], messages_due=due, tags=tags, **flags, **more), policy or Policy()).reasons


def assert_says(sentences, expected):
    """Each sentence is about tag a, and has its parts; there is no other."""
    assert len(sentences) == len(expected)
    for sentence, parts in zip(sentences, expected):
        assert sentence.startswith("a: ")
        for part in parts if isinstance(parts, list) else [parts]:
            assert part in sentence


@pytest.mark.parametrize(
    ("tag", "named"), [("a", False), ("a\u200b", "U+200B"), ("\u3164a", "U+3164"), ("a\ufe0f", "U+FE0F")], ids=ascii
)
def test_an_unknown_tag(tag, named):
    """The reason names what cannot be seen in the tag, or in the baseline's."""
    against = judge(look(1000, 990), Policy(baseline_tag=tag), record(0, 0, tag=tag, known=False)).reasons
    for reason in (*reasons((0, 0), up=True, tag=tag, known=False), *against):
        assert tag in reason
        assert "check its spelling and api_url" in reason
        assert (f"an invisible character ({named})" in reason) is bool(named)


def test_a_tag_that_may_be_misspelt():
    """The reason has the suggestion of the notes, and nothing else of them."""
    notes = ("the answer is a copy", "did you mean 'wave-1'?")
    (sentence,) = reasons((0, 0), up=True, tag="wave-l", known=False, notes=notes)
    assert sentence.startswith("wave-l: ")
    assert sentence.endswith("; did you mean 'wave-1'?")
    assert "copy" not in sentence


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 7, "0%"), (7, 7, "100%"), (2, 3, "66.66%"), (95, 100, "95%"), (10**17 - 1, 10**17, "99.99%")],
)
def test_a_share_is_rounded_down(part, whole, shown):
    """What is below a limit never reads as if it were the limit."""
    assert share(part, whole) == shown


@pytest.mark.parametrize(("ratio", "shown"), [(0.95, "95%"), (0, "0%"), (1, "100%"), (0.9499, "94.99%")])
def test_a_limit_is_shown_as_given(ratio, shown):
    """In percent, without zeros at the end."""
    assert percent(ratio) == shown


@pytest.mark.parametrize(
    ("given", "policy", "counts", "parts"),
    [
        ({"settled": True}, {}, (200, 180), ["180 of 200 ", "(90%)", "95%", "moved for 900 s;", "taken for spam"]),
        ({"settled": True}, {"grace_period": 0.5}, (100000, 94999), ["(94.99%)", "95%", "moved for 0.5 s;"]),
        ({"settled": True}, {}, (200, 190), ["190 of 200 ", "(95%)", "95% is required"]),
        ({"stopped": True, "carried_over": 5}, {}, (200, 198), ["at least 193 of 200 ", "(96.5%)", "95%"]),
        ({}, {}, (1000, 990), ["990 of 1000 ", "(99%)", "95%"]),
        ({"due": 100}, {}, (1000, 70), ["at most 70 of the 100 ", "900 s", "(70%)", "95%", "taken for spam"]),
    ],
)
def test_a_decision_has_figure_and_limit(given, policy, counts, parts):
    """One sentence, which names the tag."""
    assert_says(reasons(counts, Policy(**policy), **given), [parts])


UNDER_WAY, CARRIED, EXPECTED = (
    "may still be under way",
    "of the deliveries may belong to mail from before",
    "expected messages so far",
)


@pytest.mark.parametrize(
    ("given", "policy", "counts", "said"),
    [
        ({"stopped": True}, {}, (200, 180), ["180 of 200", f"a: 20 {UNDER_WAY}"]),
        ({"settled": True, "carried_over": 30}, {}, (200, 195), ["165 of 200", f"a: 30 {CARRIED}"]),
        ({"stopped": True, "carried_over": 30}, {}, (200, 200), ["170 of 200", f"a: 30 {CARRIED}"]),
        ({"up": True}, {"confidence": 0, "expected_messages": 300}, (200, 195),
         ["195 of 200", f"a: 200 of 300 {EXPECTED}", f"a: 5 {UNDER_WAY}"]),
        ({"up": True, "stopped": True}, {"expected_messages": 200}, (200, 185), ["185 of 200", f"a: 15 {UNDER_WAY}"]),
        ({"stopped": True}, {"expected_messages": 200}, (250, 235), ["235 of 250", f"a: 15 {UNDER_WAY}"]),
        ({}, {}, (99, 99), ["a: 99 of at least 100 messages so far"]),
        ({}, {"confidence": 0}, (200, 180), ["180 of 200", f"a: 20 {UNDER_WAY}"]),
        # Where evidence lacks, and no number of messages like these helps.
        ({"ahead": True}, {}, (1000, 1000), ["1000 of 1000", "deliveries were seen above messages"]),
        ({}, {}, (1000, 950), ["950 of 1000", f"a: 50 {UNDER_WAY}", "too close to the required one"]),
        ({}, {}, (1000, 500), ["500 of 1000", f"a: 500 {UNDER_WAY}", "younger than 900 s does not count as lost yet"]),
    ],
)  # fmt: skip
def test_what_an_undecided_tag_lacks(given, policy, counts, said):
    """Each lack is a sentence of its own, and there is no other."""
    assert_says(reasons(counts, Policy(**policy), **given), said)


@pytest.mark.parametrize(
    ("counts", "limits", "said"),
    [
        ((1000, 990, 98, 9), {"min_open_ratio": 0.1, "min_click_ratio": 0.01},
         [["98 opens of 990 deliveries", "min_open_ratio", "10%"],
          ["9 clicks of 990 deliveries", "min_click_ratio", "1%"]]),
        ((1000, 990, 99, 9), {"min_open_ratio": 0.1, "min_click_ratio": 0.01}, [["9 clicks of 990 deliveries", "1%"]]),
        ((1000, 990, 98, 10), {"min_open_ratio": 0.1, "min_click_ratio": 0.01}, [["98 opens of 990", "10%"]]),
        ((1000, 0, 0, 0), {"min_open_ratio": 0.1, "min_delivery_ratio": 0}, [["0 opens of 0 deliveries", "10%"]]),
        ((1000, 0, 0, 0), {"min_open_ratio": 0, "min_delivery_ratio": 0}, [["0 of 1000"]]),
    ],
)  # fmt: skip
def test_opens_and_clicks_that_are_missing(counts, limits, said):
    """Each that is below its limit, with both figures; without deliveries there is no ratio above 0."""
    assert_says(reasons(counts, Policy(**limits), stopped=True), said)


@pytest.mark.parametrize(
    ("messages", "delivered", "tags", "chances"),
    [(200, 194, 1, 1), (200, 194, 50, 1), (200, 182, 1, 1), (200, 182, 50, 50)],
)
def test_so_many_more_messages_decide(messages, delivered, tags, chances):
    """The number rests on the evidence that is asked for: more to fail one of many tags, no more to pass."""
    sentence = reasons((messages, delivered), tags=tags)[-1]
    more = int(re.search(r"a: needs about ([0-9]+) more messages", sentence)[1])
    evidence = log_evidence_for if delivered / messages > 0.95 else log_evidence_against
    count = messages + more
    reached = evidence(delivered * count // messages, count, 0.95)
    assert 0 <= reached - math.log(20 * chances) < 0.5
