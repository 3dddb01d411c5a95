"""The looks that a gate keeps, and the bounds of what it remembers."""

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.history import TAG_ENTRIES_LIMIT, History
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Ages
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import gate, look
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(2, 100), st.integers(1, 700))
def test_the_whole_wait_stays_covered(looks, limit, tags):
    """First and last are always there, in order, evenly spread, and never more than allowed."""
    history = History(limit, tags)
    for number in range(looks):
        history.add({"at": number})
    kept = [entry["at"] for entry in history.entries()]
    allowed = max(2, min(limit, TAG_ENTRIES_LIMIT // tags))
    assert len(kept) <= allowed
    assert history.dropped == looks - len(kept)
    assert kept == sorted(set(kept))
    if looks:
        assert (kept[0], kept[-1]) == (0, looks - 1)
    gaps = {later - earlier for earlier, later in zip(kept, kept[1:-1])}
    assert len(gaps) <= 1
    if looks <= allowed - 1:
        assert history.dropped == 0


@pytest.mark.parametrize(("limit", "tags", "most"), [(60, 1, 60), (10**6, 1, 600), (60, 20, 30), (0, 10000, 2)])
def test_as_many_looks_as_allowed(limit, tags, most):
    """They are kept at times, never more, and none is dropped before there are as many."""
    history, kept = History(limit, tags), []
    for number in range(3 * most):
        history.add({"at": number})
        kept.append(len(history.entries()))
    assert max(kept) == most
    assert kept[: most - 1] == list(range(1, most))


def test_what_is_remembered_is_bounded():
    """Also of a stream that never rests, and of thousands of looks in a grace period."""
    a_gate, sizes = gate(grace_period=90, timing={"wait_timeout": 1e9, "history_limit": 10}), []
    for number in range(300):
        look(a_gate, number, a=(10 * number, int(9.5 * number)))
        sizes.append(len(json.dumps(a_gate.state())))
    assert sizes[299] < sizes[120] + 400
    ages = Ages(100)
    for number in range(4500):
        ages.note(number, number / 100)
    assert len(ages.state()) < 505


@pytest.mark.parametrize("limit", [2, 7, 60])
def test_a_lower_limit_of_looks(limit):
    """A gate may go on with fewer looks to keep: first and last stay."""
    long, short = History(60, 1), History(limit, 1)
    for number in range(100):
        long.add({"at": number})
    short.restore(json.loads(json.dumps(long.state())))
    for number in range(100, 120):
        entries = short.entries()
        assert (len(entries) <= limit, entries[0], entries[-1]) == (True, {"at": 0}, {"at": number - 1})
        short.add({"at": number})
    assert short.looks == 120


def test_when_a_count_is_due():
    """A grace period after it was first seen, however soon after that it was seen again."""
    ages = Ages(900)
    for second, messages in ((0, 100), (1, 110), (1.5, 110)):
        ages.note(messages, second)
    assert [ages.due(second) for second in (899, 900, 901)] == [0, 100, 110]


def test_quick_readings_lose_no_count():
    """Between many quick looks, what is due is what was counted a grace period ago, or at most a hundredth more."""
    grace, every = 500, 0.5
    ages = Ages(grace)
    for number in range(2000):
        now = number * every
        ages.note(number + 1, now)
        latest = int((now - grace) // every) + 1 if now >= grace else 0
        earliest = int((now - grace - 5) // every) + 1 if now >= grace + 5 else 0
        assert earliest <= ages.due(now) <= latest
