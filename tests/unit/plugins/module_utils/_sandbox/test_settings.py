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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("dead", SCENARIOS["dead"]), ({"hold": None}, SCENARIOS["healthy"]),
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


REFUSED_SCENARIOS = [
    ("heathy", "", "give one of healthy, deferred, blocked, dead, outage"), (7, "", "not a name"),
    ({"delivery": 1}, ".delivery", "there is no such key; give one of blocked_domains"),
    ({"retries": []}, ".retries", "rising list"), ({"retries": [20, 10]}, ".retries", "rising list"),
    ({"retries": 600}, ".retries", "not a list"), ({"domains": "example.net"}, ".domains", "not a dict"),
    ({"blocked_domains": ["a@b"]}, ".blocked_domains", "what follows the @"), ("{nonsense", "", "not JSON"),
    ({"refusals": {"virus": 1}}, ".refusals.virus", "give one of mailbox_full, no_such_address, spam"),
    ({"refusals": {"spam": 0}}, ".refusals", "no cause has a weight above 0"),
    ({"refusals": {"spam": -1}}, ".refusals.spam", "not 0 or more"),
    ({"blocked_rate": 0.6, "unreachable_rate": 0.6}, "", "add up to more than 1"),
    ({"domains": {"a@b": "dead"}}, ".domains['a@b']", "what follows the @"),
    ({"domains": {"b": "ded"}}, ".domains['b']", "not a name (healthy, deferred, blocked"),
    ({"domains": {"b": {"domains": {}}}}, ".domains['b'].domains", "there is no such key"),
    ({"default": "dead", "delay": 1}, ".delay", "give one of default, tags"),
    ({"default": "x"}, ".default", "is unknown"), ({"tags": {"a b": "dead"}}, ".tags['a b']", "white space"),
    ({"tags": {"a": {"hold": -1}}}, ".tags['a'].hold", "is negative"),
]  # fmt: skip
REFUSED_FAULTS = [
    ({"drop": -1}, ".drop", "0 or more"), ({"dorp": 1}, ".dorp", "no such key"),
    ({"slow_bytes": 3601}, ".slow_bytes", "not from 0 to 3600"), ({"unknown_tag": "x"}, ".unknown_tag", "is unknown"),
    ({"statuses": [99]}, ".statuses[0]", "from 200 to 599"), ({"statuses": [{"count": 1}]}, ".statuses[0]", "missing"),
    ({"statuses": [503, {"status": 503, "count": 0}]}, ".statuses[1].count", "from 1 to 100000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "where", "problem"),
    [
        *[("scenario", *refused) for refused in REFUSED_SCENARIOS],
        *[("faults", *refused) for refused in REFUSED_FAULTS],
        *[("host", each, "", "give") for each in ("0.0.0.0", "192.0.2.1", "::", "::ffff:127.0.0.1", "127.0.0.1.test")],
        *[("api_token", token, "", "make up") for token in (None, "brief", "with white space")],
        ("port", 65536, "", "to 65535"), ("speed", 0, "", "from 0.001"), ("idle_timeout", -1, "", "is negative"),
        ("seed", 1.5, "", "not a whole number"),
    ],
)  # fmt: skip
def test_refused(option, value, where, problem):
    """What means nothing is refused with the path to the key, the problem and the remedy; the token is not repeated."""
    with pytest.raises(OptionError) as caught:
        parse_settings({"api_token": TOKEN, option: value})
    assert caught.value.option == option + where
    assert problem in caught.value.problem
    assert option != "api_token" or str(value) not in str(caught.value)


def test_digest():
    """The digest tells other settings from the same in other words; token and port are compared elsewhere."""
    in_other_words = {"speed": "1.0", "scenario": {"delay": [1, 5]}, "faults": {"drop": 0}}
    for same in ({"port": 4711, "api_token": "another-token"}, in_other_words):
        assert parse(**same).digest() == parse().digest()
    changes = {"speed": 2, "seed": 1, "faults": {"drop": 1}, "tls": True, "host": "::1", "data": "/somewhere"}
    others = [{name: value} for name, value in {**changes, "scenario": {"tags": {"a": "healthy"}}}.items()]
    assert len({parse(**options).digest() for options in ({}, *others)}) == 1 + len(others)
