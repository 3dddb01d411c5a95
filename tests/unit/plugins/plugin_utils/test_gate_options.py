"""Tests of the gate's options, and of what a look's result means."""

import json
from dataclasses import fields
from datetime import datetime, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
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
    # In check mode the options of the wait do not matter.
    once = gate_options.gate_from(read(wait_timeout=5), True, pytest.fail)
    assert (once.timing.wait_timeout, once.next_look_in(0)) == (0, 0)
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
    [
        # Little can be decided within the grace period.
        *(({"wait_timeout": seconds}, "wait_timeout (") for seconds in (0.5, 900)),
        *(({"wait_timeout": seconds}, "") for seconds in (0, 901)), ({"wait_timeout": 61, "grace_period": 10}, ""),
        # The records of an earlier gate, by tag or that of the only tag.
        *(({"since": since}, "") for since in ({"a": RECORD}, RECORD, {"a": RECORD, "gone": RECORD}, {})),
        ({"since": {"b": RECORD}}, NOTHING_IN_COMMON), ({"tags": ["a", "b"], "baseline_tag": "a"}, ""),
    ],
)  # fmt: skip
def test_warnings(args, warned):
    """What is most likely a slip is allowed, and told."""
    warnings = made(**args)[1]
    assert len(warnings) == bool(warned)
    assert "".join(warnings).startswith(warned)


def test_what_a_look_asks_with(monkeypatch):
    """What is not known here is left to the task's host, where paths are, too; nothing is taken from this machine."""
    args = gate_options.look_args(read())
    assert not {"api_token", "api_url", "min_messages"} & set(args)
    assert (args["timeout"], args["retries"], args["parallel"], args["endpoint"]) == (10, 3, 8, "stats")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://:no-proxy")
    for path in ("~/ca.pem", "${HOME}/ca.pem", "ca.pem"):
        args = read(ca_path=path, access_token="a-long-token", api_url="https://service.example.test/v1")
        gate_options.gate_from(args, False, pytest.fail)
        asked = gate_options.look_args(args)
        assert (asked["ca_path"], asked["api_token"]) == (path, "a-long-token")


NUMBERS = {item.name for item in (*fields(Policy), *fields(Timing))} - {"at_deadline", "baseline_tag"}


@pytest.mark.parametrize("name", sorted(NUMBERS | {"timeout", "retries", "parallel"}))
@pytest.mark.parametrize("value", ["many", " ", True, [0.5], {"b": "x"}, "½"], ids=repr)
def test_a_number_that_is_none(name, value):
    """The option is named in our words, as Ansible would name types that no user knows."""
    with pytest.raises(OptionError, match=f"^{name}\\b.* is not a number; ") as caught:
        read(**{name: value})
    assert "Ansible" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("min_open_ratio", "2,5%", "'2,5%' is not a number; did you mean 0.025?"),
        ("wait_timeout", "30m", "'30m' is not a number; give seconds: did you mean 1800?"),
        ("wait_timeout", True, "true is not a number; give seconds, such as 900"),
        ("expected_messages", "20 000", "'20 000' is not a number; did you mean 20000?"),
        ("retries", 1.5, "1.5 is not a whole number of 0 or more"),
        ("validate_certs", [True], "[True] is not a boolean; give true or false"),
        ("fail_on", "never", "'never' is unknown; give a list of fail, inconclusive and error, or []"),
        ("fail_on", False, "false is unknown; give a list of fail, inconclusive and error, or []"),
        ("fail_on", ["fail", "pass"], "'pass' is unknown; give a list of fail, inconclusive and error, or []"),
    ],
)
def test_what_to_give_instead(name, value, said):
    """The value is shown as it was typed, with what was likely meant."""
    with pytest.raises(OptionError) as caught:
        read(**{name: value})
    assert str(caught.value) == f"{name}: {said}"


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("tags", ["a,b"], ["a,b"]), ("tags", '["a","b"]', ["a", "b"]), ("fail_on", '["fail"]', ["fail"]),
        ("fail_on", "fail, error", ["fail", "error"]), ("fail_on", "[]", []), ("validate_certs", "no", False),
        ("expected_messages", ' {"a": 400}', {"a": 400}), ("since", json.dumps({"a": RECORD}), {"a": RECORD}),
        ("wait_timeout", " 60 ", 60.0), ("history_limit", "1e2", 100),
    ],
)  # fmt: skip
def test_text_that_is_understood(name, given, value):
    """Numeric text is a number, and JSON text a list or a dict, on all versions of Ansible."""
    assert read(**{name: given})[name] == value


def test_moments():
    """They reach the module that reads events as ISO 8601 in UTC."""
    for since in ("2026-01-31T12:00:00Z", 1769860800, datetime(2026, 1, 31, 12, tzinfo=timezone.utc)):
        assert gate_options.events_since(read(since=since, **OUTCOMES)) == "2026-01-31T12:00:00Z"
        assert made(since=since, **OUTCOMES)[1] == []
    assert gate_options.events_since(read(**OUTCOMES)) is None
