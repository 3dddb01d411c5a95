# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET with `requests`, bounded in time and size. Private: names and behaviour may change.

`requests` is imported when a session is opened, since importing it costs more than most of what this does.
"""

from __future__ import annotations

import errno
import http.client
import logging
import os
import re
import socket
import ssl
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from ._deadline import DeadlineResponse, DeadlineTls, EndlessError, addresses_of, request
from ._proxy import Proxy, ProxyRefusedError, connect_by_socks, environment_proxy, words_of

if TYPE_CHECKING:
    import requests

BODY_LIMIT = 1024 * 1024
STREAM_LIMIT = 256 * BODY_LIMIT
_READ_LIMIT = 4 * BODY_LIMIT
_PIECE = 64 * 1024
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "User-Agent": "ansible mailops.smtpeter",
}
_PROXY_RETRIED = (408, 425, 429)
# The words of Python's http.client.
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")


class TransportError(Exception):
    """No usable answer came. `kind` is `connection`, `timeout`, `certificate` or `answer`.

    `remedy` is what helps, where that is more than can be said of the kind.
    """

    def __init__(self, kind: str, problem: str, retryable: bool, remedy: str = "") -> None:
        super().__init__(problem)
        self.kind = kind
        self.problem = problem
        self.retryable = retryable
        self.remedy = remedy


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, read to its end; `body` is null where it was longer than the limit."""

    status: int
    body: bytes | None
    date: str | None
    retry_after: str | None
    age: str | None = None


def _is_harmless(record: logging.LogRecord) -> bool:
    return "access_token" not in record.getMessage()


def read_authorities(path: str) -> ssl.SSLContext:
    """Read the certificate authorities in a file or a directory; raises OSError where there are none.

    Where `requests` is given a path, it reads the file for each connection, at the cost of ten requests.
    """
    cafile, capath = (None, path) if os.path.isdir(path) else (path, None)
    context = ssl.create_default_context(cafile=cafile, capath=capath)
    context.sslsocket_class = DeadlineTls
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As urllib3 has it: the name that counts is that of the extension, never the subject's.
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    return context


def load_authorities(verify: ssl.SSLContext | bool) -> ssl.SSLContext | None:
    """Return what certificates are checked against; null where none is checked.

    `verify` is a context with authorities, True for those that `requests` brings along, or False to check none.
    """
    if verify is True:
        import requests

        return read_authorities(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    return verify or None


def _bounded(pools: Mapping[str, Any]) -> dict[str, Any]:
    """Return, by scheme, pools whose connections keep to the deadline of their thread's request."""

    def bounded(connection: Any) -> Any:
        def new_conn(self: Any) -> socket.socket:
            options = getattr(self, "_socks_options", None)
            if options is not None:
                sock = connect_by_socks(options, self.host, self.port, self.socket_options)
            else:
                # Each address of the host gets its share; the handshake then gets all that is left.
                self.timeout = request.remaining() / len(addresses_of(self.host, self.port))
                sock = connection._new_conn(self)
            sock.settimeout(request.remaining())
            return sock

        return type(connection.__name__, (connection,), {"response_class": DeadlineResponse, "_new_conn": new_conn})

    return {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": bounded(pool.ConnectionCls)})
        for scheme, pool in pools.items()
    }


def open_session(authorities: ssl.SSLContext | None, proxied_url: str | None) -> requests.Session:
    """Open a session that follows no redirect, reads no `.netrc` and keeps no cookie.

    `authorities` are what certificates are checked against; where it is null, none is checked. `proxied_url` is a
    URL whose proxy the environment may name, or null where no proxy may be used. Raises ImportError without
    `requests`, OptionError for a proxy that cannot be one, and LibraryMissing for one that needs PySocks.
    """
    from http.cookiejar import DefaultCookiePolicy

    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    proxy = None if proxied_url is None else environment_proxy(proxied_url)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=authorities)
            self.poolmanager.pool_classes_by_scheme = _bounded(self.poolmanager.pool_classes_by_scheme)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            if proxy not in self.proxy_manager:
                if proxy.lower().startswith("https:"):
                    kwargs["proxy_ssl_context"] = authorities
                manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=authorities)
                manager.pool_classes_by_scheme = _bounded(manager.pool_classes_by_scheme)
            return self.proxy_manager[proxy]

        def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
            super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
            # They are in the context; named here, too, they would be read again.
            conn.ca_certs = conn.ca_cert_dir = None

    class Session(requests.Session):
        prepared: requests.PreparedRequest | None = None
        proxy: Proxy | None = None

        # The requests of a session differ in nothing but their URL, and preparing one is a third of its cost.
        def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
            if self.prepared is None:
                self.prepared = super().prepare_request(request)
            self.prepared.url = str(request.url)
            return self.prepared

        # With a target, requests reads the body of a redirect to its end, however long it is.
        def get_redirect_target(self, resp: requests.Response) -> None:
            return None

    if authorities is None:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    # They warn of odd headers with the whole URL.
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_harmless)
    session = Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(_HEADERS)
    session.verify = authorities is not None
    if proxy is not None:
        session.proxy = proxy
        session.proxies = {"https": proxy.url}
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


def get(session: requests.Session, url: str, timeout: float) -> Reply:
    """Fetch `url` within `timeout` seconds, from start to last byte; raises TransportError, which never holds it."""
    request.begin(timeout, _READ_LIMIT)
    outcome = _attempt(session, url, timeout, _read)
    # Raised here and not where it was caught, so that no context keeps the URL.
    if isinstance(outcome, TransportError):
        raise outcome
    return outcome


def stream(
    session: requests.Session, url: str, timeout: float, statuses: tuple[int, ...], take: Callable[[bytes], None]
) -> Reply:
    """Fetch `url` as `get` does, but hand the body of an answer with one of `statuses` to `take`, piece by piece.

    Each started MiB of such a body may take `timeout` seconds, and 256 MiB is the most that is read. The body of the
    reply is then empty, or null above that limit. Raises TransportError, and what `take` raises.
    """
    request.begin(timeout, _READ_LIMIT)

    def read(response: requests.Response) -> bytes | None:
        if response.status_code not in statuses:
            return _read(response)
        return b"" if _read_pieces(response, timeout, take) else None

    outcome = _attempt(session, url, timeout, read)
    if isinstance(outcome, TransportError):
        raise outcome
    return outcome


def _attempt(
    session: requests.Session, url: str, timeout: float, read: Callable[[requests.Response], bytes | None]
) -> Reply | TransportError:
    import requests
    import urllib3

    try:
        with session.get(url, timeout=timeout, stream=True, allow_redirects=False) as response:
            return Reply(
                status=response.status_code,
                body=read(response),
                date=response.headers.get("Date"),
                retry_after=response.headers.get("Retry-After"),
                age=response.headers.get("Age"),
            )
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as exc:
        return _without_url(exc, getattr(session, "proxy", None))
    except (zlib.error, ValueError):
        return TransportError("answer", "its HTTP answer is malformed", retryable=False)


def _read(response: requests.Response) -> bytes | None:
    raw = response.raw.read(BODY_LIMIT + 1, decode_content=False)
    if len(raw) > BODY_LIMIT:
        return None
    _check_length(response, len(raw))
    inflate = _inflater(response)
    if inflate is None:
        return bytes(raw)
    body: bytes = inflate.decompress(raw, BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        return None
    if not inflate.eof:
        raise http.client.IncompleteRead(raw)
    return body


def _check_length(response: requests.Response, received: int) -> None:
    declared = response.headers.get("Content-Length", "")
    measured = declared.isdecimal() and "Transfer-Encoding" not in response.headers
    # These two have no body, and a length there is that of another answer.
    if measured and response.status_code not in (204, 304) and received < int(declared):
        raise http.client.IncompleteRead(b"")


def _inflater(response: requests.Response) -> Any:
    """Return what undoes the encoding of a body; null where there is none."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise zlib.error("unknown content encoding")
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _read_pieces(response: requests.Response, timeout: float, take: Callable[[bytes], None]) -> bool:
    """Hand over the body piece by piece; false where it is longer than the limit."""
    inflate = _inflater(response)
    received = total = 0
    for raw in iter(lambda: response.raw.read(_PIECE, decode_content=False), b""):
        received += len(raw)
        # A piece and its framing are far below it; the body has a limit of its own.
        request.allowance = _READ_LIMIT
        for piece in [raw] if inflate is None else _inflated(inflate, raw):
            if (total + len(piece)) // BODY_LIMIT > total // BODY_LIMIT:
                request.begin(timeout, request.allowance)
            total += len(piece)
            if total > STREAM_LIMIT:
                return False
            take(piece)
            # What was received in time may still inflate to very much.
            request.remaining()
    _check_length(response, received)
    if inflate is not None and not inflate.eof:
        raise http.client.IncompleteRead(b"")
    return True


def _inflated(inflate: Any, raw: bytes) -> Iterator[bytes]:
    """Yield what `raw` inflates to, in pieces of bounded length."""
    while True:
        piece = inflate.decompress(raw, _PIECE)
        yield piece
        raw = inflate.unconsumed_tail
        # A full piece may leave output behind, without any input.
        if not raw and len(piece) < _PIECE:
            return


def status_name(status: int) -> str:
    """Return a status with its phrase, such as `503 (Service Unavailable)`, where it has one."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _without_url(exc: BaseException, proxy: Proxy | None) -> TransportError:
    """Translate an exception by its type alone, since its text holds the URL."""
    import requests
    from urllib3.connection import CertificateError  # type: ignore[attr-defined]

    causes = list(_chain(exc))
    for cause in causes:
        # Older versions of urllib3 compare the name themselves.
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            problem = getattr(cause, "verify_message", "it is for another name")
            by_proxy = proxy and isinstance(exc, requests.exceptions.ProxyError)
            whose = (
                f"the certificate of the proxy that {proxy.variable} names" if by_proxy and proxy else "its certificate"
            )
            return TransportError("certificate", f"{whose} cannot be trusted ({problem})", retryable=False)
    if any(isinstance(cause, EndlessError) for cause in causes):
        return TransportError("answer", "it answered without end", retryable=False)
    refused = _proxy_problem(exc, causes, proxy) if proxy else None
    if refused:
        return refused
    for cause in causes:
        if isinstance(cause, (socket.timeout, requests.Timeout)):
            return TransportError("timeout", "no whole answer came in time", retryable=True)
        if isinstance(cause, socket.gaierror):
            return TransportError("connection", "its name cannot be resolved", retryable=True)
        if isinstance(cause, ssl.SSLError):
            return TransportError("connection", "it does not speak TLS as expected", retryable=True)
        if _has_code(cause):
            return TransportError("connection", f"the system said {words_of(cause)!r}", retryable=True)
    return TransportError("connection", "it closed the connection before the answer was whole", retryable=True)


def _proxy_problem(exc: BaseException, causes: list[BaseException], proxy: Proxy) -> TransportError | None:
    """Return what went wrong at the proxy, before the service was reached; null where it was not that."""
    import requests

    def problem(what: str, retryable: bool = True, remedy: str = "", kind: str = "connection") -> TransportError:
        remedy = remedy or f"correct {proxy.variable}, or add the host to NO_PROXY"
        return TransportError(kind, f"the proxy that {proxy.variable} names {what}", retryable, remedy)

    credentials = f"give {proxy.variable} the right ones, as in http://USER:PASSWORD@HOST:PORT"
    for cause in causes:
        if isinstance(cause, ProxyRefusedError):
            return problem(cause.problem, cause.retryable, "" if cause.retryable else credentials)
        found = _TUNNEL_REFUSED.search(str(cause)) if type(cause) is OSError else None
        status = int(found.group(1)) if found else 0
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return problem("refuses the credentials, or asks for some (407)", False, credentials)
        if status:
            retryable = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PROXY_RETRIED
            return problem(f"does not connect: it answered {status_name(status)}", retryable)
    if not isinstance(exc, requests.exceptions.ProxyError):
        return None
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return problem("does not speak TLS as expected")
    inner = [cause for cause in causes if isinstance(cause, socket.gaierror) or _has_code(cause)]
    late = any(isinstance(cause, (socket.timeout, requests.Timeout)) for cause in causes)
    words = "no answer in time" if late else words_of(inner[-1] if inner else None)
    return problem(f"cannot be reached ({words})", kind="timeout" if late else "connection")


def _has_code(cause: BaseException) -> bool:
    return isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield the exceptions that `exc` wraps, innermost last."""
    for _depth in range(10):
        if exc is None:
            return
        yield exc
        inner = [getattr(exc, "reason", None), *exc.args, exc.__cause__, exc.__context__]
        exc = next((item for item in inner if isinstance(item, BaseException)), None)
