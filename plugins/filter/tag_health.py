# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter `tag_health`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tag_health
short_description: Judge delivery statistics, with reasons
version_added: 1.0.0
description:
  - Judges records or outcomes by a policy, and says why. Give one, a list, or a dict by tag, such as the C(stats) of
    P(mailops.smtpeter.tag_stats_info#module) or the C(outcomes) of P(mailops.smtpeter.tag_outcomes_info#module).
  - It judges what was read at one moment, so there is no later look to wait for. With O(confidence=0), the bare ratio
    passes. With more, a pass of mail that is still being sent needs evidence.
  - Mail counts as settled here when its last activity (C(last_at)) is older than O(grace_period) at C(fetched_at). Only
    settled mail fails. An outcome needs no such grace, since a failure in it is final.
  - A record needs only C(messages) and C(deliveries), so you can also judge counters from elsewhere. Without C(last_at)
    they never fail.
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
  - plugin: mailops.smtpeter.healthy
    plugin_type: test
  - module: mailops.smtpeter.tag_stats_info
  - module: mailops.smtpeter.tag_outcomes_info
"""

EXAMPLES = r"""
- name: Read
  mailops.smtpeter.tag_stats_info:
    tags: [wave-1, wave-2]
  register: result

- name: Show the reasons
  ansible.builtin.debug:
    msg: "{{ (result.stats['wave-1'] | mailops.smtpeter.tag_health(min_delivery_ratio=0.9)).reasons }}"

- name: Judge both by evidence
  ansible.builtin.debug:
    msg: "{{ result.stats | mailops.smtpeter.tag_health(confidence=0.95) }}"

- name: Judge the second against the first
  ansible.builtin.debug:
    msg: "{{ (result.stats | mailops.smtpeter.tag_health(baseline_tag='wave-1'))['wave-2'].verdict }}"

- name: Read what became of each message
  mailops.smtpeter.tag_outcomes_info:
    tags: [wave-1]
  register: read

- name: Judge it, and name the causes of failure
  ansible.builtin.debug:
    msg: "{{ (read.outcomes['wave-1'] | mailops.smtpeter.tag_health).reasons }}"

- name: Judge counters from elsewhere
  ansible.builtin.debug:
    msg: "{{ ({'messages': 400, 'deliveries': 392} | mailops.smtpeter.tag_health).verdict }}"
"""

RETURN = r"""
_value:
  description: A judgement, or a list or a dict by tag of them, in the form of the input.
  type: dict
  contains:
    verdict:
      description: V(pass), V(fail) or V(inconclusive).
      type: str
    decided_by:
      description: V(evidence), V(ratio), or null where nothing was decided.
      type: str
    reasons:
      description: Sentences that give the figure and what is required.
      type: list
      elements: str
    required_delivery_ratio:
      description: The least share of messages delivered that was asked for.
      type: float
    delivered_at_least:
      description: Deliveries minus those that may belong to earlier messages.
      type: int
    delivered_at_most:
      description: Deliveries, never more than messages. For an outcome, messages that have not failed.
      type: int
    messages:
      description: Messages judged.
      type: int
    messages_due:
      description:
        - Messages old enough to count against the campaign. All of them when the mail is settled, and for an outcome.
      type: int
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import check_call
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._tag_health import tag_health

display = Display()


def tag_health_filter(records: Any, *more: Any, **options: Any) -> Any:
    """Return the judgement of what is given."""
    try:
        check_call("tag_health(min_delivery_ratio=0.95)", more, {})
        return tag_health(records, options, display.warning)
    except SmtpeterError as error:
        raise AnsibleFilterError(f"mailops.smtpeter.tag_health: {error}") from None


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by name."""
        return {"tag_health": tag_health_filter}
