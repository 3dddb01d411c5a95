"""What the documentation of every option, and of the kinds of errors, must say."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import KINDS, StatsError
from ansible_collections.mailops.smtpeter.plugins.modules import campaign_gate, tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.test_option_definitions import ROOT, documentation

PUBLIC = [
    (kind, path.stem)
    for kind in ("filter", "lookup", "modules", "test")
    for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))
]
# Every option that is a number, by what its description says of its unit.
NUMBERS = {
    r"^Seconds\b": (
        "timeout cache_timeout faults.latency faults.slow_bytes grace_period idle_timeout sending_gap wait_delay "
        "wait_sleep wait_timeout"
    ),
    r"\b[Ff]rom 0 to (below )?1\b": ("confidence max_delivery_drop min_click_ratio min_delivery_ratio min_open_ratio"),
    "^How many (causes|looks|of the next requests|tags) |^Further attempts |^With fewer messages |^More failed look": (
        "faults.drop faults.slow_count history_limit max_consecutive_errors min_messages parallel retries top"
    ),
    "^Divides every delay ": "speed",
    "^The port ": "port",
    "^Makes a rehearsal repeatable": "seed",
}


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
            (said,) = [unit for unit, names in NUMBERS.items() if name in names.split()]
            assert re.search(said, text(option)), (plugin, name)
            seen.add(name)
    assert seen == set(" ".join(NUMBERS.values()).split())


@pytest.mark.parametrize(("kind", "plugin"), PUBLIC)
def test_every_option_has_a_default_and_a_version(kind, plugin):
    """It has a default, is required, or its description says what holds without it; a version may bring new things."""
    doc = documentation(kind, plugin)
    for name, entry in [(plugin, doc), *every_option(doc["options"])]:
        assert re.fullmatch(r"\d+\.\d+\.0", entry.get("version_added", "missing")), name
    for name, option in every_option(doc["options"]):
        told = re.search("When not set, |Without it, |Required when ", text(option))
        assert option.get("required") or option.get("default") is not None or told, name


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
