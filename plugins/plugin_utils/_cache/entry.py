# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and content of cache entries. Private: names and behaviour may change."""

from __future__ import annotations

import hmac
import json
from typing import Any, Mapping

# Raise it with any change of the record, so that no version reads what another one wrote.
_FORMAT = "mailops.smtpeter record 1"
_CLOCK_SKEW = 60


class EntrySeal:
    """Makes and opens the entries of one service, endpoint and token; `options` are the lookup's.

    The key of an entry is a digest of these and of the tag, keyed by the token; another digest seals its content. So
    an entry shows no secret, and one that is damaged, or written without the token, cannot be opened.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._token = options["api_token"].encode("utf-8", "surrogatepass")
        # Who wants certificates checked must not get a record that was read without.
        self._scope = [options["api_url"].rstrip("/"), options["endpoint"], options["validate_certs"]]
        self._timeout = options["cache_timeout"]

    def key(self, tag: str) -> str:
        """Return the key of a tag's entry, in hexadecimal."""
        return self._digest("key", *self._scope, tag)

    def close(self, key: str, record: dict[str, Any], now: float) -> dict[str, str]:
        """Return the entry of a record that is stored at `now`, in seconds since 1970."""
        content = json.dumps({"kept_at": now, "record": record})
        return {"content": content, "seal": self._digest("seal", key, content)}

    def open(self, key: str, entry: Any, now: float) -> dict[str, Any] | None:
        """Return the record in an entry; None if it is too old at `now`, or is not an entry with this key."""
        if not isinstance(entry, dict):
            return None
        content, seal = entry.get("content"), entry.get("seal")
        if not isinstance(content, str) or not isinstance(seal, str):
            return None
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self._digest("seal", key, content).encode()):
            return None
        opened = json.loads(content)
        age = now - opened["kept_at"]
        is_fresh = age >= -_CLOCK_SKEW and (self._timeout == 0 or age <= self._timeout)
        return opened["record"] if is_fresh else None

    def _digest(self, *of: Any) -> str:
        return hmac.digest(self._token, json.dumps([_FORMAT, *of]).encode(), "sha256").hex()
