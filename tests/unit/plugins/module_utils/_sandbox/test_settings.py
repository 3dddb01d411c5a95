"""The options of a sandbox, scenarios and faults among them: what is read, refused, and a change."""

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import FaultOptions, StatusFault
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import SCENARIOS, Scenario, Scenarios
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_name, parse_settings

TOKEN = "only-for-rehearsal"


def parse(**options):
    """Settings from options, with a token, which is nowhere in what Python prints of them."""
    settings = parse_settings({"api_token": TOKEN, **options})
    assert TOKEN not in repr(settings)
    return settings


def test_names():
    """A name may be what a directory may be called, but not leave it, hide, or be ambiguous."""
    for name in ("default", "a.b", "_x", "-", "9", "x" * 100):
        assert parse_name(name) == name
    for name in ("", "..", ".a", "a/b", "a b", "caf\u00e9", "a\n", "x" * 101):
        with pytest.raises(OptionError, match=r"^name: "):
            parse_name(name)


def test_api_url():
    """The address has the scheme, the loopback host as asked for, and brackets where they belong."""
    urls = [parse(host=host, tls=host == "::1").api_url(80) for host in ("127.1.2.3", "::1")]
    assert urls == ["http://127.1.2.3:80/v1", "https://[::1]:80/v1"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("dead", SCENARIOS["dead"]), ({}, SCENARIOS["healthy"]), ({"hold": None}, SCENARIOS["healthy"]),
        ({"delivery_rate": "0.5", "delay": 0}, Scenario(delivery_rate=0.5, delay=(0.0, 0.0))),
        ('{"delivery_rate": 0.5}', Scenario(delivery_rate=0.5)),
        ({"refusals": {"spam": "2", "mailbox_full": None}}, Scenario(refusals=(("spam", 2.0),))),
        ({"tags": {2024: "dead"}}, Scenarios(tags={"2024": SCENARIOS["dead"]})),
        ({"default": "outage", "tags": {"a": {"hold": 1}}}, Scenarios(SCENARIOS["outage"], {"a": Scenario(hold=1.0)})),
    ],
)  # fmt: skip
def test_scenarios_read(value, expected):
    """A name, rates, or either of them by tag; `test_plan` has domains."""
    assert parse(scenario=value).scenario == (Scenarios(expected) if isinstance(expected, Scenario) else expected)


def test_faults_read():
    """Codes alone, or with how often and how long to wait; null is as good as nothing."""
    statuses = [{"status": 429, "count": 2, "retry_after": 1}, 500, "503"]
    read = (StatusFault(429, 1), StatusFault(429, 1), StatusFault(500), StatusFault(503))
    given = {"slow_count": None, "latency": "0.5", "statuses": statuses, "unknown_tag": "null"}
    assert parse(faults=given).faults == FaultOptions(latency=0.5, statuses=read, unknown_tag="null")


@pytest.mark.parametrize(
    ("value", "where", "problem"),
    [
        ("heathy", "", "give one of healthy, deferred, blocked, dead, outage"),
        (7, "", "not a name"), ("{nonsense", "", "not JSON"),
        ({"delivery": 1}, ".delivery", "there is no such key; give one of blocked_domains"),
        ({"delivery_rate": 95}, ".delivery_rate", "did you mean 0.95?"),
        ({"retries": []}, ".retries", "rising list"), ({"retries": [20, 10]}, ".retries", "rising list"),
        ({"retries": 600}, ".retries", "not a list"),
        ({"blocked_domains": ["a@b"]}, ".blocked_domains", "what follows the @"),
        ({"refusals": {"virus": 1}}, ".refusals.virus", "give one of mailbox_full, no_such_address, spam"),
        ({"refusals": {"spam": 0}}, ".refusals", "no cause has a weight above 0"),
        ({"refusals": {"spam": -1}}, ".refusals.spam", "not 0 or more"), ({"refusals": 5}, ".refusals", "not a dict"),
        ({"blocked_rate": 0.6, "unreachable_rate": 0.6}, "", "add up to more than 1"),
        ({"domains": "example.net"}, ".domains", "not a dict"),
        ({"domains": {"a@b": "dead"}}, ".domains['a@b']", "what follows the @"),
        ({"domains": {"b": "ded"}}, ".domains['b']", "not a name (healthy, deferred, blocked"),
        ({"domains": {"b": {"delay": -1}}}, ".domains['b'].delay", "is negative"),
        ({"domains": {"b": {"domains": {}}}}, ".domains['b'].domains", "there is no such key"),
        ({"default": "x"}, ".default", "is unknown"), ({"tags": ["a"]}, ".tags", "not a dict"),
        ({"default": "dead", "delay": 1}, ".delay", "give one of default, tags"),
        ({"tags": {"a b": "dead"}}, ".tags['a b']", "white space"),
        ({"tags": {"a": {"hold": -1}}}, ".tags['a'].hold", "is negative"),
        ({"tags": {"a": {"tags": {}}}}, ".tags['a'].tags", "there is no such key"),
    ],
)  # fmt: skip
def test_scenarios_refused(value, where, problem):
    """A scenario that means nothing is refused with the path to the key, the problem and the remedy."""
    with pytest.raises(OptionError) as caught:
        parse(scenario=value)
    assert caught.value.option == f"scenario{where}"
    assert problem in caught.value.problem


STATUSES = {
    ".statuses": 503, ".statuses[0]": [99], ".statuses[1]": [503, {"count": 1}],
    ".statuses[0].count": [{"status": 503, "count": 0}], ".statuses[0].times": [{"status": 503, "times": 1}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "where"),
    [
        *[("host", host, "") for host in ("0.0.0.0", "192.0.2.1", "::", "::ffff:127.0.0.1", "127.0.0.1.test", "")],
        *[("api_token", token, "") for token in (None, "brief", "with white space")],
        ("port", 65536, ""), ("port", -1, ""), ("speed", 0, ""), ("speed", float("nan"), ""),
        ("idle_timeout", -1, ""), ("seed", 1.5, ""), ("faults", [], ""), ("faults", {"dorp": 1}, ".dorp"),
        ("faults", {"drop": -1}, ".drop"), ("faults", {"latency": float("nan")}, ".latency"),
        ("faults", {"slow_bytes": 3601}, ".slow_bytes"), ("faults", {"slow_count": 0.5}, ".slow_count"),
        ("faults", {"unknown_tag": "nothing"}, ".unknown_tag"),
        *[("faults", {"statuses": statuses}, where) for where, statuses in STATUSES.items()],
    ],
)  # fmt: skip
def test_options_refused(option, value, where):
    """An option that cannot be used is refused with the path to the key, and the token is not repeated."""
    with pytest.raises(OptionError) as caught:
        parse_settings({"api_token": TOKEN, option: value})
    assert caught.value.option == option + where
    assert option != "api_token" or str(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"speed": "1.0", "scenario": {"delay": [1, 5]}, "faults": {"drop": 0}}, True),
        ({"port": 4711, "api_token": "another-token"}, True), ({"speed": 2}, False), ({"seed": 1}, False),
        ({"scenario": {"tags": {"a": "healthy"}}}, False), ({"scenario": {"refusals": "spam"}}, False),
        ({"scenario": {"domains": {"example.net": "blocked"}}}, False), ({"faults": {"drop": 1}}, False),
        ({"tls": True}, False), ({"host": "::1"}, False), ({"data": "/somewhere"}, False), ({"idle_timeout": 5}, False),
    ],
)  # fmt: skip
def test_digest(options, same):
    """The digest tells other settings from the same in other words; token and port are compared elsewhere."""
    assert (parse(**options).digest() == parse().digest()) is same
