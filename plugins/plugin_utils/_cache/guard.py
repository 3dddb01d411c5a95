# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cache plugin that may hang or fail. Private: names and behaviour may change."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any, Callable, Mapping

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.utils.display import Display

from .plugin import read_entry

CALL_TIMEOUT = 5.0

display = Display()


class GuardedStore:
    """The entries in a cache plugin, whose every call ends after `timeout` seconds. `options` are the lookup's.

    Once a call fails or takes longer, the plugin is not used for the rest of the run, by any process: a file in the
    run's own directory tells the others. The first that fails warns.
    """

    def __init__(self, plugin: Any, options: Mapping[str, Any], timeout: float = CALL_TIMEOUT) -> None:
        self._plugin = plugin
        self._timeout = timeout
        self._failed = False
        name = f"{options['cache_plugin']} {options['cache_connection']}".encode("utf-8", "replace")
        self._marker = os.path.join(C.DEFAULT_LOCAL_TMP, f"smtpeter-cache-failed-{hashlib.sha256(name).hexdigest()}")
        # No cache plugin promises to be safe for threads.
        self._lock = threading.Lock()

    @property
    def has_failed(self) -> bool:
        """Whether the plugin is no longer used."""
        return self._failed or os.path.exists(self._marker)

    def get(self, key: str) -> Any:
        """Return what is stored under a key; None if nothing is, or the plugin fails."""
        return self._call(lambda: read_entry(self._plugin, key))

    def set(self, key: str, entry: dict[str, str]) -> None:
        """Store an entry, unless the plugin fails."""
        self._call(lambda: self._plugin.set(key, entry))

    def _call(self, call: Callable[[], Any]) -> Any:
        if self.has_failed:
            return None
        results: list[Any] = []

        def work() -> None:
            with self._lock:
                try:
                    results.append(call())
                except Exception as error:  # noqa: BLE001 - each plugin has its own, of libraries that may be missing
                    display.vvv(f"mailops.smtpeter.tag_stats: the cache plugin raised {type(error).__name__}")

        # A thread that hangs must not keep the process from ending.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self._timeout)
        if results:
            return results[0]
        self._note_failure()
        return None

    def _note_failure(self) -> None:
        self._failed = True
        try:
            os.close(os.open(self._marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError:
            # The other processes find out for themselves.
            pass
        display.warning(
            "mailops.smtpeter.tag_stats: the cache fails, so the service is asked directly; -vvv shows more"
        )
