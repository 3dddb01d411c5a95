# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the gate's wait: every rule of judging over time, with a clock that the test holds."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import OLD_MAIL_NOTE
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, gate, look, record
from hypothesis import given
from hypothesis import strategies as st

REFUSED = {"kind": "refused", "status": 401, "msg": "tag 'a': answered 401"}


def verdicts(a_gate, looks):
    """The gate's verdict after each of a list of (second, counters of tag a)."""
    return [look(a_gate, second, a=found).verdict for second, found in looks]


def waits(*counters, every=30, start=0):
    """Looks at an even pace."""
    return [(start + every * position, found) for position, found in enumerate(counters)]


@pytest.mark.parametrize(
    ("looks", "options", "expected"),
    [
        pytest.param([(0, (500, 490))], {}, ["pass"], id="evidence passes at once"),
        pytest.param([(0, (200, 192)), (30, (400, 386)), (60, (2000, 1960))], {}, [None, None, "pass"],
                     id="evidence grows while mail is sent"),
        pytest.param(waits((100, 96), (100, 96), (100, 96)), {}, [None, None, "pass"],
                     id="sending has stopped after the gap: the count passes"),
        pytest.param(waits((100, 96), (101, 97), (101, 97), (101, 97)), {}, [None, None, None, "pass"],
                     id="a message more begins the gap anew"),
        pytest.param(waits((100, 90), (100, 93), (100, 96)), {}, [None, None, "pass"],
                     id="late deliveries don't delay that sending has stopped"),
        pytest.param([(0, (100, 96)), (59, (100, 96)), (60, (100, 96))], {"sending_gap": 60}, [None, None, "pass"],
                     id="the gap is counted exactly"),
        pytest.param([(0, (100, 96)), (1, (100, 96))], {"sending_gap": 0}, [None, "pass"],
                     id="a gap of nothing still takes two looks"),
        pytest.param([(0, (100, 90)), (900, (100, 90))], {}, [None, "fail"], id="still mail below the limit fails"),
        pytest.param([(0, (100, 90)), (899, (100, 90)), (900, (100, 90))], {}, [None, None, "fail"],
                     id="the grace period is counted exactly"),
        pytest.param([(0, (100, 90)), (600, (100, 91)), (900, (100, 91)), (1499, (100, 91)), (1500, (100, 91))], {},
                     [None, None, None, None, "fail"], id="a delivery begins the grace period anew"),
        pytest.param([(0, (1000, 0)), (899, (1000, 1)), (900, (1000, 2))], {"sending_gap": 10000}, [None, None, "fail"],
                     id="while being sent, what is due fails on evidence"),
        pytest.param([(0, (100, 50)), (500, (5000, 100)), (900, (9000, 9000))], {}, [None, None, "pass"],
                     id="what was counted late is not due"),
        pytest.param([(0, (50, 0)), (500, (5000, 100)), (900, (9000, 7000))], {}, [None, None, None],
                     id="less than min_messages due fails nothing"),
        pytest.param([(0, (1000, 400)), (900, (1000, 500)), (1799, (1000, 500)), (1800, (1000, 500))], {},
                     [None, None, None, "fail"], id="stopped but moving: only the count of still mail fails"),
        pytest.param([(0, (100, 90, {"last_at": START - timedelta(seconds=901)}))], {}, ["fail"],
                     id="a campaign that ended long ago fails at once"),
        pytest.param([(0, (100, 96, {"last_at": START - timedelta(seconds=901)}))], {}, ["pass"],
                     id="a campaign that ended long ago passes at once"),
        pytest.param([(0, (100, 90, {"last_at": START - timedelta(seconds=900)}))], {}, [None],
                     id="an activity within the grace period says nothing"),
        pytest.param([(0, (100, 90, {"last_at": START + timedelta(days=1)}))], {}, [None],
                     id="an activity in the future says nothing"),
        pytest.param([(0, (100, 90)), (30, (100, 91, {"last_at": START - timedelta(days=1)}))], {}, [None, None],
                     id="once movement was seen, an old last activity says nothing"),
        pytest.param(waits((500, 480), (500, 480), (500, 480), (1000, 960)), {"expected_messages": 1000},
                     [None, None, None, "pass"], id="with an expectation, sending stops when all are counted"),
        pytest.param([(0, (1000, 940)), (30, (1100, 1050))], {"expected_messages": 1000}, [None, "pass"],
                     id="more than expected have stopped as well"),
        pytest.param([(0, (500, 400)), (900, (500, 400))], {"expected_messages": 500}, [None, "fail"],
                     id="all counted and still below: fail"),
        pytest.param(waits((99, 99), (99, 99), (99, 99), every=900), {}, [None, None, "inconclusive"],
                     id="too few messages decide nothing"),
        pytest.param([(0, (100, 94)), (1800, (100, 97))], {"grace_period": 5000, "sending_gap": 5000}, [None, "pass"],
                     id="time is up: the ratio passes"),
        pytest.param([(0, (100, 94)), (1800, (100, 94))], {"grace_period": 5000, "sending_gap": 5000},
                     [None, "inconclusive"], id="time is up: the ratio never fails"),
        pytest.param([(0, (100, 94)), (1800, (100, 97))],
                     {"grace_period": 5000, "sending_gap": 5000, "at_deadline": "inconclusive"},
                     [None, "inconclusive"], id="time is up: the guarantee alone"),
        pytest.param([(0, (500, 480)), (1800, (500, 480))], {"expected_messages": 1000, "grace_period": 5000},
                     [None, "inconclusive"], id="time is up with fewer than expected"),
        pytest.param([(0, (500, 490)), (30, (500, 490, {"opens": 60}))], {"min_open_ratio": 0.1}, [None, "pass"],
                     id="opens hold a pass"),
        pytest.param([(0, (500, 490)), (1800, (500, 490))], {"min_click_ratio": 0.1}, [None, "inconclusive"],
                     id="clicks that never come are no failure"),
        pytest.param([(0, (100, 95))], {"confidence": 0}, ["pass"], id="without confidence the bare ratio passes"),
        pytest.param([(0, (1000, 0)), (900, (1001, 0))], {"confidence": 0}, [None, None],
                     id="without confidence nothing fails while mail is sent"),
    ],
)  # fmt: skip
def test_rules_over_time(looks, options, expected):
    """Each rule of judging, one after the other."""
    assert verdicts(gate(**options), looks) == expected


def test_the_age_of_a_count_is_from_look_to_look():
    """A look that takes long makes nothing older than it is."""
    a_gate = gate()
    for began, ended in ((0, 100), (950, 960), (1000, 1010)):
        reading = Look(began, ended, START, {"a": record("a", began, 100, 90)}, {})
        event = a_gate.look(reading)
        assert event.verdict == ("fail" if began == 1000 else None)


def test_two_looks_close_together_lose_no_count():
    """What was counted in the second of two quick looks is due a grace period later, not when the next message came."""
    looks = [(0, (0, 0)), (1, (1000, 0)), (500, (1010, 0)), (901, (1020, 0))]
    assert verdicts(gate(), looks) == [None, None, None, "fail"]


def test_all_tags_pass_at_the_same_look():
    """A tag that passed and does no more holds the gate."""
    a_gate = gate("ab", confidence=0)
    assert look(a_gate, 0, a=(100, 96), b=(100, 90)).verdict is None
    assert look(a_gate, 30, a=(200, 180), b=(100, 96)).verdict is None
    assert look(a_gate, 60, a=(200, 195), b=(100, 96)).verdict == "pass"


def test_one_tag_fails_all():
    """The gate fails as soon as one tag does."""
    a_gate = gate("ab")
    event = look(a_gate, 0, a=(500, 499), b=(100, 50, {"last_at": START - timedelta(days=1)}))
    assert event.verdict == "fail"
    assert a_gate.result()["msg"].startswith("fail: b: only 50 of 100")


def test_many_tags_need_more_evidence_to_fail():
    """One of many tags is enough to fail, so that each must be surer."""
    few, many = gate("a"), gate([f"tag-{number}" for number in range(50)])
    looks = [(0, (100, 84)), (900, (1000, 84))]
    assert verdicts(few, looks) == [None, "fail"]
    for second, found in looks:
        event = look(many, second, **dict.fromkeys(many.tags, found))
    assert event.verdict is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"a": (500, 490), "b": (500, 490)}, "pass"),
        ({"a": (500, 490), "b": (99, 99)}, "inconclusive"),
        ({"a": (500, 490), "b": SERVICE}, "error"),
        ({"a": (99, 99), "b": SERVICE}, "error"),
        ({"a": SERVICE, "b": (100, 0, {"last_at": START - timedelta(days=1)})}, "fail"),
    ],
)
def test_the_worst_wins_when_time_is_up(found, expected):
    """Fail, error, inconclusive, pass."""
    assert look(gate("ab", timing={"wait_timeout": 0}), 0, **found).verdict == expected


FALLS = [
    pytest.param((960, 1000), (700, 1000), id="deliveries"),
    pytest.param((951, 1000), (940, 1000), id="just below the required ratio"),
    pytest.param((1910, 2000), (100, 1000), id="both, at the ratio of a doomed campaign"),
    pytest.param((480, 500), (470, 499), id="both, by a little"),
    pytest.param((1920, 2000), (960, 1100), id="both, to a ratio above what is undelivered"),
]


@pytest.mark.parametrize(("first", "then"), FALLS)
def test_a_fall_that_lasts_is_a_correction(first, then):
    """It decides nothing at first, then it is the reading: nothing passes by counters that the service withdrew."""
    a_gate = gate()
    assert look(a_gate, 0, a=first[::-1]).verdict is None
    for second in (30, 60):
        event = look(a_gate, second, a=then[::-1])
        assert event.verdict is None
        assert "fell from" in event.tags["a"].judgement.reasons[0]
    assert look(a_gate, 90, a=then[::-1]).verdict is None
    assert a_gate.result()["stats"]["a"]["deliveries"] == then[0]
    assert any("correction" in note for note in a_gate.result()["tags"]["a"]["record"]["notes"])
    assert verdicts(a_gate, [(989, then[::-1]), (990, then[::-1])]) == [None, "fail"]
    assert f"only {then[0]} of {then[1]}" in a_gate.result()["msg"]


def test_a_correction_to_a_healthy_campaign_passes():
    """It is judged like any other reading: movement is counted from it on."""
    looks = waits((2000, 1910), (1000, 955), (1000, 955), (1000, 955), (1000, 955), (1000, 955))
    assert verdicts(gate(), looks) == [None, None, None, None, None, "pass"]


def test_mail_counted_before_a_correction_is_not_due():
    """Its age starts over, as its movement does."""
    a_gate = gate(timing={"wait_timeout": 9000}, sending_gap=0)
    looks = [(0, (1000, 100)), (800, (900, 50)), (810, (901, 51)), (950, (902, 52)), (1709, (903, 53)),
             (1710, (904, 54))]  # fmt: skip
    assert verdicts(a_gate, looks) == [None, None, None, None, None, "fail"]


@pytest.mark.parametrize(
    ("looks", "corrected"),
    [
        ([(30, (700, 600)), (89, (700, 600))], False),
        ([(30, (700, 600)), (90, (700, 600))], True),
        ([(120, (700, 600))], False),
        ([(30, (700, 600)), (90, (700, 650))], True),
        # A further fall begins the time once more.
        ([(30, (700, 600)), (60, (700, 500)), (119, (700, 500))], False),
        ([(30, (700, 600)), (60, (700, 500)), (120, (700, 500))], True),
        # What recovers in between is no fall that lasts.
        ([(30, (700, 600)), (60, (1000, 940)), (90, (700, 600)), (120, (700, 600))], False),
        # Growth below the highest reading is still a fall.
        ([(30, (700, 600)), (60, (800, 700)), (90, (900, 800))], True),
        ([(30, (1100, 600)), (60, (1200, 700)), (90, (1300, 800))], True),
    ],
)
def test_how_long_a_fall_lasts(looks, corrected):
    """For no less than the sending gap, over at least two looks."""
    a_gate = gate()
    for second, found in [(0, (1000, 940)), *looks]:
        assert look(a_gate, second, a=found).verdict is None
    assert (a_gate.result()["stats"]["a"]["messages"], a_gate.result()["stats"]["a"]["deliveries"]) == (
        looks[-1][1] if corrected else (1000, 940)
    )


@pytest.mark.parametrize(
    ("looks", "options", "expected"),
    [
        # The last good reading is above the required ratio, the fall is not.
        ([(0, (1000, 960)), (1800, (1000, 700))], {}, "inconclusive"),
        ([(0, (100, 96)), (1800, (50, 20))], {}, "inconclusive"),
        # Least deliveries and most messages are of different readings.
        ([(0, (1000, 960)), (1770, (900, 870)), (1800, (990, 955))], {}, "inconclusive"),
        ([(0, (1000, 960)), (1770, (990, 955)), (1800, (990, 955))], {}, "pass"),
        ([(0, (1000, 960)), (1770, (1010, 955)), (1800, (1000, 955))], {}, "inconclusive"),
        # A guarantee is not weakened by a fall.
        ([(0, (1000, 960)), (1800, (999, 959))], {"at_deadline": "inconclusive"}, "inconclusive"),
        ([(0, (1000, 950)), (1800, (1000, 949))], {"min_delivery_ratio": 0.94}, "pass"),
        ([(0, (100, 96)), (1800, (100, 95))], {"expected_messages": 200}, "inconclusive"),
        ([(0, (200, 191)), (1800, (100, 95))], {"expected_messages": 200, "grace_period": 5000}, "inconclusive"),
        # It never fails.
        ([(0, (1000, 500)), (1800, (1000, 0))], {}, "inconclusive"),
    ],
)
def test_time_is_up_during_a_fall(looks, options, expected):
    """Only the least deliveries and the most messages seen since then pass it; else the reason names the fall."""
    a_gate = gate(**options)
    assert verdicts(a_gate, looks)[-1] == expected
    if expected == "inconclusive":
        assert "fell from" in a_gate.result()["reasons"][0]


def test_a_failed_look_at_the_end_of_a_fall():
    """It changes nothing: the fall is still what was seen last."""
    a_gate = gate(timing={"max_consecutive_errors": 99})
    assert verdicts(a_gate, [(0, (1000, 960)), (1770, (1000, 700)), (1800, SERVICE)])[-1] == "inconclusive"


def test_a_tag_that_passed_and_falls_holds_the_others():
    """A pass is not kept once its counters are withdrawn."""
    a_gate = gate("ab")
    assert look(a_gate, 0, a=(1000, 990), b=(100, 90)).verdict is None
    event = look(a_gate, 30, a=(1000, 900), b=(1000, 990))
    assert (event.verdict, event.tags["a"].judgement.verdict, event.tags["b"].judgement.verdict) == (None, None, "pass")


def copied(counts, taken, **more):
    """What a look finds in a copy that was made at a second of the gate's time."""
    at = START + timedelta(seconds=taken)
    return (*counts, {"fetched_at": at, "last_at": START, **more})


@pytest.mark.parametrize(
    ("finds", "expected"),
    [
        # A cache that keeps the service's Date, with and without its Age.
        pytest.param([(second, copied((1000, 955), 0)) for second in range(0, 1771, 30)], None, id="date"),
        pytest.param([(second, copied((1000, 955), 0, age=second)) for second in range(0, 1771, 30)], None, id="age"),
        pytest.param([(second, copied((1000, 600), 0)) for second in range(0, 1771, 30)], None, id="below"),
        # A standby whose clock is behind, and a cache that writes a Date of its own.
        pytest.param([(30 * at, copied((1000, 955), -at)) for at in range(60)], None, id="standby"),
        pytest.param([(second, copied((1000, 955), second, age=second + second % 60 // 30))
                      for second in range(0, 1771, 30)], None, id="its own date"),
        # Two copies of different age, asked in turn.
        pytest.param([(30 * at, copied((1000, 955), at % 2 * 7)) for at in range(60)], None, id="two copies"),
        # A copy that is made once more shows what there was then.
        pytest.param([(second, copied((1000, 955), second // 60 * 60)) for second in (0, 30, 60)],
                     "pass", id="another"),
        pytest.param([(second, copied((1000, 955), second, age=2)) for second in (0, 30, 60)], "pass", id="fresh"),
        pytest.param([(second, copied((1000, 955), second, age=0)) for second in (0, 30, 60)], "pass", id="not kept"),
    ],
)  # fmt: skip
def test_a_copy_shows_nothing_new(finds, expected):
    """No time passes by it, so sending has not stopped and no mail is settled."""
    assert verdicts(gate(), finds)[-1] == expected


def test_copies_of_a_fall():
    """A lower reading that a cache repeats has not stayed."""
    a_gate = gate()
    assert look(a_gate, 0, a=(1000, 940)).verdict is None
    for second in (30, 60, 90, 300):
        assert look(a_gate, second, a=copied((700, 600), 30)).verdict is None
    assert a_gate.result()["stats"]["a"]["messages"] == 1000
    look(a_gate, 301, a=(700, 600))
    assert a_gate.result()["stats"]["a"]["messages"] == 700


def test_an_old_copy_of_a_live_campaign_is_not_settled():
    """Its last activity is compared with when it was made, also where the cache writes a Date of its own."""
    a_gate = gate()
    last = {"last_at": START - timedelta(seconds=1000)}
    assert look(a_gate, 0, a=(1000, 600, {**last, "age": 500})).verdict is None
    assert look(gate(), 0, a=(1000, 600, {**last, "age": 99})).verdict == "fail"


@pytest.mark.parametrize(
    ("sleep", "pause", "second", "next_in"),
    [(30, None, 0, 30), (30, 20, 0, 30), (30, 31, 0, 31), (30, 3600, 0, 1800), (30, 3600, 1000, 800), (1, 5, 0, 5)],
)
def test_a_pause_that_the_service_asks_for(sleep, pause, second, next_in):
    """The next look waits as long, but never past the deadline."""
    a_gate = gate(timing={"wait_sleep": sleep})
    event = a_gate.look(Look(second, second, START, {}, {"a": SERVICE}, retry_after=pause))
    assert event.next_in == next_in


def test_backward_counters_are_movement():
    """Mail whose counters jump about is not still, nor are they when they jump back."""
    a_gate = gate(timing={"wait_timeout": 9000})
    looks = [(0, (100, 90)), (500, (100, 80)), (900, (100, 90)), (1799, (100, 90)), (1800, (100, 90))]
    assert verdicts(a_gate, looks) == [None, None, None, None, "fail"]


def test_a_backward_reading_seen_twice_is_one_movement():
    """How often the gate looks at what does not move makes no difference."""
    for more in ([], [(530, (100, 80)), (560, (100, 80))]):
        a_gate = gate(timing={"wait_timeout": 9000})
        looks = [(0, (100, 90)), (500, (100, 80)), *more, (900, (100, 90)), (1800, (100, 90))]
        assert verdicts(a_gate, looks) == [None] * (len(looks) - 1) + ["fail"]


def test_messages_that_run_backward_have_not_stopped():
    """While the number of messages jumps about, nobody knows that sending has stopped."""
    looks = [(0, (100, 96)), (30, (50, 48)), (60, (100, 96)), (119, (100, 96)), (120, (100, 96))]
    assert verdicts(gate(), looks) == [None, None, None, None, "pass"]


def test_deliveries_ahead_of_messages_end_evidence():
    """Once deliveries were above messages, evidence no longer passes the tag, but counts do."""
    a_gate = gate()
    assert look(a_gate, 0, a=(400, 401)).verdict is None
    assert look(a_gate, 30, a=(1000, 1000)).verdict is None
    assert look(a_gate, 60, a=(1000, 1000)).verdict is None
    assert look(a_gate, 90, a=(1000, 1000)).verdict == "pass"


def test_deliveries_ahead_in_a_bad_reading():
    """Counters that disagree once are not believed later, whichever reading showed it."""
    a_gate = gate()
    assert look(a_gate, 0, a=(400, 350)).verdict is None
    assert look(a_gate, 30, a=(300, 301)).verdict is None
    assert look(a_gate, 60, a=(1000, 1000)).verdict is None


def test_deliveries_ahead_after_since():
    """More deliveries since then than messages and mail under way can explain are a disagreement, too."""
    a_gate = gate(before={"a": Record("a", 1000, 900, 0, 0, under_way=0)})
    assert look(a_gate, 0, a=(1400, 1310)).verdict is None
    assert "410 deliveries are counted for 400 messages" in a_gate.result()["reasons"][-1]
    assert look(a_gate, 30, a=(1500, 1395)).verdict is None
    assert "evidence no longer decides" in a_gate.result()["reasons"][-1]
    assert look(a_gate, 90, a=(1500, 1395)).verdict == "pass"


def test_a_failed_look_changes_nothing():
    """The gap and the grace run on, and at the deadline the last good reading decides."""
    a_gate = gate(timing={"max_consecutive_errors": 99})
    looks = [(0, (100, 90)), (30, SERVICE), (870, SERVICE), (900, (100, 90))]
    assert verdicts(a_gate, looks) == [None, None, None, "fail"]
    assert (a_gate.result()["errors"], a_gate.result()["last_errors"]) == (2, {"a": SERVICE})


@pytest.mark.parametrize(("good", "expected"), [((100, 96), "pass"), ((100, 90), "inconclusive"), (None, "error")])
def test_a_failed_last_look(good, expected):
    """At the deadline the last good reading decides; without any, it is an error."""
    a_gate = gate()
    look(a_gate, 0, a=good or SERVICE)
    assert look(a_gate, 1800, a=SERVICE).verdict == expected
    assert a_gate.result()["verdict"] == expected


def test_more_failed_looks_in_a_row_than_allowed():
    """They end the gate whatever was read before, but not if one in between succeeds."""
    a_gate = gate(timing={"max_consecutive_errors": 2})
    looks = waits((100, 90), SERVICE, SERVICE, (100, 91), SERVICE, SERVICE, SERVICE)
    assert verdicts(a_gate, looks) == [None] * 6 + ["error"]
    result = a_gate.result()
    assert result["tags"]["a"]["verdict"] == "error"
    assert result["tags"]["a"]["record"]["deliveries"] == 91
    assert "answered 503" in result["msg"]


@pytest.mark.parametrize(("error", "ends"), [(REFUSED, True), ({**REFUSED, "status": 400}, True), (SERVICE, False),
                                             ({"kind": "answer", "status": 200, "msg": "odd"}, False),
                                             ({"kind": "timeout", "status": None, "msg": "late"}, False)])  # fmt: skip
def test_refusals_end_it_at_once(error, ends):
    """A refused token will not be accepted later; a slow service may answer the next time."""
    a_gate = gate("ab")
    look(a_gate, 0, a=(100, 96), b=(500, 499))
    assert look(a_gate, 30, a=error, b=(500, 499)).verdict == ("error" if ends else None)


def test_a_look_fails_only_for_an_undecided_tag():
    """A tag that passed may be missing in a look, and the readings of the others count."""
    a_gate = gate("ab")
    assert look(a_gate, 0, a=(500, 499), b=(100, 96)).error is None
    event = look(a_gate, 30, a=SERVICE, b=(100, 96))
    assert event.error is None
    event = look(a_gate, 60, a=SERVICE, b=(100, 96))
    assert (event.error, event.verdict) == (None, "pass")
    other = gate("ab")
    event = look(other, 0, a=(500, 499), b=SERVICE)
    assert (event.error, event.verdict) == (SERVICE["msg"], None)
    assert event.tags["a"].judgement.verdict == "pass"


BEFORE = {"a": Record("a", 1000, 900, 0, 0)}


def test_only_what_came_after_since():
    """The earlier mail is left out, and what was under way then may make up the deliveries."""
    a_gate = gate(before=BEFORE)
    assert look(a_gate, 0, a=(1200, 1095)).verdict is None
    judged = a_gate.result()["tags"]["a"]
    assert (judged["messages"], judged["delivered_at_least"], judged["delivered_at_most"]) == (200, 95, 195)
    assert judged["record"]["carried_over"] == 100
    assert a_gate.result()["stats"]["a"]["messages"] == 1200


def test_since_with_nothing_under_way():
    """Where the earlier gate saw the mail still, every delivery counts."""
    a_gate = gate(before={"a": Record("a", 1000, 900, 0, 0, under_way=0)})
    assert look(a_gate, 0, a=(1500, 1398)).verdict == "pass"


def test_messages_due_are_counted_after_since():
    """Old mail is not due once more."""
    a_gate = gate(before={"a": Record("a", 1000, 990, 0, 0, under_way=0)})
    looks = [(0, (1050, 990)), (900, (2000, 1000))]
    assert verdicts(a_gate, looks) == [None, None]
    assert a_gate.result()["tags"]["a"]["messages_due"] == 50


def test_expectations_are_counted_after_since():
    """The old messages are not among the expected ones."""
    a_gate = gate(before={"a": Record("a", 1000, 990, 0, 0, under_way=0)}, expected_messages=200)
    assert verdicts(a_gate, waits((1100, 1086), (1100, 1086), (1200, 1182))) == [None, None, "pass"]


def test_lost_mail_is_not_hidden_by_what_came_before_since():
    """A refused wave fails, though most of all mail under its tag was delivered."""
    a_gate = gate(before={"a": Record("a", 1000, 990, 0, 0, under_way=0)}, expected_messages=200)
    assert verdicts(a_gate, [(0, (1200, 990)), (900, (1200, 990))]) == [None, "fail"]
    assert a_gate.result()["reasons"][0].startswith("a: only 0 of 200 messages are delivered (0%) where at least 95%")


@pytest.mark.parametrize("counts", [(500, 499), (999, 900), (1000, 899), (0, 0), (5000, 0)])
def test_since_above_what_the_service_counts(counts):
    """It is inconclusive at once, with both figures; what was read can be the next since."""
    a_gate = gate("ab", before=BEFORE)
    event = look(a_gate, 0, a=counts, b=(100, 90))
    assert event.verdict == "inconclusive"
    result = a_gate.result()
    assert result["tags"]["a"]["verdict"] == result["tags"]["b"]["verdict"] == "inconclusive"
    assert result["reasons"][0].startswith("a: since is above what the service counts now: ")
    assert result["stats"]["a"]["messages"] == counts[0]
    assert min(result["tags"]["a"]["record"][name] for name in ("messages", "deliveries")) == 0


def test_a_correction_to_below_since():
    """It is found later than the first look, and just as inconclusive."""
    looks = waits((1500, 1300), (999, 800), (999, 800), (999, 800))
    assert verdicts(gate(before=BEFORE), looks) == [None, None, None, "inconclusive"]


@pytest.mark.parametrize("key", ["opens", "clicks"])
@pytest.mark.parametrize("before", [{"a": Record("a", 1000, 990, 50, 50, under_way=0)}, {}])
def test_opens_and_clicks_that_fall(key, before):
    """They are noted, and hold only what asks for them, until they are what they were."""
    more = {"opens": 600, "clicks": 600}
    high, low = (1500, 1420, more), (1500, 1488, {**more, key: 49})
    asking = f"min_{key[:-1]}_ratio"
    for options, expected in (({asking: 0.01}, None), ({}, "pass")):
        a_gate = gate(before=before, **options)
        assert look(a_gate, 0, a=high).verdict is None
        event = look(a_gate, 30, a=low)
        assert event.verdict == expected
        notes = a_gate.result()["tags"]["a"]["record"]["notes"]
        assert f"{key} fell from 600 to 49" in notes
        if expected is None:
            assert f"{key} fell from 600 to 49" in event.tags["a"].judgement.reasons[0]
            assert look(a_gate, 60, a=(1500, 1489, more)).verdict == "pass"


def test_opens_below_since():
    """There are none since then, and that is noted."""
    a_gate = gate(before={"a": Record("a", 1000, 990, 50, 50, under_way=0)})
    assert look(a_gate, 0, a=(1500, 1488, {"opens": 49, "clicks": 60})).verdict == "pass"
    judged = a_gate.result()["tags"]["a"]["record"]
    assert (judged["opens"], judged["clicks"]) == (0, 10)
    assert "opens fell from 50 to 49" in judged["notes"]


@pytest.mark.parametrize(
    ("looks", "under_way"),
    [
        ([(0, (100, 90))], 10),
        ([(0, (100, 95)), (900, (200, 120))], 80),
        ([(0, (100, 95)), (900, (200, 190))], 10),
        ([(0, (100, 50)), (900, (110, 51))], 10),
        ([(0, (100, 90)), (900, (100, 90))], 0),
        ([(0, (100, 90, {"last_at": START - timedelta(days=1)}))], 0),
        ([(0, (100, 110))], 0),
    ],
)
def test_under_way(looks, under_way):
    """At most so many may still be delivered, by what the gate's own readings show."""
    a_gate = gate(min_messages=1000)
    for second, found in looks:
        look(a_gate, second, a=found)
    assert a_gate.result()["stats"]["a"]["under_way"] == under_way


def test_waves_in_a_chain():
    """What one gate returns is the next one's since."""
    first = gate()
    look(first, 0, a=(1000, 990))
    before = {tag: Record.from_dict(stats) for tag, stats in first.result()["stats"].items()}
    second = gate(before=before)
    assert look(second, 0, a=(1000, 998)).verdict is None
    assert look(second, 30, a=(1400, 1390)).verdict is None
    judged = second.result()["tags"]["a"]
    assert (judged["messages"], judged["delivered_at_least"]) == (400, 390)


def test_a_baseline_is_held_from_its_first_reading():
    """It is read until there is one, and kept as it was then."""
    a_gate = gate(baseline_tag="control")
    assert a_gate.wanted == ["a", "control"]
    assert look(a_gate, 0, a=(1000, 960), control=SERVICE).error == SERVICE["msg"]
    assert a_gate.wanted == ["a", "control"]
    assert look(a_gate, 30, a=(1000, 960), control=(1000, 990)).verdict is None
    assert a_gate.wanted == ["a"]
    event = look(a_gate, 60, a=(1000, 975))
    assert event.tags["a"].judgement.required_delivery_ratio == 0.97
    result = a_gate.result()
    assert list(result["tags"]) == ["a"]
    assert result["stats"]["control"]["deliveries"] == 990


def test_a_weak_baseline_ends_it_at_once():
    """With too little mail under it there is nothing to wait for."""
    a_gate = gate(baseline_tag="control")
    assert look(a_gate, 0, a=(1000, 990), control=(99, 99)).verdict == "inconclusive"


def test_a_baseline_that_is_judged_too():
    """Named among the tags, it is read at every look."""
    a_gate = gate(["a", "control"], baseline_tag="control")
    assert look(a_gate, 0, a=(1000, 960), control=(1000, 990)).verdict is None
    assert a_gate.wanted == ["a", "control"]


def test_a_baseline_that_never_comes():
    """Without it, nothing can be judged."""
    a_gate = gate(baseline_tag="control", timing={"wait_timeout": 0})
    assert look(a_gate, 0, a=(1000, 990), control=SERVICE).verdict == "error"


def test_old_mail_gets_a_note():
    """A tag first used more than a day before the gate began can hide a new wave, unless since tells it apart."""
    old = {"first_at": START - timedelta(days=1, seconds=1)}
    a_gate = gate()
    look(a_gate, 0, a=(1000, 900, old))
    assert a_gate.old_tags == ["a"]
    assert OLD_MAIL_NOTE in a_gate.result()["tags"]["a"]["record"]["notes"]
    for other, more in ((gate(before=BEFORE), old), (gate(), {"first_at": START - timedelta(days=1)})):
        look(other, 0, a=(1000, 900, more))
        assert other.old_tags == []


@pytest.mark.parametrize(
    ("timing", "second", "next_in"),
    [({}, 0, 30), ({}, 1790, 10), ({"wait_sleep": 7}, 0, 7), ({"wait_timeout": 20}, 5, 15)],
)
def test_the_last_sleep_ends_at_the_deadline(timing, second, next_in):
    """No look begins after it, and one takes place at it."""
    assert look(gate(timing=timing), second, a=(100, 90)).next_in == next_in


@pytest.mark.parametrize(("timing", "seconds"), [({}, 0), ({"wait_delay": 60}, 60), ({"wait_delay": 9000}, 1800)])
def test_the_first_look(timing, seconds):
    """It waits for wait_delay, and never longer than wait_timeout."""
    assert gate(timing=timing).next_look_in(0) == seconds


def test_the_structure_is_the_same_for_every_verdict():
    """So that rescue can read it."""
    outcomes = [(500, 499), (100, 0, {"last_at": START - timedelta(days=1)}), (99, 99), SERVICE]
    results = []
    for found in outcomes:
        a_gate = gate(timing={"wait_timeout": 0})
        look(a_gate, 0, a=found)
        results.append(json.loads(json.dumps(a_gate.result())))
    assert [result["verdict"] for result in results] == ["pass", "fail", "inconclusive", "error"]
    assert len({tuple(sorted(result)) for result in results}) == 1
    assert len({tuple(sorted(result["tags"]["a"])) for result in results}) == 1
    for result in results:
        assert result["msg"].startswith(f"{result['verdict']}: ")
        assert (result["looks"], result["waited"], result["history_dropped"]) == (1, 0, 0)
        assert "since" not in result["policy"]


def test_history():
    """Each look is an entry, with the counters as judged, or the error."""
    a_gate = gate(before={"a": Record("a", 1000, 990, 0, 0, under_way=0)})
    look(a_gate, 0, a=(1100, 1080))
    look(a_gate, 30, a=SERVICE)
    assert a_gate.result()["history"] == [
        {"at": "2026-01-01T12:00:00Z", "tags": {"a": {"messages": 100, "deliveries": 90, "verdict": None}}},
        {"at": "2026-01-01T12:00:30Z", "error": SERVICE["msg"]},
    ]


counters = st.tuples(st.integers(0, 400), st.integers(0, 400))


@given(
    st.lists(st.tuples(st.floats(1, 600), counters | st.just(SERVICE)), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.95]),
)
def test_no_sequence_of_readings_passes_below_the_limit(steps, confidence):
    """Whatever is read: no pass by the count below the limit, nor fail above it, nor either of too few messages."""
    a_gate = gate(confidence=confidence, timing={"max_consecutive_errors": 99})
    second = 0.0
    for pause, found in steps:
        second = min(1800.0, second + pause)
        event = look(a_gate, second, a=found)
        if event.verdict is not None:
            break
    result = a_gate.result()
    judged = result["tags"]["a"]
    if judged["verdict"] in ("pass", "fail"):
        assert judged["messages"] >= 100
    if judged["verdict"] == "pass" and judged["decided_by"] == "ratio":
        assert judged["delivered_at_least"] / judged["messages"] >= 0.95
    if judged["verdict"] == "fail" and judged["decided_by"] == "ratio":
        assert judged["delivered_at_most"] / judged["messages"] < 0.95
    json.dumps(result)


@given(st.integers(100, 400), st.integers(0, 400), st.lists(st.floats(1, 1799), max_size=10, unique=True))
def test_looks_in_between_change_nothing(messages, deliveries, moments):
    """When nothing moves, the verdict does not depend on how often one looks."""
    deliveries = min(deliveries, messages)
    final = set()
    for extra in ([], sorted(moments)):
        a_gate = gate(timing={"wait_timeout": 1800})
        verdict = None
        for second in (0.0, *extra, 1800.0):
            if verdict is None:
                verdict = look(a_gate, second, a=(messages, deliveries)).verdict
        final.add(verdict)
    assert len(final) == 1
