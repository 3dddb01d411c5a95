"""What a gate tells while it waits."""

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import GateEvent, TagEvent
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.judgement import Judgement
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._progress import LINES_LIMIT, Progress
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import START


def seen(messages, deliveries, verdict=None, failed=None):
    """A tag after a look."""
    reasons = ("a: 10 may still be under way",)
    return TagEvent(messages, deliveries, failed, Judgement(verdict, None, reasons, 0.95, 0, 0, messages, 0))


def event(elapsed, error=None, verdict=None, **tags):
    """A look."""
    return GateEvent(1, START, elapsed, tags, error, verdict, 30)


def told(*events):
    """The lines, with their colours, after looks, and what goes on writing them."""
    lines = []
    progress = Progress(lambda line, verdict: lines.append((line, verdict)))
    for one in events:
        progress.look(one)
    return lines, progress


MORE = "required 95%  10 may still be under way"
ONE = seen(100, 90)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [event(0, **{"wave-1": seen(1000, 280, "fail"), "b": seen(5, 5, "pass"), "a": seen(200, 300),
                         "c": seen(0, 0)}),
             event(60, b=seen(5, 4))],
            ["00:00 wave-1  fail     280 of 1000 delivered   28%  required 95%",
             f"00:00 a       waiting  300 of  200 delivered        {MORE}",
             "00:00 c       waiting    0 of    0 delivered        required 95%  a: 10 may still be under way",
             "00:00 b       pass       5 of    5 delivered  100%  required 95%",
             "01:00 b       waiting    4 of    5 delivered   80%  required 95%  a: 10 may still be under way"],
            id="those of all looks align, the worst first, and a share of nothing is not shown"),
        pytest.param([event(0, **{"x" * 60: seen(9, 9, "pass"), "a": seen(9, 9, "pass")})],
                     [f"00:00 {'x' * 60}  pass  9 of 9 delivered  100%  required 95%",
                      f"00:00 {'a':40}  pass  9 of 9 delivered  100%  required 95%"],
                     id="a long tag leaves the others in their columns"),
        pytest.param([event(0, a=seen(100, 90, failed=0)), event(30, a=seen(100, 90, failed=12))],
                     [f"00:00 a  waiting  90 of 100 delivered  90%  0 failed  {MORE}",
                      f"00:30 a  waiting  90 of 100 delivered  90%  12 failed  {MORE}"],
                     id="by outcomes there are failed messages, and one more is news"),
        pytest.param([event(0, a=ONE, b=ONE), event(30, a=ONE, b=ONE), event(61, a=seen(100, 90, "pass"), b=ONE)],
                     [f"00:00 a  waiting  90 of 100 delivered  90%  {MORE}",
                      "00:00 b  waiting  90 of 100 delivered  90%  required 95%  a: 10 may still be under way",
                      "01:01 a  pass     90 of 100 delivered  90%  required 95%"],
                     id="only news is told"),
        pytest.param([event(elapsed, a=ONE) for elapsed in range(0, 301, 30)],
                     [f"00:00 a  waiting  90 of 100 delivered  90%  {MORE}",
                      "02:00 still waiting, next look in 30 s", "04:00 still waiting, next look in 30 s"],
                     id="something every two minutes, as CI services end a job that is silent"),
        pytest.param([event(0, error="answered 503"), event(30, error="answered 503"), event(60),
                      event(90, error="answered 503")],
                     ["00:00 look 1 failed: answered 503", "01:30 look 1 failed: answered 503"],
                     id="the same error again is no news"),
    ],
)  # fmt: skip
def test_lines(events, expected):
    """Each look that has news is told."""
    assert [line for line, _verdict in told(*events)[0]] == expected


def test_many_tags_stay_readable():
    """Ten lines at most, the worst first, each in the colour of its verdict, and how many there are beside."""
    tags = {f"t{number}": seen(100, 96, "pass") for number in range(20)}
    lines, _progress = told(event(0, **{**tags, "t19": seen(100, 0, "fail"), "t18": seen(100, 50)}))
    assert len(lines) == LINES_LIMIT + 1
    colours = [(line.split()[1], verdict) for line, verdict in lines[:3]]
    assert colours == [("t19", "fail"), ("t18", None), ("t0", "pass")]
    assert lines[-1] == ("00:00 and 10 more tags with news", None)


@pytest.mark.parametrize(
    ("last", "sentence", "expected"),
    [
        # It tells the same as the line of its tag, in more words.
        (event(30, verdict="fail", a=seen(100, 91, "fail")), "fail: a: only 91 of 100", [("fail:", "fail")]),
        # The last news of other tags comes before it.
        (event(30, verdict="fail", a=seen(9, 9, "pass"), ab=seen(9, 1, "fail"), b=seen(5, 5)), "fail: ab: only 1 of 9",
         [("b", None), ("a", "pass"), ("fail:", "fail")]),
        # The last error is told by it, unless there is more.
        (event(30, "a: answered 503", "error"), "error: a: answered 503", [("error:", "error")]),
        (event(30, "a: answered 503; b: answered 500", "error"), "error: a: answered 503",
         [("look", "error"), ("error:", "error")]),
    ],
)  # fmt: skip
def test_the_verdict_comes_last(last, sentence, expected):
    """As a sentence, in its colour, in place of what says the same."""
    lines, progress = told(event(0, a=ONE), last)
    progress.end(30, last.verdict, sentence)
    assert [(line.split()[1], verdict) for line, verdict in lines[1:]] == expected
    assert lines[-1][0] == f"00:30 {sentence}"


def test_lines_beside_those_of_looks():
    """A warning has its colour; a long sleep is told, and how long there may be silence."""
    lines, progress = told()
    assert progress.silent_until(0) == 120
    progress.warn(0, "wait_timeout is too short")
    progress.waiting(100, 500)
    assert (progress.silent_until(130), progress.silent_until(900)) == (90, 0)
    # A gate that never looked has a verdict, too.
    progress.end(150, "error", "error: interrupted")
    assert lines == [
        ("00:00 warning: wait_timeout is too short", "inconclusive"),
        ("01:40 still waiting, next look in 500 s", None),
        ("02:30 error: interrupted", "error"),
    ]
