# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules as ansible-core sees them; `tests/unit/plugins/modules` has only what is on a managed host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, read, sandboxes, send


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """The module's documentation, its fragments merged, as C(ansible-doc) has it."""
    command = [sys.executable, "-m", "ansible", "doc", "--json", "-t", "module", "mailops.smtpeter.tag_stats_info"]
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ}, text=True)
    content: dict[str, Any] = json.loads(done.stdout)["mailops.smtpeter.tag_stats_info"]
    return content


def test_the_documentation_says_what_the_arguments_are(
    documented: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, types, defaults, choices and aliases are the same in both."""
    specs: list[dict[str, Any]] = []

    def remember(self: AnsibleModule, argument_spec: dict[str, Any], **_more: Any) -> None:
        specs.append(argument_spec)
        raise KeyboardInterrupt

    monkeypatch.setattr(AnsibleModule, "__init__", remember)
    with pytest.raises(KeyboardInterrupt):
        tag_stats_info.main()
    keys = {"type": "str", "elements": None, "default": None, "required": False, "choices": None, "aliases": None}

    def essence(of: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {
            name: {key: option.get(key, unset) or None for key, unset in keys.items()} for name, option in of.items()
        }

    assert essence(documented["doc"]["options"]) == essence(specs[0])


def test_the_documentation_names_the_environment(documented: dict[str, Any]) -> None:
    """Each variable that an option falls back to stands in its description."""
    for name, option in options.connection_spec().items():
        for variable in option.get("fallback", (None, []))[1]:
            assert variable in str(documented["doc"]["options"][name]["description"])


def test_the_documentation_has_what_the_module_returns(documented: dict[str, Any]) -> None:
    """What the module's own file says of its result is all that Ansible shows."""
    assert set(documented["return"]) == set(yaml.safe_load(tag_stats_info.RETURN))


def test_a_run(tmp_path: Path) -> None:
    """Ansible's own way of running a module returns at once, and the service outlives the module's files."""
    ansible = Path(sys.executable).with_name("ansible")
    arguments = {"name": "default", "api_token": TOKEN, "scenario": {"tags": {"a": "dead"}}, "seed": 1}
    command = [str(ansible), "localhost", "-m", "mailops.smtpeter.sandbox", "-a", json.dumps(arguments), "-vvv"]
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
