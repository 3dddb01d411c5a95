# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test `healthy`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: healthy
short_description: Whether delivery statistics pass a policy
version_added: 1.0.0
description:
  - True when the record or outcome passes, or every one of a list or a dict by tag.
  - False otherwise, also for a tag that the service does not know. An empty list or dict is an error.
  - It judges what was read at one moment, so there is no later look to wait for. With O(confidence=0), the bare ratio
    passes. With more, a pass of mail that is still being sent needs evidence.
  - A record needs only C(messages) and C(deliveries), so you can also judge counters from elsewhere.
  - The filter P(mailops.smtpeter.tag_health#filter) judges in the same way and says why.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._policy
options:
  _input:
    description: A record or an outcome, a list of them, or a dict of them by tag. Empty is an error.
    type: raw
    version_added: 1.0.0
    required: true
  confidence:
    default: 0
seealso:
  - plugin: mailops.smtpeter.tag_health
    plugin_type: filter
  - module: mailops.smtpeter.tag_stats_info
  - module: mailops.smtpeter.tag_outcomes_info
"""

EXAMPLES = r"""
- name: Read
  mailops.smtpeter.tag_stats_info:
    tags: [wave-1, wave-2]
  register: result

- name: Stop unless both campaigns are healthy
  ansible.builtin.assert:
    that: result.stats is mailops.smtpeter.healthy(min_delivery_ratio=0.9)

- name: Go on only with those that are
  ansible.builtin.debug:
    msg: "{{ result.stats.values() | select('mailops.smtpeter.healthy') | map(attribute='tag') }}"
"""

RETURN = r"""
_value:
  description: Whether all passes.
  type: bool
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import check_call
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._tag_health import healthy

display = Display()


def healthy_test(records: Any, *more: Any, **options: Any) -> bool:
    """Return whether what is given passes."""
    try:
        check_call("healthy(min_delivery_ratio=0.95)", more, {})
        return healthy(records, options, display.warning)
    except SmtpeterError as error:
        raise AnsibleFilterError(f"mailops.smtpeter.healthy: {error}") from None


class TestModule:
    """The test under its name."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the test by name."""
        return {"healthy": healthy_test}
