# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup C(tag_stats)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tag_stats
short_description: Read the delivery statistics of tags at SMTPeter
version_added: 1.0.0
description:
  - Gives one record for each term, on the controller. Terms are read in parallel.
  - The counters are over all messages that ever carried the tag.
  - An option that it does not know is an error.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._connection
  - mailops.smtpeter._connection.plugin
  - mailops.smtpeter._connection.reading
options:
  _terms:
    description:
      - The tags to read, each a string.
      - A tag that is empty, V(.) or V(..), longer than 1,000 characters, or that holds white space, a semicolon or a
        control character is refused.
    type: list
    elements: str
    required: true
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

- name: Show the tags of which less than 95 % was delivered so far
  ansible.builtin.debug:
    msg: "{{ records | selectattr('delivery_ratio', 'lt', 0.95) | map(attribute='tag') }}"
  vars:
    records: "{{ query('mailops.smtpeter.tag_stats', 'wave-1', 'wave-2') }}"
"""

RETURN = r"""
_raw:
  description:
    - One record for each term, in the order of the terms. All keys are always there;
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

from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._fetch import failures, read_tags
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import kind_of


class LookupModule(LookupBase):
    """Reads the statistics of tags."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one record for each term; raises AnsibleLookupError."""
        try:
            self._set(variables, kwargs)
            return self._read(terms)
        except SmtpeterError as error:
            problem = str(error)
        raise AnsibleLookupError(f"mailops.smtpeter.tag_stats: {problem}")

    def _set(self, variables: dict[str, Any] | None, direct: dict[str, Any]) -> None:
        known = self.option_definitions
        names = {name for name in known if not name.startswith("_")}
        accepted = names.union(*(definition.get("aliases", ()) for definition in known.values()))
        for name in direct:
            if name not in accepted:
                raise OptionError(name, f"there is no such option; the lookup has {', '.join(sorted(names))}")
        options.register_secret(direct.get("api_token", direct.get("access_token")))
        try:
            self.set_options(var_options=self._templated(variables or {}), direct=direct)
            token = self.get_option("api_token")
        except AnsibleError as error:
            if "api_token" not in str(error):
                raise SmtpeterError(str(error)) from None
            token = None
        if not token:
            raise OptionError("api_token", "it is not set; set SMTPETER_API_TOKEN in the environment, or the option")

    def _templated(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the variables that options may come from, with the templates in them filled."""
        sources = [source["name"] for option in self.option_definitions.values() for source in option.get("vars", ())]
        return {name: self._templar.template(variables[name]) for name in sources if name in variables}

    def _read(self, terms: list[Any]) -> list[dict[str, Any]]:
        if options.missing_requests():
            raise OptionError("requirements", "the Python library 'requests' is missing on the controller; install it")
        for term in terms:
            if not isinstance(term, str):
                raise OptionError("tags", f"a term is {kind_of(term)}, not a string; quote tags that look like numbers")
        client = options.client_from(self.get_options())
        try:
            readings = read_tags(client, terms, self.get_option("parallel"), self.get_option("missing"))
        finally:
            client.close()
        if readings.errors:
            raise SmtpeterError(failures(readings.errors))
        return [readings.records[term].as_dict() for term in terms]
