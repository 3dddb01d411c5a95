"""Tests of the forms that records are given in, through the filters and the test that take them."""

import datetime
import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtpeter.plugins.filter.gate_report import gate_report_filter
from ansible_collections.mailops.smtpeter.plugins.filter.since import since_filter
from ansible_collections.mailops.smtpeter.plugins.filter.tag_health import tag_health_filter
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._since import NOTHING_IN_COMMON, since
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._tag_health import healthy, tag_health
from ansible_collections.mailops.smtpeter.plugins.test.healthy import healthy_test
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import plain_outcome

GOOD = {"messages": 200, "deliveries": 198}
POOR = {"messages": 200, "deliveries": 100}
OLD = {"last_at": "2016-01-01T12:00:00Z", "fetched_at": "2016-01-02T12:00:00Z"}


def quiet(message):
    """Take no warning."""
    raise AssertionError(message)


def outcome(messages, deliveries, failed, tag="b"):
    """An outcome of a campaign that ended an hour ago, as the module returns it."""
    return plain_outcome(0, messages, deliveries, failed, -3600, tag=tag)


GOOD_OUTCOME, BAD_OUTCOME = outcome(100, 95, 5), outcome(100, 94, 6)


def verdicts_of(judged):
    """The verdict of one judgement, or of each in a list or a dict."""
    if isinstance(judged, list):
        return [judgement["verdict"] for judgement in judged]
    return judged["verdict"] if "reasons" in judged else {tag: each["verdict"] for tag, each in judged.items()}


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        (GOOD, "pass"), (POOR, "inconclusive"), ({**POOR, **OLD}, "fail"), ([GOOD, POOR], ["pass", "inconclusive"]),
        (GOOD_OUTCOME, "pass"), (BAD_OUTCOME, "fail"), (json.dumps([GOOD_OUTCOME]), ["pass"]),
        ({"a": GOOD, "b": {**POOR, **OLD}}, {"a": "pass", "b": "fail"}),
        # Tags may have the names of counters, or the keys of a result.
        ({"messages": GOOD, "deliveries": POOR}, {"messages": "pass", "deliveries": "inconclusive"}),
        ({"failed": BAD_OUTCOME, "messages": GOOD_OUTCOME}, {"failed": "fail", "messages": "pass"}),
        ({"stats": GOOD, "changed": POOR}, {"stats": "pass", "changed": "inconclusive"}),
        (dict.fromkeys(["stats", "changed", "verdict"], GOOD), dict.fromkeys(["stats", "changed", "verdict"], "pass")),
        # Each is judged by what it is.
        ([GOOD_OUTCOME, {"messages": 100, "deliveries": 94}], ["pass", "inconclusive"]),
    ],
)  # fmt: skip
def test_forms(given, verdicts):
    """One record or outcome gives one judgement, a list a list, a dict a dict by tag; all must pass to be healthy."""
    assert verdicts_of(tag_health(given, {}, quiet)) == verdicts
    every = verdicts.values() if isinstance(verdicts, dict) else [verdicts] if isinstance(verdicts, str) else verdicts
    assert healthy(given, {}, quiet) is (set(every) == {"pass"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "empty"), (None, "null came"), ("wave-1", "text came"), (object(), "something undefined came"),
        ([GOOD, 5], "a number is at position 1"), ({"a": GOOD, "b": None}, "null is under 'b'"),
        ({"a": [GOOD]}, "a list is under 'a'"), ({"messages": 5}, "deliveries"), ("{'messages': 5}", "text came"),
        ({"changed": False, "stats": {"a": GOOD}}, "whole result; give its stats"),
        ({"outcomes": {"b": GOOD_OUTCOME}, "failed": False}, "whole result; give its outcomes, as in result.outcomes"),
        ({8: GOOD}, "8 is not a tag; quote it"), ([{"tag": 1.1, **GOOD}], "1.1 is not a tag; quote it"),
        ({**GOOD_OUTCOME, "tag": 8}, "8 is not a tag; quote it"),
        ({datetime.date(2026, 11, 26): GOOD}, "quote it: '2026-11-26'"),
        ({**GOOD_OUTCOME, "failed": "five"}, "failed: the outcome of 'b' has no whole"),
    ],
)  # fmt: skip
def test_forms_refused(given, said):
    """Anything else, and nothing at all, is an error that says what came."""
    for work in (tag_health, healthy):
        with pytest.raises(OptionError, match=said):
            work(given, {}, quiet)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (GOOD, {"at_deadline": "ratio"}, "at_deadline: it belongs to the gate"),
        (GOOD, {"baseline_tag": "control"}, "one record alone has no other"),
        ({"a": GOOD}, {"baseline_tag": "control"}, "'control' is not among the records"),
        ({"tag": "a", **GOOD}, {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ([{"tag": "a", **GOOD}], {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        (GOOD, {"since": 5}, "since: a number came"),
        ({"a": GOOD}, {"since": {8: GOOD}}, "since: 8 is not a tag; quote it"),
        ([GOOD], {"baseline_tag": "a"}, "a record without a tag"),
        ([{"tag": "a", **GOOD}] * 2, {"baseline_tag": "a"}, "two records of 'a'"),
        ({"a": GOOD}, {"expected_messages": {"b": 500}}, "it names 'b'"),
        ({"a": GOOD}, {"since": GOOD}, "cannot be matched with several"),
        ({"a": GOOD}, {"since": {"stats": {"a": GOOD}, "verdict": "pass"}}, "since: this is a whole result"),
        ({"a": GOOD}, {"since": {"a": {"messages": 300, "deliveries": 3}}}, "messages of 'a' fell from 300 to 200"),
        (GOOD_OUTCOME, {"since": BAD_OUTCOME}, "since: an outcome cannot be subtracted"),
        (GOOD, {"since": GOOD_OUTCOME}, "since: an outcome cannot be subtracted"),
        (GOOD_OUTCOME, {"min_open_ratio": 0.1}, "min_open_ratio: outcomes have no opens"),
    ],
)
def test_options_refused(given, options, said):
    """An option that cannot be met, or means nothing here, is an error that names it."""
    with pytest.raises(OptionError, match=said):
        tag_health(given, options, quiet)


def test_a_baseline_among_the_records():
    """The baseline raises the limit of the others, by tag or in a list, and is not judged itself."""
    stats = {"control": {"messages": 1000, "deliveries": 999}, "new": {"messages": 1000, "deliveries": 960}}
    assert healthy({"new": stats["new"]}, {}, quiet)
    assert not healthy(stats, {"baseline_tag": "control"}, quiet)
    by_tag = tag_health(stats, {"baseline_tag": "control"}, quiet)
    assert list(by_tag) == ["new"]
    assert (by_tag["new"]["required_delivery_ratio"], by_tag["new"]["verdict"]) == (0.979, "inconclusive")
    listed = [{"tag": tag, **record} for tag, record in stats.items()]
    assert tag_health(listed, {"baseline_tag": "control"}, quiet) == [by_tag["new"]]
    outcomes = {"control": outcome(1000, 990, 10, tag="control"), "new": outcome(1000, 960, 40, tag="new")}
    assert verdicts_of(tag_health(outcomes, {"baseline_tag": "control"}, quiet)) == {"new": "fail"}


def test_many_tags_ask_for_more_evidence_against():
    """One of many tags is enough to fail, so each needs evidence for all."""
    late = {"messages": 100, "deliveries": 85, **OLD}
    options = {"confidence": 0.95, "expected_messages": 200}
    assert tag_health(late, options, quiet)["verdict"] == "fail"
    many = {f"tag-{number}": late for number in range(200)}
    assert {each["verdict"] for each in tag_health(many, options, quiet).values()} == {"inconclusive"}


def test_only_what_came_after():
    """With since, the earlier mail is left out, and its late deliveries do not help."""
    before = {"a": {"messages": 1000, "deliveries": 990}}
    after = {"a": {"messages": 1200, "deliveries": 1185}}
    judgement = tag_health(after, {"since": before}, quiet)["a"]
    assert (judgement["messages"], judgement["delivered_at_least"], judgement["delivered_at_most"]) == (200, 185, 195)
    assert judgement["verdict"] == "inconclusive"
    known = {"a": {**before["a"], "under_way": 0}}
    assert tag_health(after, {"since": known}, quiet)["a"]["verdict"] == "pass"


def test_since_leaves_the_baseline_alone():
    """The baseline is held as it is."""
    stats = {"control": {"messages": 1000, "deliveries": 990}, "new": {"messages": 1200, "deliveries": 1190}}
    result = tag_health(stats, {"since": {"new": GOOD}, "baseline_tag": "control"}, quiet)
    assert result["new"]["messages"] == 1000
    assert result["new"]["required_delivery_ratio"] == 0.97


def test_expectations_by_tag():
    """Each tag has its own."""
    stats = {"a": GOOD, "b": GOOD}
    result = tag_health(stats, {"expected_messages": {"a": 200, "b": 201}}, quiet)
    assert (result["a"]["verdict"], result["b"]["verdict"]) == ("pass", "inconclusive")


def test_since():
    """One record stands beside one record, or finds its own among several by tag; one that was not there was zeros."""
    then = {"messages": 50, "deliveries": 50}
    for after, before in (
        (POOR, then),
        ({"tag": "a", **POOR}, {"tag": "b", **then}),
        ({"tag": "a", **POOR}, {"a": then}),
    ):
        assert since(after, before, None, quiet)["messages"] == 150
    several = {"a": then, "gone": GOOD}
    found = since({"a": GOOD, "new": GOOD}, several, None, quiet)
    assert {tag: record["messages"] for tag, record in found.items()} == {"a": 150, "new": 200}
    assert [record["messages"] for record in since([{"tag": "a", **GOOD}], several, None, quiet)] == [150]


def test_nothing_in_common_is_a_warning():
    """Other tags altogether are most likely a slip."""
    warnings = []
    since({"a": GOOD}, {"b": GOOD}, None, warnings.append)
    tag_health({"a": GOOD}, {"since": {"b": GOOD}}, warnings.append)
    assert warnings == [NOTHING_IN_COMMON] * 2


@pytest.mark.parametrize(("grace_period", "carried_over"), [(None, 0), ("86401", 2), (86399, 0)])
def test_grace_period_of_since(grace_period, carried_over):
    """Mail whose last activity is older than this was not under way any more; seconds, 0 or more."""
    before = {**GOOD, **OLD}
    assert since({"messages": 300, "deliveries": 290}, before, grace_period, quiet)["carried_over"] == carried_over
    with pytest.raises(OptionError, match="grace_period"):
        since(GOOD, GOOD, -1, quiet)


@pytest.mark.parametrize("options", [{}, {"confidence": 0.95}, {"min_delivery_ratio": 0}, {"min_messages": 1}])
def test_deliveries_above_messages_are_never_healthy(options):
    """Neither alone, nor in a list or a dict among records that pass, with or without an earlier record."""
    odd = {"messages": 100, "deliveries": 101, "tag": "odd"}
    good = {"messages": 1000, "deliveries": 1000, "tag": "good"}
    none = {"messages": 0, "deliveries": 0, "fetched_at": "2026-01-01T12:00:00Z"}
    for more in (options, {**options, "since": {"odd": none, "good": none}}):
        for given in (odd, [good, odd], {"good": good, "odd": odd}):
            assert not healthy(given, more, quiet)
            judged = tag_health(given, more, quiet)
            found = judged[1] if isinstance(judged, list) else judged.get("odd", judged)
            assert found["verdict"] == "inconclusive"
            assert "101 deliveries are counted for 100 messages" in found["reasons"][0]


def test_json_text():
    """It is the list or dict that it stands for, wherever records are taken."""
    before, after = json.dumps({"a": {"messages": 100, "deliveries": 90}}), json.dumps({"a": GOOD})
    assert tag_health(after, {"since": before}, quiet)["a"]["messages"] == 100
    assert since(after, before, None, quiet)["a"]["messages"] == 100


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: healthy_test(GOOD, 0.95), r"give options by name, such as healthy\(min_delivery_ratio=0.95\)"),
        (lambda: tag_health_filter(GOOD, 0.95, 100), "tag_health: give options by name, such as tag_health"),
        (lambda: since_filter(GOOD, GOOD, 900), r"options by name, such as since\(before, grace_period=900"),
        (lambda: since_filter(GOOD, GOOD, grace=900), r"grace: there is no such option; use it as in since\(before"),
        (lambda: since_filter(GOOD), "before: null came where a record"),
        (lambda: gate_report_filter({}, "junit", True), r"give options by name, such as gate_report\('markdown'\)"),
        (lambda: gate_report_filter({}, kind="junit"), r"kind: there is no such option; use it as in gate_report"),
    ],
)
def test_options_without_names(call, said):
    """Python's own words name functions that no user knows."""
    with pytest.raises(AnsibleFilterError, match=said):
        call()
