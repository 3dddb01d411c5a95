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


# The others share a sandbox, or need none; filter_since, which sends more mail, comes last.
ALONE = ["action_campaign_gate", "module_sandbox"]
SHARED = [name for name in names() if name not in (*ALONE, "filter_since")]


@pytest.mark.every_core
@pytest.mark.parametrize(
    "targets", [[*SHARED, "filter_since"], *([name] for name in ALONE)], ids=lambda names: names[-1]
)
def test_targets(targets, play):
    """The tasks of the targets and the assertions among them succeed, against a sandbox of their own."""
    sandbox = f"targets-{uuid.uuid4().hex[:8]}"
    plays = [{"hosts": "localhost", "gather_facts": False, "roles": targets}]
    shared = {"smtpeter_sandbox_name": sandbox, "smtpeter_sandbox_shared": len(targets) > 1}

    try:
        run = play(plays, "-e", json.dumps(shared))
    finally:
        stop_sandbox(sandbox)

    ran = {entry["task"].partition(" : ")[0] for entry in run.tasks if entry["status"] == "ok"}
    assert set(targets) <= ran


def test_every_plugin_has_a_target():
    """A public plugin without a target of its own would go untested by a real run."""
    kinds = {"action": "action", "filter": "filter", "lookup": "lookup", "modules": "module", "test": "test"}
    public = {f"{kinds[kind]}_{path.stem}" for kind in kinds for path in (PLUGINS / kind).glob("[!_]*.py")}
    # A module that only documents an action of the same name is run by that.
    documenting = {f"module_{path.stem}" for path in (PLUGINS / "action").glob("*.py")}
    assert public - documenting == set(names())
