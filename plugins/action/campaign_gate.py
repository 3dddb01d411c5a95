# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action C(campaign_gate), documented beside the modules."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._secret import register_secret
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _gate_options as gate_options
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import OLD_MAIL_NOTE
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._progress import Progress

display = Display()
COLOURS = {"pass": C.COLOR_OK, "fail": C.COLOR_ERROR, "error": C.COLOR_ERROR, "inconclusive": C.COLOR_WARN}
LOOK = "mailops.smtpeter.tag_stats_info"


class ActionModule(ActionBase):
    """Waits, looks by the info module on the task's host, judges here, and tells."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the gate; raises AnsibleActionFail for bad arguments."""
        super().run(tmp, task_vars)
        register_secret(self._task.args.get("api_token", self._task.args.get("access_token")))
        _validated, args = self.validate_argument_spec(**gate_options.argument_spec())
        # The controller's environment may have it.
        register_secret(args["api_token"])
        self._started = time.monotonic()
        self._host = (task_vars or {}).get("inventory_hostname", "localhost")
        try:
            progress = Progress(self._write)
            gate = gate_options.gate_from(args, self._task.check_mode, lambda text: progress.warn(0, text))
            self._wait(gate, progress, args, task_vars or {})
        except OptionError as error:
            problem = str(error)
        else:
            result = {"changed": False, **gate.result()}
            result["failed"] = result["verdict"] in args["fail_on"] and not self._task.check_mode
            progress.end(self._elapsed(), result["verdict"], result["msg"])
            return result
        raise AnsibleActionFail(problem)

    def _wait(self, gate: Gate, progress: Progress, args: dict[str, Any], task_vars: dict[str, Any]) -> None:
        self._sleep(gate.first_look_in, progress)
        while True:
            event = gate.look(self._look(gate, args, task_vars))
            if event.look == 1 and gate.old_tags:
                progress.warn(event.elapsed, f"{', '.join(gate.old_tags)}: {OLD_MAIL_NOTE}")
            progress.look(event)
            if event.verdict is not None:
                return
            self._sleep(event.next_in, progress)

    def _look(self, gate: Gate, args: dict[str, Any], task_vars: dict[str, Any]) -> Look:
        """Run the info module; raises OptionError where it could not even ask."""
        began = self._elapsed()
        wanted = gate.wanted
        module_args = {**gate_options.look_args(args), "tags": wanted}
        try:
            found = self._execute_module(module_name=LOOK, module_args=module_args, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            found = {"unreachable": True, "msg": str(error)}
        records, errors = gate_options.outcome(found, wanted)
        return Look(began, self._elapsed(), datetime.now(timezone.utc), records, errors)

    def _sleep(self, seconds: float, progress: Progress) -> None:
        end = self._elapsed() + seconds
        while True:
            left = end - self._elapsed()
            if left <= 0:
                return
            silent = progress.silent_until(self._elapsed())
            if silent <= 0:
                progress.waiting(self._elapsed(), left)
                continue
            time.sleep(min(left, silent))

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _write(self, line: str, verdict: str | None) -> None:
        if not self._task.no_log:
            display.display(f"[{self._host}] {line}", color=COLOURS.get(verdict or ""), stderr=True)
