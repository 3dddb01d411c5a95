# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates that a service's certificate is checked against. Private: names and behaviour may change."""

from __future__ import annotations

import os
import ssl
from urllib.parse import urlsplit

from ._connection import Connection
from ._errors import OptionError
from ._limits import LimitedTlsSocket

_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def verify_argument(connection: Connection) -> bool | str:
    """Return the `verify` argument for requests: a CA path, True or False.

    Raises OptionError if the path cannot be used on this host.
    """
    if connection.validate_certs and connection.ca_path:
        _check_authorities("ca_path", connection.ca_path)
    if not connection.validate_certs or urlsplit(connection.api_url).scheme == "http":
        return False
    if connection.ca_path:
        return connection.ca_path
    for name in _BUNDLE_VARIABLES:
        path = os.environ.get(name)
        if path:
            _check_authorities(name, path)
            return path
    return True


def load_authorities(verify: bool | str) -> ssl.SSLContext | None:
    """Return a TLS context that trusts the authorities of `verify`; None if no certificate is checked.

    `requests` would read them for each connection, which costs as much as ten requests.
    """
    if verify is False:
        return None
    import requests
    from urllib3.util.ssl_ import create_urllib3_context

    path = requests.utils.DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    context = create_urllib3_context()
    context.sslsocket_class = LimitedTlsSocket
    context.load_verify_locations(**_location(path))
    return context


def _check_authorities(option: str, path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**_location(path))
    except OSError:
        raise OptionError(option, f"'{path}' does not exist, cannot be read, or contains no certificates") from None


def _location(path: str) -> dict[str, str]:
    return {"capath" if os.path.isdir(path) else "cafile": path}
