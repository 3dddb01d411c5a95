# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action `campaign_gate`, documented beside the modules."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Callable

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._secret import register_secret
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _gate_options as gate_options
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.saved import DAMAGED
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import OLD_MAIL_NOTE
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import is_lost, read_outcomes, read_records
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._progress import Progress
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import OtherFile, StateFile

display = Display()
COLOURS = {"pass": C.COLOR_OK, "fail": C.COLOR_ERROR, "error": C.COLOR_ERROR, "inconclusive": C.COLOR_WARN}
STATS = "mailops.smtpeter.tag_stats_info"
OUTCOMES = "mailops.smtpeter.tag_outcomes_info"


class ActionModule(ActionBase):
    """Waits, looks by the info module on the task's host, judges here, and tells."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False
    _host = "localhost"
    _file: StateFile | None = None
    _unseen = 0.0

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the gate; for bad arguments one that failed, without a verdict."""
        try:
            super().run(tmp, task_vars)
            return self._run(task_vars or {})
        except (AnsibleActionFail, SmtpeterError) as error:
            problem = str(error)
        # An exception would show as a traceback of nothing in ansible-core 2.16.
        return {"changed": False, "failed": True, "msg": problem}

    def cleanup(self, force: bool = False) -> None:
        """Remove the temporary directories of all looks; a host that is gone by now costs no verdict."""
        shell = self._connection._shell
        left = [*getattr(self, "_left", ()), shell.tmpdir]
        try:
            while left:
                shell.tmpdir = left[-1]
                super().cleanup(force)
                left.pop()
        except Exception as error:  # noqa: BLE001 - connection plugins raise what they like
            paths = ", ".join(path for path in left if path)
            display.warning(
                f"{self._host}: temporary files that may hold the token could not be removed; remove {paths} on the "
                f"host ({type(error).__name__})"
            )

    def _run(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self._task.args
        register_secret(given.get("api_token", given.get("access_token")))
        if not {"tags", "tag"} & set(given) and (self._task.get_ds() or {}).get("tags"):
            problem = "it is at the level of the task, where it is Ansible's own keyword; indent it below the module"
            raise OptionError("tags", problem)
        args = gate_options.validated(given)
        self._started = time.monotonic()
        self._host = task_vars.get("inventory_hostname", "localhost")
        self._left: list[str] = []
        self._token = args["api_token"] or self._keyword_token()
        progress = Progress(self._write)
        gate = self._gate(args, progress)
        try:
            self._wait(gate, progress, args, task_vars)
        except SmtpeterError:
            # No look was taken, so there is nothing to go on from.
            if self._file and not gate.looks:
                with suppress(OtherFile):
                    self._file.remove()
            raise
        result = {"changed": False, **gate.result()}
        result["failed"] = result["verdict"] in args["fail_on"] and not self._task.check_mode
        if self._task.check_mode:
            result["msg"] += " (check mode looks once and never stops the play)"
        self._change_file(StateFile.remove, progress)
        progress.end(self._elapsed(), result["verdict"], result["msg"])
        return result

    def _gate(self, args: dict[str, Any], progress: Progress) -> Gate:
        """Return a gate that goes on from the state that was kept, if any."""
        once = self._task.check_mode
        gate = gate_options.gate_from(args, once, lambda text: progress.warn(0, text))
        if args["state"] is None or once:
            return gate
        path = self._loader.path_dwim(args["state"])
        self._file = StateFile(path, gate_options.identity(args, gate))
        kept = self._file.load(lambda text: progress.warn(0, text))
        try:
            if kept is not None:
                gate.restore(kept.state, kept.unseen)
                self._started -= kept.seen
                self._unseen = gate.unseen
                progress.tell(self._elapsed(), f"going on from {path}, after {gate.looks} looks")
        except DAMAGED:
            self._file.warn_damaged(lambda text: progress.warn(0, text))
            gate = gate_options.gate_from(args, once, lambda _text: None)
        self._file.save(gate.state(), self._seen())
        return gate

    def _change_file(self, change: Callable[[StateFile], None], progress: Progress) -> None:
        """Change the file of the state, if there is one; no verdict is lost where that cannot be done."""
        if self._file is not None:
            try:
                change(self._file)
            except OtherFile as error:
                progress.warn(self._elapsed(), str(error))

    def _wait(self, gate: Gate, progress: Progress, args: dict[str, Any], task_vars: dict[str, Any]) -> None:
        self._sleep(gate.next_look_in(self._elapsed()), progress)
        event = None
        while True:
            event = gate.look(self._look(gate, args, task_vars, first=event is None))
            if event.look == 1 and gate.old_tags:
                progress.warn(event.elapsed, f"{', '.join(gate.old_tags)}: {OLD_MAIL_NOTE}")
            progress.look(event)
            if event.verdict is not None:
                return
            self._change_file(lambda file: file.save(gate.state(), self._seen()), progress)
            self._sleep(gate.next_look_in(self._elapsed()), progress)

    def _look(self, gate: Gate, args: dict[str, Any], task_vars: dict[str, Any], first: bool) -> Look:
        """Read the counters, and the events that are wanted; raises SmtpeterError if the first look cannot even ask."""
        began = self._seen()
        wanted = gate.wanted
        stats = read_records(self._run_module(STATS, args, wanted, task_vars), wanted, self._token, first)
        errors, outcomes, pauses = dict(stats.errors), {}, [stats.retry_after]
        with_events = gate.wants_events(stats.found, self._seen())
        if with_events:
            # Events are read by fewer threads, as that module has it.
            more = {"since": gate_options.events_since(args), "parallel": None}
            result = self._run_module(OUTCOMES, args, with_events, task_vars, **more)
            events = read_outcomes(result, with_events, self._token, first)
            errors.update(events.errors)
            outcomes = events.found
            pauses.append(events.retry_after)
        if is_lost(errors):
            self._leave_directory()
        pause = max((seconds for seconds in pauses if seconds is not None), default=None)
        return Look(began, self._seen(), datetime.now(timezone.utc), stats.found, errors, outcomes, pause)

    def _run_module(
        self, name: str, args: dict[str, Any], tags: list[str], task_vars: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """Run a module on the task's host, and return its result."""
        given = {**gate_options.look_args(args), "tags": tags, **more}
        module_args = {option: value for option, value in given.items() if value is not None}
        try:
            found: dict[str, Any] = self._execute_module(module_name=name, module_args=module_args, task_vars=task_vars)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a look, also in other plugins, is a failed look
            return {"msg": str(error) or type(error).__name__}
        return found

    def _keyword_token(self) -> str:
        """Return the token that the keyword `environment` gives to the host, to mask it; empty without one."""
        found: dict[str, Any] = {}
        if self._task.environment:
            self._compute_environment_string(found)
        return str(found.get("SMTPETER_API_TOKEN", ""))

    def _leave_directory(self) -> None:
        """Have the next look make a temporary directory of its own: this one may be gone, or its disk full."""
        shell = self._connection._shell
        if shell.tmpdir is not None:
            self._left.append(shell.tmpdir)
            shell.tmpdir = None

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
        """Return the seconds since the first start."""
        return self._seen() + self._unseen

    def _seen(self) -> float:
        """Return the seconds since the first start that are certain, as the gate counts them."""
        return time.monotonic() - self._started

    def _write(self, line: str, verdict: str | None) -> None:
        if not self._task.no_log:
            display.display(f"[{self._host}] {line}", color=COLOURS.get(verdict or ""), stderr=True)
