# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any


class SmtpeterError(Exception):
    """Base of all errors of this collection. Their texts are written for users and contain no secret."""


class OptionError(SmtpeterError):
    """An option or an input that cannot be used.

    `option` is its name as users type it. The text names it and says what to do instead.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem

    @classmethod
    def not_set(cls, option: str, remedy: str) -> OptionError:
        """Return the error of a required option that has no value."""
        error = cls(option, remedy)
        error.args = (f"{option} is not set: {remedy}",)
        return error


KINDS = (
    "connection", "timeout", "certificate", "refused", "service", "answer", "unknown_tag", "not_tried", "lost",
)  # fmt: skip
# The longest pause, in seconds, that the client waits when the service asks for one.
RETRY_AFTER_LIMIT = 30.0


class StatsError(SmtpeterError):
    """A tag that could not be read. An empty `tag` stands for the most recently active tags.

    `kind` is one of KINDS: `connection`, `timeout`, `certificate`, `refused` (4xx but 404, 408, 425 and 429),
    `service` (408, 425, 429 and 5xx), `answer` (not understood), `unknown_tag`, `not_tried`, and `lost` (a look of the
    gate without a result). `status` is the HTTP status, if any. `retry_after` is how many seconds the service asked to
    wait, if it did. `attempts` counts the requests. The text is built from these fields, none of which is a URL.
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
    def is_token_refused(self) -> bool:
        """Whether the service refused the token, so that requests for other tags are pointless."""
        return self.status in (401, 403)

    @property
    def asks_for_long_pause(self) -> bool:
        """Whether the service asked for a longer pause than the client waits."""
        return (self.retry_after or 0.0) > RETRY_AFTER_LIMIT

    @property
    def concerns_all_tags(self) -> bool:
        """Whether the service asked for a pause, which requests for all tags must keep."""
        return self.status == 429 or self.retry_after is not None

    def as_dict(self) -> dict[str, Any]:
        """Return `kind`, `status` and `msg`, as results show them."""
        return {"kind": self.kind, "status": self.status, "msg": str(self)}
