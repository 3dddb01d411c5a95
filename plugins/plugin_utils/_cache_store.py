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

from ._cache import kept

PATIENCE = 5.0

display = Display()


class PluginStore:
    """A cache plugin whose every call ends after C(patience) seconds.

    Once a call fails or takes longer, the plugin is left alone for the rest of the run, by all its processes: a file in
    the run's own directory tells them. The first that fails warns. C(options) are the lookup's.
    """

    def __init__(self, plugin: Any, options: Mapping[str, Any], patience: float = PATIENCE) -> None:
        self._plugin = plugin
        self._patience = patience
        self._failed = False
        named = f"{options['cache_plugin']} {options['cache_connection']}".encode("utf-8", "replace")
        self._mark = os.path.join(C.DEFAULT_LOCAL_TMP, f"smtpeter-cache-failed-{hashlib.sha256(named).hexdigest()}")
        # No cache plugin promises to bear several threads.
        self._one_at_a_time = threading.Lock()

    @property
    def has_failed(self) -> bool:
        """Whether the plugin is left alone."""
        return self._failed or os.path.exists(self._mark)

    def get(self, key: str) -> Any:
        """Return what is kept under a key; null where nothing is, or the plugin fails."""
        return self._bounded(lambda: kept(self._plugin, key))

    def set(self, key: str, entry: dict[str, str]) -> None:
        """Keep an entry, unless the plugin fails."""
        self._bounded(lambda: self._plugin.set(key, entry))

    def _bounded(self, call: Callable[[], Any]) -> Any:
        if self.has_failed:
            return None
        results: list[Any] = []

        def work() -> None:
            with self._one_at_a_time:
                try:
                    results.append(call())
                except Exception as error:  # noqa: BLE001 - each plugin has its own, of libraries that may be missing
                    display.vvv(f"mailops.smtpeter.tag_stats: the cache plugin raised {type(error).__name__}")

        # A thread that hangs must not keep the process from ending.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self._patience)
        if results:
            return results[0]
        self._give_up()
        return None

    def _give_up(self) -> None:
        self._failed = True
        try:
            os.close(os.open(self._mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError:
            # Then the other processes find out for themselves.
            pass
        display.warning(
            "mailops.smtpeter.tag_stats: the cache fails, so the service is asked directly; -vvv tells more"
        )
