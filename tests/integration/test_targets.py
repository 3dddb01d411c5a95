"""Each target of tests/integration/targets, which have the form of `ansible-test integration`, by ansible-playbook."""

import json
import os
import pathlib
import uuid

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.control import stop_sandbox

TARGETS = pathlib.Path(__file__).resolve().parent / "targets"
ALONE = ["action_campaign_gate", "module_sandbox"]
# The others share a sandbox, or need none; filter_since, which sends more mail, comes last.
SHARED = sorted(set(os.listdir(TARGETS)) - {*ALONE, "filter_since", "setup_sandbox"})


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
