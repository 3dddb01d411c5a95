"""Judging by counters: each rule, its bounds, the baseline, and the sentences."""

from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.decision import judge
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import TagState, state_of_record
from ansible_collections.mailops.smtpeter.tests.unit.plugins import gating
from hypothesis import given
from hypothesis import strategies as st

SENDING = {
    "messages_due": 0, "sending_stopped": False, "settled": False, "time_up": False, "ratio_decides": True,
    "deliveries_ahead": False, "tags": 1, "fallen": (),
}  # fmt: skip


def record(messages, deliveries, idle=None, tag="a", **more):
    """A record whose last activity was so many seconds ago, or at an unknown time."""
    last_at = None if idle is None else gating.START - timedelta(seconds=idle)
    return gating.record(tag, 0, messages, deliveries, last_at=last_at, **more)


def look(messages, deliveries, **more):
    """A tag in the middle of sending, unless said otherwise."""
    state = {key: more.pop(key, value) for key, value in SENDING.items()}
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
        (look(99, 99, **STILL, **UP), {}, ("inconclusive", None)),
        (look(99, 99, **STILL), {"min_messages": 99}, ("pass", "ratio")),
        # Still being sent: evidence.
        (look(1000, 990), {}, ("pass", "evidence")),
        (look(1000, 990, carried_over=40), {}, UNDECIDED),
        (look(1000, 990, deliveries_ahead=True), {}, UNDECIDED),
        (look(1000, 0, messages_due=99), {}, UNDECIDED),
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
        # Time is up.
        (look(100, 95, **UP), {}, ("pass", "ratio")),
        (look(100, 94, **UP), {}, ("inconclusive", None)),
        (look(100, 95, ratio_decides=False, **UP), {}, ("inconclusive", None)),
        # With an expectation, fewer messages when time is up never pass by the ratio.
        (look(500, 480, **UP), {"expected_messages": 1000, "confidence": 0}, ("inconclusive", None)),
        (look(500, 499, **UP), {"expected_messages": 1000}, ("pass", "evidence")),
        (look(500, 480, **UP), {"expected_messages": {"b": 1000}, "confidence": 0}, ("pass", "ratio")),
        # Nothing is required.
        (look(100, 0), {"min_delivery_ratio": 0}, ("pass", "evidence")),
        # Opens and clicks hold a pass, and never fail; those that fell hold what asks for them, and nothing else.
        (look(1000, 990), {"min_open_ratio": 0.1}, UNDECIDED),
        (look(1000, 990, opens=99), {"min_open_ratio": 0.1}, ("pass", "evidence")),
        (look(1000, 990, **UP), {"min_click_ratio": 0.01}, ("inconclusive", None)),
        (look(1000, 900, **STILL), {"min_open_ratio": 0.1}, ("fail", "ratio")),
        (look(1000, 990, opens=400, fallen=OPENS_FELL), {"min_open_ratio": 0.1}, UNDECIDED),
        (look(1000, 990, opens=400, fallen=CLICKS_FELL), {"min_open_ratio": 0.1}, ("pass", "evidence")),
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
        (record(100, 94, idle=901), {}, "fail"),
        (record(100, 94, idle=900), {}, "inconclusive"),
        (record(100, 95, idle=10), {"confidence": 0.95}, "inconclusive"),
        (record(100, 100, idle=901), {"expected_messages": 200}, "inconclusive"),
        # As many messages as expected have stopped, and so have more.
        (record(200, 190, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (record(250, 238, idle=10), {"expected_messages": 200, "confidence": 0.95}, "pass"),
        (record(200, 0, idle=901), {"expected_messages": 300, "confidence": 0.95}, "fail"),
        (record(0, 0, known=False), {"min_delivery_ratio": 0, "min_messages": 1}, "inconclusive"),
    ],
)
def test_single_look(given_record, options, expected):
    """One reading alone: time is up, and only old mail is still."""
    policy = Policy.from_options(options, confidence=0.0)
    assert judge(state_of_record(given_record, policy, 1), policy).verdict == expected


@pytest.mark.parametrize(
    ("a_look", "counts", "drop", "expected", "required", "said"),
    [
        (look(1000, 960, **STILL), (1000, 970), 0.02, ("pass", "ratio"), 0.95, "960 of 1000"),
        (look(1000, 960, **STILL), (1000, 970), 0, ("fail", "ratio"), 0.97, "960 of 1000"),
        # The minimum is enough, and less ends it at once.
        (look(1000, 985, **STILL), (100, 100), 0.02, ("pass", "ratio"), 0.98, "985 of 1000"),
        (look(1000, 990), (99, 99), 0.02, ("inconclusive", None), 0.98, "baseline_tag 'b' has 99 of at least 100 "),
        (look(1000, 990), (0, 0), 0.02, ("inconclusive", None), 0.95, "baseline_tag 'b': the service has nothing"),
        # Nothing can be compared with one that contradicts itself, but a later one may do.
        (look(1000, 500, **STILL), (1000, 1100), 0.02, UNDECIDED, 0.98, "baseline_tag b: 1100 deliveries are counted"),
    ],
)  # fmt: skip
def test_a_baseline(a_look, counts, drop, expected, required, said):
    """It raises what is required; a weak or contradictory one decides nothing, and the reason names it."""
    policy = Policy(baseline_tag="b", max_delivery_drop=drop)
    judgement = judge(a_look, policy, record(*counts, tag="b", known=counts != (0, 0)))
    assert (judgement.verdict, judgement.decided_by, judgement.required_delivery_ratio) == (*expected, required)
    assert said in judgement.reasons[0]


def test_opens_that_were_not_counted():
    """A record without opens cannot be asked for them."""
    with pytest.raises(OptionError, match="min_open_ratio: the record has no opens"):
        judge(look(1000, 990, opens=None), Policy(min_open_ratio=0.1))


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


@pytest.mark.parametrize(("tag", "named"), [("a", False), ("a\u200b", "U+200B")], ids=ascii)
def test_an_unknown_tag(tag, named):
    """The reason names what cannot be seen in the tag, or in the baseline's, and has the suggestion of the notes."""
    nothing = {"tag": tag, "known": False, "notes": ("the answer is a copy", "did you mean 'wave-1'?")}
    (reason,) = judge(look(0, 0, **nothing), Policy()).reasons
    assert reason.startswith(f"{tag}: ")
    assert reason.endswith("; did you mean 'wave-1'?")
    assert "copy" not in reason
    for text in (reason, *judge(look(1000, 990), Policy(baseline_tag=tag), record(0, 0, **nothing)).reasons):
        assert "check its spelling and api_url" in text
        assert (f"an invisible character ({named})" in text) is bool(named)


UNDER_WAY, CARRIED = "may still be under way", "of the deliveries may belong to mail from before"
OPENS, CLICKS = {"min_open_ratio": 0.1}, {"min_click_ratio": 0.01}


@pytest.mark.parametrize(
    ("given", "policy", "counts", "said"),
    [
        # A decision has the figure and the limit.
        (STILL, {}, (200, 180), [["180 of 200 ", "(90%)", "95%", "moved for 900 s;", "taken for spam"]]),
        # A share is rounded down, so that what is below a limit never reads as if it were the limit.
        (STILL, {"grace_period": 0.5, "min_delivery_ratio": 0.9999}, (10**9, 999899999),
         [["(99.98%)", "99.99%", "moved for 0.5 s;"]]),
        (STILL, {}, (200, 190), [["190 of 200 ", "(95%)", "95% is required"]]),
        ({**STOPPED, "carried_over": 5}, {}, (200, 198), [["at least 193 of 200 ", "(96.5%)", "95%"]]),
        ({}, {}, (1000, 990), [["990 of 1000 ", "(99%)", "95%"]]),
        ({"messages_due": 100}, {}, (1000, 70), [["at most 70 of the 100 ", "900 s", "(70%)", "95%", "for spam"]]),
        # What an undecided tag lacks.
        (STOPPED, {}, (200, 180), ["180 of 200", f"a: 20 {UNDER_WAY}"]),
        ({**STILL, "carried_over": 30}, {}, (200, 195), ["165 of 200", f"a: 30 {CARRIED}"]),
        (UP, {"confidence": 0, "expected_messages": 300}, (200, 195),
         ["195 of 200", "a: 200 of 300 expected messages so far", f"a: 5 {UNDER_WAY}"]),
        (STOPPED, {"expected_messages": 200}, (200, 185), ["185 of 200", f"a: 15 {UNDER_WAY}"]),
        ({}, {}, (99, 99), ["a: 99 of at least 100 messages so far"]),
        # Where evidence lacks, and no number of messages like these helps.
        ({"deliveries_ahead": True}, {}, (1000, 1000), ["1000 of 1000", "deliveries were seen above messages"]),
        # It takes more of it to fail one of many tags, and no more to pass.
        ({"tags": 50}, {}, (200, 194), ["194 of 200", f"a: 6 {UNDER_WAY}", "needs about 700 more messages like these"]),
        ({}, {}, (200, 182), ["182 of 200", f"a: 18 {UNDER_WAY}", "needs about 103 more messages"]),
        ({"tags": 50}, {}, (200, 182), ["182 of 200", f"a: 18 {UNDER_WAY}", "needs about 412 more messages"]),
        ({}, {}, (1000, 950), ["950 of 1000", f"a: 50 {UNDER_WAY}", "too close to the required one"]),
        ({}, {}, (1000, 500), ["500 of 1000", f"a: 500 {UNDER_WAY}", "younger than 900 s does not count as lost yet"]),
        # Opens and clicks below their limits; without deliveries there is no ratio above 0.
        (STOPPED, {**OPENS, **CLICKS}, (1000, 990, 98, 9),
         [["98 opens of 990 deliveries", "min_open_ratio", "10%"], ["9 clicks of 990 ", "min_click_ratio", "1%"]]),
        (STOPPED, {**OPENS, **CLICKS}, (1000, 990, 99, 9), ["9 clicks of 990 deliveries"]),
        (STOPPED, {**OPENS, **CLICKS}, (1000, 990, 98, 10), ["98 opens of 990"]),
        (STOPPED, {**OPENS, "min_delivery_ratio": 0}, (1000, 0, 0, 0), ["0 opens of 0 deliveries"]),
        (STOPPED, {"min_open_ratio": 0, "min_delivery_ratio": 0}, (1000, 0, 0, 0), ["0 of 1000"]),
    ],
)  # fmt: skip
def test_reasons(given, policy, counts, said):
    """Each is a sentence of its own about the tag, and there is no other."""
    a_look = look(*counts[:2], **dict(zip(("opens", "clicks"), counts[2:])), **given)
    for sentence, parts in zip(judge(a_look, Policy(**policy)).reasons, said, strict=True):
        assert sentence.startswith("a: ")
        for part in parts if isinstance(parts, list) else [parts]:
            assert part in sentence
