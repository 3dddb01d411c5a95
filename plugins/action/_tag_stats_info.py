# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects what the slices of a fleet handed out, for `fleet_merge`. Private: name and behaviour may change."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._fleet import PREFIX, handed_out


class ActionModule(ActionBase):
    """Takes `tags`, `results` (a directory, or empty text) and `max_age` in seconds.

    Returns `stats`, the records by tag in the order of `tags`, the tags that are `missing`, and the `damaged` files.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was found; raises AnsibleActionFail where there is no such directory."""
        super().run(tmp, task_vars)
        args = self._task.args
        results = str(args["results"])
        if results and not os.path.isdir(results):
            raise AnsibleActionFail(f"smtpeter_results: there is no directory {results}; give that of the artifacts")
        oldest = time.gmtime(max(0.0, time.time() - float(args["max_age"])))
        passed = {name: value for name, value in (task_vars or {}).items() if name.startswith(PREFIX)}
        found = handed_out(results, passed, time.strftime("%Y-%m-%dT%H:%M:%SZ", oldest))
        return {
            "changed": False,
            "stats": {tag: found.records[tag] for tag in args["tags"] if tag in found.records},
            "missing": [tag for tag in args["tags"] if tag not in found.records],
            "damaged": list(found.damaged),
        }
