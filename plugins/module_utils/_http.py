# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET with `requests`, limited in time and size. Private: names and behaviour may change.

`requests` is imported when a session is opened, since its import costs more than most of what happens here.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Mapping
from urllib.parse import urlsplit

from ._body import read_body, stream_body
from ._limits import LimitedResponse, LimitedTlsSocket, Limits, addresses_of
from ._proxy import connect_by_socks, environment_proxy
from ._request_error import malformed_answer, request_error

if TYPE_CHECKING:
    import requests

_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "User-Agent": "ansible mailops.smtpeter",
}


@dataclass(frozen=True)
class HttpReply:
    """An HTTP answer that was read to its end; `body` is None if it was longer than the limit."""

    status: int
    body: bytes | None
    date: str | None
    retry_after: str | None
    age: str | None = None


class HttpSession:
    """Sends requests of one thread, over a connection that it keeps open.

    It follows no redirect, reads no `.netrc` and keeps no cookie. `authorities` are what certificates are checked
    against; with None, no certificate is checked. `proxied_url` is a URL whose proxy the environment may name, or None
    if no proxy may be used. Raises ImportError without `requests`, OptionError for a proxy that cannot be one, and
    LibraryMissing for one that needs PySocks.
    """

    def __init__(self, authorities: ssl.SSLContext | None, proxied_url: str | None) -> None:
        self._limits = Limits()
        self._proxy = None if proxied_url is None else environment_proxy(proxied_url)
        self._session = _requests_session(authorities, self._limits)
        if self._proxy is not None:
            self._session.proxies = {"https": self._proxy.url}

    def get(self, url: str, timeout: float) -> HttpReply:
        """Fetch `url` within `timeout` seconds, from start to last byte.

        Raises StatsError, whose tag is empty, if no complete answer came.
        """
        return self._request(url, timeout, read_body)

    def stream(self, url: str, timeout: float, statuses: tuple[int, ...], feed: Callable[[bytes], None]) -> HttpReply:
        """Fetch `url` as `get` does, but pass the body of an answer with one of `statuses` to `feed`, piece by piece.

        Each started MiB of such a body may take `timeout` seconds, and 256 MiB is the most that is read. The body of
        the reply is then empty, or None above that limit. Raises StatsError, and what `feed` raises.
        """

        def read(response: requests.Response) -> bytes | None:
            if response.status_code not in statuses:
                return read_body(response)
            return b"" if stream_body(response, self._limits, timeout, feed) else None

        return self._request(url, timeout, read)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _request(self, url: str, timeout: float, read: Callable[[requests.Response], bytes | None]) -> HttpReply:
        import requests
        import urllib3

        self._limits.start(timeout)
        host = urlsplit(url).netloc
        error = malformed_answer(host)
        try:
            with self._session.get(url, timeout=timeout, stream=True, allow_redirects=False) as response:
                return HttpReply(
                    status=response.status_code,
                    body=read(response),
                    date=response.headers.get("Date"),
                    retry_after=response.headers.get("Retry-After"),
                    age=response.headers.get("Age"),
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as exc:
            error = request_error(exc, host, timeout, self._proxy)
        except (zlib.error, ValueError):
            pass
        # Raised here, since a chained exception would contain the URL.
        raise error


def _requests_session(authorities: ssl.SSLContext | None, limits: Limits) -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    import urllib3

    class Session(requests.Session):
        prepared: requests.PreparedRequest | None = None

        # The requests of a session differ in their URL alone, and preparing one is a third of its cost.
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
        logging.getLogger(name).addFilter(_shows_no_token)
    session = Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(_HEADERS)
    session.verify = authorities is not None
    for scheme in ("https://", "http://"):
        session.mount(scheme, _adapter(authorities, limits))
    return session


def _adapter(authorities: ssl.SSLContext | None, limits: Limits) -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=authorities)
            self.poolmanager.pool_classes_by_scheme = _limited(self.poolmanager.pool_classes_by_scheme, limits)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            if proxy not in self.proxy_manager:
                if proxy.lower().startswith("https:"):
                    kwargs["proxy_ssl_context"] = authorities
                manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=authorities)
                manager.pool_classes_by_scheme = _limited(manager.pool_classes_by_scheme, limits)
            return self.proxy_manager[proxy]

        def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
            super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
            # They are in the context; named here, they would be read again.
            conn.ca_certs = conn.ca_cert_dir = None

    return Adapter()


def _limited(pools: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the pools by scheme, with connections that keep to `limits`."""
    return {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _limited_connection(pool.ConnectionCls, limits)})
        for scheme, pool in pools.items()
    }


def _limited_connection(base: Any, limits: Limits) -> type:
    def new_conn(self: Any) -> socket.socket:
        options = getattr(self, "_socks_options", None)
        if options is not None:
            sock = connect_by_socks(options, self.host, self.port, self.socket_options, limits)
        else:
            # Each address of the host gets its share; the handshake then gets all that is left.
            self.timeout = limits.seconds_left() / len(addresses_of(self.host, self.port))
            sock = base._new_conn(self)
        sock.settimeout(limits.seconds_left())
        return sock

    def connect_tls_proxy(self: Any, *args: Any, **kwargs: Any) -> Any:
        sock = base._connect_tls_proxy(self, *args, **kwargs)
        if isinstance(sock, LimitedTlsSocket):
            sock.limits = limits
        return sock

    members = {
        "response_class": type("Response", (LimitedResponse,), {"limits": limits}),
        "_new_conn": new_conn,
        "_connect_tls_proxy": connect_tls_proxy,
    }
    return type(base.__name__, (base,), members)


def _shows_no_token(record: logging.LogRecord) -> bool:
    return "access_token" not in record.getMessage()
