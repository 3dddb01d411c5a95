# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the gate's options, and of what a look's result means."""

from __future__ import annotations

from dataclasses import fields

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate_options import (
    argument_spec,
    gate_from,
    look_args,
    outcome,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._since import NOTHING_IN_COMMON

RECORD = {"tag": "a", "messages": 1000, "deliveries": 990, "opens": 0, "clicks": 0}


def validated(**args):
    """Arguments as the action gets them."""
    result = ArgumentSpecValidator(**argument_spec()).validate({"tags": ["a"], **args})
    assert result.error_messages == []
    return result.validated_parameters


def made(**args):
    """A gate and the warnings that came with it."""
    warnings = []
    return gate_from(validated(**args), False, warnings.append), warnings


def test_defaults_are_those_of_the_policy_and_the_timing():
    """They live once."""
    gate, warnings = made()
    assert gate.policy == Policy()
    assert gate.timing == Timing()
    assert warnings == []
    assert {item.name for item in (*fields(Policy), *fields(Timing))} < set(argument_spec()["argument_spec"])


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"tags": []}, "tags: it is empty"),
        ({"tags": ["a b"]}, "tags: 'a b' holds white space"),
        ({"tags": ["the-token-itself"], "api_token": "the-token"}, "tags: a tag holds the api_token"),
        ({"api_token": "short"}, "api_token"),
        ({"api_url": "http://example.com/v1"}, "api_url"),
        ({"timeout": 0}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"min_delivery_ratio": 95}, r"did you mean 0\.95"),
        ({"min_delivery_ratio": float("nan")}, "min_delivery_ratio"),
        ({"confidence": 1}, "confidence"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"wait_sleep": 0}, "wait_sleep"),
        ({"wait_delay": "-5"}, "wait_delay"),
        ({"max_consecutive_errors": -1}, "max_consecutive_errors"),
        ({"history_limit": 1}, "history_limit"),
        ({"expected_messages": {"b": 500}}, "expected_messages: it names 'b'"),
        ({"baseline_tag": "a b"}, "white space"),
        ({"since": {"stats": {"a": RECORD}, "verdict": "pass"}}, "since: this is a whole result"),
        ({"tags": ["a", "b"], "since": RECORD}, "since: it is one record"),
        ({"since": {"a": 5}}, "since"),
    ],
)
def test_arguments_refused(args, named):
    """Before any wait, with the option's name."""
    with pytest.raises(OptionError, match=named):
        made(**args)


@pytest.mark.parametrize(
    ("args", "warned"),
    [
        ({}, False),
        ({"wait_timeout": 900}, True),
        ({"wait_timeout": 901}, False),
        ({"wait_timeout": 0}, True),
        ({"wait_timeout": 50, "grace_period": 10}, True),
        ({"wait_timeout": 61, "grace_period": 10}, False),
    ],
)
def test_a_wait_too_short_is_warned_of(args, warned):
    """Little can be decided within the grace period."""
    _gate, warnings = made(**args)
    assert [warning.split(" ")[0] for warning in warnings] == (["wait_timeout"] if warned else [])


def test_looking_once():
    """In check mode the options of the wait do not matter."""
    gate = gate_from(validated(wait_timeout=5), True, pytest.fail)
    assert (gate.timing.wait_timeout, gate.first_look_in) == (0, 0)


def test_since_by_tag_and_alone():
    """A dict by tag, or the record of the one tag; nothing at all is no since."""
    for since in ({"a": RECORD}, RECORD, {"a": RECORD, "gone": RECORD}):
        gate, warnings = made(since=since)
        assert warnings == []
        assert gate.result()["stats"] == {}
    assert made(since={})[1] == []
    assert made(since={"b": RECORD})[1] == [NOTHING_IN_COMMON]


def test_what_a_look_asks_with():
    """What is not known here is left to the task's host."""
    args = look_args(validated())
    assert "api_token" not in args
    assert "api_url" not in args
    assert "min_messages" not in args
    assert (args["timeout"], args["retries"], args["parallel"], args["endpoint"]) == (10, 3, 8, "stats")
    assert look_args(validated(access_token="a-long-token"))["api_token"] == "a-long-token"


@pytest.mark.parametrize("path", ["~/ca.pem", "$HOME/ca.pem", "${CERTIFICATES}/ca.pem", "ca.pem", "/no/such/file"])
def test_certificates_are_the_hosts(monkeypatch, path):
    """A path goes to the look as written, and nothing of it is looked up here, nor what the environment names."""
    monkeypatch.setenv("CERTIFICATES", "/of/the/controller")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://:no-proxy")
    args = validated(ca_path=path, api_token="a-long-token", api_url="https://service.example.test/v1")
    gate_from(args, False, pytest.fail)
    assert look_args(args)["ca_path"] == path


def test_the_environment_of_the_controller(monkeypatch):
    """It comes first."""
    monkeypatch.setenv("SMTPETER_API_TOKEN", "token-of-the-controller")
    monkeypatch.setenv("SMTPETER_API_URL", "https://localhost/v1")
    args = look_args(validated())
    assert (args["api_token"], args["api_url"]) == ("token-of-the-controller", "https://localhost/v1")


def test_outcomes():
    """Records and errors, or an error of each tag where the look was lost."""
    error = {"kind": "service", "status": 503, "msg": "503"}
    records, errors = outcome({"stats": {"a": RECORD}, "errors": {"b": error}, "failed": True}, ["a", "b"])
    assert (records["a"].messages, errors) == (1000, {"b": error})
    for lost in (
        {"unreachable": True, "msg": "no route"},
        {"failed": True, "msg": "MODULE FAILURE", "module_stdout": "", "rc": 1},
        {"stats": {"a": {"messages": 5}}, "errors": {}},
    ):
        records, errors = outcome(lost, ["a", "b"])
        assert records == {}
        assert [errors[tag]["kind"] for tag in ("a", "b")] == ["lost", "lost"]


def test_a_look_that_could_not_even_ask():
    """A missing library does not come by waiting."""
    with pytest.raises(OptionError, match="^the look: the Python library requests is not installed"):
        outcome({"failed": True, "msg": how_to_install("requests")}, ["a"])
