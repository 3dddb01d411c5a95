# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test C(healthy)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: healthy
short_description: Whether delivery statistics pass a policy
version_added: 1.0.0
description:
  - True when the record, or every record of a list or a dict by tag, passes.
  - False otherwise, also for a tag that the service does not know. Nothing at all is an error.
  - "While mail is still being sent, evidence decides. Once sending has stopped, the counts decide. When time is up, the
    gate says what it sees."
  - One look has no later one, so for it time is always up. What it takes for stopped is mail whose last activity
    (C(last_at)) is older than O(grace_period) at C(fetched_at).
  - A record needs no more than C(messages) and C(deliveries), so counters that come from elsewhere can be judged too;
    without C(last_at) they never fail.
  - The filter P(mailops.smtpeter.tag_health#filter) judges in the same way and says why.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._policy
options:
  _input:
    description: A record, a list of records, or a dict of records by tag. Empty is an error.
    type: raw
    version_added: 1.0.0
    required: true
  confidence:
    default: 0
seealso:
  - plugin: mailops.smtpeter.tag_health
    plugin_type: filter
  - module: mailops.smtpeter.tag_stats_info
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
