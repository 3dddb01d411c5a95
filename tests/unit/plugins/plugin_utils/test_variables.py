# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of what the playbooks make of their variables."""

from __future__ import annotations

import datetime
import pathlib
import re

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._variables import (
    close_options,
    empty_since_problem,
    fleet_problem,
    keys_problem,
    names_problems,
    no_tags_problem,
    tag_problem,
    tags_of,
    tags_problem,
)

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
        ("wave-1", ["wave-1"]),
        ("wave-1, wave-2 ,wave-3", ["wave-1", "wave-2", "wave-3"]),
        ('["wave-1", "a,b"]', ["wave-1", "a,b"]),
        (' ["1.10"]', ["1.10"]),
        ("[1],[2]", ["[1]", "[2]"]),
        ("[wave]", ["[wave]"]),
        ("{{7*7}},[1]", ["{{7*7}}", "[1]"]),
        ("[1, 2]", [1, 2]),
        ("010", ["010"]),
        ("no", ["no"]),
        ("", [""]),
        (["a,b", 1.1], ["a,b", 1.1]),
        ((1, 2), [1, 2]),
        (1.1, [1.1]),
        (None, [None]),
        ({"wave-1": 1}, [{"wave-1": 1}]),
    ],
)
def test_tags(given, tags):
    """Text is split at commas or parsed where it is JSON; nothing becomes text."""
    assert tags_of(given) == tags


@pytest.mark.parametrize(
    ("written", "came"),
    [
        ("[010]", "a number (8)"),
        ("[0x10]", "a number (16)"),
        ("1.10", "a number (1.1)"),
        ("[a, 1e3, .inf]", "a number (inf)"),
        ("[no]", "a boolean (false)"),
        ("on", "a boolean (true)"),
        ("[2026-11-26]", "a date (2026-11-26)"),
        ("2026-11-26 12:30:00", "a date (2026-11-26 12:30:00)"),
        ("[12:30:00]", "a number (45000)"),
        ("[~]", "null"),
        ("null", "null"),
        ("[wave-1, null]", "null"),
        ("'[7]'", "a number (7)"),
    ],
)
def test_what_is_not_text(written, came):
    """It is refused by the variable's name, with what came and how to write it."""
    problem = tags_problem(yaml.safe_load(written), "smtpeter_tags")
    assert problem.startswith(f"smtpeter_tags: {came} is not a tag")
    assert """quote it: '1.10' in YAML, smtpeter_tags='"1.10"' in the line of a host""" in problem


@pytest.mark.parametrize("given", [[["a"]], {"wave-1": 400}, [{"tag": "a"}]])
def test_what_is_no_list_of_text(given):
    """Quoting would not help."""
    assert tags_problem(given, "smtpeter_tags").endswith("give text, or a list of text")


@pytest.mark.parametrize("given", ["a,", ",", ["a", ""], "a, ,b"])
def test_an_empty_entry(given):
    """A comma too many is a slip."""
    assert "an entry is empty" in tags_problem(given, "smtpeter_tags")


def test_no_tags():
    """Nothing at all is told from an empty entry."""
    assert no_tags_problem([]) == no_tags_problem(" ") != ""
    assert no_tags_problem("a,") == no_tags_problem([1]) == no_tags_problem(None) == ""


@pytest.mark.parametrize("given", [7, 1.1, True, datetime.date(2026, 11, 26), ["a"]])
def test_other_places_of_tags(given):
    """A baseline and the keys of a dict are tags, too."""
    assert tag_problem(given, "smtpeter_baseline_tag").startswith("smtpeter_baseline_tag: ")
    if not isinstance(given, list):
        assert "quote it" in keys_problem({"a": 1, given: 2}, "smtpeter_expected_messages")


def test_other_places_that_are_fine():
    """Null is the option's default, and what is no dict is the option's business."""
    for tag in (None, "wave-0", "010"):
        assert tag_problem(tag, "smtpeter_baseline_tag") == ""
    for given in ({"a": 1}, {}, 400, "400", '{"a": 1}', None):
        assert keys_problem(given, "smtpeter_expected_messages") == ""
    assert "null is not a tag" in keys_problem({None: 1}, "smtpeter_expected_messages")


SLIPS = """
tag=tags tgas=tags Tags=tags token=api_token baseline=baseline_tag min_ratio=min_delivery_ratio
min_delivery_ration=min_delivery_ratio delivery_ratio=min_delivery_ratio expected_message=expected_messages
expectedmessages=expected_messages wait_time=wait_timeout timeuot=timeout max_errors=max_consecutive_errors
report=reports retry=retries since_fil=since_file grace_perod=grace_period fail_no=fail_on
"""


@pytest.mark.parametrize(("name", "option"), [slip.split("=") for slip in SLIPS.split()])
def test_a_slip(name, option):
    """It is refused, with the option that was meant."""
    assert option in close_options(name, GATE)
    (problem,) = names_problems([f"smtpeter_{name}", "other", "smtpeter_tags"], GATE, (), "smtpeter_fleet_")
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
    own = [name for name in (*OTHERS.split(), *GATE, *FLEET) if name not in options]
    assert [(name, close_options(name, options)) for name in own if close_options(name, options)] == []
    given = ["smtpeter_fleet_tag", "smtpeter_gate", "tag"]
    assert list(names_problems(given, options, ("gate",), "smtpeter_fleet_")) == []


@pytest.mark.parametrize("given", [{}, "{}", " { } ", [], "[]"])
def test_a_since_that_holds_no_reading(given):
    """By counters it would judge all mail; by outcomes the gate asks for a moment itself."""
    assert "holds no reading" in empty_since_problem(given, None)
    assert "holds no reading" in empty_since_problem(given, "counters")
    assert empty_since_problem(given, "outcomes") == ""


@pytest.mark.parametrize("given", [None, {"a": {}}, '{"a": {}}', "2026-01-31T12:00:00Z", 0, "", [{}]])
def test_a_since_that_may_hold_one(given):
    """What is wrong with it is for the gate to say."""
    assert empty_since_problem(given, None) == ""


def test_a_fleet_is_judged_by_counters():
    """It does so without being told, too."""
    assert (fleet_problem(None), fleet_problem("counters")) == ("", "")
    assert "mailops.smtpeter.gate" in fleet_problem("outcomes")
