# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors that the layers raise. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any


class SmtpeterError(Exception):
    """Anything this collection refuses or fails at; its text is fit for the user and holds no secret."""


class OptionError(SmtpeterError):
    """An option or an input that cannot be used.

    `option` is its name as the user types it; the text names it and says what to do instead.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


KINDS = (
    "connection", "timeout", "certificate", "refused", "service", "answer", "unknown_tag", "not_tried", "lost",
)  # fmt: skip
# A longer pause that a service asks for is not waited for; seconds.
RETRY_AFTER_LIMIT = 30.0


class StatsError(SmtpeterError):
    """A tag whose statistics could not be read; where C(tag) is empty, the most recently active tags.

    `kind` is one of KINDS: `connection`, `timeout`, `certificate`, `refused` (4xx but 404, 408, 425 and 429),
    `service` (408, 425, 429 and 5xx), `answer` (not understood), `unknown_tag`, `not_tried`, and `lost` (a gate's look
    without a result). `status` is the HTTP status, if any; `retry_after` the seconds that the service asked to wait,
    if it did.
    """

    def __init__(
        self,
        kind: str,
        tag: str,
        problem: str,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(kind)
        super().__init__(tag, problem)
        self.kind = kind
        self.tag = tag
        self.problem = problem
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.attempts = 1

    def __str__(self) -> str:
        tried = f" ({self.attempts} attempts)" if self.attempts > 1 else ""
        what = f"tag '{self.tag}'" if self.tag else "recent tags"
        return f"{what}: {self.problem}{tried}"

    @property
    def forbids_more(self) -> bool:
        """True where the token was refused, so that asking for other tags is pointless."""
        return self.status in (401, 403)

    @property
    def asks_for_long_pause(self) -> bool:
        """True where the service asked for a pause that is not waited for, so that it is asked no further."""
        return (self.retry_after or 0.0) > RETRY_AFTER_LIMIT

    def as_dict(self) -> dict[str, Any]:
        """Return `kind`, `status` and `msg`, as results show them."""
        return {"kind": self.kind, "status": self.status, "msg": str(self)}
