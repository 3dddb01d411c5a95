# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what a gate tells while it waits."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import GateEvent, TagEvent
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.judgement import Judgement
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._progress import LINES_LIMIT, Progress

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def seen(messages, deliveries, verdict=None, reasons=("a: 10 may still be under way",), failed=None):
    """A tag after a look."""
    judgement = Judgement(verdict, None, reasons, 0.95, deliveries, deliveries, messages, 0)
    return TagEvent(messages, deliveries, failed, judgement)


def event(elapsed, error=None, verdict=None, **tags):
    """A look."""
    return GateEvent(1, NOW, elapsed, tags, error, verdict, 30)


@pytest.fixture
def lines():
    """What was written."""
    return []


@pytest.fixture
def progress(lines):
    """A progress that writes there."""
    return Progress(lambda line, verdict: lines.append((line, verdict)))


def test_a_line_has_it_all(progress, lines):
    """Time, tag, state, deliveries, messages, share, required share, and what it waits for."""
    progress.look(event(65, a=seen(100, 90)))
    assert lines == [("01:05 a  waiting  90 of 100 delivered  90%  required 95%  10 may still be under way", None)]


def test_columns(progress, lines):
    """The lines of a look align, whatever their tags and counts, and those of later looks; nothing has no share."""
    tags = {"wave-1": seen(1000, 280, "fail"), "b": seen(5, 5, "pass"), "a": seen(200, 300), "c": seen(0, 0)}
    progress.look(event(0, **tags))
    progress.look(event(60, b=seen(5, 4)))
    assert [line for line, _verdict in lines] == [
        "00:00 wave-1  fail     280 of 1000 delivered   28%  required 95%",
        "00:00 a       waiting  300 of  200 delivered        required 95%  10 may still be under way",
        "00:00 c       waiting    0 of    0 delivered        required 95%  a: 10 may still be under way",
        "00:00 b       pass       5 of    5 delivered  100%  required 95%",
        "01:00 b       waiting    4 of    5 delivered   80%  required 95%  a: 10 may still be under way",
    ]


def test_a_long_tag_leaves_the_others_in_their_columns(progress, lines):
    """Its own line is longer, and whole."""
    long = 60 * "x"
    progress.look(event(0, **{long: seen(100, 90), "a": seen(100, 90)}))
    assert [line.index("waiting") for line, _verdict in lines] == [len("00:00 ") + width + 2 for width in (60, 40)]


def test_failed_messages_are_shown(progress, lines):
    """By outcomes there is a column of them, with 0, too; a message that fails is news."""
    progress.look(event(0, a=seen(100, 90, failed=0)))
    progress.look(event(30, a=seen(100, 90, failed=12)))
    assert [line.partition("delivered")[2] for line, _verdict in lines] == [
        "  90%  0 failed  required 95%  10 may still be under way",
        "  90%  12 failed  required 95%  10 may still be under way",
    ]


def test_only_news_is_told(progress, lines):
    """A look like the last one says nothing; a tag that changed is told alone."""
    progress.look(event(0, a=seen(100, 90), b=seen(100, 90)))
    progress.look(event(30, a=seen(100, 90), b=seen(100, 90)))
    assert len(lines) == 2
    progress.look(event(60, a=seen(100, 90), b=seen(100, 91)))
    progress.look(event(61, a=seen(100, 90, "pass"), b=seen(100, 91)))
    progress.look(event(62, a=seen(100, 90, "pass"), b=seen(100, 91)))
    assert [line.split()[1] for line, _verdict in lines[2:]] == ["b", "a"]
    assert lines[-1] == ("01:01 a  pass     90 of 100 delivered  90%  required 95%", "pass")


def test_something_every_two_minutes(progress, lines):
    """CI services end a job that is silent."""
    for elapsed in range(0, 301, 30):
        progress.look(event(elapsed, a=seen(100, 90)))
    assert [line for line, _verdict in lines[1:]] == [
        "02:00 still waiting, next look in 30 s",
        "04:00 still waiting, next look in 30 s",
    ]


def test_a_long_sleep_is_told(progress):
    """It says how long it may stay silent."""
    assert progress.silent_until(0) == 120
    progress.waiting(100, 500)
    assert progress.silent_until(130) == 90
    assert progress.silent_until(900) == 0


def test_many_tags_stay_readable(progress, lines):
    """Ten lines at most, the worst first, and how many there are beside."""
    tags = {f"t{number}": seen(100, 96, "pass") for number in range(20)}
    tags["t19"] = seen(100, 0, "fail")
    tags["t18"] = seen(100, 50)
    progress.look(event(0, **tags))
    assert len(lines) == LINES_LIMIT + 1
    assert [line.split()[1] for line, _verdict in lines[:2]] == ["t19", "t18"]
    assert lines[-1] == ("00:00 and 10 more tags with news", None)


def test_errors_are_told_once(progress, lines):
    """The same error again is no news."""
    progress.look(event(0, error="answered 503"))
    progress.look(event(30, error="answered 503"))
    progress.look(event(60, a=seen(100, 90)))
    progress.look(event(90, error="answered 503", a=seen(100, 90)))
    assert [verdict for _line, verdict in lines] == ["error", None, "error"]
    assert lines[0][0] == "00:00 look 1 failed: answered 503"


def test_a_warning_is_told_at_once(progress, lines):
    """In the colour of warnings, before anything else."""
    progress.warn(0, "wait_timeout is too short")
    assert lines == [("00:00 warning: wait_timeout is too short", "inconclusive")]


def test_the_verdict_takes_the_place_of_the_last_line(progress, lines):
    """It tells the same as the line of its tag, in more words and in its colour."""
    progress.look(event(0, a=seen(100, 90)))
    progress.look(event(30, verdict="fail", a=seen(100, 91, "fail")))
    assert len(lines) == 1
    progress.end(30, "fail", "fail: a: only 91 of 100 messages are delivered")
    assert lines[1:] == [("00:30 fail: a: only 91 of 100 messages are delivered", "fail")]


def test_the_last_news_of_other_tags(progress, lines):
    """They come before the verdict, which is about another."""
    tags = {"a": seen(100, 99, "pass"), "ab": seen(100, 10, "fail"), "b": seen(50, 50)}
    progress.look(event(30, verdict="fail", **tags))
    progress.end(30, "fail", "fail: ab: only 10 of 100 messages are delivered")
    assert [line.split()[1] for line, _verdict in lines] == ["b", "a", "fail:"]


@pytest.mark.parametrize(("error", "shown"), [("a: answered 503", []), ("a: answered 503; b: answered 500", ["look"])])
def test_the_last_error(progress, lines, error, shown):
    """It is told by the verdict, unless it says more."""
    progress.look(event(30, verdict="error", error=error))
    progress.end(30, "error", "error: a: answered 503")
    assert [line.split()[1] for line, _verdict in lines] == [*shown, "error:"]
