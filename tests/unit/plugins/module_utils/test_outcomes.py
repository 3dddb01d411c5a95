"""Outcomes: what became of each message, whatever the order of its events and however often they are repeated."""

import json
import tracemalloc
from datetime import datetime, timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _outcomes
from ansible_collections.mailops.smtpeter.plugins.module_utils._privacy import DescriptionMask
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import unknown_tag
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import START, attempt, delivery, event, failure
from hypothesis import given, settings
from hypothesis import strategies as st

MASK = DescriptionMask("a-good-token")
NOW = START + timedelta(hours=1)


def outcome(*events, since=None, top=10, now=NOW):
    """The outcome of these events, as results show it."""
    collector = _outcomes.OutcomeCollector("wave-1", MASK)
    collector.add(events)
    return collector.outcome(since, now, top, 0.25).as_dict()


def counts(found):
    """Messages, deliveries, failed, returned, under way."""
    return tuple(found[key] for key in ("messages", "deliveries", "failed", "returned", "under_way"))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # Of a delivery and a failure the later one counts; in the same second, the failure.
        ([attempt(0), delivery(5), failure(5)], (1, 0, 1, 1, 0)),
        ([attempt(0), delivery(4), failure(5), delivery(6)], (1, 1, 0, 0, 0)),
        # One id with two recipients is two messages, and so are two ids with one recipient.
        ([attempt(0), attempt(0, recipient="jim@example.com"), delivery(3)], (2, 1, 0, 0, 1)),
        ([attempt(0, 1, recipient="x"), attempt(0, 2, recipient="x"), failure(3, 2, recipient="x")], (2, 0, 1, 0, 1)),
        # What is put together reads the same.
        ([attempt(0, id="1", recipient="1a@x.nl"), attempt(0, id="11", recipient="a@x.nl")], (2, 0, 0, 0, 2)),
        ([attempt(0, id="x" * 500, recipient="a@x.nl"), attempt(0, id="x" * 501, recipient="a@x.nl")], (2, 0, 0, 0, 2)),
    ],
)  # fmt: skip
def test_what_becomes_of_messages(events, expected):
    """In the order of time, and against it."""
    for ordered in (events, events[::-1]):
        found = outcome(*ordered)
        assert counts(found) == expected
        assert found["delivery_ratio"] == expected[1] / expected[0]


MESSAGES = st.integers(1, 5)
SECONDS = st.integers(0, 6)
WORDS = st.sampled_from(["no such user", "full", "<jane.doe-1@example.com> is full", ""])
SAID = {"code": st.sampled_from([550, 552, None]), "state": st.sampled_from(["rcpt", "bounce"]), "description": WORDS}
EVENTS = st.lists(
    st.builds(attempt, SECONDS, MESSAGES)
    | st.builds(delivery, SECONDS, MESSAGES)
    | st.builds(failure, SECONDS, MESSAGES, **SAID)
    | st.builds(event, st.sampled_from(["open", "bounce"]), SECONDS, MESSAGES),
    max_size=30,
)


def expected_counts(events, since):
    """What the design says becomes of the messages, counted one by one."""
    messages = {}
    for each in events:
        data = each["data"]
        kinds = messages.setdefault((data["id"], data["recipient"]), {})
        # Of two failures in one second the larger one counts.
        kinds.setdefault(each["type"], []).append((data["time"], data.get("code") or 0, data.get("state")))
    never = [("", 0, "")]
    deliveries = failed = returned = total = 0
    for kinds in messages.values():
        if min(kinds.get("attempt", never))[0] < attempt(since)["data"]["time"]:
            continue
        total += 1
        accepted = max(kinds.get("delivery", never))[0]
        lost, _code, state = max(kinds.get("failure", never))
        deliveries += accepted > lost
        if lost and lost >= accepted:
            failed += 1
            returned += bool(accepted) or state == "bounce"
    return total, deliveries, failed, returned, total - deliveries - failed


@settings(max_examples=50)
@given(EVENTS, st.randoms(use_true_random=False), st.sampled_from([None, 0, 2, 5]))
def test_any_shuffle_with_any_repeats(events, chance, since):
    """The whole outcome is the same, and its counts are those of the design."""
    moment = None if since is None else START + timedelta(seconds=since)
    first = outcome(*events, since=moment)
    again = events * 2 + [chance.choice(events) for _repeat in range(5 if events else 0)]
    chance.shuffle(again)
    assert outcome(*again, since=moment) == first
    assert counts(first) == expected_counts(events, -1 if since is None else since)
    for key in ("messages", "deliveries", "failed"):
        assert sum(entry[key] for entry in first["domains"]) == first[key]
        assert sum(entry[key] for entry in first["timeline"]) == first[key]
    assert sum(entry["messages"] for entry in first["failures"]) == first["failed"]
    assert json.loads(json.dumps(first)) == first


def test_what_is_odd_is_noted():
    """An event of another period counts nowhere; a delivery after a failure contradicts the vendor, and counts."""
    found = outcome(attempt(0), failure(1), delivery(2), delivery(1, 2), failure(2, 2), failure(2, 3))
    assert (counts(found), found["failures"]) == ((1, 1, 0, 0, 0), [])
    assert found["notes"][1:] == [
        "left out, since they were taken in before the events that came: 2 messages",
        "delivered after they had failed for good, and counted as delivered: 1 message",
    ]


@pytest.mark.parametrize(
    ("events", "since", "known", "notes"),
    [
        ([], None, False, [unknown_tag("wave-1"), _outcomes.LAST_MONTH]),
        ([event("open", 0)], None, True, [_outcomes.LAST_MONTH]),
        ([attempt(0)], None, True, [_outcomes.LAST_MONTH]),
        ([], START, True, [_outcomes.NO_MAIL_SINCE]),
        ([attempt(-1)], START, True, [_outcomes.NO_MAIL_SINCE]),
    ],
)
def test_what_is_known(events, since, known, notes):
    """Without mail, a tag is unknown; with since nobody can tell, and a note says so."""
    found = outcome(*events, since=since)
    assert (found["known"], found["notes"]) == (known, notes)
    if not found["messages"]:
        nothing = dict.fromkeys(("delivery_ratio", "oldest_under_way", "last_taken_at", "last_moved_at"))
        assert {**found, **nothing, "failures": [], "domains": [], "timeline": []} == found


def test_moments():
    """What was taken in before since is nowhere; the oldest under way is as old as when it is read, and 0 s or more."""
    events = [attempt(9), failure(99), attempt(60, 4), attempt(30, 2), attempt(10, 3), delivery(90, 3)]
    found = outcome(*events, since=START + timedelta(seconds=10))
    assert (counts(found), found["failures"], found["notes"]) == ((3, 1, 0, 0, 2), [], [])
    assert found["oldest_under_way"] == 3600 - 30
    moments = [found[key] for key in ("since", "last_taken_at", "last_moved_at", "fetched_at")]
    assert moments == [f"2026-01-31T{time}Z" for time in ("12:00:10", "12:01:00", "12:01:30", "13:00:00")]
    assert found["read_seconds"] == 0.25
    early = outcome(attempt(60), now=START)
    assert (early["oldest_under_way"], early["notes"][1:]) == (0, ["the last event is in the future"])
    assert outcome(attempt(60), delivery(61))["oldest_under_way"] is None


def test_causes_are_grouped_and_ranked():
    """The most frequent first; with the three domains that have the most of it; no more than asked for."""
    events = []
    for number, letter in enumerate("abbbccddE"):
        recipient = f"user{number}@{letter}.example"
        words = f"5.7.1 <{recipient}>: see case 12345678{number:03d}"
        said = failure(1, number, recipient=recipient, status="5.7.1", description=words, state="data")
        events += [attempt(0, number, recipient=recipient), said]
    for number in (100, 101):
        events += [attempt(0, number), failure(1, number, code="552", status="", state=None, description=None)]
    # Of several failures the last one is the cause, and of two in one second always the same.
    said = ((1, "first"), (5, "no such user"), (5, "full"), (3, "later"))
    events += [attempt(0, 200), *(failure(at, 200, description=words) for at, words in said)]
    expected = [
        (550, "5.7.1", "data", "5.7.1 <********>: see case ********", 9, ["b.example", "c.example", "d.example"]),
        (552, None, None, None, 2, ["example.com"]),
        (550, "5.1.1", "rcpt", "no such user", 1, ["example.com"]),
    ]
    for ordered, top in ((events, 10), (events[::-1], 10), (events, 2)):
        assert [tuple(found.values()) for found in outcome(*ordered, top=top)["failures"]] == expected[:top]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("code", "421", 421), *(("code", odd, None) for odd in ("", True, 199, 600, "٥٥٠", ["550"], 5.5)),
        ("status", "4.7.650", "4.7.650"), *(("status", odd, None) for odd in ("5.1", 5.1, "jane", "3.1.1")),
        ("state", "end of data", "end of data"), *(("state", odd, None) for odd in ("\x1b[2J", "x" * 31, 7, "jane")),
        ("description", "\x1b[2Jfull\x07", "[2Jfull"), ("description", 7, None), ("description", "", None),
    ],
)  # fmt: skip
def test_what_a_receiver_said_is_checked(key, value, expected):
    """What is not in the usual form is null, and no string of the service gets through unchecked."""
    (found,) = outcome(attempt(0, recipient="jane@x.nl"), failure(1, recipient="jane@x.nl", **{key: value}))["failures"]
    assert found[key] == expected
    assert type(found[key]) is type(expected)


def test_domains_are_ranked_and_the_rest_is_added_up():
    """The largest first, in lower case; what has no domain in the usual form belongs to the rest."""
    named = ["x@b.example", "y@B.Example.", '<"j@ne"@bücher.example>', "<q@[192.0.2.1]>"]
    odd = ["nobody", "x@jane doe", "x@jane%40b.example", "x@\x1b[2J", "x@" + "a" * 300, "x@-"]
    events = [attempt(0, number, recipient=each) for number, each in enumerate(named + odd)]
    events += [delivery(1, 0, recipient="x@b.example"), failure(1, 4, recipient="nobody")]
    others = [("[192.0.2.1]", 1, 0, 0, 1), ("bücher.example", 1, 0, 0, 1), (None, 6, 0, 1, 5)]
    for top, rest in ((10, others), (1, [(None, 8, 0, 1, 7)])):
        found = outcome(*events, top=top)
        assert [tuple(entry.values()) for entry in found["domains"]] == [("b.example", 2, 1, 0, 1), *rest]
        assert found["failures"][0]["domains"] == []
    assert [entry["domain"] for entry in outcome(attempt(0), top=1)["domains"]] == ["example.com"]


@pytest.mark.parametrize(
    ("last", "seconds", "spans"), [(0, 1, 1), (119, 1, 120), (120, 2, 61), (239, 2, 120), (86400 * 30, 21601, 120)]
)
def test_the_timeline(last, seconds, spans):
    """Equal spans from the first message to the last, at most 120, each message in the one when it was taken in."""
    events = [attempt(last, 2), failure(last + 9, 2), attempt(0), delivery(last + 5)]
    timeline = outcome(*events, now=NOW + timedelta(days=40))["timeline"]
    assert len(timeline) == spans
    assert {entry["seconds"] for entry in timeline} == {seconds}
    ats = [datetime.strptime(entry["at"], "%Y-%m-%dT%H:%M:%S%z") for entry in timeline]
    assert ats == [START + timedelta(seconds=seconds * number) for number in range(spans)]
    assert ats[-1] <= START + timedelta(seconds=last) < ats[-1] + timedelta(seconds=seconds)
    filled = [(entry["messages"], entry["deliveries"], entry["failed"]) for entry in timeline if entry["messages"]]
    assert filled == ([(2, 1, 1)] if last == 0 else [(1, 1, 0), (1, 0, 1)])


@pytest.mark.slow
def test_memory():
    """Each of many messages, one of ten of which is refused in words of its own, takes a bounded number of bytes."""
    collector = _outcomes.OutcomeCollector("wave-1", MASK)
    for number in range(8500):
        if number == 500:
            tracemalloc.start()
        recipient = f"reader-{number}@mail-{number % 300}.example"
        words = f"550-5.1.1 <{recipient}>: no such user here. See https://help.example/ {number:x}q12si{number}wrx"
        given = {"recipient": recipient, "id": f"{number:08x}-7f3a9c52-{number:08x}"}
        end = failure(number + 3, description=words, **given) if number % 10 == 0 else delivery(number + 3, **given)
        collector.add([attempt(number, **given), end])
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert collector.outcome(None, NOW, 10, 0.25).as_dict()["failed"] == 850
    assert held / 8000 < 300
