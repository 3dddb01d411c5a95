# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds records of tags in one of Ansible's cache plugins. Private: names and behaviour may change.

Each worker compiles this anew for each lookup: what only a miss needs is in C(_cache_fill.py) and C(_cache_store.py).
"""

from __future__ import annotations

import hmac
import json
import os
import time
from functools import partial
from typing import Any, Callable, Iterable, Mapping

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleError
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.loader import cache_loader

# To be raised with any change of the record, so that no version reads what another one wrote.
_FORMAT = "mailops.smtpeter record 1"
_CLOCK_SKEW = 60


def home() -> str:
    """Return the directory of what the collection keeps on the controller."""
    return os.path.join(os.path.expanduser(C.config.get_config_value("ANSIBLE_HOME")), "mailops.smtpeter")


def open_cache(options: Mapping[str, Any]) -> RecordCache:
    """Open the cache that the lookup's options name; raises AnsibleError where its plugin cannot be loaded."""
    name, uri, prefix = options["cache_plugin"], options["cache_connection"], options["cache_prefix"]
    # Apart from the keys of facts, since the plugin for Redis drops all of a set that are too old for its timeout.
    given = {"_timeout": options["cache_timeout"], "_prefix": prefix, "_keyset_name": f"{prefix}keys"}
    if uri is not None or name.endswith("jsonfile"):
        given["_uri"] = uri or os.path.join(home(), "cache")
    plugin = cache_loader.get(name, **given)
    if plugin is None:
        raise AnsibleError(f"there is no cache plugin '{name}'")
    if isinstance(plugin, BaseFileCacheModule):
        # Reading a file needs no precautions.
        return RecordCache(options, plugin, partial(kept, plugin))
    from ._cache_store import PluginStore

    return RecordCache(options, plugin, PluginStore(plugin, options).get)


def kept(plugin: Any, key: str) -> Any:
    """Return what a cache plugin keeps under a key, whoever put it there; null where nothing is, or it is damaged."""
    try:
        return plugin.get(key) if plugin.contains(key) else None
    except (AnsibleError, KeyError, TypeError, ValueError):
        return None


class RecordCache:
    """Finds records by their tags, for one service, endpoint and token.

    The key of an entry is a digest of these and of the tag, keyed by the token; another digest seals its content. So
    an entry shows no secret, and one that is damaged, or that anybody put there who does not have the token, is not
    found. C(options) are the lookup's; C(plugin) keeps the entries, and C(get) finds them as C(kept) does; C(now)
    tells the seconds since 1970.
    """

    def __init__(
        self, options: Mapping[str, Any], plugin: Any, get: Callable[[str], Any], now: Callable[[], float] = time.time
    ) -> None:
        self.plugin = plugin
        self._token = options["api_token"].encode("utf-8", "surrogatepass")
        # A record that was read without a look at the certificate is none for those who want that look.
        self._scope = [options["api_url"].rstrip("/"), options["endpoint"], options["validate_certs"]]
        self._timeout = options["cache_timeout"]
        self._get = get
        self.now = now

    def find(self, tags: Iterable[Any]) -> dict[str, dict[str, Any]]:
        """Return the records that are in the cache and not too old, by tag."""
        found = {}
        for tag in tags:
            if not isinstance(tag, str):
                continue
            key = self.key(tag)
            record = self._unsealed(key, self._get(key))
            if record is not None:
                found[tag] = record
        return found

    def key(self, tag: str) -> str:
        """Return the key of a tag's entry, in hexadecimal."""
        return self.digest("key", *self._scope, tag)

    def _unsealed(self, key: str, entry: Any) -> dict[str, Any] | None:
        if not isinstance(entry, dict):
            return None
        content, seal = entry.get("content"), entry.get("seal")
        if not isinstance(content, str) or not isinstance(seal, str):
            return None
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self.digest("seal", key, content).encode()):
            return None
        unsealed = json.loads(content)
        age = self.now() - unsealed["kept_at"]
        is_fresh = age >= -_CLOCK_SKEW and (self._timeout == 0 or age <= self._timeout)
        return unsealed["record"] if is_fresh else None

    def digest(self, *of: Any) -> str:
        """Return a digest of what JSON can write, keyed by the token, in hexadecimal."""
        return hmac.digest(self._token, json.dumps([_FORMAT, *of]).encode(), "sha256").hex()
