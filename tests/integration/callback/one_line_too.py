"""A callback for tests: Ansible's own `oneline` writes to the file named by ONE_LINE, beside what a run prints."""

DOCUMENTATION = """
name: one_line_too
type: notification
short_description: Writes what oneline would print
description: For the integration tests of mailops.smtpeter.
"""

import os

from ansible.plugins.callback import oneline


class Paper:
    """What Ansible calls a display, but its lines go to the file."""

    def __init__(self, display):
        self._display = display

    def __getattr__(self, name):
        return getattr(self._display, name)

    def display(self, msg, *_args, **_kwargs):
        """Write a line."""
        with open(os.environ["ONE_LINE"], "a", encoding="utf-8") as file:
            file.write(f"{msg}\n")


class CallbackModule(oneline.CallbackModule):
    """Formats as oneline does."""

    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "one_line_too"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._display = Paper(self._display)
