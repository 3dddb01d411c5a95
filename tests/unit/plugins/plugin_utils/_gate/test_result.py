# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a gate tells of each look and returns at the end."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import state_of_record
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, gate, look, looked, record

AT_ONCE = {"wait_timeout": 0}
GONE = (500, 0, {"last_at": START - timedelta(days=1)})
GOOD, FEW = (500, 490), (99, 99)


def test_defaults():
    """They are those that the documentation gives."""
    assert Timing() == Timing(
        wait_timeout=1800, wait_sleep=30, wait_delay=0, max_consecutive_errors=4, history_limit=60
    )


def test_nothing_told_can_be_changed():
    """Reading an event, as a report does, does not change it."""
    a_gate = gate()
    event = look(a_gate, 0, a=GOOD)
    for told, name in (
        (event, "verdict"),
        (event.tags["a"], "messages"),
        (event.tags["a"].judgement, "verdict"),
        (a_gate.policy, "confidence"),
        (a_gate.timing, "wait_sleep"),
        (Look(0, 0, START, {}, {}), "at"),
        (state_of_record(record("a", 0, *GOOD), a_gate.policy, 1), "settled"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(told, name, None)


def test_looks_are_counted_from_one():
    """A look that fails is one, too."""
    a_gate = gate()
    events = [look(a_gate, second, a=found) for second, found in ((0, (100, 90)), (30, SERVICE), (60, (100, 90)))]
    assert [(event.look, event.elapsed) for event in events] == [(1, 0), (2, 30), (3, 60)]
    assert [event.at - START for event in events] == [timedelta(seconds=second) for second in (0, 30, 60)]
    assert a_gate.result()["looks"] == 3


def test_the_structure_is_the_same_for_every_verdict():
    """So that rescue can read it; seconds waited are rounded to the millisecond."""
    results = [looked([(12.34567, found)], timing=AT_ONCE).result() for found in (GOOD, GONE, FEW, SERVICE)]
    assert [result["verdict"] for result in results] == ["pass", "fail", "inconclusive", "error"]
    assert len({tuple(sorted(result)) for result in results}) == 1
    assert len({tuple(sorted(result["tags"]["a"])) for result in results}) == 1
    for result in results:
        assert json.loads(json.dumps(result)) == result
        assert (result["looks"], result["waited"], result["history_dropped"]) == (1, 12.346, 0)
        assert "since" not in result["policy"]


@pytest.mark.parametrize(
    ("found", "more"),
    [
        ({"a": GONE, "b": GOOD, "c": GOOD}, ""),
        ({"a": GONE, "b": GONE, "c": GOOD}, " (and 1 more tag)"),
        ({"a": GOOD, "b": GOOD, "c": GOOD}, " (and 2 more tags)"),
        ({"a": SERVICE, "b": GOOD, "c": FEW}, ""),
        ({"a": GONE, "b": SERVICE, "c": FEW}, ""),
    ],
)
def test_the_message_is_of_the_worst_tag(found, more):
    """It has the reasons of one, and says how many more have the gate's verdict."""
    result = looked([(0, found)], "abc", timing=AT_ONCE).result()
    assert result["msg"] == f"{result['verdict']}: {result['tags']['a']['reasons'][0]}{more}"


def test_reasons_of_all_tags_are_in_order():
    """The worst first; among equals, as the tags were given."""
    a_gate = looked([(0, {"a": GOOD, "b": FEW, "c": GONE, "d": GOOD})], "abcd", timing=AT_ONCE)
    assert [reason[:2] for reason in a_gate.result()["reasons"]] == ["c:", "b:", "a:", "d:"]


def test_before_the_first_look():
    """There is a result, too: an error, after no time, since nothing was read."""
    result = gate("ab").result()
    assert (result["verdict"], result["waited"], result["looks"], result["errors"]) == ("error", 0, 0, 0)
    for tag, judged in result["tags"].items():
        assert (judged["reasons"], judged["required_delivery_ratio"]) == ([f"{tag}: it was never read"], 0.95)
        figures = ("delivered_at_least", "delivered_at_most", "messages", "messages_due")
        assert [judged[figure] for figure in figures] == [0, 0, 0, 0]


def test_what_was_read_is_told():
    """Also where it fell and decides nothing, and after a look that failed."""
    a_gate = gate()
    finds = ((0, (1000, 900)), (30, (500, 499)), (60, SERVICE))
    told = [look(a_gate, second, a=found).tags["a"] for second, found in finds]
    assert [(seen.messages, seen.deliveries) for seen in told] == [(1000, 900), (500, 499), (500, 499)]


def test_a_tag_without_its_baseline_has_the_error():
    """What was read of it could not be judged."""
    a_gate = gate(baseline_tag="control", timing=AT_ONCE)
    event = look(a_gate, 0, a=(1000, 990), control=SERVICE)
    assert (event.verdict, event.tags) == ("error", {})
    judged = a_gate.result()["tags"]["a"]
    assert (judged["verdict"], judged["messages"], judged["reasons"]) == ("error", 0, [SERVICE["msg"]])
    assert judged["record"]["messages"] == 1000
