"""The options of a sandbox, scenarios and faults among them: what is read, refused, and a change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import (
    FaultOptions,
    FaultQueue,
    StatusFault,
)
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import SCENARIOS, Scenario, Scenarios
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import (
    Settings,
    parse_name,
    parse_settings,
)

TOKEN = "only-for-rehearsal"


def parse(**options: Any) -> Settings:
    """Settings from options, with a token, which is nowhere in what Python prints of them."""
    settings = parse_settings({"api_token": TOKEN, **options})
    assert TOKEN not in repr(settings)
    return settings


@pytest.mark.parametrize("name", ["default", "a.b", "_x", "-", "9", "x" * 100])
def test_names_taken(name: str) -> None:
    """A name may be what a directory may be called, within reason."""
    assert parse_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a/b", "a b", "caf\u00e9", "a\n", "x" * 101])
def test_names_refused(name: str) -> None:
    """A name that would leave the directory, hide, or be ambiguous is refused."""
    with pytest.raises(OptionError, match=r"^name: "):
        parse_name(name)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://127.0.0.1:80/v1"),
        ({"host": "127.1.2.3"}, "http://127.1.2.3:80/v1"),
        ({"host": "localhost", "tls": True}, "https://localhost:80/v1"),
        ({"host": "::1"}, "http://[::1]:80/v1"),
    ],
)
def test_api_url(options: dict[str, Any], url: str) -> None:
    """The address has the scheme, the loopback host as asked for, and brackets where they belong."""
    assert parse(**options).api_url(80) == url


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("dead", SCENARIOS["dead"]),
        ({}, SCENARIOS["healthy"]),
        ({"delivery_rate": "0.5", "delay": 0}, Scenario(delivery_rate=0.5, delay=(0.0, 0.0))),
        ('{"delivery_rate": 0.5}', Scenario(delivery_rate=0.5)),
        ({"hold": None}, SCENARIOS["healthy"]),
        ({"blocked_domains": "Bad.example"}, Scenario(blocked_domains=("bad.example",))),
        ({"refusals": "spam"}, Scenario(refusals=(("spam", 1.0),))),
        ({"refusals": {"spam": "2", "mailbox_full": None}}, Scenario(refusals=(("spam", 2.0),))),
        (
            {"hold": 1, "domains": {"A.example": "dead", "b.example": {"delay": [2, 3]}}},
            Scenario(
                hold=1.0,
                domains={"a.example": SCENARIOS["dead"], "b.example": Scenario(hold=1.0, delay=(2.0, 3.0))},
            ),
        ),
        ({"tags": {2024: "dead"}}, Scenarios(tags={"2024": SCENARIOS["dead"]})),
        ({"default": "outage", "tags": {"a": {"hold": 1}}}, Scenarios(SCENARIOS["outage"], {"a": Scenario(hold=1.0)})),
    ],
)
def test_scenarios_read(value: object, expected: Scenario | Scenarios) -> None:
    """A name, rates, or either of them by tag."""
    assert parse(scenario=value).scenario == (Scenarios(expected) if isinstance(expected, Scenario) else expected)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(["x"], "healthy"), ([], "healthy"), (["a"], "dead"), (["x", "b", "a"], "outage"), (["a", "b"], "dead")],
)
def test_scenario_of_a_message(tags: list[str], expected: str) -> None:
    """The first tag with a scenario of its own decides."""
    assert parse(scenario={"tags": {"a": "dead", "b": "outage"}}).scenario.for_tags(tags) == SCENARIOS[expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, FaultOptions()),
        ({"slow_count": None, "latency": "0.5"}, FaultOptions(latency=0.5)),
        ({"statuses": [503, "429"]}, FaultOptions(statuses=(StatusFault(503), StatusFault(429)))),
        (
            {"statuses": [{"status": 429, "count": 2, "retry_after": 1}, 500]},
            FaultOptions(statuses=(StatusFault(429, 1), StatusFault(429, 1), StatusFault(500))),
        ),
        ({"unknown_tag": "null"}, FaultOptions(unknown_tag="null")),
    ],
)
def test_faults_read(value: object, expected: FaultOptions) -> None:
    """Codes alone, or with how often and how long to wait."""
    assert parse(faults=value).faults == expected


def test_slow_without_a_count_is_for_all() -> None:
    """Slow bytes without a count are for every request."""
    queue = FaultQueue(parse(faults={"slow_bytes": 2}).faults)
    assert {queue.next_fault().slow_bytes for _each in range(5)} == {2.0}


@pytest.mark.parametrize(
    ("value", "where", "problem"),
    [
        ("heathy", "", "give one of healthy, deferred, blocked, dead, outage"),
        (7, "", "not a name"),
        ("{nonsense", "", "not JSON"),
        ({"delivery": 1}, ".delivery", "there is no such key; give one of blocked_domains"),
        ({"delivery_rate": 95}, ".delivery_rate", "did you mean 0.95?"),
        ({"retries": []}, ".retries", "rising list"),
        ({"retries": [20, 10]}, ".retries", "rising list"),
        ({"retries": 600}, ".retries", "not a list"),
        ({"blocked_domains": ["a@b"]}, ".blocked_domains", "what follows the @"),
        ({"refusals": {"virus": 1}}, ".refusals.virus", "give one of mailbox_full, no_such_address, spam"),
        ({"refusals": "virus"}, ".refusals.virus", "there is no such key"),
        ({"refusals": {"spam": 0}}, ".refusals", "no cause has a weight above 0"),
        ({"refusals": {"spam": -1}}, ".refusals.spam", "not 0 or more"),
        ({"refusals": 5}, ".refusals", "not a dict"),
        ({"blocked_rate": 0.6, "unreachable_rate": 0.6}, "", "add up to more than 1"),
        ({"domains": "example.net"}, ".domains", "not a dict"),
        ({"domains": {"a@b": "dead"}}, ".domains['a@b']", "what follows the @"),
        ({"domains": {"b": "ded"}}, ".domains['b']", "not a name (healthy, deferred, blocked"),
        ({"domains": {"b": {"delay": -1}}}, ".domains['b'].delay", "is negative"),
        ({"domains": {"b": {"domains": {}}}}, ".domains['b'].domains", "there is no such key"),
        ({"default": "x"}, ".default", "is unknown"),
        ({"default": "dead", "delay": 1}, ".delay", "give one of default, tags"),
        ({"tags": ["a"]}, ".tags", "not a dict"),
        ({"tags": {"a b": "dead"}}, ".tags['a b']", "white space"),
        ({"tags": {"a": {"hold": -1}}}, ".tags['a'].hold", "is negative"),
        ({"tags": {"a": {"tags": {}}}}, ".tags['a'].tags", "there is no such key"),
    ],
)
def test_scenarios_refused(value: Any, where: str, problem: str) -> None:
    """A scenario that means nothing is refused with the path to the key, the problem and the remedy."""
    with pytest.raises(OptionError) as caught:
        parse(scenario=value)
    assert caught.value.option == f"scenario{where}"
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("option", "value", "where"),
    [
        *[("host", host, "") for host in ("0.0.0.0", "192.0.2.1", "::", "::ffff:127.0.0.1", "127.0.0.1.test", "")],
        *[("port", port, "") for port in (65536, -1)],
        *[("api_token", token, "") for token in (None, "brief", "with white space")],
        *[("speed", speed, "") for speed in (0, float("nan"))],
        ("idle_timeout", -1, ""),
        ("seed", 1.5, ""),
        ("faults", [], ""),
        ("faults", {"dorp": 1}, ".dorp"),
        ("faults", {"drop": -1}, ".drop"),
        ("faults", {"latency": float("nan")}, ".latency"),
        ("faults", {"slow_bytes": 3601}, ".slow_bytes"),
        ("faults", {"slow_count": 0.5}, ".slow_count"),
        ("faults", {"statuses": 503}, ".statuses"),
        ("faults", {"statuses": [99]}, ".statuses[0]"),
        ("faults", {"statuses": [503, {"count": 1}]}, ".statuses[1]"),
        ("faults", {"statuses": [{"status": 503, "count": 0}]}, ".statuses[0].count"),
        ("faults", {"statuses": [{"status": 503, "times": 1}]}, ".statuses[0].times"),
        ("faults", {"unknown_tag": "nothing"}, ".unknown_tag"),
    ],
)
def test_options_refused(option: str, value: Any, where: str) -> None:
    """An option that cannot be used is refused with the path to the key, and the token is not repeated."""
    with pytest.raises(OptionError) as caught:
        parse_settings({"api_token": TOKEN, option: value})
    assert caught.value.option == option + where
    assert option != "api_token" or str(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({}, True),
        ({"speed": "1.0", "scenario": {"delay": [1, 5]}, "faults": {"drop": 0}}, True),
        ({"port": 4711, "api_token": "another-token"}, True),
        ({"speed": 2}, False),
        ({"seed": 1}, False),
        ({"scenario": {"tags": {"a": "healthy"}}}, False),
        ({"scenario": {"refusals": "spam"}}, False),
        ({"scenario": {"domains": {"example.net": "blocked"}}}, False),
        ({"faults": {"drop": 1}}, False),
        ({"tls": True}, False),
        ({"host": "::1"}, False),
        ({"data": "/somewhere"}, False),
        ({"idle_timeout": 5}, False),
    ],
)
def test_digest(options: dict[str, Any], same: bool) -> None:
    """The digest tells other settings from the same in other words; token and port are compared elsewhere."""
    assert (parse(**options).digest() == parse().digest()) is same
