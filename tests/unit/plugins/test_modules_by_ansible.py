# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module run by ansible-core; the tests below `modules` have only what is on a managed host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, read, sandboxes, send


@pytest.mark.ansible
@pytest.mark.slow
def test_the_sandbox_outlives_the_task(tmp_path: Path) -> None:
    """Ansible's own way of running a module returns at once, and the service outlives the module's files."""
    arguments = {"name": "default", "api_token": TOKEN, "scenario": {"tags": {"a": "dead"}}, "seed": 1}
    ansible = [sys.executable, str(Path(sys.executable).with_name("ansible"))]
    command = [*ansible, "localhost", "-m", "mailops.smtpeter.sandbox", "-a", json.dumps(arguments), "-vvv"]
    with sandboxes(tmp_path) as sandbox:
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        sandbox.names.add("default")
        found = subprocess.run(command, capture_output=True, text=True, timeout=40, env=environment, check=False)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "localhost | CHANGED => {" in found.stdout
        assert TOKEN not in found.stdout + found.stderr
        result = sandbox.run(**arguments)
        assert result["changed"] is False
        assert f'"pid": {result["pid"]},' in found.stdout
        send(result, 2)
        assert read(result)["deliveries"] == 0
