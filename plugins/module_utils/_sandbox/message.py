# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stored message with everything that happens to it. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One message to one recipient. Moments are milliseconds since 1970; null is never.

    A message with both `delivered_at` and `failed_at` was accepted and later returned. `cause` is a key of
    `failures.CAUSES`, null without a failure; `attempt` is the number of the last attempt, from 0.
    """

    number: int
    id: str
    recipient: str
    tags: tuple[str, ...]
    envelope: str
    properties: str
    templateid: int
    sent_at: int
    delivered_at: int | None = None
    failed_at: int | None = None
    cause: str | None = None
    attempt: int = 0
    opened_at: tuple[int, ...] = ()
    clicked_at: tuple[int, ...] = ()

    @property
    def domain(self) -> str:
        """Return the receiving domain, in lower case."""
        return self.recipient.rpartition("@")[2].lower()
