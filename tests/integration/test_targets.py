# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each target of tests/integration/targets, which have the form of `ansible-test integration`, by ansible-playbook."""

from __future__ import annotations

import pathlib
import uuid
from typing import Any

import pytest

TARGETS = pathlib.Path(__file__).resolve().parent / "targets"
PLUGINS = TARGETS.parents[2] / "plugins"


def names() -> list[str]:
    """The targets, without the `setup_` ones, which are only depended on."""
    found = (path.parents[1].name for path in TARGETS.glob("*/tasks/main.yml"))
    return sorted(name for name in found if not name.startswith("setup_"))


@pytest.mark.every_core
@pytest.mark.measured
@pytest.mark.parametrize("target", names())
def test_target(target: str, play: Any) -> None:
    """The target's tasks and the assertions among them succeed, against a sandbox of its own."""
    sandbox = f"{target}-{uuid.uuid4().hex[:8]}".replace("_", "-")
    plays = [{"hosts": "localhost", "gather_facts": False, "roles": [{"role": target}]}]

    run = play(plays, "-e", f"smtpeter_sandbox_name={sandbox}")

    assert any(entry["status"] == "ok" for entry in run.tasks), "the target has no task that ran"


@pytest.mark.parametrize("kind", ["action", "filter", "lookup", "modules", "test"])
def test_every_plugin_has_a_target(kind: str) -> None:
    """A public plugin without a target of its own would go untested by a real run."""
    prefix = "module" if kind == "modules" else kind
    public = {path.stem for path in (PLUGINS / kind).glob("[!_]*.py")}
    if kind == "modules":  # one that only documents an action of the same name is run by that
        public -= {path.stem for path in (PLUGINS / "action").glob("*.py")}

    assert {name for name in public if f"{prefix}_{name}" not in names()} == set()
