# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds records in one of Ansible's cache plugins. Private: names and behaviour may change.

Each worker compiles this for each lookup, so what only a miss needs is in other files.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any, Callable, Mapping

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleError
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.loader import cache_loader

from .entry import EntrySeal, read_entry


class RecordCache:
    """The records in a cache plugin, by tag.

    `get` returns the entry under a key, or None, and `clock` the seconds since 1970.
    """

    def __init__(
        self, seal: EntrySeal, plugin: Any, get: Callable[[str], Any], clock: Callable[[], float] = time.time
    ) -> None:
        self.seal = seal
        self.plugin = plugin
        self._get = get
        self.clock = clock

    def find(self, tag: str) -> dict[str, Any] | None:
        """Return the record of a tag; None if there is none, or it is too old."""
        key = self.seal.key(tag)
        return self.seal.open(key, self._get(key), self.clock())


def open_cache(options: Mapping[str, Any]) -> RecordCache:
    """Open the cache that the lookup's options name; raises AnsibleError if its plugin cannot be loaded."""
    name, connection, prefix = options["cache_plugin"], options["cache_connection"], options["cache_prefix"]
    # A set of keys apart from that of facts, since the Redis plugin drops all of a set that are older than its timeout.
    given = {"_timeout": options["cache_timeout"], "_prefix": prefix, "_keyset_name": f"{prefix}keys"}
    if connection is not None or name.endswith("jsonfile"):
        given["_uri"] = connection or os.path.join(data_directory(), "cache")
    # Ansible finds its own faster by its full name.
    plugin = cache_loader.get("ansible.builtin.jsonfile" if name == "jsonfile" else name, **given)
    if plugin is None:
        raise AnsibleError(f"there is no cache plugin '{name}'")
    # Reading a file needs no guard.
    get: Callable[[str], Any] = partial(read_entry, plugin)
    if not isinstance(plugin, BaseFileCacheModule):
        from .guard import GuardedStore

        get = GuardedStore(plugin, options).get
    return RecordCache(EntrySeal(options), plugin, get)


def data_directory() -> str:
    """Return the directory in which the collection stores data on the controller."""
    return os.path.join(os.path.expanduser(C.config.get_config_value("ANSIBLE_HOME")), "mailops.smtpeter")
