# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's action: what it registers, and how it ends at a service that fails three times in ten."""

from __future__ import annotations

import types
from typing import Any

import ansible.plugins.loader as plugins
import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, look_at, service

TOKEN = "a token of nobody".replace(" ", "-")


def gate(**args: Any) -> Any:
    """The action of a task with these arguments."""
    task = Task()
    task.args = args
    task.check_mode = False
    loader = DataLoader()
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    return plugins.action_loader.get(
        "mailops.smtpeter.campaign_gate",
        task=task, connection=connection, play_context=PlayContext(), loader=loader, templar=Templar(loader),
        shared_loader_obj=plugins,
    )  # fmt: skip


@pytest.mark.parametrize("source", ["api_token", "access_token", "environment"])
def test_the_token_is_registered(monkeypatch: pytest.MonkeyPatch, registered: list[str], source: str) -> None:
    """Wherever the controller has it from, Ansible is told of it before anything of the task is shown."""
    if source == "environment":
        monkeypatch.setenv("SMTPETER_API_TOKEN", TOKEN)
    given = {} if source == "environment" else {source: TOKEN}
    with pytest.raises(AnsibleActionFail, match="white space"):
        gate(tags=["a b"], **given).run(task_vars={})
    assert set(registered) == {TOKEN}


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.9, "fail")])
def test_the_right_verdict_whatever_fails(rate: float, verdict: str) -> None:
    """After fifty looks the verdict is that of the counters, and nothing is left that a look opened."""
    messages = 35 * STEP
    with service(seed=6, messages=messages, rate=rate) as url:
        outcome = look_at(url, messages, every=10)
    result = outcome.result
    assert (result["verdict"], result["failed"]) == (verdict, verdict != "pass")
    assert result["stats"]["wave-1"]["messages"] == messages
    assert result["looks"] >= 40
    assert result["errors"] >= 5
    assert {sample.threads for sample in outcome.samples} == {outcome.samples[0].threads}
    assert {sample.descriptors for sample in outcome.samples} == {outcome.samples[0].descriptors}
