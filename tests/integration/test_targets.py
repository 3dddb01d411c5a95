"""Each target of tests/integration/targets, which have the form of `ansible-test integration`, by ansible-playbook."""

import json
import pathlib
import uuid

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.control import stop_sandbox

TARGETS = pathlib.Path(__file__).resolve().parent / "targets"
PLUGINS = TARGETS.parents[2] / "plugins"


def names():
    """The targets, without the `setup_` ones, which are only depended on."""
    found = (path.parents[1].name for path in TARGETS.glob("*/tasks/main.yml"))
    return sorted(name for name in found if not name.startswith("setup_"))


# Those that read one sandbox share it, and filter_since, which sends more mail, comes last.
READERS = ("lookup_tag_stats", "module_tag_stats_info", "module_tag_outcomes_info", "filter_tag_health", "test_healthy")
RUNS = [(*READERS, "filter_since"), *((name,) for name in names() if name not in (*READERS, "filter_since"))]


@pytest.mark.every_core
@pytest.mark.parametrize("targets", RUNS, ids=lambda targets: targets[-1])
def test_targets(targets, play):
    """The tasks of the targets and the assertions among them succeed, against a sandbox of their own."""
    sandbox = f"targets-{uuid.uuid4().hex[:8]}"
    plays = [{"hosts": "localhost", "gather_facts": False, "roles": list(targets)}]
    shared = {"smtpeter_sandbox_name": sandbox, "smtpeter_sandbox_shared": len(targets) > 1}

    try:
        run = play(plays, "-e", json.dumps(shared))
    finally:
        stop_sandbox(sandbox)

    ran = {entry["task"].partition(" : ")[0] for entry in run.tasks if entry["status"] == "ok"}
    assert set(targets) <= ran


@pytest.mark.parametrize("kind", ["action", "filter", "lookup", "modules", "test"])
def test_every_plugin_has_a_target(kind):
    """A public plugin without a target of its own would go untested by a real run."""
    prefix = "module" if kind == "modules" else kind
    public = {path.stem for path in (PLUGINS / kind).glob("[!_]*.py")}
    if kind == "modules":  # one that only documents an action of the same name is run by that
        public -= {path.stem for path in (PLUGINS / "action").glob("*.py")}

    assert {name for name in public if f"{prefix}_{name}" not in names()} == set()
