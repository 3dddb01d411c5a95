# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the forms that records are given in, through the filters and the test that take them."""

from __future__ import annotations

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

GOOD = {"messages": 200, "deliveries": 198}
POOR = {"messages": 200, "deliveries": 100}
OLD = {"last_at": "2016-01-01T12:00:00Z", "fetched_at": "2016-01-02T12:00:00Z"}


def quiet(message):
    """Take no warning."""
    raise AssertionError(message)


def outcome(messages, deliveries, failed, tag="b"):
    """An outcome of a campaign that ended an hour ago, as the module returns it."""
    return {
        "tag": tag, "known": True, "notes": [], "fetched_at": "2026-01-01T12:00:00Z", "since": None,
        "messages": messages, "deliveries": deliveries, "failed": failed, "returned": 0,
        "under_way": messages - deliveries - failed, "oldest_under_way": None, "last_taken_at": "2026-01-01T11:00:00Z",
        "last_moved_at": "2026-01-01T11:00:00Z", "read_seconds": 0.1, "delivery_ratio": None, "failures": [],
        "domains": [], "timeline": [],
    }  # fmt: skip


GOOD_OUTCOME, BAD_OUTCOME = outcome(100, 95, 5), outcome(100, 94, 6)


def verdicts_of(judged):
    """The verdict of one judgement, or of each in a list or a dict."""
    if isinstance(judged, list):
        return [judgement["verdict"] for judgement in judged]
    return judged["verdict"] if "verdict" in judged else {tag: each["verdict"] for tag, each in judged.items()}


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        (GOOD, "pass"),
        (POOR, "inconclusive"),
        ({**POOR, **OLD}, "fail"),
        ([GOOD, POOR], ["pass", "inconclusive"]),
        ((GOOD,), ["pass"]),
        ({"a": GOOD, "b": {**POOR, **OLD}}, {"a": "pass", "b": "fail"}),
        ({"messages": GOOD, "deliveries": POOR}, {"messages": "pass", "deliveries": "inconclusive"}),
        ({"stats": GOOD, "changed": POOR}, {"stats": "pass", "changed": "inconclusive"}),
        (GOOD_OUTCOME, "pass"),
        (BAD_OUTCOME, "fail"),
        ({"x": GOOD_OUTCOME, "failed": BAD_OUTCOME}, {"x": "pass", "failed": "fail"}),
        ({"failed": BAD_OUTCOME, "messages": GOOD_OUTCOME}, {"failed": "fail", "messages": "pass"}),
        (json.dumps([GOOD_OUTCOME]), ["pass"]),
        # Each is judged by what it is.
        ([GOOD_OUTCOME, {"messages": 100, "deliveries": 94}], ["pass", "inconclusive"]),
    ],
)
def test_forms(given, verdicts):
    """One record or outcome gives one judgement, a list a list, a dict a dict by tag; all must pass to be healthy."""
    assert verdicts_of(tag_health(given, {}, quiet)) == verdicts
    every = verdicts.values() if isinstance(verdicts, dict) else [verdicts] if isinstance(verdicts, str) else verdicts
    assert healthy(given, {}, quiet) is (set(every) == {"pass"})


def test_a_dict_with_the_keys_of_a_result():
    """Tags may have such names."""
    given = {"stats": GOOD, "changed": GOOD, "verdict": GOOD}
    assert {tag: each["verdict"] for tag, each in tag_health(given, {}, quiet).items()} == dict.fromkeys(given, "pass")
    assert healthy(given, {}, quiet)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "empty"),
        ([], "empty"),
        (None, "null came"),
        ("wave-1", "text came"),
        (0.98, "a number came"),
        (True, "a boolean came"),
        (object(), "something undefined came"),
        ([GOOD, 5], "a number is at position 1"),
        ({"a": GOOD, "b": None}, "null is under 'b'"),
        ({"a": [GOOD]}, "a list is under 'a'"),
        ({"changed": False, "stats": {"a": GOOD}}, r"whole result; give its stats"),
        ({"verdict": "pass", "stats": {}}, r"whole result; give its stats"),
        ({"messages": 5}, "deliveries"),
        ("{}", "empty"),
        ('{"a": 5}', "a number is under 'a'"),
        ("{'messages': 5}", "text came"),
        ({8: GOOD}, "8 is not a tag; quote it"),
        ({False: GOOD, "b": GOOD}, "false is not a tag; quote it"),
        ({None: GOOD}, "null is not a tag"),
        ({datetime.date(2026, 11, 26): GOOD}, "quote it: '2026-11-26'"),
        ([{"tag": 1.1, **GOOD}], "1.1 is not a tag; quote it"),
        ({"tag": 45000, **GOOD}, "45000 is not a tag; quote it"),
        ({**GOOD_OUTCOME, "tag": 8}, "8 is not a tag; quote it"),
        ({**GOOD_OUTCOME, "failed": "five"}, "failed: the outcome of 'b' has no whole"),
        (
            {"outcomes": {"b": GOOD_OUTCOME}, "failed": False, "changed": False},
            "this is a whole result; give its outcomes, as in result.outcomes",
        ),
    ],
)
def test_forms_refused(given, said):
    """Anything else, and nothing at all, is an error that says what came."""
    for work in (tag_health, healthy):
        with pytest.raises(OptionError, match=said):
            work(given, {}, quiet)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (GOOD, {"min_delivery_ratio": 95}, r"did you mean 0\.95"),
        (GOOD, {"min_ratio": 0.95}, "min_ratio: there is no such option"),
        (GOOD, {"at_deadline": "ratio"}, "at_deadline: it belongs to the gate"),
        (GOOD, {"baseline_tag": "control"}, "one record alone has no other"),
        ({"a": GOOD}, {"baseline_tag": "control"}, "'control' is not among the records"),
        ({"a": GOOD}, {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ({"tag": "a", **GOOD}, {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ([{"tag": "a", **GOOD}], {"baseline_tag": "a"}, "'a' cannot be the only tag judged"),
        ({"a": GOOD, "b": GOOD}, {"baseline_tag": 8}, "baseline_tag: 8 is not a tag; quote it"),
        (GOOD, {"since": 5}, "since: a number came"),
        (GOOD, {"since": ""}, "since: text came"),
        ({"a": GOOD}, {"since": {8: GOOD}}, "since: 8 is not a tag; quote it"),
        (GOOD, {"min_delivery_ratio": "95%"}, "'95%' is not a number; did you mean 0.95"),
        (GOOD, {"grace_period": "15 min"}, "give seconds: did you mean 900"),
        ([GOOD], {"baseline_tag": "a"}, "a record without a tag"),
        ([{"tag": "a", **GOOD}] * 2, {"baseline_tag": "a"}, "two records of 'a'"),
        ({"a": GOOD}, {"expected_messages": {"b": 500}}, "it names 'b'"),
        ({"a": GOOD}, {"since": GOOD}, "cannot be matched with several"),
        ([GOOD], {"since": {"a": GOOD}}, "a record without a tag"),
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
    """The baseline raises the limit of the others and is not judged itself."""
    stats = {"control": {"messages": 1000, "deliveries": 999}, "new": {"messages": 1000, "deliveries": 960}}
    assert healthy({"new": stats["new"]}, {}, quiet)
    result = tag_health(stats, {"baseline_tag": "control"}, quiet)
    assert list(result) == ["new"]
    assert result["new"]["required_delivery_ratio"] == 0.979
    assert result["new"]["verdict"] == "inconclusive"
    assert not healthy(stats, {"baseline_tag": "control"}, quiet)


def test_a_baseline_in_a_list():
    """Records in a list are matched by their own tag."""
    records = [{"tag": "control", "messages": 1000, "deliveries": 999}, {"tag": "new", **GOOD}]
    result = tag_health(records, {"baseline_tag": "control"}, quiet)
    assert [judgement["messages"] for judgement in result] == [200]


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


@pytest.mark.parametrize(
    ("after", "before", "messages"),
    [
        (POOR, {"messages": 50, "deliveries": 50}, 150),
        ({"tag": "a", **POOR}, {"tag": "b", "messages": 50, "deliveries": 50}, 150),
        ({"tag": "a", **POOR}, {"a": {"messages": 50, "deliveries": 50}}, 150),
    ],
)
def test_one_record_since_another(after, before, messages):
    """One record stands beside one record, or finds its own among several."""
    assert since(after, before, None, quiet)["messages"] == messages


def test_several_records_since():
    """Tags are matched by name; one that was not there before counts as zeros then."""
    before = {"a": {"messages": 50, "deliveries": 50}, "gone": GOOD}
    result = since({"a": GOOD, "new": GOOD}, before, None, quiet)
    assert {tag: record["messages"] for tag, record in result.items()} == {"a": 150, "new": 200}
    assert [record["messages"] for record in since([{"tag": "a", **GOOD}], before, None, quiet)] == [150]


def test_nothing_in_common_is_a_warning():
    """Other tags altogether are most likely a slip."""
    warnings = []
    since({"a": GOOD}, {"b": GOOD}, None, warnings.append)
    tag_health({"a": GOOD}, {"since": {"b": GOOD}}, warnings.append)
    assert warnings == [NOTHING_IN_COMMON] * 2


@pytest.mark.parametrize(("grace_period", "carried_over"), [(None, 0), ("86401", 2), (86399, 0)])
def test_grace_period_of_since(grace_period, carried_over):
    """Mail whose last activity is older than this was not under way any more."""
    before = {**GOOD, **OLD}
    assert since({"messages": 300, "deliveries": 290}, before, grace_period, quiet)["carried_over"] == carried_over


@pytest.mark.parametrize("grace_period", [-1, "soon", True])
def test_grace_period_refused(grace_period):
    """Seconds, 0 or more."""
    with pytest.raises(OptionError, match="grace_period"):
        since(GOOD, GOOD, grace_period, quiet)


@pytest.mark.parametrize("counts", [(1000, 1200), (100, 101), (400, 10**6)])
@pytest.mark.parametrize("options", [{}, {"confidence": 0.95}, {"min_delivery_ratio": 0}, {"min_messages": 1}])
@pytest.mark.parametrize("before", [{}, {"messages": 0, "deliveries": 0, "fetched_at": "2026-01-01T12:00:00Z"}])
def test_deliveries_above_messages_are_never_healthy(counts, options, before):
    """Neither alone, nor in a list or a dict among records that pass, with or without an earlier record."""
    odd = {"messages": counts[0], "deliveries": counts[1], "tag": "odd"}
    good = {"messages": 1000, "deliveries": 1000, "tag": "good"}
    options = {**options, **({"since": {"odd": before, "good": before}} if before else {})}
    for given in (odd, [good, odd], {"good": good, "odd": odd}):
        assert not healthy(given, options, quiet)
        judged = tag_health(given, options, quiet)
        found = judged[1] if isinstance(judged, list) else judged.get("odd", judged)
        assert found["verdict"] == "inconclusive"
        assert f"{counts[1]} deliveries are counted for {counts[0]} messages" in found["reasons"][0]


def test_json_text():
    """It is the list or dict that it stands for, wherever records are taken."""
    before = {"a": {"messages": 1000, "deliveries": 990}}
    after = {"a": {"messages": 1200, "deliveries": 1185}}
    assert tag_health(json.dumps(after), {"since": json.dumps(before)}, quiet)["a"]["messages"] == 200
    assert since(json.dumps(after), json.dumps(before), None, quiet)["a"]["messages"] == 200
    assert healthy(json.dumps([GOOD]), {"expected_messages": "200"}, quiet)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: healthy_test(GOOD, 0.95),
            r"healthy: give options by name, such as healthy\(min_delivery_ratio=0.95\)",
        ),
        (lambda: tag_health_filter(GOOD, 0.95, 100), "tag_health: give options by name, such as tag_health"),
        (
            lambda: since_filter(GOOD, GOOD, 900),
            r"since: give options by name, such as since\(before, grace_period=900",
        ),
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


def test_a_baseline_of_outcomes():
    """It is one of what is given, and not judged."""
    given = {"control": outcome(1000, 990, 10, tag="control"), "new": outcome(1000, 960, 40, tag="new")}
    judged = tag_health(given, {"baseline_tag": "control"}, quiet)
    assert verdicts_of(judged) == {"new": "fail"}
    assert tag_health(given, {}, quiet)["new"]["verdict"] == "pass"


def test_since_of_outcomes():
    """The error says what to do instead."""
    with pytest.raises(OptionError, match="an outcome cannot be subtracted; read it with"):
        since(GOOD_OUTCOME, GOOD_OUTCOME, None, quiet)
