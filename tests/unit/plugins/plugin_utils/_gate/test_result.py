# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a gate tells of each look and returns at the end."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START, gate, look

AT_ONCE = {"wait_timeout": 0}
GONE = {"last_at": START - timedelta(days=1)}


def test_defaults():
    """They are those that the documentation gives."""
    assert Timing() == Timing(
        wait_timeout=1800, wait_sleep=30, wait_delay=0, max_consecutive_errors=4, history_limit=60
    )


def test_nothing_told_can_be_changed():
    """Whoever reads an event, a report for one, leaves it to the next as it was."""
    a_gate = gate()
    event = look(a_gate, 0, a=(500, 490))
    reading = Look(0, 0, START, {}, {})
    for told, name in (
        (event, "verdict"),
        (event.tags["a"], "messages"),
        (a_gate.timing, "wait_sleep"),
        (reading, "at"),
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


@pytest.mark.parametrize(("second", "next_in"), [(1799, 1), (1799.5, 0.5), (1800, 0), (1900, 0)])
def test_no_sleep_ends_after_the_deadline(second, next_in):
    """Nor is one negative, where the last look took longer than there was time."""
    assert look(gate(), second, a=(100, 90)).next_in == next_in


def test_a_look_that_ends_after_the_deadline_is_the_last():
    """It need not end at the very second."""
    assert look(gate(), 1900, a=(100, 94)).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("found", "more"),
    [
        ({"a": (500, 0, GONE), "b": (500, 490), "c": (500, 490)}, ""),
        ({"a": (500, 0, GONE), "b": (500, 0, GONE), "c": (500, 490)}, " (and 1 more tag)"),
        ({"a": (500, 0, GONE), "b": (500, 0, GONE), "c": (500, 0, GONE)}, " (and 2 more tags)"),
        ({"a": (500, 490), "b": (500, 490), "c": (500, 490)}, " (and 2 more tags)"),
        ({"a": SERVICE, "b": (500, 490), "c": (99, 99)}, ""),
        ({"a": (500, 0, GONE), "b": SERVICE, "c": (99, 99)}, ""),
    ],
)
def test_the_message_is_of_the_worst_tag(found, more):
    """It has the reasons of one, and says how many more have the gate's verdict."""
    a_gate = gate("abc", timing=AT_ONCE)
    look(a_gate, 0, **found)
    result = a_gate.result()
    assert result["msg"] == f"{result['verdict']}: {result['tags']['a']['reasons'][0]}{more}"


def test_reasons_of_all_tags_are_in_order():
    """The worst first; among equals, as the tags were given."""
    a_gate = gate("abcd", timing=AT_ONCE)
    look(a_gate, 0, a=(500, 490), b=(99, 99), c=(500, 0, GONE), d=(500, 490))
    assert [reason[:2] for reason in a_gate.result()["reasons"]] == ["c:", "b:", "a:", "d:"]


def test_seconds_waited_are_rounded():
    """To the millisecond."""
    a_gate = gate(timing=AT_ONCE)
    look(a_gate, 12.34567, a=(500, 490))
    assert a_gate.result()["waited"] == 12.346


def test_before_the_first_look():
    """There is a result, too: an error, after no time, since nothing was read."""
    result = gate("ab").result()
    assert (result["verdict"], result["waited"], result["looks"], result["errors"]) == ("error", 0, 0, 0)
    for tag, judged in result["tags"].items():
        assert (judged["reasons"], judged["required_delivery_ratio"]) == ([f"{tag}: it was never read"], 0.95)
        figures = ("delivered_at_least", "delivered_at_most", "messages", "messages_due")
        assert [judged[figure] for figure in figures] == [0, 0, 0, 0]


def test_a_tag_that_was_never_read_is_not_old():
    """A warning waits for a reading that calls for it."""
    a_gate = gate()
    look(a_gate, 0, a=SERVICE)
    assert a_gate.old_tags == []


def test_what_was_read_is_told():
    """Also where it fell and decides nothing, and after a look that failed."""
    a_gate = gate()
    finds = ((0, (1000, 900)), (30, (500, 499)), (60, SERVICE))
    told = [look(a_gate, second, a=found).tags["a"] for second, found in finds]
    assert [(seen.messages, seen.deliveries) for seen in told] == [(1000, 900), (500, 499), (500, 499)]


def test_a_tag_without_its_baseline_has_the_error():
    """What was read of it could not be judged."""
    a_gate = gate(baseline_tag="control", timing=AT_ONCE)
    assert look(a_gate, 0, a=(1000, 990), control=SERVICE).tags == {}
    judged = a_gate.result()["tags"]["a"]
    assert (judged["verdict"], judged["messages"], judged["reasons"]) == ("error", 0, [SERVICE["msg"]])
    assert judged["record"]["messages"] == 1000


def test_stats_of_a_baseline_that_is_judged_too():
    """They are those of its last reading, as of any tag; the one that is held is for comparing alone."""
    a_gate = gate(["a", "control"], baseline_tag="control")
    look(a_gate, 0, a=(1000, 960), control=(1000, 990))
    look(a_gate, 30, a=(1000, 960), control=(1100, 1080))
    stats = a_gate.result()["stats"]
    assert list(stats) == ["a", "control"]
    assert (stats["control"]["messages"], stats["control"]["under_way"]) == (1100, 20)
