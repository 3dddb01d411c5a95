"""What the documentation of every option must say."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.test_option_definitions import ROOT, documentation

KINDS = ("filter", "lookup", "modules", "test")
PUBLIC = [(kind, path.stem) for kind in KINDS for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))]
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
