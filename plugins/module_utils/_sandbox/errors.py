# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the sandbox, beside `OptionError` for its options. Private: names and behaviour may change."""

from __future__ import annotations

from .._errors import SmtpeterError

ELSEWHERE = "fix that, or choose another directory with TMPDIR"


class SandboxError(SmtpeterError):
    """The sandbox refused or failed to do something; the text says what and what to do."""


class FieldError(SandboxError):
    """A request that the service answers with 400. `field` is the name of the wrong field."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class LockBusyError(SandboxError):
    """Another process holds the lock."""


class StoreError(SandboxError):
    """The data file cannot be used."""


class StoreFullError(StoreError):
    """There is no room for more messages."""


class ListenError(SandboxError):
    """The service cannot listen on the address and port."""


class LibraryMissingError(SandboxError):
    """A library that only TLS needs is not installed. `library` is its name."""

    def __init__(self, library: str) -> None:
        super().__init__(f"tls: the Python library {library} is not installed; install it, or set tls to false")
        self.library = library


class TlsError(SandboxError):
    """The certificates cannot be made, written or loaded."""


class DirectoryError(SandboxError):
    """The directory of the sandbox cannot be used."""


class ProcessError(SandboxError):
    """The process did not start, did not answer or did not end."""
