"""The gate's wait: every rule of judging over time, with a clock that the test holds."""

from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate import tracker
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Movement
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.saved import DAMAGED
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import OLD_MAIL_NOTE
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, gate, look, looked

BEFORE = {"a": Record("a", 1000, 900, 0, 0)}
NOTHING_UNDER_WAY = {"a": Record("a", 1000, 990, 50, 50, under_way=0)}
GONE = (500, 0, {"last_at": START - timedelta(days=1)})
GOOD, FEW = (500, 490), (99, 99)


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
        case("late deliveries don't delay that sending has stopped", waits((100, 90), (100, 93), (100, 96)), "pass"),
        case("the gap is counted exactly", [(0, (100, 96)), (59, (100, 96)), (60, (100, 96))], "pass"),
        case("a gap of nothing still takes two looks", waits((100, 96), (100, 96), every=1), "pass", sending_gap=0),
        case("the grace period is counted exactly", [(0, (100, 0)), (899, (100, 0)), (900, (100, 0))], "fail"),
        case("while being sent, what is due fails on evidence",
             [(0, (1000, 0)), (899, (1000, 1)), (900, (1000, 2))], "fail", sending_gap=10000),
        case("a count is due a grace period after it was first seen",
             [(0, (1000, 0)), (1, (1100, 0)), (1.5, (1100, 0)), (900, (2000, 1)), (901, (2000, 2))], "fail",
             min_messages=1100, sending_gap=10000),
        case("a tag alone needs less evidence to fail", [(0, (100, 84)), (900, (1000, 84))], "fail"),
        case("than one of many, each of which is enough", [(0, (100, 84)), (900, (1000, 84))], None,
             tags=["a", *map(str, range(49))]),
        case("a campaign that ended long ago fails at once", [(0, (100, 90, ago(901)))], "fail"),
        case("an activity within the grace period says nothing", [(0, (100, 90, ago(900)))], None),
        case("an unknown activity says nothing", [(0, (100, 90, {"last_at": None}))], None, grace_period=0),
        case("with an expectation, sending stops when all are counted",
             waits((500, 480), (500, 480), (500, 480), (1000, 960)), "pass", expected_messages=1000),
        case("time is up: the ratio passes", waits((100, 94), (101, 97), every=1800), "pass"),
        case("or not", waits((100, 94), (101, 97), every=1800), "inconclusive", at_deadline="inconclusive"),
        # A failed look changes nothing, and at the deadline the last good reading decides.
        case("more failed looks in a row than allowed",
             waits((100, 90), SERVICE, SERVICE, (100, 91), SERVICE, SERVICE, SERVICE), "error",
             timing={"max_consecutive_errors": 2}),
        # Counters that run backward.
        case("deliveries that jump about are movement, and when they jump back",
             [(0, (100, 90)), (500, (100, 80)), (900, (100, 90)), (1799, (100, 90)), (1800, (100, 90))], "fail",
             timing={"wait_timeout": 9000}),
        case("the age of mail is counted from a correction on",
             [(0, (1000, 100)), (800, (900, 50)), (810, (901, 51)), (950, (902, 52)), (1709, (903, 53)),
              (1710, (904, 54))], "fail", timing={"wait_timeout": 9000}, sending_gap=0),
        case("when time is up, the most messages and the least deliveries since a fall began decide",
             [(0, (1000, 960)), (1770, (900, 870)), (1800, (990, 955))], "inconclusive"),
        case("even if they are of one reading", [(0, (1000, 960)), (1770, (990, 955)), (1800, (990, 955))], "pass"),
        case("a further fall begins its time once more",
             [(0, (1000, 900)), (30, (700, 690)), (60, (700, 680)), (119, (700, 680))], "inconclusive",
             timing={"wait_timeout": 119}),
        case("a copy of a fall has not stayed", [(0, (1000, 900)), (30, (700, 690)), (91, copied((700, 690), 30))],
             "inconclusive", timing={"wait_timeout": 91}),
        # Once deliveries were above messages evidence no longer passes, but counts do.
        case("deliveries were ahead", waits((400, 401), (1000, 1000), (1000, 1000), (1000, 1000)), "pass"),
        case("deliveries were ahead in a bad reading", waits((400, 350), (300, 301), (1000, 1000)), None),
        case("deliveries were ahead by no more than what was under way", [(0, (2000, 2000)), (30, (5000, 4990))],
             "pass", before={"a": Record("a", 900, 890, 0, 0, under_way=10)}, min_messages=2000),
        case("deliveries were ahead since then", waits((1400, 1400), (1500, 1485), (1500, 1485), (1500, 1485)), "pass",
             before=NOTHING_UNDER_WAY),
        # Only what came after since.
        case("since, and nothing was under way", [(0, (1500, 1488))], "pass", before=NOTHING_UNDER_WAY),
        case("a correction to below since", waits((1500, 1300), (999, 800), (999, 800), (999, 800)), "inconclusive",
             before=BEFORE),
        # A copy shows nothing new: of a cache that keeps the service's Date, with and without its Age;
        case("date", [(second, copied((1000, 955), 0)) for second in range(0, 1771, 30)], None),
        case("age", [(second, copied((1000, 955), 0, age=second)) for second in range(0, 1771, 30)], None),
        # of a standby whose clock is behind, and of a cache that writes a Date of its own;
        case("standby", [(30 * at, copied((1000, 955), -at)) for at in range(60)], None),
        case("own date", [(second, copied((1000, 955), second, age=second + second % 60 // 30))
                          for second in range(0, 1771, 30)], None),
        # of two copies of different age, asked in turn.
        case("two copies", [(30 * at, copied((1000, 955), at % 2 * 7)) for at in range(60)], None),
        case("fresh", [(second, copied((1000, 955), second, age=2)) for second in (0, 30, 60)], "pass"),
        case("other counters", [(0, copied((1000, 600), 0)), (30, copied((5000, 4990), 0))], "pass"),
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


def test_a_fall_that_lasts_is_a_correction():
    """It decides nothing at first, then it is the reading: nothing passes by counters that the service withdrew."""
    a_gate = looked([(0, (2000, 1910))])
    for second in (30, 60, 89):
        event = look(a_gate, second, a=(1000, 100))
        assert event.verdict is None
        assert "fell from" in event.tags["a"].judgement.reasons[0]
    assert look(a_gate, 90, a=(1000, 100)).verdict is None
    assert a_gate.result()["stats"]["a"]["deliveries"] == 100
    assert any("correction" in note for note in a_gate.result()["tags"]["a"]["record"]["notes"])
    assert [look(a_gate, second, a=(1000, 100)).verdict for second in (989, 990)] == [None, "fail"]
    assert "only 100 of 1000" in a_gate.result()["msg"]
    # Nor is a guarantee weakened by a fall when time is up.
    reason = looked([(0, (1000, 960)), (1800, (999, 959))], at_deadline="inconclusive").result()["reasons"][0]
    assert "fell from 1000 to 999, deliveries fell from 960 to 959 shortly before time was up" in reason


def test_failed_looks():
    """The gap and the grace run on; after too many the result has the error, beside what was read before."""
    looks = [(0, (100, 90)), (30, SERVICE), (870, SERVICE), (900, (100, 90))]
    result = looked(looks, timing={"max_consecutive_errors": 2}).result()
    assert (result["verdict"], result["errors"], result["last_errors"]) == ("fail", 2, {"a": SERVICE})
    result = looked(looks[:2], timing={"max_consecutive_errors": 0}).result()
    judged = result["tags"]["a"]
    assert (result["verdict"], judged["verdict"], judged["record"]["deliveries"]) == ("error", "error", 90)
    assert "answered 503" in result["msg"]
    # A tag that passed may be missing in a look, and the readings of the others count.
    a_gate = looked([(0, {"a": (500, 499), "b": SERVICE}), (30, {"a": SERVICE, "b": (100, 96)})], "ab")
    assert look(a_gate, 90, a=SERVICE, b=(100, 96)).verdict == "pass"
    assert a_gate.result()["errors"] == 1


def test_the_last_corrections_are_noted():
    """What an event source keeps of them does not grow for as long as it runs."""
    notes = (OLD_MAIL_NOTE,)
    for number in range(7):
        notes = tracker._with_correction(notes, f"correction {number}")
    assert notes == (OLD_MAIL_NOTE, *(f"correction {number}" for number in range(2, 7)))


def test_movement_starts_over():
    """After a correction, messages and deliveries count as just moved."""
    movement = Movement()
    for at in (0, 100):
        movement.note(Record("a", 9, 9), at, at)
    assert (movement.messages_unmoved(100, 100), movement.unmoved(100, 100)) == (True, True)
    movement.start_over(100)
    movement.note(Record("a", 9, 9), 200, 200)
    assert (movement.messages_unmoved(199, 100), movement.unmoved(199, 100)) == (False, False)


def test_since_above_what_the_service_counts():
    """It is inconclusive at once, with both figures; what was read can be the next since."""
    result = looked([(0, {"a": (1000, 899), "b": (100, 90)})], "ab", before=BEFORE).result()
    assert {result["verdict"], *(judged["verdict"] for judged in result["tags"].values())} == {"inconclusive"}
    assert result["reasons"][0].startswith("a: since is above what the service counts now: ")
    assert (result["stats"]["a"]["deliveries"], result["tags"]["a"]["record"]["deliveries"]) == (899, 0)


@pytest.mark.parametrize("key", ["opens", "clicks"])
@pytest.mark.parametrize(("before", "left"), [(NOTHING_UNDER_WAY, 0), ({}, 49)])
def test_opens_and_clicks_that_fall(key, before, left):
    """They are noted, also below since, and hold only what asks for them, until they are what they were."""
    more = {"opens": 600, "clicks": 600}
    high, low = (1500, 1420, more), (1500, 1488, {**more, key: 49})
    for options, expected in (({f"min_{key[:-1]}_ratio": 0.01}, None), ({}, "pass")):
        a_gate = looked([(0, high)], before=before, **options)
        event = look(a_gate, 30, a=low)
        assert event.verdict == expected
        shown = a_gate.result()["tags"]["a"]["record"]
        assert (shown[key], f"{key} fell from 600 to 49" in shown["notes"]) == (left, True)
        if expected is None:
            assert f"{key} fell from 600 to 49" in event.tags["a"].judgement.reasons[0]
            assert look(a_gate, 60, a=(1500, 1489, more)).verdict == "pass"


def test_a_baseline_is_held_from_its_first_reading():
    """It is read until there is one that does not contradict itself; without any, no tag is judged."""
    a_gate = gate(baseline_tag="control")
    event = look(a_gate, 0, a=(1000, 990), control=SERVICE)
    assert (event.error, event.verdict, event.tags) == (SERVICE["msg"], None, {})
    assert a_gate.result()["tags"]["a"]["record"]["messages"] == 1000
    for deliveries, wanted in ((1001, ["a", "control"]), (990, ["a"])):
        assert look(a_gate, 30, a=(1000, 960), control=(1000, deliveries)).verdict is None
        assert a_gate.wanted == wanted
    assert a_gate.result()["stats"]["control"]["deliveries"] == 990


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
        ({}, 0, None, 30), ({"wait_sleep": 7}, 0, None, 7), ({"wait_timeout": 20}, 5, None, 15),
        # No look begins after the deadline, one takes place at it, and no sleep is negative.
        ({}, 1790, None, 10), ({}, 1799.5, None, 0.5), ({}, 1900, None, 0),
        # The service asks for a pause.
        ({}, 0, 20, 30), ({}, 0, 31, 31), ({}, 0, 3600, 1800), ({"wait_sleep": 1}, 1000, 3600, 800),
    ],
)  # fmt: skip
def test_when_the_next_look_is(timing, second, pause, next_in):
    """After wait_sleep, or as long as the service asks for; never past the deadline."""
    a_gate = gate(timing=timing)
    event = a_gate.look(Look(second, second, START, {}, {"a": SERVICE}, retry_after=pause))
    assert (event.next_in, a_gate.next_look_in(second)) == (next_in, next_in)


def test_history():
    """Each look is an entry, with the counters as judged, or the error; looks are counted from one."""
    a_gate = gate(before=NOTHING_UNDER_WAY)
    assert look(a_gate, 0, a=(1100, 1080)).look == 1
    event = look(a_gate, 30.12345, a=SERVICE)
    assert (event.look, event.elapsed, event.at) == (2, 30.12345, START + timedelta(seconds=30.12345))
    result = a_gate.result()
    assert (result["looks"], result["waited"], result["history_dropped"]) == (2, 30.123, 0)
    assert result["history"] == [
        {"at": "2026-01-01T12:00:00Z", "tags": {"a": {"messages": 100, "deliveries": 90, "verdict": None}}},
        {"at": "2026-01-01T12:00:30Z", "error": SERVICE["msg"]},
    ]


@pytest.mark.parametrize(
    ("found", "verdict", "worst_first", "more"),
    [
        ([GONE, GOOD, GOOD], "fail", "abc", ""), ([GOOD, GONE, GONE], "fail", "bca", " (and 1 more tag)"),
        ([FEW, SERVICE, GONE], "fail", "cba", ""), ([GOOD, FEW, SERVICE], "error", "cba", ""),
        ([GOOD, FEW, GOOD], "inconclusive", "bac", ""), ([GOOD, GOOD, GOOD], "pass", "abc", " (and 2 more tags)"),
    ],
)  # fmt: skip
def test_the_worst_wins_when_time_is_up(found, verdict, worst_first, more):
    """Reasons begin with the worst, among equals as the tags were given; the message says how many more there are."""
    result = looked([(0, dict(zip("abc", found)))], "abc", timing={"wait_timeout": 0}).result()
    reasons = [result["tags"][tag]["reasons"][0] for tag in worst_first]
    assert result["reasons"] == reasons
    assert (result["verdict"], result["msg"]) == (verdict, f"{verdict}: {reasons[0]}{more}")


def test_before_the_first_look():
    """It comes after wait_delay, or at wait_timeout; there is a result, too: an error, since nothing was read."""
    assert [gate(timing={"wait_delay": delay}).next_look_in(0) for delay in (0, 60, 9000)] == [0, 60, 1800]
    result = gate("ab").result()
    assert (result["verdict"], result["waited"], result["looks"], result["errors"]) == ("error", 0, 0, 0)
    for tag, judged in result["tags"].items():
        assert (judged["reasons"], judged["required_delivery_ratio"]) == ([f"{tag}: it was never read"], 0.95)
        figures = ("delivered_at_least", "delivered_at_most", "messages", "messages_due")
        assert [judged[figure] for figure in figures] == [0, 0, 0, 0]


def test_time_without_a_watch():
    """It counts for the time-out, and for no stillness: nobody saw that nothing moved."""
    timing = {"wait_timeout": 5000}
    restarted = gate(timing=timing)
    restarted.restore(looked([(0, (1000, 500))], timing=timing).state(), unseen=3600)
    assert restarted.next_look_in(3600) == 0
    event = look(restarted, 30, a=(1000, 500, {"last_at": None}))
    assert (event.verdict, event.elapsed) == (None, 3630)
    event = look(restarted, 1400, a=(1000, 500, {"last_at": None}))
    assert event.verdict == "fail"
    assert restarted.result()["waited"] == 5000


@pytest.mark.parametrize("trackers", [{}, {"a": None}, {"a": {"movement": 1}}, [], None])
def test_no_state(trackers):
    """What is none is told by one family of errors."""
    with pytest.raises(DAMAGED):
        gate().restore({"trackers": trackers})
