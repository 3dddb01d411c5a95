# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the service is: the connection options and their checks. Private: names and behaviour may change.

Nothing here reads a file, the environment or the network: those that count belong to the host that sends the request.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Callable, Iterable, Mapping
from urllib.parse import SplitResult, quote, urlsplit

from ._errors import OptionError
from ._values import tag_problem

ENDPOINTS = ("stats", "tag")
TOKEN_MINIMUM = 8
_TIMEOUT_LIMIT = 3600
_RETRIES_LIMIT = 100
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Connection:
    """The shared connection options, with their defaults.

    `timeout` is in seconds, for one request from start to last byte. `retries` counts the attempts after the first.
    Raises OptionError for a value that cannot work.
    """

    api_token: str = field(repr=False)
    api_url: str = "https://www.smtpeter.com/v1"
    endpoint: str = "stats"
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 10
    retries: int = 3

    def __post_init__(self) -> None:
        check_connection_options(vars(self))

    @property
    def host(self) -> str:
        """The host and port in `api_url`, for messages."""
        return urlsplit(self.api_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return _is_loopback(urlsplit(self.api_url).hostname)

    def url(self, tag: str) -> str:
        """Return the URL of a tag's counters. It contains the token, so it must never be shown."""
        return self._url(f"{self.endpoint}/{quote(tag, safe='')}")

    def recent_url(self) -> str:
        """Return the URL of the most recently active tags. It contains the token."""
        return self._url(self.endpoint)

    def events_url(self, tag: str, period: tuple[date, date] | None) -> str:
        """Return the URL of a tag's events. It contains the token.

        `period` is the first UTC day and the day after the last one. Without it, the service answers for about a month.
        """
        days = f"&start={period[0].isoformat()}&end={period[1].isoformat()}" if period else ""
        return self._url(f"events/tags/{quote(tag, safe='')}") + days

    def _url(self, path: str) -> str:
        return f"{self.api_url.rstrip('/')}/{path}?access_token={quote(self.api_token, safe='')}"


def check_connection_options(options: Mapping[str, Any]) -> None:
    """Raise OptionError if a connection option cannot work. Options that are missing or null are not checked."""
    for name, check in _CHECKS.items():
        if options.get(name) is not None:
            check(options[name])


def check_token(token: str) -> None:
    """Raise OptionError if the token is missing or damaged, or too short to be masked in results."""
    if not token:
        raise OptionError.not_set(
            "api_token",
            "set SMTPETER_API_TOKEN where this task runs, or pass api_token (for example with module_defaults)",
        )
    if len(token) < TOKEN_MINIMUM:
        raise OptionError("api_token", f"it has fewer than {TOKEN_MINIMUM} characters; give the whole REST API token")
    if any(char.isspace() or unicodedata.category(char) in ("Cc", "Cs") for char in token):
        raise OptionError(
            "api_token", "it contains white space, a line end or a control character; give the token alone"
        )


def check_tag(tag: str, token: str) -> None:
    """Raise OptionError if `tag` cannot be a tag, or contains the token. An empty `token` is not looked for."""
    if token and token in tag:
        raise OptionError("tags", "a tag contains the api_token, so masking the token would damage the results")
    problem = "is a dot segment, which a URL cannot carry" if tag in (".", "..") else tag_problem(tag)
    if problem:
        remedy = "give the tag that the messages were sent with, and several tags as a list"
        raise OptionError("tags", f"{tag[:60]!r} {problem}; {remedy}")


def checked_tags(tags: Iterable[str], token: str) -> list[str]:
    """Return each tag once, in order. Raises OptionError as `check_tag` does, or if there is no tag."""
    unique = list(dict.fromkeys(tags))
    if not unique:
        raise OptionError("tags", "it is empty; give at least one tag")
    for tag in unique:
        check_tag(tag, token)
    return unique


def _check_url(url: str) -> None:
    if not url:
        raise OptionError("api_url", "it is empty; give a URL, or unset SMTPETER_API_URL to use the real service")
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise OptionError("api_url", "it contains white space, a backslash or characters that are not ASCII")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise OptionError("api_url", "it is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError("api_url", "it must begin with https:// and a host")
    _check_url_parts(url, parts)


def _check_url_parts(url: str, parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise OptionError("api_url", "it contains user information; give the token as api_token")
    if not _HOST.fullmatch(parts.netloc):
        raise OptionError("api_url", "it is not a valid URL: its host is a name or an address, and a port may follow")
    if "?" in url or "#" in url:
        raise OptionError(
            "api_url", "it contains a query or a fragment; give the URL up to the version, such as .../v1"
        )
    if any(re.fullmatch(r"(\.|%2e){1,2}", segment, re.IGNORECASE) for segment in parts.path.split("/")):
        raise OptionError("api_url", "its path contains a dot segment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise OptionError(
            "api_url", "plain http would send the token in the clear; use https (http is for loopback addresses only)"
        )


def _check_endpoint(endpoint: str) -> None:
    if endpoint not in ENDPOINTS:
        raise OptionError("endpoint", f"{endpoint[:60]!r} is unknown; give {' or '.join(ENDPOINTS)}")


def _check_timeout(timeout: float) -> None:
    if not 0 < timeout <= _TIMEOUT_LIMIT:
        raise OptionError("timeout", f"{timeout:g} is not above 0 and at most {_TIMEOUT_LIMIT}; give seconds")


def _check_retries(retries: int) -> None:
    if not 0 <= retries <= _RETRIES_LIMIT:
        raise OptionError("retries", f"{retries} is not from 0 to {_RETRIES_LIMIT}")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "api_token": check_token,
    "api_url": _check_url,
    "endpoint": _check_endpoint,
    "timeout": _check_timeout,
    "retries": _check_retries,
}


def _is_loopback(host: str | None) -> bool:
    """Return whether `host` is a loopback address as written. No name but `localhost` is resolved."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return address == ipaddress.IPv6Address("::1") or address in ipaddress.IPv4Network("127.0.0.0/8")
