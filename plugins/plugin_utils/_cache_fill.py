# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills the cache: one process reads a tag, the others wait for its record. Private: names and behaviour may change."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Mapping

from ansible.errors import AnsibleError

from ..module_utils._errors import OptionError
from ..module_utils._record import Record
from ._cache import RecordCache, home, open_cache
from ._cache_lock import FillLock
from ._cache_store import PluginStore

if TYPE_CHECKING:
    from ..module_utils._fetch import Read


def checked_cache(options: Mapping[str, Any]) -> RecordCache:
    """Open the cache that the lookup's options name; raises OptionError where it cannot serve."""
    name, timeout, connection = options["cache_plugin"], options["cache_timeout"], options["cache_connection"]
    if name.rpartition(".")[2] == "memory":
        raise OptionError(
            "cache_plugin", "Ansible's workers do not share memory; give jsonfile, or community.general.redis"
        )
    if timeout < 0:
        raise OptionError("cache_timeout", f"{timeout} is negative; give seconds, or 0 for no limit")
    problem = ""
    # Another process may make the directory of a jsonfile at the same time, and then the first attempt fails.
    for _attempt in range(2):
        try:
            return open_cache(options)
        except AnsibleError as error:
            problem = str(error).replace(connection or "\0", "cache_connection").rstrip(".")
    raise OptionError("cache_plugin", f"{problem}; check cache_plugin and cache_connection")


class CacheFiller:
    """Reads what a cache does not have, and keeps it there, as C(read_tags) wants it; to be used as a context.

    C(options) are the lookup's. What a reading raises is kept nowhere.
    """

    def __init__(self, cache: RecordCache, options: Mapping[str, Any]) -> None:
        # What is read and what is written take turns in one store.
        self._store = PluginStore(cache.plugin, options)
        self._cache = RecordCache(options, cache.plugin, self._store.get)
        # As long as the attempts of another may take.
        self._lock = FillLock(os.path.join(home(), "fill.lock"), options["timeout"] * (options["retries"] + 1))

    def __enter__(self) -> CacheFiller:
        self._lock.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._lock.close()

    def __call__(self, tag: str, read: Read) -> Record:
        """Return the record that another process has filled in meanwhile, or what C(read) gives."""
        if self._store.has_failed:
            # Those who waited would find nothing.
            return read()
        with self._lock.held(self._cache.key(tag)):
            filled = self._cache.find([tag])
            if filled:
                return Record.from_dict(filled[tag])
            record = read()
            self._store.set(self._cache.key(tag), sealed(self._cache, tag, record.as_dict()))
            return record


def sealed(cache: RecordCache, tag: str, record: dict[str, Any]) -> dict[str, str]:
    """Return the entry that keeps a record, as C(RecordCache.find) knows it."""
    content = json.dumps({"kept_at": cache.now(), "record": record})
    return {"content": content, "seal": cache.digest("seal", cache.key(tag), content)}
