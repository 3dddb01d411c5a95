"""Each option is defined once: documentation, playbooks and argument specs say the same of it, and all it must."""

import json
import pathlib
import re

import pytest
import yaml
from ansible.parsing.plugin_docs import read_docstring
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import add_fragments
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import KINDS, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._fields import argument_spec
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.scenario import KEYS, SCENARIOS, Scenario
from ansible_collections.mailops.smtpeter.plugins.modules import campaign_gate, tag_stats_info
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _gate_options
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy

ROOT = pathlib.Path(__file__).resolve().parents[3]
GATE = _gate_options.argument_spec()
READING = {**options.connection_spec(), **options.reading_spec(), **options.recent_spec()}
CACHE = {"cache", "cache_plugin", "cache_connection", "cache_timeout", "cache_prefix"}


def documentation(kind, name):
    """The documentation of a plugin, with its fragments."""
    path = ROOT / "plugins" / kind / f"{name}.py"
    doc = read_docstring(str(path), verbose=False)["doc"]
    add_fragments(doc, str(path), fragment_loader=fragment_loader, is_module=kind == "modules")
    return doc


def essence(of):
    """What an argument spec and a documentation have in common."""
    return {
        name: {
            **{key: entry.get(key) or None for key in ("elements", "required", "choices", "aliases")},
            "type": entry.get("type", "str"),
            "default": entry.get("default"),
            "options": essence(entry.get("options") or entry.get("suboptions") or {}),
        }
        for name, entry in of.items()
    }


def test_the_gate():
    """All but the address, which is left to the look, and the path, which the host expands."""
    expected = essence(GATE)
    expected["api_url"]["default"] = options.connection_spec()["api_url"]["default"]
    expected["ca_path"]["type"] = "path"
    found = essence(documentation("modules", "campaign_gate")["options"])
    # The token may come from the host's environment.
    found["api_token"]["required"] = None
    assert found == expected


@pytest.mark.parametrize(("kind", "name"), [("filter", "tag_health"), ("test", "healthy")])
def test_one_look(kind, name):
    """The policy's options, less the one that only a gate has; evidence is asked for."""
    expected = {**essence(argument_spec(Policy)), "_input": None, "since": None}
    del expected["at_deadline"]
    expected["confidence"]["default"] = 0
    assert {**essence(documentation(kind, name)["options"]), "_input": None, "since": None} == expected
    assert documentation("filter", "since")["options"]["grace_period"]["default"] == Policy.grace_period


def test_the_lookup():
    """What it reads and how, less the tags, which are its terms; token and address come from the environment, too."""
    entries = documentation("lookup", "tag_stats")["options"]
    expected = essence(READING)
    del expected["tags"]
    # The lookup says itself where it looked for the token.
    expected["api_token"]["required"] = None
    assert essence({name: entries[name] for name in entries.keys() - {"_terms", *CACHE}}) == expected
    for name, variable in (("api_token", "SMTPETER_API_TOKEN"), ("api_url", "SMTPETER_API_URL")):
        assert entries[name]["env"] == [{"name": variable}]
        for module in ("tag_stats_info", "tag_outcomes_info"):
            assert variable in str(documentation("modules", module)["options"][name]["description"])


def test_the_cache():
    """Its options have the names, the settings and the types that inventory plugins know; the memory is no default."""
    ours = documentation("lookup", "tag_stats")["options"]
    theirs = yaml.safe_load(fragment_loader.get("inventory_cache").DOCUMENTATION)["options"]
    assert set(theirs) == CACHE
    for name, entry in theirs.items():
        expected = [entry["env"], entry["ini"], entry.get("type", "str")]
        assert [ours[name][key] for key in ("env", "ini", "type")] == expected
    assert [ours[name]["default"] for name in ("cache", "cache_timeout", "cache_plugin")] == [False, 3600, "jsonfile"]


@pytest.mark.parametrize("key", KEYS)
def test_the_scenario(key):
    """Each key is described, with its type and its default, and so is each scenario that has a name."""
    lines = " ".join(documentation("modules", "sandbox")["options"]["scenario"]["description"])
    assert set(SCENARIOS) <= set(re.findall(r"V\((\w+)\)", lines))
    (said,) = re.findall(rf"C\({key}\) \(([^()]*(?:\([^()]*\)[^()]*)*)\),", lines)
    if key == "domains":
        assert said == "dict, default V({})"
        return
    kind, default = argument_spec(Scenario)[key]["type"], getattr(Scenario, key)
    assert said.startswith(f"{kind}, default ")
    if key == "refusals":
        assert re.findall(r"([0-9.]+) for V\((\w+)\)", said) == [(f"{weight:g}", cause) for cause, weight in default]
    else:
        written = re.sub(r"^V\((.*)\)$", r"\1", said.partition(", default ")[2])
        assert json.loads(written) == (list(default) if isinstance(default, tuple) else default)


def names_in(template):
    """The names of options that a playbook's variable lists."""
    return {name for part in re.findall(r"'([a-z_\s]+)'", template) for name in part.split()}


def test_the_playbook_gate():
    """It takes every option of the gate, hands each on under its own name, and knows two more."""
    (play,) = yaml.safe_load((ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8"))
    assert names_in(play["vars"]["gate_options"]) == {*GATE, "reports", "since_file"}
    (given,) = [task[name] for task in play["tasks"] for name in task if name == "mailops.smtpeter.campaign_gate"]
    assert set(given) == set(GATE)
    assert all(f"smtpeter_{name}" in given[name] for name in given.keys() - {"tags", "fail_on"})


def test_the_playbook_fleet():
    """It takes the options of the lookup and those of the filter."""
    variables = yaml.safe_load((ROOT / "playbooks" / "vars" / "fleet.yml").read_text(encoding="utf-8"))
    reading = {name for name in READING if name not in ("tags", "recent", "api_token", "api_url")}
    assert names_in(variables["fleet_reading"]) == {*reading, *CACHE}
    assert names_in(variables["fleet_policy"]) == set(documentation("filter", "tag_health")["options"]) - {"_input"}


PUBLIC = [
    (kind, path.stem)
    for kind in ("filter", "lookup", "modules", "test")
    for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))
]
VERSION = r"\d+\.\d+\.0"
# What the description of a number says of its unit.
UNIT = (
    r"^Seconds\b|\b[Ff]rom 0 to (below )?1\b|^How many (causes|looks|of the next requests|tags) |^Further attempts "
    "|^With fewer messages |^More failed look|^Divides every delay |^The port |^Makes a rehearsal repeatable"
)


def every_option(entries, prefix=""):
    """The name and the documentation of each option and suboption."""
    for name, entry in entries.items():
        yield prefix + name, entry
        yield from every_option(entry.get("suboptions", {}), f"{prefix}{name}.")


@pytest.mark.parametrize(("kind", "plugin"), PUBLIC)
def test_every_option(kind, plugin):
    """It has a version, which may bring new things, and a unit if it is a number.

    It has a default, is required, or its description says what holds without it.
    """
    doc = documentation(kind, plugin)
    assert re.fullmatch(VERSION, doc["version_added"])
    for name, entry in every_option(doc["options"]):
        said = " ".join([entry["description"]] if isinstance(entry["description"], str) else entry["description"])
        assert re.fullmatch(VERSION, entry.get("version_added", "missing")), name
        assert entry.get("type") not in ("int", "float") or re.search(UNIT, said), name
        told = re.search("When not set, |Without it, |Required when ", said)
        assert entry.get("required") or entry.get("default") is not None or told, name


def test_the_kinds_of_errors():
    """Each is made somewhere, each is documented by the module and by the gate, and no other is made or documented."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("_*.py"))
    made = set(re.findall(r'(?:StatsError\(\s*|kind=|"kind": )"([a-z_]+)"', code))
    assert made <= set(KINDS)
    assert all(code.count(f'"{kind}"') > 1 for kind in KINDS)
    with pytest.raises(ValueError, match="conection"):
        raise StatsError("conection", "tag", "it is odd")
    for module, key in ((tag_stats_info, "errors"), (campaign_gate, "last_errors")):
        described = yaml.safe_load(module.RETURN)[key]["contains"]["TAG"]["contains"]["kind"]["description"]
        assert sorted(set(re.findall(r"\bV\(([a-z_]+)\)", " ".join(described)))) == sorted(KINDS)
