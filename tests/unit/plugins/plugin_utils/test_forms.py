"""Tests of the forms that records are given in, through the filters and the test that take them."""

import datetime
import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtpeter.plugins.filter.gate_report import gate_report_filter
from ansible_collections.mailops.smtpeter.plugins.filter.since import since_filter
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._since import NOTHING_IN_COMMON, since
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._tag_health import healthy, tag_health
from ansible_collections.mailops.smtpeter.plugins.test.healthy import healthy_test
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import plain_outcome

GOOD = {"messages": 200, "deliveries": 198}
POOR = {"messages": 200, "deliveries": 100}
OLD = {"last_at": "2016-01-01T12:00:00Z", "fetched_at": "2016-01-02T12:00:00Z"}


# Of a campaign that ended an hour ago.
GOOD_OUTCOME, BAD_OUTCOME = (plain_outcome(0, 100, 100 - failed, failed, -3600, tag="b") for failed in (5, 6))


def verdicts_of(judged):
    """The verdict of one judgement, or of each in a list or a dict."""
    if isinstance(judged, list):
        return list(map(verdicts_of, judged))
    return judged["verdict"] if "reasons" in judged else {tag: verdicts_of(each) for tag, each in judged.items()}


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        (GOOD, "pass"), (POOR, "inconclusive"), ({**POOR, **OLD}, "fail"), ([GOOD, POOR], ["pass", "inconclusive"]),
        (GOOD_OUTCOME, "pass"), (BAD_OUTCOME, "fail"), (json.dumps([GOOD_OUTCOME]), ["pass"]),
        ({"a": GOOD, "b": {**POOR, **OLD}}, {"a": "pass", "b": "fail"}),
        # Tags may have the names of counters, or the keys of a result.
        ({"messages": GOOD, "deliveries": POOR}, {"messages": "pass", "deliveries": "inconclusive"}),
        ({"failed": BAD_OUTCOME, "messages": GOOD_OUTCOME}, {"failed": "fail", "messages": "pass"}),
        (dict.fromkeys(["stats", "changed", "verdict"], GOOD), dict.fromkeys(["stats", "changed", "verdict"], "pass")),
        # Each is judged by what it is.
        ([GOOD_OUTCOME, {"messages": 100, "deliveries": 94}], ["pass", "inconclusive"]),
    ],
)  # fmt: skip
def test_forms(given, verdicts):
    """One record or outcome gives one judgement, a list a list, a dict a dict by tag; all must pass to be healthy."""
    assert verdicts_of(tag_health(given, {}, pytest.fail)) == verdicts
    every = verdicts.values() if isinstance(verdicts, dict) else [verdicts] if isinstance(verdicts, str) else verdicts
    assert healthy(given, {}, pytest.fail) is (set(every) == {"pass"})


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({}, {}, "empty"), ("wave-1", {}, "text came"), (object(), {}, "something undefined came"),
        ({"messages": 5}, {}, "deliveries"), ({"a": GOOD, "b": None}, {}, "null is under 'b'"),
        ([GOOD, 5], {}, "a number is at position 1"), ({8: GOOD}, {}, "8 is not a tag; quote it"),
        ({"changed": False, "stats": {"a": GOOD}}, {}, "whole result; give its stats"),
        ({"outcomes": {"b": GOOD_OUTCOME}, "failed": False}, {}, "whole result; give its outcomes, as in result.out"),
        ({**GOOD_OUTCOME, "tag": 8}, {}, "8 is not a tag; quote it"),
        ({datetime.date(2026, 11, 26): GOOD}, {}, "quote it: '2026-11-26'"),
        ({**GOOD_OUTCOME, "failed": "five"}, {}, "failed: the outcome of 'b' has no whole"),
        (GOOD, {"at_deadline": "ratio"}, "at_deadline: it belongs to the gate"),
        (GOOD, {"baseline_tag": "control"}, "one record alone has no other"),
        ({"a": GOOD}, {"baseline_tag": "control"}, "'control' is not among the records"),
        ({"tag": "a", **GOOD}, {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ([{"tag": "a", **GOOD}], {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ([GOOD], {"baseline_tag": "a"}, "a record without a tag"),
        ([{"tag": "a", **GOOD}] * 2, {"baseline_tag": "a"}, "two records of 'a'"),
        ({"a": GOOD}, {"expected_messages": {"b": 500}}, "it names 'b'"), (GOOD, {"since": 5}, "since: a number came"),
        ({"a": GOOD}, {"since": GOOD}, "cannot be matched with several"),
        ({"a": GOOD}, {"since": {"a": {"messages": 300, "deliveries": 3}}}, "messages of 'a' fell from 300 to 200"),
        (GOOD_OUTCOME, {"since": BAD_OUTCOME}, "since: an outcome cannot be subtracted"),
        (GOOD_OUTCOME, {"min_open_ratio": 0.1}, "min_open_ratio: outcomes have no opens"),
    ],
)  # fmt: skip
def test_refused(given, options, said):
    """Anything else, nothing at all, and options that mean nothing here, are errors that say what came."""
    for work in (tag_health, healthy):
        with pytest.raises(OptionError, match=said):
            work(given, options, pytest.fail)


def test_a_baseline_among_the_records():
    """The baseline raises the limit of the others, by tag or in a list, and is not judged, nor are its records cut."""
    stats = {"control": {"messages": 1000, "deliveries": 999}, "new": {"messages": 1000, "deliveries": 960}}
    options = {"baseline_tag": "control"}
    assert healthy({"new": stats["new"]}, {}, pytest.fail)
    assert not healthy(stats, options, pytest.fail)
    (tag, judgement), *others = tag_health(stats, options, pytest.fail).items()
    assert (tag, others) == ("new", [])
    assert (judgement["required_delivery_ratio"], judgement["verdict"]) == (0.979, "inconclusive")
    listed = [{"tag": tag, **record} for tag, record in stats.items()]
    assert tag_health(listed, options, pytest.fail) == [judgement]
    since = tag_health(stats, {**options, "since": {"new": GOOD}}, pytest.fail)["new"]
    assert (since["messages"], since["required_delivery_ratio"]) == (800, 0.979)
    outcomes = {"control": {**GOOD_OUTCOME, "deliveries": 100, "failed": 0}, "new": GOOD_OUTCOME}
    assert verdicts_of(tag_health(outcomes, options, pytest.fail)) == {"new": "fail"}


def test_many_tags():
    """One of many is enough to fail, so each needs more evidence; each has the messages that are expected of it."""
    late = {"messages": 100, "deliveries": 85, **OLD}
    options = {"confidence": 0.95, "expected_messages": 200}
    assert tag_health(late, options, pytest.fail)["verdict"] == "fail"
    many = tag_health({f"tag-{number}": late for number in range(200)}, options, pytest.fail)
    assert set(verdicts_of(many).values()) == {"inconclusive"}
    expected = tag_health({"a": GOOD, "b": GOOD}, {"expected_messages": {"a": 200, "b": 201}}, pytest.fail)
    assert verdicts_of(expected) == {"a": "pass", "b": "inconclusive"}


def test_only_what_came_after():
    """With since, the earlier mail is left out, and its late deliveries do not help; JSON text will do."""
    before = {"a": {"messages": 1000, "deliveries": 990}}
    after = json.dumps({"a": {"messages": 1200, "deliveries": 1185}})
    judgement = tag_health(after, {"since": json.dumps(before)}, pytest.fail)["a"]
    assert (judgement["messages"], judgement["delivered_at_least"], judgement["delivered_at_most"]) == (200, 185, 195)
    assert judgement["verdict"] == "inconclusive"
    before["a"]["under_way"] = 0
    assert tag_health(after, {"since": before}, pytest.fail)["a"]["verdict"] == "pass"


def test_since():
    """One record stands beside one record, or finds its own among several by tag; one that was not there was zeros."""
    then = {"messages": 50, "deliveries": 50}
    alone = {"tag": "a", **POOR}
    for after, before in ((POOR, then), (alone, {"tag": "b", **then}), (alone, {"a": then})):
        assert since(after, before, None, pytest.fail)["messages"] == 150
    several = {"a": then, "gone": GOOD}
    found = since({"a": GOOD, "new": GOOD}, json.dumps(several), None, pytest.fail)
    assert {tag: record["messages"] for tag, record in found.items()} == {"a": 150, "new": 200}
    assert [record["messages"] for record in since([{"tag": "a", **GOOD}], several, None, pytest.fail)] == [150]
    # Mail whose last activity is older than the grace period was not under way any more.
    for grace_period, carried_over in ((None, 0), ("86401", 2), (86399, 0)):
        found = since({"messages": 300, "deliveries": 290}, {**GOOD, **OLD}, grace_period, pytest.fail)
        assert found["carried_over"] == carried_over
    with pytest.raises(OptionError, match="grace_period"):
        since(GOOD, GOOD, -1, pytest.fail)
    # Other tags altogether are most likely a slip.
    warnings = []
    since({"a": GOOD}, {"b": GOOD}, None, warnings.append)
    tag_health({"a": GOOD}, {"since": {"b": GOOD}}, warnings.append)
    assert warnings == [NOTHING_IN_COMMON] * 2


@pytest.mark.parametrize("options", [{}, {"confidence": 0.95}, {"min_delivery_ratio": 0}, {"min_messages": 1}])
def test_deliveries_above_messages_are_never_healthy(options):
    """Neither alone, nor in a list or a dict among records that pass, with or without an earlier record."""
    odd = {"messages": 100, "deliveries": 101, "tag": "odd"}
    good = {"messages": 1000, "deliveries": 1000, "tag": "good"}
    none = {"messages": 0, "deliveries": 0, "fetched_at": "2026-01-01T12:00:00Z"}
    for more in (options, {**options, "since": {"odd": none, "good": none}}):
        for given in (odd, [good, odd], {"good": good, "odd": odd}):
            assert not healthy(given, more, pytest.fail)
            judged = tag_health(given, more, pytest.fail)
            found = judged[1] if isinstance(judged, list) else judged.get("odd", judged)
            assert found["verdict"] == "inconclusive"
            assert "101 deliveries are counted for 100 messages" in found["reasons"][0]


def test_options_without_names():
    """Python's own words name functions that no user knows."""
    with pytest.raises(AnsibleFilterError, match=r"give options by name, such as healthy\(min_delivery_ratio=0.95\)"):
        healthy_test(GOOD, 0.95)
    with pytest.raises(AnsibleFilterError, match="before: null came where a record"):
        since_filter(GOOD)
    with pytest.raises(AnsibleFilterError, match="kind: there is no such option; use it as in gate_report"):
        gate_report_filter({}, kind="junit")
