# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error that a failed HTTP request is reported as. Private: names and behaviour may change.

Exceptions of `requests` and `urllib3` contain the URL, and with it the token. So an error is made of their types alone.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from http import HTTPStatus
from typing import Iterator

from ._errors import StatsError
from ._limits import EndlessError
from ._proxy import Proxy, ProxyRefusedError, describe_socket_error

_PROXY_RETRIED = (408, 425, 429)
# The words of Python's http.client.
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")
_TRY_AGAIN = "check api_url, the network and the proxy, or try again later"


def status_name(status: int) -> str:
    """Return a status with its phrase, such as `503 (Service Unavailable)`, if it has one."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def malformed_answer(host: str) -> StatsError:
    """Return the error for an answer that is not HTTP as it should be."""
    return StatsError("answer", "", f"the HTTP answer of {host} is malformed; check api_url")


def request_error(exc: BaseException, host: str, timeout: float, proxy: Proxy | None) -> StatsError:
    """Return the error for an exception that a request to `host` raised. Its tag is empty."""
    import requests
    from urllib3.exceptions import NewConnectionError

    causes = list(_chain(exc))
    found = _certificate_error(exc, causes, host, proxy)
    if found is None and any(isinstance(cause, EndlessError) for cause in causes):
        found = StatsError("answer", "", f"the answer of {host} has no end; check api_url")
    if found is None and proxy is not None:
        found = _proxy_error(exc, causes, host, proxy)
    if found is not None:
        return found
    for cause in causes:
        if isinstance(cause, (socket.timeout, requests.Timeout)):
            problem = (
                f"no complete answer from {host} in time; raise timeout, which is {timeout:g} s, or try again later"
            )
            return StatsError("timeout", "", problem, retryable=True)
        if isinstance(cause, socket.gaierror):
            return _connection_error(f"cannot connect to {host}: its name cannot be resolved")
        if isinstance(cause, ssl.SSLError):
            return _connection_error(f"{host} does not speak TLS as expected")
        if _has_code(cause):
            is_new = any(isinstance(each, NewConnectionError) for each in causes)
            begin = f"cannot connect to {host}" if is_new else f"the connection to {host} failed"
            return _connection_error(f"{begin}: {describe_socket_error(cause)}")
    return _connection_error(f"{host} closed the connection before its answer was complete")


def _connection_error(problem: str) -> StatsError:
    return StatsError("connection", "", f"{problem}; {_TRY_AGAIN}", retryable=True)


def _certificate_error(
    exc: BaseException, causes: list[BaseException], host: str, proxy: Proxy | None
) -> StatsError | None:
    import requests
    from urllib3.connection import CertificateError  # type: ignore[attr-defined]

    for cause in causes:
        # Older versions of urllib3 compare the name themselves.
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            is_proxy = proxy is not None and isinstance(exc, requests.exceptions.ProxyError)
            whose = f"the proxy set in {proxy.variable}" if proxy is not None and is_proxy else host
            why = getattr(cause, "verify_message", "it is for another name")
            remedy = "check api_url and this host's clock, or name the certificate authority in ca_path"
            return StatsError("certificate", "", f"the certificate of {whose} cannot be trusted ({why}); {remedy}")
    return None


def _proxy_error(exc: BaseException, causes: list[BaseException], host: str, proxy: Proxy) -> StatsError | None:
    """Return the error of a proxy that failed before it reached the service; None if it did not."""
    import requests

    def error(what: str, retryable: bool = True, remedy: str = "", kind: str = "connection") -> StatsError:
        remedy = remedy or f"correct {proxy.variable}, or add the host to NO_PROXY"
        problem = f"cannot connect to {host}: the proxy set in {proxy.variable} {what}; {remedy}"
        return StatsError(kind, "", problem, retryable=retryable)

    credentials = f"give {proxy.variable} the right ones, as in http://USER:PASSWORD@HOST:PORT"
    for cause in causes:
        if isinstance(cause, ProxyRefusedError):
            return error(cause.problem, cause.retryable, "" if cause.retryable else credentials)
        found = _TUNNEL_REFUSED.search(str(cause)) if isinstance(cause, OSError) else None
        status = int(found.group(1)) if found else 0
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return error("refuses the credentials, or requires some (407)", False, credentials)
        if status:
            retryable = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PROXY_RETRIED
            return error(f"does not connect: it answered {status_name(status)}", retryable)
    if not isinstance(exc, requests.exceptions.ProxyError):
        return None
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return error("does not speak TLS as expected")
    inner = [cause for cause in causes if isinstance(cause, socket.gaierror) or _has_code(cause)]
    late = any(isinstance(cause, (socket.timeout, requests.Timeout)) for cause in causes)
    words = "no answer in time" if late else describe_socket_error(inner[-1] if inner else None)
    return error(f"cannot be reached ({words})", kind="timeout" if late else "connection")


def _has_code(cause: BaseException) -> bool:
    return isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield `exc` and the exceptions that it wraps, innermost last."""
    for _depth in range(10):
        if exc is None:
            return
        yield exc
        inner = [getattr(exc, "reason", None), *exc.args, exc.__cause__, exc.__context__]
        exc = next((item for item in inner if isinstance(item, BaseException)), None)
