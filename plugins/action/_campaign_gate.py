# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the variables of the collection's own playbooks, and writes their reports. Private: all of it may change."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _variables
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._fleet import PREFIX
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report_files import write_reports

display = Display()


class ActionModule(ActionBase):
    """Takes `options`, the names that may follow `smtpeter_`, and for a fleet `hosts`, whose tags are read.

    Returns `tags`, those of all hosts once each, and `problem`, empty where the variables are fine.

    With `files` instead, writes those reports of `result` into `directory`, or only removes them without a result.
    Its name is that of a module since `ansible-test sanity` wants one for each action.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the tags and the problem, or whether files changed; raises AnsibleActionFail where these cannot be."""
        super().run(tmp, task_vars)
        return self._write() if "files" in self._task.args else self._read(task_vars or {})

    def _write(self) -> dict[str, Any]:
        args = self._task.args
        if self._task.check_mode:
            return {"changed": False}
        try:
            left_out = write_reports(args["directory"], args["files"], args.get("result"))
        except OptionError as error:
            raise AnsibleActionFail(str(error)) from None
        if left_out:
            display.warning(
                f"{' and '.join(left_out)} are left out, since the Python library pygal is not installed for the "
                f"Python that runs Ansible ({sys.executable})"
            )
        return {"changed": True}

    def _read(self, variables: dict[str, Any]) -> dict[str, Any]:
        options = self._task.args["options"]
        given = list(self._tags(variables))
        tags = {tag: None for _name, value in given for tag in _variables.tags_of(value) if isinstance(tag, str)}
        is_fleet = "hosts" in self._task.args
        judge_by = self._value(variables, "judge_by")
        problems = (
            *_variables.names_problems(variables, options, ("gate",), PREFIX),
            _variables.fleet_problem(judge_by) if is_fleet else _variables.no_tags_problem(given[0][1]),
            *(_variables.tags_problem(value, name) for name, value in given),
            _variables.keys_problem(self._value(variables, "expected_messages"), "smtpeter_expected_messages"),
            _variables.keys_problem(self._value(variables, "since"), "smtpeter_since"),
            _variables.empty_since_problem(self._value(variables, "since"), judge_by),
            _variables.tag_problem(self._value(variables, "baseline_tag"), "smtpeter_baseline_tag"),
        )
        return {"changed": False, "tags": list(tags), "problem": next(filter(None, problems), "")}

    def _tags(self, variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what was given as tags, with the name to call it by."""
        if "hosts" in self._task.args:
            for host in self._task.args["hosts"]:
                of_host = variables["hostvars"][host]
                if "smtpeter_tags" in of_host:
                    yield f"smtpeter_tags of {host}", of_host["smtpeter_tags"]
        elif "smtpeter_tags" in variables:
            yield "smtpeter_tags", self._value(variables, "tags")
        else:
            # Others choose it, so it is no template.
            yield "smtpeter_tags", os.environ.get("SMTPETER_TAGS", "")

    def _value(self, variables: dict[str, Any], option: str) -> Any:
        return self._templar.template(variables.get(f"smtpeter_{option}"))
