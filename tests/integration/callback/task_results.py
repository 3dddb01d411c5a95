"""A callback for tests: each finished task goes to the file named by TASK_RESULTS, one JSON object a line."""

DOCUMENTATION = """
name: task_results
type: notification
short_description: Writes task results to a file
description: For the integration tests of mailops.smtpeter.
"""

import json
import os
import resource
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Writes `{task, host, status, result, seconds, peak}`; items of a loop are in the task's `result.results`.

    `peak` is the most memory, in KiB, that a process below this one has had so far, of those that have ended.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._started = {}

    def v2_runner_on_start(self, host, task):
        """A worker begins a task."""
        self._started[host.get_name(), task._uuid] = time.monotonic()

    def _write(self, status, result):
        name, host = result._task.get_name(), result._host.get_name()
        line = {"task": name, "host": host, "status": status, "result": result._result}
        line["seconds"] = time.monotonic() - self._started.get((host, result._task._uuid), time.monotonic())
        line["peak"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        with open(os.environ["TASK_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        """A task succeeded."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """A task failed, rescued or ignored or not."""
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result):
        """A host could not be reached."""
        self._write("unreachable", result)

    def v2_runner_on_skipped(self, result):
        """A task was skipped."""
        self._write("skipped", result)
