# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the reports of the collection's own playbooks. Private: name and behaviour may change."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report

display = Display()
FORMATS = {"html": "html", "junit.xml": "junit", "md": "markdown", "svg": "svg"}


class ActionModule(ActionBase):
    """Takes `directory`, the names of `files`, and `result`, a dict; without it, removes the files of an earlier run.

    The ending of a name is its format. `NAME.json` is what the result has under NAME, or else all of it. The directory
    is made if it is missing. A file that needs pygal is left out, with a warning, where that is not installed.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `changed`; raises AnsibleActionFail where a file cannot be removed or written."""
        super().run(tmp, task_vars)
        if self._task.check_mode:
            return {"changed": False}
        directory, names = self._task.args["directory"], self._task.args["files"]
        try:
            os.makedirs(directory, mode=0o755, exist_ok=True)
            for name in names:
                with suppress(FileNotFoundError):
                    os.remove(os.path.join(directory, name))
            if "result" in self._task.args:
                self._write(directory, names, self._task.args["result"])
        except OSError as error:
            problem = f"{error.filename} cannot be written ({error.strerror}); name a directory that you can write to"
        else:
            return {"changed": True}
        raise AnsibleActionFail(f"smtpeter_reports: {problem}")

    def _write(self, directory: str, names: list[str], result: dict[str, Any]) -> None:
        left_out = []
        for name in names:
            try:
                text = _report(result, name)
            except LibraryMissing:
                left_out.append(name)
                continue
            path = os.path.join(directory, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o644)
        if left_out:
            display.warning(
                f"{' and '.join(left_out)} are left out, since the Python library pygal is not installed for the "
                f"Python that runs Ansible ({sys.executable})"
            )


def _report(result: dict[str, Any], name: str) -> str:
    """Return the text of the file of this name. Raises LibraryMissing where pygal is missing."""
    stem, ending = name.split(".", 1)
    if ending == "json":
        return json.dumps(result.get(stem, result), indent=4)
    return gate_report(result, FORMATS[ending])
