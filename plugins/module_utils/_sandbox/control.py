# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts or stops a sandbox to match the requested state. Private: names and behaviour may change."""

from __future__ import annotations

import http.client
import os
import ssl
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from .._errors import OptionError
from . import process, tls
from .directory import SandboxDirectory, ServiceState
from .errors import ProcessError
from .settings import Settings

RESPONSE_TIMEOUT = 10.0


@dataclass(frozen=True)
class SandboxResult:
    """What the module returns; null is not known, or not there."""

    changed: bool
    state: str
    api_url: str | None = None
    ca_path: str | None = None
    pid: int | None = None
    port: int | None = None
    data: str | None = None


def start_sandbox(name: str, settings: Settings, check_mode: bool = False) -> SandboxResult:
    """Start the sandbox, or restart one that runs with other settings. Raises SmtpeterError."""
    directory = SandboxDirectory(name)
    if settings.data is not None:
        settings = replace(settings, data=os.path.realpath(settings.data))
    _check_token(directory, settings)
    if check_mode and not directory.exists():
        return _planned(directory, settings, None)
    if not check_mode:
        directory.prepare()
    with directory.locked():
        found = directory.running_state()
        if found is not None and _is_current(found, settings) and _answers(found):
            return _result(found, changed=False)
        if check_mode:
            return _planned(directory, settings, found)
        # Before the old one ends, so that a missing library does not cost a running sandbox.
        renew = (
            tls.ensure_certificate(directory.ca_path, directory.certificate_path, settings.host)
            if settings.tls
            else None
        )
        process.end(directory)
        last = directory.read_state()
        state = process.launch(directory, settings, last.port if last is not None else None, renew)
        if not _answers(state):
            process.end(directory)
            raise ProcessError(f"the sandbox did not answer at {state.api_url} and was ended; see {directory.log_path}")
    return _result(state, changed=True)


def stop_sandbox(name: str, check_mode: bool = False) -> SandboxResult:
    """Stop the sandbox and remove its own files. Raises SmtpeterError."""
    directory = SandboxDirectory(name)
    if not directory.exists():
        return SandboxResult(changed=False, state="stopped")
    with directory.locked():
        if not check_mode and directory.exists():
            process.end(directory)
            directory.clear()
    return SandboxResult(changed=True, state="stopped")


def _is_current(state: ServiceState, settings: Settings) -> bool:
    return (
        state.settings == settings.digest()
        and settings.port in (0, state.port)
        and (state.renew is None or time.time() < state.renew)
        and state.has_token(settings.api_token)
    )


def _answers(state: ServiceState) -> bool:
    url = urlsplit(state.api_url or "")
    host = url.hostname or ""
    connection: http.client.HTTPConnection
    try:
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=state.ca_path)
            connection = http.client.HTTPSConnection(host, url.port, timeout=RESPONSE_TIMEOUT, context=context)
        else:
            connection = http.client.HTTPConnection(host, url.port, timeout=RESPONSE_TIMEOUT)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def _result(state: ServiceState, changed: bool) -> SandboxResult:
    return SandboxResult(changed, "started", state.api_url, state.ca_path, state.pid, state.port, state.data)


def _planned(directory: SandboxDirectory, settings: Settings, found: ServiceState | None) -> SandboxResult:
    """Return what a start would return, as far as that is known before it."""
    port = settings.port or (found.port if found is not None else None)
    return SandboxResult(
        changed=True,
        state="started",
        api_url=settings.api_url(port) if port else None,
        ca_path=directory.ca_path if settings.tls else None,
        port=port,
        data=settings.data or directory.own_data,
    )


def _check_token(directory: SandboxDirectory, settings: Settings) -> None:
    """Raise OptionError for a token that is part of the result, since Ansible would mask it there."""
    returned = (directory.ca_path, directory.own_data, settings.data or "", settings.api_url(settings.port))
    if any(settings.api_token in text for text in returned):
        raise OptionError(
            "api_token", "it is part of a path or of the address, so masking it would damage them; make up another one"
        )
