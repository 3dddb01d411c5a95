# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents the options of the lookup's cache. Private: names and behaviour may change."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cache:
    description:
      - Whether to store records in one of Ansible's cache plugins, so that hosts and plays that look up the same tag
        share one request. A record may be as old as O(cache_timeout). Its C(fetched_at) tells when it was read.
      - An entry's name is a digest keyed by the token, and a second digest protects its content. It holds no secret. An
        entry that is damaged, expired, or of another service, endpoint, token or tag is not used. Errors are never
        stored.
      - If the cache fails during a play, a warning says so once, and the play continues without it.
    type: bool
    version_added: 1.0.0
    default: false
    env:
      - name: ANSIBLE_INVENTORY_CACHE
    ini:
      - section: inventory
        key: cache
  cache_plugin:
    description:
      - The cache plugin, such as V(jsonfile), or V(community.general.redis) to share it between controllers.
      - V(memory) is refused, since Ansible's worker processes do not share it.
    type: str
    version_added: 1.0.0
    default: jsonfile
    env:
      - name: ANSIBLE_CACHE_PLUGIN
      - name: ANSIBLE_INVENTORY_CACHE_PLUGIN
    ini:
      - section: defaults
        key: fact_caching
      - section: inventory
        key: cache_plugin
  cache_connection:
    description:
      - What the cache plugin connects to, as its documentation says. For V(jsonfile), a directory.
      - When not set, V(jsonfile) uses C(mailops.smtpeter/cache) below Ansible's home, by default C(~/.ansible).
    type: str
    version_added: 1.0.0
    env:
      - name: ANSIBLE_CACHE_PLUGIN_CONNECTION
      - name: ANSIBLE_INVENTORY_CACHE_CONNECTION
    ini:
      - section: defaults
        key: fact_caching_connection
      - section: inventory
        key: cache_connection
  cache_timeout:
    description:
      - Seconds after which an entry is no longer used. V(0) is never.
    type: int
    version_added: 1.0.0
    default: 3600
    env:
      - name: ANSIBLE_CACHE_PLUGIN_TIMEOUT
      - name: ANSIBLE_INVENTORY_CACHE_TIMEOUT
    ini:
      - section: defaults
        key: fact_caching_timeout
      - section: inventory
        key: cache_timeout
  cache_prefix:
    description:
      - What the names of files or keys in the cache begin with.
    type: str
    version_added: 1.0.0
    default: mailops_smtpeter_
    env:
      - name: ANSIBLE_CACHE_PLUGIN_PREFIX
      - name: ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX
    ini:
      - section: defaults
        key: fact_caching_prefix
      - section: inventory
        key: cache_prefix
"""
