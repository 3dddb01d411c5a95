# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's wait: every rule of judging over time, with a clock that the test holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import OLD_MAIL_NOTE
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, gate, look, looked, record

REFUSED = {"kind": "refused", "status": 401, "msg": "tag 'a': answered 401"}
BEFORE = {"a": Record("a", 1000, 900, 0, 0)}
NOTHING_UNDER_WAY = {"a": Record("a", 1000, 990, 50, 50, under_way=0)}
PATIENT = {"max_consecutive_errors": 99}


def ago(seconds, **more):
    """What a record says whose last activity was so many seconds before the start."""
    return {"last_at": START - timedelta(seconds=seconds), **more}


def copied(counts, taken, **more):
    """What a look finds in a copy that was made at a second of the gate's time."""
    return (*counts, {"fetched_at": START + timedelta(seconds=taken), "last_at": START, **more})


def waits(*counters, every=30):
    """Looks at an even pace."""
    return [(every * position, found) for position, found in enumerate(counters)]


def case(name, looks, expected, **given):
    """Looks at tag a, none of which decides before the last; a gate of these options, `before` and `timing`."""
    return pytest.param(looks, expected, given, id=name)


@pytest.mark.parametrize(
    ("looks", "expected", "given"),
    [
        case("evidence passes at once", [(0, (500, 490))], "pass"),
        case("evidence grows while mail is sent", [(0, (200, 192)), (30, (400, 386)), (60, (2000, 1960))], "pass"),
        case("a gap without messages, over three looks", waits((100, 96), (100, 96), (100, 96)), "pass"),
        case("another message restarts the gap", waits((100, 96), (101, 97), (101, 97)), None),
        case("late deliveries don't delay that sending has stopped", waits((100, 90), (100, 93), (100, 96)), "pass"),
        case("the gap is counted exactly", [(0, (100, 96)), (59, (100, 96)), (60, (100, 96))], "pass"),
        case("a gap of nothing still takes two looks", waits((100, 96), (100, 96), every=1), "pass", sending_gap=0),
        case("the grace period is counted exactly", [(0, (100, 90)), (899, (100, 90)), (900, (100, 90))], "fail"),
        case("a delivery restarts the grace period",
             [(0, (100, 90)), (600, (100, 91)), (900, (100, 91)), (1499, (100, 91)), (1500, (100, 91))], "fail"),
        case("while being sent, what is due fails on evidence",
             [(0, (1000, 0)), (899, (1000, 1)), (900, (1000, 2))], "fail", sending_gap=10000),
        case("what was counted late is not due", [(0, (100, 50)), (500, (5000, 100)), (900, (9000, 9000))], "pass"),
        case("less than min_messages due", [(0, (50, 0)), (500, (5000, 100)), (900, (9000, 7000))], None),
        case("stopped but moving: only the count of still mail fails",
             [(0, (1000, 400)), (900, (1000, 500)), (1799, (1000, 500)), (1800, (1000, 500))], "fail"),
        case("the second of two quick looks is due a grace period later",
             [(0, (0, 0)), (1, (1000, 0)), (500, (1010, 0)), (901, (1020, 0))], "fail"),
        case("a campaign that ended long ago fails at once", [(0, (100, 90, ago(901)))], "fail"),
        case("a campaign that ended long ago passes at once", [(0, (100, 96, ago(901)))], "pass"),
        case("an activity within the grace period says nothing", [(0, (100, 90, ago(900)))], None),
        case("an activity in the future says nothing", [(0, (100, 90, ago(-86400)))], None),
        case("an unknown activity says nothing", [(0, (100, 90, {"last_at": None}))], None, grace_period=0),
        case("an old activity says nothing after movement", [(0, (100, 90)), (30, (100, 91, ago(86400)))], None),
        case("with an expectation, sending stops when all are counted",
             waits((500, 480), (500, 480), (500, 480), (1000, 960)), "pass", expected_messages=1000),
        case("more than expected have stopped, too", waits((1000, 940), (1100, 1050)), "pass", expected_messages=1000),
        case("all counted, and still below", waits((500, 400), (500, 400), every=900), "fail", expected_messages=500),
        case("too few messages decide nothing", waits((99, 99), (99, 99), (99, 99), every=900), "inconclusive"),
        case("time is up: the ratio passes", waits((100, 94), (101, 97), every=1800), "pass"),
        case("time is up: the ratio never fails", waits((100, 94), (101, 94), every=1800), "inconclusive"),
        case("time is up: the guarantee alone", waits((100, 94), (101, 97), every=1800), "inconclusive",
             at_deadline="inconclusive"),
        case("time is up with fewer than expected", waits((500, 480), (500, 480), every=1800), "inconclusive",
             expected_messages=1000, grace_period=5000),
        case("opens hold a pass", waits((500, 490), (500, 490, {"opens": 60})), "pass", min_open_ratio=0.1),
        case("clicks that never come are no failure", waits((500, 490), (500, 490), every=1800), "inconclusive",
             min_click_ratio=0.1),
        # A failed look changes nothing, and at the deadline the last good reading decides.
        case("the last look fails, after a good one", [(0, (100, 96)), (1800, SERVICE)], "pass"),
        case("the last look fails, after one below", [(0, (100, 90)), (1800, SERVICE)], "inconclusive"),
        case("no look ever succeeds", [(0, SERVICE), (1800, SERVICE)], "error"),
        case("more failed looks in a row than allowed",
             waits((100, 90), SERVICE, SERVICE, (100, 91), SERVICE, SERVICE, SERVICE), "error",
             timing={"max_consecutive_errors": 2}),
        # Counters that run backward.
        case("deliveries that jump about are movement, and when they jump back",
             [(0, (100, 90)), (500, (100, 80)), (900, (100, 90)), (1799, (100, 90)), (1800, (100, 90))], "fail",
             timing={"wait_timeout": 9000}),
        case("a backward reading seen often is one movement",
             [(0, (100, 90)), (500, (100, 80)), (530, (100, 80)), (900, (100, 90)), (1800, (100, 90))], "fail",
             timing={"wait_timeout": 9000}),
        case("messages that jump about have not stopped",
             [(0, (100, 96)), (30, (50, 48)), (60, (100, 96)), (119, (100, 96)), (120, (100, 96))], "pass"),
        case("movement is counted from a correction on",
             waits((2000, 1910), (1000, 955), (1000, 955), (1000, 955), (1000, 955), (1000, 955)), "pass"),
        case("the age of mail is counted from a correction on",
             [(0, (1000, 100)), (800, (900, 50)), (810, (901, 51)), (950, (902, 52)), (1709, (903, 53)),
              (1710, (904, 54))], "fail", timing={"wait_timeout": 9000}, sending_gap=0),
        case("a failed look at the end of a fall", [(0, (1000, 960)), (1770, (1000, 700)), (1800, SERVICE)],
             "inconclusive", timing=PATIENT),
        # Once deliveries were above messages evidence no longer passes, but counts do.
        case("deliveries were ahead", waits((400, 401), (1000, 1000), (1000, 1000), (1000, 1000)), "pass"),
        case("deliveries were ahead in a bad reading", waits((400, 350), (300, 301), (1000, 1000)), None),
        case("deliveries were ahead by no more than what was under way", [(0, (2000, 2000)), (30, (5000, 4990))],
             "pass", before={"a": Record("a", 900, 890, 0, 0, under_way=10)}, min_messages=2000),
        case("deliveries were ahead by more than that", [(0, (2000, 2001)), (30, (5000, 4990))], None,
             before={"a": Record("a", 900, 890, 0, 0, under_way=10)}, min_messages=2000),
        case("all deliveries were ahead of all messages", [(0, (990, 1000)), (30, (5000, 4990))], None,
             before={"a": Record("a", 900, 890, 0, 0, under_way=10)}, min_messages=2000),
        # Only what came after since.
        case("since, and nothing was under way", [(0, (1500, 1488))], "pass", before=NOTHING_UNDER_WAY),
        case("expectations are counted after since", waits((1100, 1086), (1100, 1086), (1200, 1182)), "pass",
             before=NOTHING_UNDER_WAY, expected_messages=200),
        case("a correction to below since", waits((1500, 1300), (999, 800), (999, 800), (999, 800)), "inconclusive",
             before=BEFORE),
        # A copy shows nothing new: of a cache that keeps the service's Date, with and without its Age;
        case("date", [(second, copied((1000, 955), 0)) for second in range(0, 1771, 30)], None),
        case("age", [(second, copied((1000, 955), 0, age=second)) for second in range(0, 1771, 30)], None),
        case("below", [(second, copied((1000, 600), 0)) for second in range(0, 1771, 30)], None),
        # of a standby whose clock is behind, and of a cache that writes a Date of its own;
        case("standby", [(30 * at, copied((1000, 955), -at)) for at in range(60)], None),
        case("own date", [(second, copied((1000, 955), second, age=second + second % 60 // 30))
                          for second in range(0, 1771, 30)], None),
        # of two copies of different age, asked in turn. One that is made once more shows what there was then.
        case("two copies", [(30 * at, copied((1000, 955), at % 2 * 7)) for at in range(60)], None),
        case("another copy", [(second, copied((1000, 955), second // 60 * 60)) for second in (0, 30, 60)], "pass"),
        case("fresh", [(second, copied((1000, 955), second, age=2)) for second in (0, 30, 60)], "pass"),
        case("no copy", [(second, copied((1000, 955), second, age=0)) for second in (0, 30, 60)], "pass"),
        # The last activity is compared with when a copy was made.
        case("an old copy of a live campaign", [(0, (1000, 600, ago(1000, age=500)))], None),
        case("a young copy of one that ended", [(0, (1000, 600, ago(1000, age=99)))], "fail"),
    ],
)  # fmt: skip
def test_rules_over_time(looks, expected, given):
    """Each rule of judging, one after the other."""
    a_gate = gate(**given)
    found = [look(a_gate, second, a=counts).verdict for second, counts in looks]
    assert found == [*[None] * (len(looks) - 1), expected]


def test_the_age_of_a_count_is_from_look_to_look():
    """A look that takes long makes nothing older than it is."""
    a_gate = gate()
    for began, ended in ((0, 100), (950, 960), (1000, 1010)):
        event = a_gate.look(Look(began, ended, START, {"a": record("a", began, 100, 90)}, {}))
        assert event.verdict == ("fail" if began == 1000 else None)


def test_all_tags_pass_at_the_same_look():
    """A tag that passed and does no more holds the gate, also where its counters are withdrawn."""
    a_gate = gate("ab", confidence=0)
    assert look(a_gate, 0, a=(100, 96), b=(100, 90)).verdict is None
    assert look(a_gate, 30, a=(200, 180), b=(100, 96)).verdict is None
    event = look(a_gate, 60, a=(200, 170), b=(100, 96))
    assert (event.verdict, event.tags["a"].judgement.verdict, event.tags["b"].judgement.verdict) == (None, None, "pass")
    assert look(a_gate, 90, a=(200, 195), b=(100, 96)).verdict == "pass"


def test_one_tag_fails_all():
    """The gate fails as soon as one tag does."""
    assert look(gate("ab"), 0, a=(500, 499), b=(100, 50, ago(86400))).verdict == "fail"


def test_many_tags_need_more_evidence_to_fail():
    """One of many tags is enough to fail, so that each must be surer."""
    few, many = gate("a"), gate([f"tag-{number}" for number in range(50)])
    for second, found, expected in [(0, (100, 84), None), (900, (1000, 84), "fail")]:
        assert look(few, second, a=found).verdict == expected
        assert look(many, second, **dict.fromkeys(many.tags, found)).verdict is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"a": (500, 490), "b": (500, 490)}, "pass"),
        ({"a": (500, 490), "b": (99, 99)}, "inconclusive"),
        ({"a": (500, 490), "b": SERVICE}, "error"),
        ({"a": (99, 99), "b": SERVICE}, "error"),
        ({"a": SERVICE, "b": (100, 0, ago(86400))}, "fail"),
    ],
)
def test_the_worst_wins_when_time_is_up(found, expected):
    """Fail, error, inconclusive, pass."""
    assert look(gate("ab", timing={"wait_timeout": 0}), 0, **found).verdict == expected


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param((1000, 960), (1000, 700), id="deliveries"),
        pytest.param((2000, 1910), (1000, 100), id="both, at the ratio of a doomed campaign"),
        pytest.param((2000, 1920), (1100, 960), id="both, to a ratio above what is undelivered"),
        pytest.param((500, 480), (499, 470), id="both, by a little"),
    ],
)
def test_a_fall_that_lasts_is_a_correction(first, then):
    """It decides nothing at first, then it is the reading: nothing passes by counters that the service withdrew."""
    a_gate = gate()
    assert look(a_gate, 0, a=first).verdict is None
    for second in (30, 60):
        event = look(a_gate, second, a=then)
        assert event.verdict is None
        assert "fell from" in event.tags["a"].judgement.reasons[0]
    assert look(a_gate, 90, a=then).verdict is None
    assert a_gate.result()["stats"]["a"]["deliveries"] == then[1]
    assert any("correction" in note for note in a_gate.result()["tags"]["a"]["record"]["notes"])
    assert [look(a_gate, second, a=then).verdict for second in (989, 990)] == [None, "fail"]
    assert f"only {then[1]} of {then[0]}" in a_gate.result()["msg"]


@pytest.mark.parametrize(
    ("looks", "corrected"),
    [
        ([(30, (700, 600)), (89, (700, 600))], False),
        ([(30, (700, 600)), (90, (700, 650))], True),
        ([(120, (700, 600))], False),
        # A further fall begins the time once more.
        ([(30, (700, 600)), (60, (700, 500)), (119, (700, 500))], False),
        ([(30, (700, 600)), (60, (700, 500)), (120, (700, 500))], True),
        # What recovers in between is no fall that lasts.
        ([(30, (700, 600)), (60, (1000, 940)), (90, (700, 600)), (120, (700, 600))], False),
        # Growth below the highest reading is still a fall.
        ([(30, (700, 600)), (60, (800, 700)), (90, (900, 800))], True),
        ([(30, (1100, 600)), (60, (1200, 700)), (90, (1300, 800))], True),
        # A copy of a fall has not stayed.
        ([(30, (700, 600)), *[(second, copied((700, 600), 30)) for second in (60, 90, 300)]], False),
        ([(30, (700, 600)), (300, copied((700, 600), 30)), (301, (700, 600))], True),
    ],
)
def test_how_long_a_fall_lasts(looks, corrected):
    """For no less than the sending gap, over at least two looks."""
    stats = looked([(0, (1000, 940)), *looks]).result()["stats"]["a"]
    assert (stats["messages"], stats["deliveries"]) == (looks[-1][1][:2] if corrected else (1000, 940))


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
        ([(0, (200, 191)), (1800, (100, 95))], {"expected_messages": 200, "grace_period": 5000}, "inconclusive"),
        # It never fails.
        ([(0, (1000, 500)), (1800, (1000, 0))], {}, "inconclusive"),
    ],
)
def test_time_is_up_during_a_fall(looks, options, expected):
    """Only the least deliveries and the most messages seen since then pass it; else the reason names the fall."""
    result = looked(looks, **options).result()
    assert result["verdict"] == expected
    assert ("fell from" in result["reasons"][0]) == (expected == "inconclusive")


def test_deliveries_ahead_after_since():
    """More deliveries since then than messages and mail under way can explain are a disagreement, too."""
    a_gate = gate(before={"a": Record("a", 1000, 900, 0, 0, under_way=0)})
    assert look(a_gate, 0, a=(1400, 1310)).verdict is None
    assert "410 deliveries are counted for 400 messages" in a_gate.result()["reasons"][-1]
    assert look(a_gate, 30, a=(1500, 1395)).verdict is None
    assert "evidence no longer decides" in a_gate.result()["reasons"][-1]
    assert look(a_gate, 90, a=(1500, 1395)).verdict == "pass"


def test_a_failed_look_changes_nothing():
    """The gap and the grace run on."""
    a_gate = looked([(0, (100, 90)), (30, SERVICE), (870, SERVICE), (900, (100, 90))], timing=PATIENT)
    result = a_gate.result()
    assert (result["verdict"], result["errors"], result["last_errors"]) == ("fail", 2, {"a": SERVICE})


def test_what_the_result_has_after_too_many_failed_looks():
    """The error, beside what was read before."""
    result = looked([(0, (100, 91)), (30, SERVICE)], timing={"max_consecutive_errors": 0}).result()
    judged = result["tags"]["a"]
    assert (result["verdict"], judged["verdict"], judged["record"]["deliveries"]) == ("error", "error", 91)
    assert "answered 503" in result["msg"]


@pytest.mark.parametrize(
    ("error", "ends"),
    [(REFUSED, True), (SERVICE, False), ({"kind": "answer", "status": 200, "msg": "odd"}, False)],
)
def test_refusals_end_it_at_once(error, ends):
    """A refused token will not be accepted later; a slow service may answer the next time."""
    a_gate = looked([(0, {"a": (100, 96), "b": (500, 499)})], "ab")
    assert look(a_gate, 30, a=error, b=(500, 499)).verdict == ("error" if ends else None)


def test_a_look_fails_only_for_an_undecided_tag():
    """A tag that passed may be missing in a look, and the readings of the others count."""
    a_gate = gate("ab")
    event = look(a_gate, 0, a=(500, 499), b=SERVICE)
    assert (event.error, event.verdict, event.tags["a"].judgement.verdict) == (SERVICE["msg"], None, "pass")
    for second, verdict in ((30, None), (60, None), (90, "pass")):
        event = look(a_gate, second, a=SERVICE, b=(100, 96))
        assert (event.error, event.verdict) == (None, verdict)


def test_only_what_came_after_since():
    """The earlier mail is left out, and what was under way then may make up the deliveries."""
    result = looked([(0, (1200, 1095))], before=BEFORE).result()
    judged = result["tags"]["a"]
    assert (judged["messages"], judged["delivered_at_least"], judged["delivered_at_most"]) == (200, 95, 195)
    assert judged["record"]["carried_over"] == 100
    assert result["stats"]["a"]["messages"] == 1200


def test_lost_mail_is_not_hidden_by_what_came_before_since():
    """A refused wave fails, though most of all mail under its tag was delivered."""
    a_gate = looked([(0, (1200, 990)), (900, (1200, 990))], before=NOTHING_UNDER_WAY, expected_messages=200)
    result = a_gate.result()
    assert result["verdict"] == "fail"
    assert result["reasons"][0].startswith("a: only 0 of 200 messages are delivered (0%) where at least 95%")


@pytest.mark.parametrize("counts", [(999, 900), (1000, 899), (0, 0)])
def test_since_above_what_the_service_counts(counts):
    """It is inconclusive at once, with both figures; what was read can be the next since."""
    result = looked([(0, {"a": counts, "b": (100, 90)})], "ab", before=BEFORE).result()
    assert {result["verdict"], *(judged["verdict"] for judged in result["tags"].values())} == {"inconclusive"}
    assert result["reasons"][0].startswith("a: since is above what the service counts now: ")
    assert result["stats"]["a"]["messages"] == counts[0]
    assert min(result["tags"]["a"]["record"][name] for name in ("messages", "deliveries")) == 0


@pytest.mark.parametrize("key", ["opens", "clicks"])
@pytest.mark.parametrize("before", [NOTHING_UNDER_WAY, {}])
def test_opens_and_clicks_that_fall(key, before):
    """They are noted, and hold only what asks for them, until they are what they were."""
    more = {"opens": 600, "clicks": 600}
    high, low = (1500, 1420, more), (1500, 1488, {**more, key: 49})
    for options, expected in (({f"min_{key[:-1]}_ratio": 0.01}, None), ({}, "pass")):
        a_gate = looked([(0, high)], before=before, **options)
        event = look(a_gate, 30, a=low)
        assert event.verdict == expected
        assert f"{key} fell from 600 to 49" in a_gate.result()["tags"]["a"]["record"]["notes"]
        if expected is None:
            assert f"{key} fell from 600 to 49" in event.tags["a"].judgement.reasons[0]
            assert look(a_gate, 60, a=(1500, 1489, more)).verdict == "pass"


def test_opens_below_since():
    """There are none since then, and that is noted."""
    a_gate = looked([(0, (1500, 1488, {"opens": 49, "clicks": 60}))], before=NOTHING_UNDER_WAY)
    judged = a_gate.result()["tags"]["a"]
    assert (judged["verdict"], judged["record"]["opens"], judged["record"]["clicks"]) == ("pass", 0, 10)
    assert "opens fell from 50 to 49" in judged["record"]["notes"]


@pytest.mark.parametrize(
    ("readings", "due", "before"),
    [
        ([(0, (100, 50)), (899, (110, 50))], 0, {}),
        ([(0, (100, 50)), (900, (110, 50))], 100, {}),
        ([(0, (100, 50)), (100, (110, 50)), (999, (120, 50))], 100, {}),
        ([(0, (100, 50)), (100, (110, 50)), (200, (120, 50)), (1050, (130, 50))], 110, {}),
        # What was counted first counts, however soon after it was seen again.
        ([(0, (100, 50)), (1, (110, 50)), (1.5, (110, 50)), (901, (120, 50))], 110, {}),
        # Nothing has moved for as long: all of it is due.
        ([(0, (100, 50)), (900, (100, 50))], 100, {}),
        # What is from before is not due once more.
        ([(0, (1050, 1040))], 0, NOTHING_UNDER_WAY),
        ([(0, (1050, 1040)), (900, (1100, 1040))], 50, NOTHING_UNDER_WAY),
    ],
)
def test_messages_due(readings, due, before):
    """Those that were counted at least a grace period ago."""
    assert looked(readings, before=before).result()["tags"]["a"]["messages_due"] == due


@pytest.mark.parametrize(
    ("looks", "under_way"),
    [
        ([(0, (100, 90))], 10),
        ([(0, (100, 95)), (900, (200, 120))], 80),
        ([(0, (100, 95)), (900, (200, 190))], 10),
        ([(0, (100, 50)), (900, (110, 51))], 10),
        ([(0, (100, 90)), (900, (100, 90))], 0),
        ([(0, (100, 90, ago(86400)))], 0),
        ([(0, (100, 110))], 0),
    ],
)
def test_under_way(looks, under_way):
    """At most so many may still be delivered, by what the gate's own readings show."""
    assert looked(looks, min_messages=1000).result()["stats"]["a"]["under_way"] == under_way


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
    assert look(gate(baseline_tag="control"), 0, a=(1000, 990), control=(99, 99)).verdict == "inconclusive"


def test_a_baseline_that_is_judged_too():
    """Named among the tags, it is read at every look, and its stats are those of its last reading."""
    looks = [(0, {"a": (1000, 960), "control": (1000, 990)}), (30, {"a": (1000, 960), "control": (1100, 1080)})]
    a_gate = looked(looks, ["a", "control"], baseline_tag="control")
    assert a_gate.wanted == ["a", "control"]
    stats = a_gate.result()["stats"]
    assert list(stats) == ["a", "control"]
    assert (stats["control"]["messages"], stats["control"]["under_way"]) == (1100, 20)


@pytest.mark.parametrize(
    ("before", "first_at", "old"), [({}, 86401, ["a"]), ({}, 86400, []), (BEFORE, 86401, []), (None, None, [])]
)
def test_old_mail_gets_a_note(before, first_at, old):
    """A tag first used more than a day before the gate began can hide a new wave, unless since tells it apart."""
    first = {} if first_at is None else {"first_at": START - timedelta(seconds=first_at)}
    a_gate = looked([(0, SERVICE), (1, (1000, 900, {**first, "fetched_at": START}))], before=before)
    assert a_gate.old_tags == old
    assert (OLD_MAIL_NOTE in a_gate.result()["tags"]["a"]["record"]["notes"]) == bool(old)


@pytest.mark.parametrize(
    ("timing", "second", "pause", "next_in"),
    [
        ({}, 0, None, 30),
        ({"wait_sleep": 7}, 0, None, 7),
        ({"wait_timeout": 20}, 5, None, 15),
        # No look begins after the deadline, one takes place at it, and no sleep is negative.
        ({}, 1790, None, 10),
        ({}, 1799.5, None, 0.5),
        ({}, 1900, None, 0),
        # The service asks for a pause.
        ({}, 0, 20, 30),
        ({}, 0, 31, 31),
        ({}, 0, 3600, 1800),
        ({"wait_sleep": 1}, 1000, 3600, 800),
    ],
)
def test_when_the_next_look_is(timing, second, pause, next_in):
    """After wait_sleep, or as long as the service asks for; never past the deadline."""
    a_gate = gate(timing=timing)
    event = a_gate.look(Look(second, second, START, {}, {"a": SERVICE}, retry_after=pause))
    assert (event.next_in, a_gate.next_look_in(second)) == (next_in, next_in)


@pytest.mark.parametrize(("timing", "seconds"), [({}, 0), ({"wait_delay": 60}, 60), ({"wait_delay": 9000}, 1800)])
def test_the_first_look(timing, seconds):
    """It waits for wait_delay, and never longer than wait_timeout."""
    assert gate(timing=timing).next_look_in(0) == seconds


def test_history():
    """Each look is an entry, with the counters as judged, or the error."""
    a_gate = looked([(0, (1100, 1080)), (30, SERVICE)], before=NOTHING_UNDER_WAY)
    assert a_gate.result()["history"] == [
        {"at": "2026-01-01T12:00:00Z", "tags": {"a": {"messages": 100, "deliveries": 90, "verdict": None}}},
        {"at": "2026-01-01T12:00:30Z", "error": SERVICE["msg"]},
    ]
