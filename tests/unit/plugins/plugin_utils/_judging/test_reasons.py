# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of a judgement by counters: each has its figure, what is required, and what may help."""

from __future__ import annotations

import math
import re

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._format import percent, share
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.decision import judge
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.evidence import (
    log_evidence_against,
    log_evidence_for,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import TagState


def reasons(counts, policy=None, due=0, stopped=False, settled=False, up=False, ahead=False, tags=1, tag="a", **more):
    """The sentences of the judgement of a tag; counts are messages and deliveries, with or without opens and clicks."""
    messages, deliveries, opens, clicks = (*counts, 0, 0)[:4]
    record = Record(tag, messages, deliveries, opens, clicks, **more)
    return judge(TagState(record, due, stopped or settled, settled, up, False, ahead, tags), policy or Policy()).reasons


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
    unknown = Record(tag, 0, 0, known=False)
    known = TagState(Record("b", 1000, 990), 0, False, False, True, False, False, 1)
    against = judge(known, Policy(baseline_tag=tag), unknown).reasons
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
