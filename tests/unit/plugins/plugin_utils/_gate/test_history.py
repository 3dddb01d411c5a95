"""The looks that a gate keeps, and the bounds of what it remembers."""

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.history import History
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.movement import Ages
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import gate, look
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=50)
@given(st.integers(0, 2000), st.sampled_from([0, 2, 3, 59, 60, 10**6]), st.sampled_from([1, 20, 200, 10000]))
def test_the_whole_wait_stays_covered(looks, limit, tags):
    """First and last are always there, in order, evenly spread, and as many as allowed before one is dropped."""
    history, counts = History(limit, tags), [0]
    for number in range(looks):
        history.add({"at": number})
        counts.append(len(history.entries()))
    kept = [entry["at"] for entry in history.entries()]
    allowed = max(2, min(limit, 600 // tags))
    assert counts[:allowed] == list(range(allowed))[: looks + 1]
    assert max(counts) <= allowed
    assert max(counts) == allowed or looks < 3 * allowed
    assert history.dropped == looks - len(kept)
    assert kept == sorted(set(kept))
    assert kept[:1] + kept[-1:] == [0, looks - 1] * bool(looks)
    assert len({later - earlier for earlier, later in zip(kept, kept[1:-1])}) <= 1


@pytest.mark.parametrize(
    ("count", "options"),
    [(lambda second: 10 * second, {}),
     (lambda second: 1000 - 100 * (second // 10 % 2), {"sending_gap": 5, "min_messages": 10**9})],
)  # fmt: skip
def test_what_is_remembered_is_bounded(count, options):
    """Also of a stream that never rests, and of counters that the service corrects again and again."""
    timing = {"wait_timeout": 1e9, "history_limit": 10}
    a_gate, sizes = gate(grace_period=90, timing=timing, **options), []
    for number in range(300):
        look(a_gate, number, a=(count(number), int(0.95 * count(number))))
        sizes.append(len(json.dumps(a_gate.state())))
    assert sizes[299] < sizes[120] + 400


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


def test_quick_readings_lose_no_count():
    """Of many quick looks few are remembered, and what is due was counted a grace period ago, or a hundredth more."""
    grace, every = 500, 0.375
    ages = Ages(grace)
    for number in range(2000):
        now = number * every
        ages.note(number + 1, now)
        latest = int((now - grace) // every) + 1 if now >= grace else 0
        earliest = int((now - grace - 5) // every) + 1 if now >= grace + 5 else 0
        assert earliest <= ages.due(now) <= latest
        assert len(ages.state()) < 700
