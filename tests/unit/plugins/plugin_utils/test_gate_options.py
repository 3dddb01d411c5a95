"""Tests of the gate's options, and of what a look's result means."""

import json
from dataclasses import fields
from datetime import datetime, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _gate_options as gate_options
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._since import NOTHING_IN_COMMON

RECORD = {"tag": "a", "messages": 1000, "deliveries": 990, "opens": 0, "clicks": 0}
OUTCOMES = {"judge_by": "outcomes"}


def read(**args):
    """Arguments as the action reads them."""
    return gate_options.validated({"tags": ["a"], **args})


def made(**args):
    """A gate and the warnings that came with it."""
    warnings = []
    return gate_options.gate_from(read(**args), False, warnings.append), warnings


def test_defaults_are_those_of_the_policy_and_the_timing():
    """They live once."""
    gate, warnings = made()
    assert (gate.policy, gate.timing, warnings) == (Policy(), Timing(), [])
    assert {item.name for item in (*fields(Policy), *fields(Timing))} < set(gate_options.argument_spec())


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"tags": []}, "tags: it is empty"), ({"tags": ["a b"]}, "tags: 'a b' contains white space"),
        ({"tags": ["the-token-itself"], "api_token": "the-token"}, "tags: a tag contains the api_token"),
        ({"api_token": "short"}, "api_token"), ({"api_url": "http://example.com/v1"}, "api_url"),
        ({"timeout": 0}, "timeout"), ({"wait_timeout": -1}, "wait_timeout"), ({"wait_sleep": 0}, "wait_sleep"),
        ({"max_consecutive_errors": -1}, "max_consecutive_errors"), ({"history_limit": 1}, "history_limit"),
        ({"expected_messages": {"b": 500}}, "expected_messages: it names 'b'"),
        ({"baseline_tag": "a b"}, "white space"), ({"since": {"a": 5}}, "since"),
        ({"since": {"stats": {"a": RECORD}, "verdict": "pass"}}, "since: this is a whole result"),
        ({"tags": ["a", "b"], "since": RECORD}, "since: it is one record"),
        # A baseline alone would pass against itself.
        ({"tags": '["a"]', "baseline_tag": "a"}, "baseline_tag: 'a' cannot be the only tag judged"),
        # Counters take an earlier reading, outcomes a moment; the message names what takes the other.
        ({"since": ""}, "since: text is not the stats of an earlier gate; give a dict of records by tag"),
        ({"since": "2026-01-31T12:00:00Z"}, "since: a moment is for judge_by: outcomes; by counters, give the stats"),
        ({"since": RECORD, **OUTCOMES}, "since: the stats of an earlier gate are for judge_by: counters"),
        ({"since": {}, **OUTCOMES}, "since: the stats of an earlier gate are for judge_by: counters"),
        # Outcomes have no opens and clicks.
        ({"min_click_ratio": 0.1, **OUTCOMES}, "min_click_ratio: outcomes have no opens and clicks"),
    ],
)  # fmt: skip
def test_arguments_refused(args, named):
    """Before any wait, and with the option's name."""
    with pytest.raises(OptionError, match=named):
        made(**args)


@pytest.mark.parametrize(
    ("args", "warned"),
    [({"wait_timeout": 0}, 0), ({"wait_timeout": 0.5}, 1), ({"wait_timeout": 900}, 1), ({"wait_timeout": 901}, 0),
     ({"wait_timeout": 61, "grace_period": 10}, 0)],
)  # fmt: skip
def test_a_wait_too_short_is_warned_of(args, warned):
    """Little can be decided within the grace period."""
    assert [warning.split(" ")[0] for warning in made(**args)[1]] == ["wait_timeout"] * warned


def test_a_baseline_among_others():
    """It may be judged, too."""
    assert made(tags=["a", "b"], baseline_tag="a")[0].tags == ["a", "b"]


def test_looking_once():
    """In check mode the options of the wait do not matter."""
    gate = gate_options.gate_from(read(wait_timeout=5), True, pytest.fail)
    assert (gate.timing.wait_timeout, gate.next_look_in(0)) == (0, 0)


def test_since_by_tag_and_alone():
    """A dict by tag, or the record of the one tag; nothing at all is no since."""
    for since in ({"a": RECORD}, RECORD, {"a": RECORD, "gone": RECORD}, {}):
        assert made(since=since)[1] == []
    assert made(since={"b": RECORD})[1] == [NOTHING_IN_COMMON]


def test_what_a_look_asks_with():
    """What is not known here is left to the task's host."""
    args = gate_options.look_args(read())
    assert not {"api_token", "api_url", "min_messages"} & set(args)
    assert (args["timeout"], args["retries"], args["parallel"], args["endpoint"]) == (10, 3, 8, "stats")
    assert gate_options.look_args(read(access_token="a-long-token"))["api_token"] == "a-long-token"


@pytest.mark.parametrize("path", ["~/ca.pem", "${CERTIFICATES}/ca.pem", "ca.pem"])
def test_certificates_are_the_hosts(monkeypatch, path):
    """A path goes to the look as written, and nothing of it is looked up here, nor what the environment names."""
    monkeypatch.setenv("CERTIFICATES", "/of/the/controller")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://:no-proxy")
    args = read(ca_path=path, api_token="a-long-token", api_url="https://service.example.test/v1")
    gate_options.gate_from(args, False, pytest.fail)
    assert gate_options.look_args(args)["ca_path"] == path


RATIOS = ("min_delivery_ratio", "confidence", "min_open_ratio", "min_click_ratio", "max_delivery_drop")
SECONDS = ("sending_gap", "grace_period", "wait_timeout", "wait_sleep", "wait_delay", "timeout")
COUNTS = ("min_messages", "expected_messages", "max_consecutive_errors", "history_limit", "retries", "parallel")


@pytest.mark.parametrize("name", [*RATIOS, *SECONDS, *COUNTS])
@pytest.mark.parametrize("value", ["many", " ", True, [0.5], {"b": "x"}, "½"], ids=repr)
def test_a_number_that_is_none(name, value):
    """The option is named in our words, as Ansible would name types that no user knows."""
    with pytest.raises(OptionError, match=f"^{name}\\b.* is not a number; ") as caught:
        read(**{name: value})
    assert "Ansible" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("min_delivery_ratio", "95%", "'95%' is not a number; did you mean 0.95?"),
        ("min_open_ratio", "2,5%", "'2,5%' is not a number; did you mean 0.025?"),
        ("confidence", "0,99", "'0,99' is not a number; did you mean 0.99?"),
        ("wait_timeout", "30m", "'30m' is not a number; give seconds: did you mean 1800?"),
        ("wait_timeout", True, "true is not a number; give seconds, such as 900"),
        ("grace_period", "1.5 h", "'1.5 h' is not a number; give seconds: did you mean 5400?"),
        ("min_messages", "1,000", "'1,000' is not a number; did you mean 1000?"),
        ("expected_messages", "20 000", "'20 000' is not a number; did you mean 20000?"),
        ("retries", "a few", "'a few' is not a number; give a whole number"),
        ("retries", 1.5, "1.5 is not a whole number of 0 or more"),
        ("validate_certs", "maybe", "'maybe' is not a boolean; give true or false"),
        ("validate_certs", [True], "[True] is not a boolean; give true or false"),
        ("fail_on", "never", "'never' is unknown; give a list of fail, inconclusive and error, or []"),
        ("fail_on", ["fail", "pass"], "'pass' is unknown; give a list of fail, inconclusive and error, or []"),
        ("fail_on", False, "false is unknown; give a list of fail, inconclusive and error, or []"),
    ],
)
def test_what_to_give_instead(name, value, said):
    """The value is shown as it was typed, with what was likely meant."""
    with pytest.raises(OptionError) as caught:
        read(**{name: value})
    assert str(caught.value) == f"{name}: {said}"


@pytest.mark.parametrize(
    ("args", "name", "value"),
    [
        ({"tags": ["a,b"]}, "tags", ["a,b"]), ({"tags": '["a","b"]'}, "tags", ["a", "b"]),
        ({"fail_on": '["fail"]'}, "fail_on", ["fail"]), ({"fail_on": "fail, error"}, "fail_on", ["fail", "error"]),
        ({"fail_on": "[]"}, "fail_on", []), ({"validate_certs": "no"}, "validate_certs", False),
        ({"expected_messages": ' {"a": 400}'}, "expected_messages", {"a": 400}),
        ({"since": json.dumps({"a": RECORD})}, "since", {"a": RECORD}),
        ({"wait_timeout": " 60 "}, "wait_timeout", 60.0), ({"history_limit": "1e2"}, "history_limit", 100),
    ],
)  # fmt: skip
def test_text_that_is_understood(args, name, value):
    """Numeric text is a number, and JSON text a list or a dict, on all versions of Ansible."""
    assert read(**args)[name] == value


@pytest.mark.parametrize(
    ("given", "said"),
    [({"tags": ["a"], "tagz": 1}, "Unsupported parameters for .*tagz"), ({}, "missing required arguments: tags"),
     ({"tags": ["a"], "endpoint": "x"}, "value of endpoint must be one of")],
)  # fmt: skip
def test_what_ansible_finds(given, said):
    """Its own words are fine where they name the option."""
    with pytest.raises(SmtpeterError, match=said):
        gate_options.validated(given)


@pytest.mark.parametrize(
    "since", ["2026-01-31T12:00:00Z", 1769860800, datetime(2026, 1, 31, 12, tzinfo=timezone.utc)], ids=str
)
def test_moments(since):
    """They reach the module that reads events as ISO 8601 in UTC."""
    assert gate_options.events_since(read(since=since, **OUTCOMES)) == "2026-01-31T12:00:00Z"
    assert gate_options.events_since(read(**OUTCOMES)) is None
    made(since=since, **OUTCOMES)
