# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter C(since)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: since
short_description: What happened under a tag between two readings
version_added: 1.0.0
description:
  - The counters of SMTPeter are over all mail that ever carried a tag. This subtracts an earlier reading from a later
    one and gives what happened in between, as a record again, or a dict or a list of them.
  - C(carried_over) of the result tells how many of the deliveries may belong to messages from before the earlier
    reading. C(first), C(first_at), C(unique_opens) and C(unique_clicks) are null in it.
  - A tag that the earlier reading does not have counts as zeros there. No tag in common is a warning.
author:
  - mailops.smtpeter contributors (@mailops)
positional: before
options:
  _input:
    description: The later reading, a record or the C(stats) of P(mailops.smtpeter.tag_stats_info#module).
    type: raw
    version_added: 1.0.0
    required: true
  before:
    description: The earlier reading, in the same form.
    type: raw
    version_added: 1.0.0
    required: true
  grace_period:
    description:
      - Seconds. Where the last activity before the earlier reading is older than this, nothing was under way any more.
    type: float
    version_added: 1.0.0
    default: 900
seealso:
  - module: mailops.smtpeter.tag_stats_info
  - plugin: mailops.smtpeter.tag_health
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read before the next wave is sent
  mailops.smtpeter.tag_stats_info:
    tags: [newsletter]
  register: before

# Send the next wave here.

- name: Read again
  mailops.smtpeter.tag_stats_info:
    tags: [newsletter]
  register: after

- name: Show what the wave added
  ansible.builtin.debug:
    msg: "{{ (after.stats | mailops.smtpeter.since(before.stats))['newsletter'].messages }} messages"
"""

RETURN = r"""
_value:
  description:
    - A record, or a dict or a list of records, as RV(mailops.smtpeter.tag_stats_info#module:stats) describes them, in
      the form of the input.
  type: raw
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import check_call
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._since import since

display = Display()


def since_filter(after: Any, before: Any = None, *more: Any, grace_period: Any = None, **unknown: Any) -> Any:
    """Return what happened between two readings."""
    try:
        check_call("since(before, grace_period=900)", more, unknown)
        return since(after, before, grace_period, display.warning)
    except SmtpeterError as error:
        raise AnsibleFilterError(f"mailops.smtpeter.since: {error}") from None


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by name."""
        return {"since": since_filter}
