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
from typing import Any, Callable, Iterable, Mapping

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleError

from ..module_utils._errors import OptionError

# To be raised with any change of the record, so that no version reads what another one wrote.
_FORMAT = "mailops.smtpeter record 1"
_CLOCK_SKEW = 60


def home() -> str:
    """Return the directory of what the collection keeps on the controller."""
    return os.path.join(os.path.expanduser(C.config.get_config_value("ANSIBLE_HOME")), "mailops.smtpeter")


def cache_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the cache plugin is loaded with; raises OptionError for what cannot work.

    The keys are in a set of their own, since the plugin for Redis drops what is too old for its timeout, also facts.
    """
    plugin, connection, prefix = options["cache_plugin"], options["cache_connection"], options["cache_prefix"]
    timeout = options["cache_timeout"]
    if plugin.rpartition(".")[2] == "memory":
        raise OptionError("cache_plugin", "Ansible's workers do not share memory; take jsonfile, or Redis")
    if timeout < 0:
        raise OptionError("cache_timeout", f"{timeout} is below 0; give seconds, or 0 for no limit")
    if connection is None and plugin.rpartition(".")[2] == "jsonfile":
        connection = os.path.join(home(), "cache")
    given = {"_uri": connection, "_timeout": timeout, "_prefix": prefix, "_keyset_name": f"{prefix}keys"}
    return {name: value for name, value in given.items() if value is not None}


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
    found. C(options) are the lookup's; C(get) returns what is kept under a key, as C(kept) does; C(now) tells the
    seconds since 1970.
    """

    def __init__(
        self, options: Mapping[str, Any], get: Callable[[str], Any], now: Callable[[], float] = time.time
    ) -> None:
        self._token = options["api_token"].encode("utf-8", "surrogatepass")
        # A record that was read without a look at the certificate is none for those who want that look.
        self._scope = [options["api_url"].rstrip("/"), options["endpoint"], options["validate_certs"]]
        self._timeout = options["cache_timeout"]
        self._get = get
        self._now = now

    def find(self, tags: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the records that are in the cache and not too old, by tag."""
        found = {}
        for tag in tags:
            key = self.key(tag)
            record = self._unsealed(key, self._get(key))
            if record is not None:
                found[tag] = record
        return found

    def key(self, tag: str) -> str:
        """Return the key of a tag's entry, in hexadecimal."""
        return self._digest("key", *self._scope, tag)

    def sealed(self, tag: str, record: dict[str, Any]) -> dict[str, str]:
        """Return the entry that keeps a record."""
        content = json.dumps({"kept_at": self._now(), "record": record})
        return {"content": content, "seal": self._digest("seal", self.key(tag), content)}

    def _unsealed(self, key: str, entry: Any) -> dict[str, Any] | None:
        if not isinstance(entry, dict):
            return None
        content, seal = entry.get("content"), entry.get("seal")
        if not isinstance(content, str) or not isinstance(seal, str):
            return None
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self._digest("seal", key, content).encode()):
            return None
        kept = json.loads(content)
        age = self._now() - kept["kept_at"]
        return kept["record"] if age >= -_CLOCK_SKEW and not 0 < self._timeout < age else None

    def _digest(self, *of: Any) -> str:
        return hmac.digest(self._token, json.dumps([_FORMAT, *of]).encode(), "sha256").hex()
