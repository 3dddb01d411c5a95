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
  - A lookup is evaluated anew by each host and each task that uses it. With O(cache=true) they share one request.
  - An option that it does not know is an error.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._connection
  - mailops.smtpeter._connection.plugin
  - mailops.smtpeter._connection.reading
  - mailops.smtpeter._cache
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

# Whatever the number of hosts, the service is asked once, and not again for a minute.
- name: Stop every host unless the campaign is healthy
  ansible.builtin.assert:
    that: >-
      lookup('mailops.smtpeter.tag_stats', 'wave-1', cache=true, cache_timeout=60)
      is mailops.smtpeter.healthy(min_delivery_ratio=0.9)
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

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.loader import cache_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._secret import register_secret

if TYPE_CHECKING:
    from ansible_collections.mailops.smtpeter.plugins.module_utils._fetch import Fill
    from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache_store import PluginStore

# The rest is imported where it is needed, since each worker compiles it anew: what is cached costs little.


class LookupModule(LookupBase):
    """Reads the statistics of tags."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one record for each term; raises AnsibleLookupError."""
        try:
            self._set(variables, kwargs)
            return self._look_up(terms, self.get_options())
        except SmtpeterError as error:
            problem = str(error)
        raise AnsibleLookupError(f"mailops.smtpeter.tag_stats: {problem}")

    def _set(self, variables: dict[str, Any] | None, direct: dict[str, Any]) -> None:
        known = self.option_definitions
        names = {name for name in known if not name.startswith("_")}
        accepted = names.union(*(definition.get("aliases", ()) for definition in known.values()))
        sources = [source["name"] for definition in known.values() for source in definition.get("vars", ())]
        for name in direct:
            if name not in accepted:
                raise OptionError(name, f"there is no such option; the lookup has {', '.join(sorted(names))}")
        register_secret(direct.get("api_token", direct.get("access_token")))
        try:
            # Ansible hands over the variables with the templates in them not yet filled.
            filled = {name: self._templar.template(variables[name]) for name in sources if name in (variables or {})}
            self.set_options(var_options=filled, direct=direct)
            token = self.get_option("api_token")
        except AnsibleError as error:
            if "api_token" not in str(error):
                raise SmtpeterError(str(error)) from None
            token = None
        if not token:
            raise OptionError("api_token", "it is not set; set SMTPETER_API_TOKEN in the environment, or the option")
        register_secret(token)

    def _look_up(self, terms: list[Any], given: dict[str, Any]) -> list[dict[str, Any]]:
        for term in terms:
            if not isinstance(term, str):
                from ansible_collections.mailops.smtpeter.plugins.plugin_utils._forms import kind_of

                raise OptionError("tags", f"a term is {kind_of(term)}, not a string; quote tags that look like numbers")
        records = self._look_up_cached(terms, given) if given["cache"] else self._read(terms, given, None)
        return [dict(records[term]) for term in terms]

    def _look_up_cached(self, tags: list[str], given: dict[str, Any]) -> dict[str, dict[str, Any]]:
        from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache import RecordCache, cache_options, kept

        plugin = self._cache_plugin(given["cache_plugin"], cache_options(given))
        # A file needs no precautions as long as it is only read.
        store = None if isinstance(plugin, BaseFileCacheModule) else self._cache_store(plugin, given)
        cache = RecordCache(given, store.get if store else partial(kept, plugin))
        records = cache.find(tags)
        # The reading knows what to say of an unknown tag, and finds it in the cache, too.
        rest = [tag for tag in tags if tag not in records or not records[tag]["known"]]
        if rest or not tags:
            from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache_fill import CacheFiller

            with CacheFiller(cache, store or self._cache_store(plugin, given), given) as fill:
                records.update(self._read(rest, given, fill))
        return records

    @staticmethod
    def _cache_plugin(name: str, options: dict[str, Any]) -> Any:
        problem = f"there is no '{name}'"
        # Another process may make the directory of a jsonfile at the same time, and then the first attempt fails.
        for _attempt in range(2):
            try:
                plugin = cache_loader.get(name, **options)
            except AnsibleError as error:
                problem = str(error).replace(options.get("_uri", "\0"), "cache_connection")
            else:
                if plugin is not None:
                    return plugin
        raise OptionError("cache_plugin", f"{problem.rstrip('.')}; check cache_plugin and cache_connection")

    @staticmethod
    def _cache_store(plugin: Any, given: dict[str, Any]) -> PluginStore:
        from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache_store import PluginStore

        return PluginStore(plugin, given)

    @staticmethod
    def _read(tags: list[str], given: dict[str, Any], fill: Fill | None) -> dict[str, dict[str, Any]]:
        from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
        from ansible_collections.mailops.smtpeter.plugins.module_utils._fetch import failures, read_tags

        if options.missing_requests():
            raise OptionError("requirements", "the Python library 'requests' is missing on the controller; install it")
        with closing(options.client_from(given)) as client:
            readings = read_tags(client, tags, given["parallel"], given["missing"], fill)
        if readings.errors:
            raise SmtpeterError(failures(readings.errors))
        return {tag: record.as_dict() for tag, record in readings.records.items()}
