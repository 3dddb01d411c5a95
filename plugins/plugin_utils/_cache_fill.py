# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fills the cache: one process reads a tag, the others wait for its record. Private: names and behaviour may change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping

from ..module_utils._record import Record
from ._cache import RecordCache, home
from ._cache_lock import FillLock

if TYPE_CHECKING:
    from ..module_utils._fetch import Read
    from ._cache_store import PluginStore


class CacheFiller:
    """Reads what a cache does not have, and keeps it there, as C(read_tags) wants it; to be used as a context.

    C(options) are the lookup's. What a reading raises is kept nowhere.
    """

    def __init__(self, cache: RecordCache, store: PluginStore, options: Mapping[str, Any]) -> None:
        self._cache = cache
        self._store = store
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
            self._store.set(self._cache.key(tag), self._cache.sealed(tag, record.as_dict()))
            return record
