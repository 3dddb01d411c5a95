# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reader that caches another reader. Private: names and behaviour may change."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible.errors import AnsibleError

from ...module_utils._errors import OptionError
from ...module_utils._reader import RecordReader
from ...module_utils._record import Record
from .guard import GuardedStore
from .lock import EntryLock
from .plugin import RecordCache, data_directory, open_cache


def usable_cache(cache: RecordCache | None, options: Mapping[str, Any]) -> RecordCache:
    """Return the cache, which is opened if it is not open yet. Raises OptionError if the options cannot work."""
    name, timeout, connection = options["cache_plugin"], options["cache_timeout"], options["cache_connection"]
    if name.rpartition(".")[2] == "memory":
        raise OptionError(
            "cache_plugin", "Ansible's workers do not share memory; give jsonfile, or community.general.redis"
        )
    if timeout < 0:
        raise OptionError("cache_timeout", f"{timeout} is negative; give seconds, or 0 for no limit")
    if cache is not None:
        return cache
    problem = ""
    # If another process makes the directory of a jsonfile at the same time, the first attempt fails.
    for _attempt in range(2):
        try:
            return open_cache(options)
        except AnsibleError as error:
            problem = str(error).replace(connection or "\0", "cache_connection").rstrip(".")
    raise OptionError("cache_plugin", f"{problem}; check cache_plugin and cache_connection")


class CacheReader:
    """Reads a record from a cache, or else from `reader`, and stores what that returns. To be used as a context.

    `found` are records that were found in the cache before, by tag; `options` are the lookup's. Of several processes
    that miss the same tag at the same time, one reads it. Errors are not stored.
    """

    def __init__(
        self,
        cache: RecordCache,
        found: Mapping[str, dict[str, Any]],
        reader: RecordReader,
        options: Mapping[str, Any],
    ) -> None:
        # Reads and writes of all threads take turns in one store.
        self._store = GuardedStore(cache.plugin, options)
        self._cache = RecordCache(cache.seal, cache.plugin, self._store.get, cache.clock)
        self._found = found
        self._reader = reader
        # The attempts of another process may take this long.
        timeout = options["timeout"] * (options["retries"] + 1)
        self._lock = EntryLock(os.path.join(data_directory(), "fill.lock"), timeout)

    def __enter__(self) -> CacheReader:
        self._lock.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._lock.close()

    def read(self, tag: str) -> Record:
        """Return the record of a tag; raises what the other reader raises."""
        if tag in self._found:
            return Record.from_dict(self._found[tag])
        if self._store.has_failed:
            # Nobody would find what is stored, so nobody waits for it.
            return self._reader.read(tag)
        key = self._cache.seal.key(tag)
        with self._lock.locked(key):
            # Another process may have stored it meanwhile.
            filled = self._cache.find(tag)
            if filled is not None:
                return Record.from_dict(filled)
            record = self._reader.read(tag)
            self._store.set(key, self._cache.seal.close(key, record.as_dict(), self._cache.clock()))
            return record
