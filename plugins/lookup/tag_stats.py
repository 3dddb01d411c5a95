# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup `tag_stats`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tag_stats
short_description: Read the delivery statistics of tags at SMTPeter
version_added: 1.0.0
description:
  - Returns one record for each tag in its terms. It runs on the controller and reads tags in parallel.
  - The counters cover every message ever sent with the tag.
  - Each host and each task that uses a lookup evaluates it again. With O(cache=true), they share one request.
  - An unknown option is an error.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._connection
  - mailops.smtpeter._connection.plugin
  - mailops.smtpeter._connection.reading
  - mailops.smtpeter._cache
options:
  # Required all the same: the lookup says how to set it, in better words than Ansible has.
  api_token:
    required: false
  _terms:
    description:
      - The tags to read, as text. A term is split at its commas, unless it is a JSON list.
      - A number, a boolean, a date or null is refused, so quote such tags (V('010')).
      - A tag that is empty, V(.) or V(..), longer than 1,000 characters, or that contains white space, a semicolon or
        a control character is refused.
      - Required when O(recent=false).
    type: list
    version_added: 1.0.0
    elements: str
  recent:
    description:
      - Whether to read the most recently active tags, at most ten, instead of terms. Do not give terms then. The cache
        is not used.
    type: bool
    version_added: 1.0.0
    default: false
seealso:
  - module: mailops.smtpeter.tag_stats_info
  - plugin: mailops.smtpeter.tag_health
    plugin_type: filter
"""

EXAMPLES = r"""
# The token is taken from the environment variable SMTPETER_API_TOKEN, or the variable smtpeter_api_token.
- name: Show how much of a campaign was delivered
  ansible.builtin.debug:
    msg: "{{ lookup('mailops.smtpeter.tag_stats', 'wave-1').delivery_ratio }}"

- name: Stop unless the campaign is healthy
  ansible.builtin.assert:
    that: lookup('mailops.smtpeter.tag_stats', 'wave-1') is mailops.smtpeter.healthy(min_delivery_ratio=0.9)

- name: Show the tags with less than 95% delivered so far
  ansible.builtin.debug:
    msg: "{{ records | selectattr('messages') | selectattr('delivery_ratio', 'lt', 0.95) | map(attribute='tag') }}"
  vars:
    records: "{{ query('mailops.smtpeter.tag_stats', *campaigns) }}"
    campaigns: [wave-1, wave-2]

- name: Show the most recently active tags
  ansible.builtin.debug:
    msg: "{{ query('mailops.smtpeter.tag_stats', recent=true) | map(attribute='tag') }}"

# The service is asked once for all hosts, and not again for a minute.
- name: Stop every host unless the campaign is healthy
  ansible.builtin.assert:
    that: >-
      lookup('mailops.smtpeter.tag_stats', 'wave-1', cache=true, cache_timeout=60)
      is mailops.smtpeter.healthy(min_delivery_ratio=0.9)
"""

RETURN = r"""
_raw:
  description:
    - One record for each tag, in the order of the terms, or with O(recent=true) for each of the most recently active
      tags, in the order of the service. All keys are always there;
      RV(mailops.smtpeter.tag_stats_info#module:stats) describes them.
  type: list
  elements: dict
  sample:
    - tag: wave-1
      first: '2016-01-01 12:00:00'
      last: '2016-01-01 16:00:00'
      first_at: '2016-01-01T12:00:00Z'
      last_at: '2016-01-01T16:00:00Z'
      messages: 1000
      deliveries: 980
      opens: 490
      clicks: 98
      unique_opens: null
      unique_clicks: null
      undelivered: 20
      delivery_ratio: 0.98
      open_ratio: 0.5
      click_ratio: 0.1
      click_to_open_ratio: 0.2
      known: true
      notes: []
      fetched_at: '2016-01-02T08:00:00Z'
      under_way: null
      carried_over: 0
"""

import sys
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

if TYPE_CHECKING:
    from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.plugin import RecordCache


class LookupModule(LookupBase):
    """Reads the statistics of tags.

    Each host's worker compiles what it imports, so that a hit in the cache imports as little as possible.
    """

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one record for each tag of the terms; raises AnsibleLookupError."""
        # Ansible's own: ansible-core before 2.19 passes it to the lookup of a loop.
        kwargs.pop("wantlist", None)
        self._set_options(variables or {}, kwargs)
        cache, found = self._find(terms, kwargs)
        if terms and all(isinstance(term, str) and term in found and found[term]["known"] for term in terms):
            return [dict(found[term]) for term in terms]

        from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
        from ansible_collections.mailops.smtpeter.plugins.plugin_utils._tag_stats import check_names, read_terms

        try:
            check_names(kwargs, self.option_definitions)
            return read_terms(terms, self.get_options(), cache, found)
        except SmtpeterError as error:
            problem = str(error)
        raise AnsibleLookupError(f"mailops.smtpeter.tag_stats: {problem}")

    def _set_options(self, variables: dict[str, Any], direct: dict[str, Any]) -> None:
        """Set the options from everywhere, and have Ansible mask the token; raises AnsibleLookupError."""
        # Not imported here: an ansible-core that has it imports it at its start.
        secrets = sys.modules.get("ansible.module_utils.secrets")
        given = direct.get("api_token") or direct.get("access_token")
        if secrets and isinstance(given, str):
            secrets.register_secret(given)
        sources = [source["name"] for option in self.option_definitions.values() for source in option.get("vars", ())]
        # Ansible hands over the variables with the templates in them not yet filled.
        filled = {name: self._templar.template(variables[name]) for name in sources if name in variables}
        try:
            self.set_options(var_options=filled, direct=direct)
        except AnsibleError as error:
            problem = str(error)
        else:
            if secrets and self.get_option("api_token"):
                secrets.register_secret(self.get_option("api_token"))
            return
        raise AnsibleLookupError(f"mailops.smtpeter.tag_stats: {problem}")

    def _find(self, terms: list[Any], direct: dict[str, Any]) -> tuple[RecordCache | None, dict[str, dict[str, Any]]]:
        """Return the cache, if it is used and can be opened, and the records of terms that are in it."""
        given = self.get_options()
        if (
            not given["cache"]
            or not given["api_token"]
            or given["recent"]
            or not direct.keys() <= given.keys() - {"_terms"}
        ):
            return None, {}
        from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.plugin import open_cache

        try:
            cache = open_cache(given)
        except AnsibleError:
            return None, {}
        # Text with a comma, and a list in JSON, are several tags.
        plain = {term for term in terms if isinstance(term, str) and "," not in term and term.lstrip()[:1] not in "[{"}
        records = {term: cache.find(term) for term in plain}
        return cache, {term: record for term, record in records.items() if record is not None}
