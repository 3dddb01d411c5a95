# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxies that the environment names. Private: names and behaviour may change.

A proxy's URL may contain a password, so no error shows it.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
from dataclasses import dataclass, field
from typing import Any, Mapping

from ._errors import OptionError
from ._limits import LimitedReader, Limits, addresses_of
from ._missing import LibraryMissing, is_missing

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_SOCKS_PORT = 1080


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the environment variable that names it."""

    url: str = field(repr=False)
    variable: str


class ProxyRefusedError(OSError):
    """A SOCKS proxy did not connect. `problem` continues a sentence that begins with the proxy."""

    def __init__(self, problem: str, retryable: bool = True) -> None:
        super().__init__(problem)
        self.problem = problem
        self.retryable = retryable


def environment_proxy(url: str) -> Proxy | None:
    """Return the proxy that the environment names for a URL, chosen as `requests` does; None if there is none.

    Raises OptionError if it is not the URL of a proxy, and LibraryMissing if it needs PySocks.
    """
    import requests

    given = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if not given:
        return None
    variable = next(
        (name for name in os.environ if name.lower() in ("https_proxy", "all_proxy") and os.environ[name] == given),
        "HTTPS_PROXY",
    )
    address = given if "://" in given else f"http://{given}"
    scheme = address.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        raise OptionError(
            variable,
            f"its scheme is not one of {', '.join(_SCHEMES)}; give the proxy as http://HOST:PORT or "
            "socks5h://HOST:PORT",
        )
    if not _names_a_host(address):
        raise OptionError(variable, "it is not the URL of a proxy; give it as http://HOST:PORT")
    if scheme.startswith("socks"):
        if is_missing("socks"):
            raise LibraryMissing("PySocks", f", or set {variable} to an HTTP proxy")
    elif not _is_latin_1("".join(requests.utils.get_auth_from_url(address))):
        raise OptionError(
            variable, "its user name or password contains a character that HTTP cannot carry (not Latin-1)"
        )
    return Proxy(address, variable)


def connect_by_socks(
    options: Mapping[str, Any], host: str, port: int, socket_options: Any, limits: Limits
) -> socket.socket:
    """Return a socket that a SOCKS proxy has connected to a host within `limits`.

    `options` are those that `urllib3` passes to its SOCKS connections. Raises ProxyRefusedError, socket.timeout, and
    socket.gaierror if the host's name is resolved here and unknown.
    """
    socks: Any = importlib.import_module("socks")

    class Socket(socks.socksocket):
        # PySocks applies its timeout to each read.
        def makefile(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            made = super().makefile(mode, *args, **kwargs)
            return LimitedReader(made, self, limits) if mode == "rb" else made

    proxy_port = int(options["proxy_port"] or _SOCKS_PORT)
    problem: Exception = ProxyRefusedError("cannot be reached (its name cannot be resolved)")
    try:
        addresses = addresses_of(options["proxy_host"], proxy_port)
    except socket.gaierror:
        addresses = []
    for family, kind, protocol, _name, address in addresses:
        sock = Socket(family, kind, protocol)
        for option in socket_options or ():
            sock.setsockopt(*option)
        sock.settimeout(limits.seconds_left() / len(addresses))
        sock.set_proxy(
            options["socks_version"], address[0], proxy_port, options["rdns"], options["username"], options["password"]
        )
        try:
            sock.connect((host.strip("[]"), port))
        except socks.ProxyConnectionError as error:
            problem = ProxyRefusedError(f"cannot be reached ({describe_socket_error(error.socket_err)})")
        except socks.ProxyError as error:
            problem = _refusal_of(error, socks)
            break
        except UnicodeError:
            problem = socket.gaierror(socket.EAI_NONAME)
            break
        else:
            return sock
    raise problem


def describe_socket_error(error: Any) -> str:
    """Return the cause of a socket's error in a few words, without a name or an address."""
    if isinstance(error, socket.timeout):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    code = getattr(error, "errno", None)
    return os.strerror(code).lower() if isinstance(code, int) and code > 0 else "it closed the connection"


def _refusal_of(error: Any, socks: Any) -> Exception:
    """Return the exception for an error of PySocks, whose texts contain neither credentials nor the URL."""
    # PySocks takes its own errors for those of the socket, and wraps them.
    while isinstance(error.socket_err, socks.ProxyError):
        error = error.socket_err
    if isinstance(error.socket_err, (socket.timeout, socket.gaierror)):
        return error.socket_err
    if isinstance(error, socks.SOCKS5AuthError):
        return ProxyRefusedError("refuses the credentials, or requires some", retryable=False)
    if isinstance(error, (socks.SOCKS4Error, socks.SOCKS5Error)):
        return ProxyRefusedError(f"does not connect ({error.msg})")
    if error.socket_err is not None:
        return ProxyRefusedError(f"closed the connection ({describe_socket_error(error.socket_err)})")
    return ProxyRefusedError("does not speak SOCKS as expected")


def _names_a_host(address: str) -> bool:
    from urllib3.util import parse_url

    if re.search(r"[\s\x00-\x1f\x7f\\]", address):
        return False
    try:
        return bool(parse_url(address).host)
    except ValueError:
        return False


def _is_latin_1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
