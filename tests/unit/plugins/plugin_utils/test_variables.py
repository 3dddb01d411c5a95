"""Tests of what the playbooks make of their variables."""

import datetime
import pathlib
import re

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _variables as variables

PLAYBOOKS = pathlib.Path(__file__).resolve().parents[4] / "playbooks"


def names_in(template):
    """The option names that a playbook's variable lists."""
    return [name for part in re.findall(r"'([a-z_\s]+)'", template) for name in part.split()]


GATE = names_in(yaml.safe_load((PLAYBOOKS / "gate.yml").read_text(encoding="utf-8"))[0]["vars"]["gate_options"])
_FLEET = yaml.safe_load((PLAYBOOKS / "vars" / "fleet.yml").read_text(encoding="utf-8"))
FLEET = [name for key in ("fleet_reading", "fleet_policy", "fleet_known") for name in names_in(_FLEET[key])]


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ("wave-1", ["wave-1"]), ("wave-1, wave-2 ,wave-3", ["wave-1", "wave-2", "wave-3"]), ("", [""]),
        ('["wave-1", "a,b"]', ["wave-1", "a,b"]), ("[1],[2]", ["[1]", "[2]"]), ("[1, 2]", [1, 2]),
        ("{{7*7}},[1]", ["{{7*7}}", "[1]"]), (["a,b", 1.1], ["a,b", 1.1]), (None, [None]),
    ],
)  # fmt: skip
def test_tags(given, tags):
    """Text is split at commas or parsed where it is JSON; nothing becomes text."""
    assert variables.tags_of(given) == tags


@pytest.mark.parametrize(
    ("written", "came"),
    [
        ("1.10", "a number (1.1)"), ("[a, 1e3, .inf]", "a number (inf)"), ("null", "null"), ("'[7]'", "a number (7)"),
        ("[no]", "a boolean (false)"), ("[2026-11-26]", "a date (2026-11-26)"), ("[12:30:00]", "a number (45000)"),
    ],
)  # fmt: skip
def test_what_is_not_text(written, came):
    """It is refused by the variable's name, with what came and how to write it."""
    problem = variables.tags_problem(yaml.safe_load(written), "smtpeter_tags")
    assert problem.startswith(f"smtpeter_tags: {came} is not a tag")
    assert """quote it: '1.10' in YAML, smtpeter_tags='"1.10"' in the line of a host""" in problem


def test_other_tags():
    """Quotes are advised only where they help; baselines and keys are tags, too; a comma too many is a slip."""
    for given in ([["a"]], {"wave-1": 400}):
        assert variables.tags_problem(given, "smtpeter_tags").endswith("give text, or a list of text")
    for given in ("a,", ["a", ""]):
        assert "an entry is empty" in variables.tags_problem(given, "smtpeter_tags")
    assert variables.no_tags_problem([]) == variables.no_tags_problem(" ") != ""
    assert variables.no_tags_problem("a,") == variables.no_tags_problem([1]) == variables.no_tags_problem(None) == ""
    for given in (7, datetime.date(2026, 11, 26)):
        assert variables.tag_problem(given, "smtpeter_baseline_tag").startswith("smtpeter_baseline_tag: ")
        assert "quote it" in variables.keys_problem({"a": 1, given: 2}, "smtpeter_expected_messages")
    assert "null is not a tag" in variables.keys_problem({None: 1}, "smtpeter_expected_messages")
    assert variables.tag_problem(None, "smtpeter_baseline_tag") == variables.tag_problem("010", "") == ""
    assert [variables.keys_problem(given, "") for given in ({"a": 1}, {}, 400, None)] == [""] * 4


SLIPS = """
tag=tags tgas=tags Tags=tags token=api_token baseline=baseline_tag min_ratio=min_delivery_ratio
min_delivery_ration=min_delivery_ratio delivery_ratio=min_delivery_ratio expected_message=expected_messages
expectedmessages=expected_messages wait_time=wait_timeout timeuot=timeout max_errors=max_consecutive_errors
report=reports retry=retries since_fil=since_file grace_perod=grace_period fail_no=fail_on
"""


@pytest.mark.parametrize(("name", "option"), [slip.split("=") for slip in SLIPS.split()])
def test_a_slip(name, option):
    """It is refused, with the option that was meant."""
    assert option in variables.close_options(name, GATE)
    (problem,) = variables.names_problems([f"smtpeter_{name}", "other", "smtpeter_tags"], GATE, (), "smtpeter_fleet_")
    assert problem.startswith(f"smtpeter_{name}: there is no such variable; did you mean smtpeter_")
    assert f"smtpeter_{option}" in problem


OTHERS = """
environment account region owner customer domain sender project stage tier template timezone tenant mail_from webhook
api_key smtp_host smtp_user campaign campaign_tag contact list_id language color page tasks series teams deploy_user
notify channel version image docs db_host port limit description
"""


@pytest.mark.parametrize("options", [GATE, FLEET], ids=["gate", "fleet"])
def test_other_names(options):
    """A team's own variables are its own, and so are options of the other playbooks."""
    own = {*OTHERS.split(), *GATE, *FLEET} - {*options}
    assert {name: close for name in own if (close := variables.close_options(name, options))} == {}
    given = ["smtpeter_fleet_tag", "smtpeter_gate", "tag"]
    assert list(variables.names_problems(given, options, ("gate",), "smtpeter_fleet_")) == []


def test_what_counters_cannot_judge():
    """An empty reading would be all mail, where outcomes ask for a moment; the gate checks others. Fleets count."""
    for given in ({}, " { } ", [], "[]"):
        for judge_by in (None, "counters"):
            assert "holds no reading" in variables.empty_since_problem(given, judge_by)
        assert variables.empty_since_problem(given, "outcomes") == ""
    for given in (None, {"a": {}}, '{"a": {}}', "2026-01-31T12:00:00Z", 0, "", [{}]):
        assert variables.empty_since_problem(given, None) == ""
    assert (variables.fleet_problem(None), variables.fleet_problem("counters")) == ("", "")
    assert "mailops.smtpeter.gate" in variables.fleet_problem("outcomes")
