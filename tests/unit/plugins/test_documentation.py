# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation says of options and defaults is what the code does."""

from __future__ import annotations

import pathlib
import re
from dataclasses import fields

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.parsing.plugin_docs import read_docstring
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import add_fragments
from ansible_collections.mailops.smtpeter.plugins.module_utils._options import (
    connection_spec,
    reading_spec,
    recent_spec,
)
from ansible_collections.mailops.smtpeter.plugins.modules import tag_outcomes_info, tag_stats_info
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate_options import argument_spec
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
CACHE = ("cache", "cache_plugin", "cache_connection", "cache_timeout", "cache_prefix")
KINDS = ("filter", "lookup", "modules", "test")
PUBLIC = [(kind, path.stem) for kind in KINDS for path in sorted((PLUGINS / kind).glob("[!_]*.py"))]
SINGLE_LOOK = {item.name: item.default for item in fields(Policy) if item.name != "at_deadline"}

# Every option that is a number, by what its description says of its unit.
NUMBERS = {
    r"^Seconds\b": {
        "timeout",
        "cache_timeout",
        "faults.latency",
        "faults.slow_bytes",
        "grace_period",
        "idle_timeout",
        "sending_gap",
        "wait_delay",
        "wait_sleep",
        "wait_timeout",
    },
    r"\b[Ff]rom 0 to (below )?1\b": {
        "confidence",
        "max_delivery_drop",
        "min_click_ratio",
        "min_delivery_ratio",
        "min_open_ratio",
    },
    "^How many (causes|looks|of the next requests|tags) |^Further attempts |^With fewer messages |^More failed look": {
        "faults.drop",
        "faults.slow_count",
        "history_limit",
        "max_consecutive_errors",
        "min_messages",
        "parallel",
        "retries",
        "top",
    },
    "^Divides every delay ": {"speed"},
    "^The port ": {"port"},
    "^Makes a rehearsal repeatable": {"seed"},
}


def documentation(kind, name):
    """The documentation of a plugin, with its fragments."""
    path = PLUGINS / kind / f"{name}.py"
    doc = read_docstring(str(path), verbose=False)["doc"]
    add_fragments(doc, str(path), fragment_loader=fragment_loader, is_module=kind == "modules")
    return doc


def defaults(options, *without):
    """The defaults of options, by name."""
    return {name: option.get("default") for name, option in options.items() if name not in without}


def test_the_gate():
    """Each argument is documented, with its type and its default, and nothing else is."""
    spec = argument_spec()
    options = documentation("modules", "campaign_gate")["options"]
    assert set(options) == set(spec)
    # An address that is not given is left to the look.
    assert defaults(options, "api_url") == defaults(spec, "api_url")
    # A path is expanded on the host, by the look.
    assert (options["ca_path"]["type"], spec["ca_path"]["type"]) == ("path", "str")
    spec["ca_path"]["type"] = "path"
    for name, argument in spec.items():
        assert options[name]["type"] == argument["type"], name
        assert options[name].get("choices") == argument.get("choices"), name
        assert options[name].get("aliases", []) == argument.get("aliases", []), name


@pytest.mark.parametrize(("kind", "name"), [("filter", "tag_health"), ("test", "healthy")])
def test_one_look(kind, name):
    """The policy's defaults hold, but for the confidence."""
    options = documentation(kind, name)["options"]
    assert defaults(options, "_input", "since") == {**SINGLE_LOOK, "confidence": 0}


def test_the_lookup():
    """It has the connection's options and those of reading, less the tags, which are its terms, and a cache."""
    spec = {**connection_spec(), **reading_spec(), **recent_spec()}
    options = documentation("lookup", "tag_stats")["options"]
    assert defaults(options, "_terms", *CACHE) == defaults(spec, "tags")
    assert options["api_token"]["env"] == [{"name": "SMTPETER_API_TOKEN"}]
    assert options["api_url"]["env"] == [{"name": "SMTPETER_API_URL"}]


def test_the_cache():
    """Its options have the names, the settings and the types that inventory plugins know; the memory is no default."""
    options = documentation("lookup", "tag_stats")["options"]
    theirs = yaml.safe_load(fragment_loader.get("inventory_cache").DOCUMENTATION)["options"]
    assert set(theirs) == set(CACHE)
    for name in CACHE:
        assert options[name]["env"] == theirs[name]["env"], name
        assert options[name]["ini"] == theirs[name]["ini"], name
        assert options[name]["type"] == theirs[name].get("type", "str"), name
    assert (options["cache"]["default"], options["cache_timeout"]["default"]) == (False, 3600)
    assert options["cache_plugin"]["default"] == "jsonfile"


@pytest.mark.parametrize("module", [tag_stats_info, tag_outcomes_info], ids=lambda module: module.__name__[-17:])
def test_the_info_modules(monkeypatch, module):
    """Names, types, defaults, choices and aliases are the arguments', and the environment's variables are named."""
    specs = []

    def remember(_self, argument_spec, **_more):
        specs.append(argument_spec)
        raise KeyboardInterrupt

    monkeypatch.setattr(AnsibleModule, "__init__", remember)
    with pytest.raises(KeyboardInterrupt):
        module.main()
    keys = {"type": "str", "elements": None, "default": None, "required": False, "choices": None, "aliases": None}

    def essence(of):
        return {
            name: {key: option.get(key, unset) or None for key, unset in keys.items()} for name, option in of.items()
        }

    options = documentation("modules", module.__name__.rpartition(".")[2])["options"]
    assert essence(options) == essence(specs[0])
    for name, option in connection_spec().items():
        for variable in option.get("fallback", (None, []))[1]:
            assert variable in str(options[name]["description"])


def test_since():
    """The grace period is the policy's."""
    assert documentation("filter", "since")["options"]["grace_period"]["default"] == Policy.grace_period


def every_option(options, prefix=""):
    """The name and the documentation of each option and suboption."""
    for name, option in options.items():
        yield prefix + name, option
        yield from every_option(option.get("suboptions", {}), f"{prefix}{name}.")


def text(option):
    """Its description as one string."""
    lines = option["description"]
    return lines if isinstance(lines, str) else " ".join(lines)


def test_every_number_has_a_unit():
    """Each is of one kind, and its description says so."""
    seen = set()
    for kind, plugin in PUBLIC:
        for name, option in every_option(documentation(kind, plugin)["options"]):
            if option.get("type") not in ("int", "float"):
                continue
            (said,) = [unit for unit, names in NUMBERS.items() if name in names]
            assert re.search(said, text(option)), (plugin, name)
            seen.add(name)
    assert seen == set().union(*NUMBERS.values())


@pytest.mark.parametrize(("kind", "plugin"), PUBLIC)
def test_every_option_has_a_default(kind, plugin):
    """It has one, is required, or its description says what holds without it."""
    for name, option in every_option(documentation(kind, plugin)["options"]):
        told = re.search("When not set, |Without it, |Required when ", text(option))
        assert option.get("required") or option.get("default") is not None or told, name


@pytest.mark.parametrize(("kind", "plugin"), PUBLIC)
def test_everything_says_since_when(kind, plugin):
    """A version that may bring something new, so its last number is 0."""
    doc = documentation(kind, plugin)
    for name, entry in [(plugin, doc), *every_option(doc["options"])]:
        assert re.fullmatch(r"\d+\.\d+\.0", entry.get("version_added", "missing")), name
