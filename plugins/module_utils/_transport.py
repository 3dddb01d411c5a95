# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET with `requests`, bounded in time and size. Private: names and behaviour may change.

C(requests) is imported when a session is opened, since importing it costs more than most of what this does.
"""

from __future__ import annotations

import errno
import http.client
import io
import logging
import os
import socket
import ssl
import threading
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterator

if TYPE_CHECKING:
    import requests

BODY_LIMIT = 1024 * 1024
STREAM_LIMIT = 256 * BODY_LIMIT
_READ_LIMIT = 4 * BODY_LIMIT
_PIECE = 64 * 1024
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "ansible mailops.smtpeter"}


class TransportError(Exception):
    """No usable answer came. C(kind) is C(connection), C(timeout), C(certificate) or C(answer)."""

    def __init__(self, kind: str, problem: str, retryable: bool) -> None:
        super().__init__(problem)
        self.kind = kind
        self.problem = problem
        self.retryable = retryable


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, read to its end; C(body) is null where it was longer than the limit."""

    status: int
    body: bytes | None
    date: str | None
    retry_after: str | None


class _EndlessError(OSError):
    """More bytes came than any answer of the service has, headers and all."""


class _Request(threading.local):
    """When the request of this thread must be over, on the monotonic clock, and how many bytes it may still read."""

    deadline = 0.0
    allowance = 0

    def begin(self, timeout: float) -> None:
        self.deadline = time.monotonic() + timeout
        self.allowance = _READ_LIMIT

    def spend(self, count: int) -> None:
        self.allowance -= count
        if self.allowance < 0:
            raise _EndlessError

    def remaining(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("the deadline has passed")
        return left


_request = _Request()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket's file, each time waiting no longer than the deadline allows."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_request.remaining())
        count = self._raw.readinto(buffer)
        _request.spend(count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """An HTTP answer whose status line, headers and body all come before the deadline or not at all."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))


def _is_harmless(record: logging.LogRecord) -> bool:
    return "access_token" not in record.getMessage()


def load_authorities(verify: bool | str) -> ssl.SSLContext | None:
    """Read what certificates are checked against, once for all sessions; null where none is checked.

    C(verify) is as C(requests) has it, which reads these files anew for each connection, at the cost of ten requests.
    """
    if verify is False:
        return None
    import requests
    from urllib3.util.ssl_ import create_urllib3_context

    path = requests.utils.DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    context = create_urllib3_context()
    context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    return context


def _bounded_pools() -> dict[str, Any]:
    """Return, by scheme, pools whose connections keep to the deadline of their thread's request."""
    import urllib3

    def bounded(connection: Any) -> Any:
        def new_conn(self: Any) -> socket.socket:
            # Each address of the host gets its share; the handshake then gets all that is left.
            addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self.timeout = _request.remaining() / len(addresses)
            sock: socket.socket = connection._new_conn(self)
            sock.settimeout(_request.remaining())
            return sock

        return type(connection.__name__, (connection,), {"response_class": _DeadlineResponse, "_new_conn": new_conn})

    return {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": bounded(pool.ConnectionCls)})
        for scheme, pool in (("http", urllib3.HTTPConnectionPool), ("https", urllib3.HTTPSConnectionPool))
    }


def open_session(authorities: ssl.SSLContext | None, proxied_url: str | None) -> requests.Session:
    """Open a session that follows no redirect, reads no C(.netrc) and keeps no cookie.

    C(authorities) are what certificates are checked against; where it is null, none is checked. C(proxied_url) is a
    URL whose proxies the environment may name, or null where no proxy may be used. Raises ImportError without
    C(requests).
    """
    from http.cookiejar import DefaultCookiePolicy

    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    pools = _bounded_pools()

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=authorities)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            if proxy.lower().startswith("https:"):
                kwargs["proxy_ssl_context"] = authorities
            manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=authorities)
            manager.pool_classes_by_scheme = pools
            return manager

        def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
            super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
            # They are in the context; named here, too, they would be read again.
            conn.ca_certs = conn.ca_cert_dir = None

    class Session(requests.Session):
        prepared: requests.PreparedRequest | None = None

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
    if proxied_url is not None:
        session.proxies = requests.utils.get_environ_proxies(proxied_url)
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


def get(session: requests.Session, url: str, timeout: float) -> Reply:
    """Fetch C(url) within C(timeout) seconds, from start to last byte; raises TransportError, which never holds it."""
    _request.begin(timeout)
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
    _request.begin(timeout)

    def read(response: requests.Response) -> bytes | None:
        if response.status_code not in statuses:
            return _read(response)
        _request.allowance = STREAM_LIMIT + _READ_LIMIT
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
            )
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as exc:
        return _without_url(exc)
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
        for piece in [raw] if inflate is None else _inflated(inflate, raw):
            if (total + len(piece)) // BODY_LIMIT > total // BODY_LIMIT:
                _request.deadline = time.monotonic() + timeout
            total += len(piece)
            if total > STREAM_LIMIT:
                return False
            take(piece)
            # What was received in time may still inflate to very much.
            _request.remaining()
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


def _without_url(exc: BaseException) -> TransportError:
    """Translate an exception by its type alone, since its text holds the URL."""
    import requests
    from urllib3.connection import CertificateError  # type: ignore[attr-defined]

    causes = list(_chain(exc))
    for cause in causes:
        # Older versions of urllib3 compare the name themselves.
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            problem = getattr(cause, "verify_message", "it is for another name")
            return TransportError("certificate", f"its certificate cannot be trusted ({problem})", retryable=False)
    if any(isinstance(cause, _EndlessError) for cause in causes):
        return TransportError("answer", "it answered without end", retryable=False)
    if isinstance(exc, requests.exceptions.ProxyError):
        return TransportError("connection", "the proxy that the environment names does not connect", retryable=True)
    for cause in causes:
        if isinstance(cause, (socket.timeout, requests.Timeout)):
            return TransportError("timeout", "no whole answer came in time", retryable=True)
        if isinstance(cause, socket.gaierror):
            return TransportError("connection", "its name cannot be resolved", retryable=True)
        if isinstance(cause, ssl.SSLError):
            return TransportError("connection", "it does not speak TLS as expected", retryable=True)
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
            return TransportError("connection", f"the system said {os.strerror(cause.errno).lower()!r}", retryable=True)
    return TransportError("connection", "it closed the connection before the answer was whole", retryable=True)


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield the exceptions that C(exc) wraps, innermost last."""
    for _depth in range(10):
        if exc is None:
            return
        yield exc
        inner = [getattr(exc, "reason", None), *exc.args, exc.__cause__, exc.__context__]
        exc = next((item for item in inner if isinstance(item, BaseException)), None)
