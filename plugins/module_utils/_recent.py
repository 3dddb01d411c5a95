# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The most recently active tags, and which one a misspelt tag may mean. Private: names and behaviour may change."""

from __future__ import annotations

import difflib
import threading

from ._answer import parse_recent
from ._client import Client
from ._connection import check_tag
from ._errors import OptionError, StatsError
from ._record import Record


def read_recent(client: Client, retry: bool = True) -> dict[str, Record]:
    """Return the records of the most recently active tags, by tag, in the service's order.

    With `retry` false there is one attempt. Raises StatsError, whose tag is empty.
    """

    def is_tag(name: str) -> bool:
        try:
            check_tag(name, client.connection.api_token)
        except OptionError:
            return False
        return True

    return parse_recent(client.fetch_recent(retry), client.excerpt, is_tag)


class Suggestions:
    """Suggests a recently active tag for an unknown one. The service is asked once, for all threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._tags: list[str] | None = None

    def for_tag(self, tag: str) -> str:
        """Return a question such as "did you mean 'wave-1'?"; empty if no tag is close, or none can be read."""
        with self._lock:
            if self._tags is None:
                self._tags = self._recent_tags()
        names = {name.casefold(): name for name in reversed(self._tags) if name != tag and name.isprintable()}
        close = difflib.get_close_matches(tag.casefold()[:200], names, 1)
        return f"did you mean '{names[close[0]]}'?" if close else ""

    def _recent_tags(self) -> list[str]:
        try:
            return list(read_recent(self._client, retry=False))
        except StatsError:
            return []
