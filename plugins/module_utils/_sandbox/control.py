# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making it so: a sandbox as it was asked for, or none. Private: names and behaviour may change."""

from __future__ import annotations

import dataclasses
import http.client
import os
import ssl
import time
from urllib.parse import urlsplit

from . import process, tls
from .errors import ProcessError, SettingError
from .home import Home, State
from .settings import Settings

ANSWER_TIMEOUT = 10.0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the module returns; None is not known, or not there."""

    changed: bool
    state: str
    api_url: str | None = None
    ca_path: str | None = None
    pid: int | None = None
    port: int | None = None
    data: str | None = None


def started(name: str, settings: Settings, check_mode: bool = False) -> Outcome:
    """Have the sandbox run with these settings. Raises SandboxError."""
    home = Home(name)
    if settings.data is not None:
        settings = dataclasses.replace(settings, data=os.path.realpath(settings.data))
    _keep_token_apart(home, settings)
    if check_mode and not home.exists():
        return _planned(home, settings, None)
    if not check_mode:
        home.prepare()
    with home.exclusive():
        found = home.running()
        if found is not None and _is_current(found, settings) and _answers(found):
            return _outcome(found, changed=False)
        if check_mode:
            return _planned(home, settings, found)
        # Before the old one ends: a missing library must not cost a running sandbox.
        renew = tls.ensure(home.ca_path, home.certificate_path, settings.host) if settings.tls else None
        process.end(home)
        last = home.state()
        state = process.launch(home, settings, last.port if last is not None else None, renew)
        if not _answers(state):
            process.end(home)
            raise ProcessError(f"the sandbox did not answer at {state.api_url} and was ended; see {home.log_path}")
    return _outcome(state, changed=True)


def stopped(name: str, check_mode: bool = False) -> Outcome:
    """Have no sandbox of this name, nor anything that was its own. Raises SandboxError."""
    home = Home(name)
    if not home.exists():
        return Outcome(changed=False, state="stopped")
    with home.exclusive():
        if not check_mode and home.exists():
            process.end(home)
            home.clear()
    return Outcome(changed=True, state="stopped")


def _is_current(state: State, settings: Settings) -> bool:
    return (
        state.settings == settings.digest()
        and settings.port in (0, state.port)
        and (state.renew is None or time.time() < state.renew)
        and state.has_token(settings.token)
    )


def _answers(state: State) -> bool:
    url = urlsplit(state.api_url or "")
    host = url.hostname or ""
    connection: http.client.HTTPConnection
    try:
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=state.ca_path)
            connection = http.client.HTTPSConnection(host, url.port, timeout=ANSWER_TIMEOUT, context=context)
        else:
            connection = http.client.HTTPConnection(host, url.port, timeout=ANSWER_TIMEOUT)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def _outcome(state: State, changed: bool) -> Outcome:
    return Outcome(changed, "started", state.api_url, state.ca_path, state.pid, state.port, state.data)


def _planned(home: Home, settings: Settings, found: State | None) -> Outcome:
    """What a start would give, as far as that is known before it."""
    port = settings.port or (found.port if found is not None else None)
    return Outcome(
        changed=True,
        state="started",
        api_url=settings.api_url(port) if port else None,
        ca_path=home.ca_path if settings.tls else None,
        port=port,
        data=settings.data or home.own_data,
    )


def _keep_token_apart(home: Home, settings: Settings) -> None:
    """Refuse a token that is part of what is returned, since Ansible would mask it there."""
    returned = (home.ca_path, home.own_data, settings.data or "", settings.api_url(settings.port))
    if any(settings.token in text for text in returned):
        raise SettingError(
            "api_token", "it is part of a path or of the address, and masking it would damage them; make up another"
        )
