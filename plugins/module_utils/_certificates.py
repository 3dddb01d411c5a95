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


def load_authorities(connection: Connection) -> ssl.SSLContext | None:
    """Return a TLS context that trusts certificate authorities, or None if no certificate is checked.

    They are those that the options or the environment name, or else those that `requests` includes. Raises OptionError
    if a path cannot be used on this host.
    """
    given = _authorities_in("ca_path", connection.ca_path) if connection.validate_certs and connection.ca_path else None
    if not connection.validate_certs or urlsplit(connection.api_url).scheme == "http":
        return None
    if given:
        return given
    for name in _BUNDLE_VARIABLES:
        path = os.environ.get(name)
        if path:
            return _authorities_in(name, path)
    from certifi import where

    return read_authorities(where())


def read_authorities(path: str) -> ssl.SSLContext:
    """Read the certificate authorities in a file or a directory; raises OSError if there are none.

    Given a path, `requests` would read the file for each connection, which costs as much as ten requests.
    """
    cafile, capath = (None, path) if os.path.isdir(path) else (path, None)
    context = ssl.create_default_context(cafile=cafile, capath=capath)
    context.sslsocket_class = LimitedTlsSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As in urllib3: only the names in the extension count, never the subject's.
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    return context


def _authorities_in(option: str, path: str) -> ssl.SSLContext:
    try:
        return read_authorities(path)
    except OSError:
        raise OptionError(option, f"'{path}' does not exist, cannot be read, or contains no certificates") from None
