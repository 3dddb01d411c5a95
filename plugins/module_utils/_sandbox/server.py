# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server around the routes, and the whole service in one process.

Private: names and behaviour may change.
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
import http.server
import socket
import socketserver
import ssl
import sys
import threading
import time
from typing import Any, Iterator

from .errors import ListenError, TlsError
from .handler import RequestContext, RequestHandler, encode
from .routes import Clock, Routes, text
from .settings import Settings
from .store import Store

HANDSHAKE = 10.0
_LARGEST_LOG = 256 * 1024


class Server(http.server.ThreadingHTTPServer):
    """Listens, and serves each connection in its own thread."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, context: RequestContext, tls: ssl.SSLContext | None) -> None:
        self.context = context
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._logged = 0
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = ("127.0.0.1" if host == "localhost" else host, port)
        # `finish_request` makes the handlers.
        super().__init__(address, http.server.BaseHTTPRequestHandler)

    def server_bind(self) -> None:
        """Bind without looking up the name of the host, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection; called in its own thread."""
        with self._tracked(request):
            secured = request if self._tls is None else self._with_tls(request, self._tls)
            if secured is None:
                return
            with self._tracked(secured), contextlib.closing(secured):
                RequestHandler(secured, client_address, self, self.context)

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        self._open.add(connection)
        try:
            if self.context.ending.is_set():
                connection.close()
            yield
        finally:
            self._open.discard(connection)

    def _with_tls(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket | None:
        connection.settimeout(HANDSHAKE)
        first = connection.recv(1, socket.MSG_PEEK)
        # A TLS handshake begins with byte 22, and no HTTP method does.
        if first == b"\x16":
            return tls.wrap_socket(connection, server_side=True)
        if first:
            connection.recv(65536)
            response = text(400, "This is plain HTTP, and only HTTPS works here: begin the address with https://.")
            date = email.utils.formatdate(self.context.clock(), usegmt=True)
            connection.sendall(encode(response, date, close=True))
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log errors of this program, and none of clients that hang up or send nonsense."""
        kind, error, trace = sys.exc_info()
        if kind is None or isinstance(error, OSError) or self._logged > _LARGEST_LOG:
            return
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
        line = f"{kind.__name__} at {place}\n"
        self._logged += len(line)
        sys.stderr.write(line)
        sys.stderr.flush()

    def close_connections(self) -> None:
        """End every open connection and every pause."""
        self.context.ending.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                # The TLS socket's own shutdown would break the thread that reads from it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Service:
    """The whole service. `start` it, read `api_url` and `port`, and `stop` it; or use it as a context manager.

    `data` is the path of the data file; `certificate` that of a PEM file with key and certificate, needed with TLS.
    `clock` returns seconds since 1970.
    """

    def __init__(self, settings: Settings, data: str, certificate: str | None = None, clock: Clock = time.time) -> None:
        self._settings = settings
        self._data = data
        self._certificate = certificate
        self._clock = clock
        self._closing = contextlib.ExitStack()
        self._server: Server | None = None

    def start(self, port: int | None = None) -> Service:
        """Open the data file, listen on `port` or else on that of the settings, and serve. Raises SandboxError."""
        tls = _tls_context(self._certificate) if self._settings.tls else None
        with contextlib.ExitStack() as undo:
            store = undo.enter_context(contextlib.closing(Store(self._data)))
            routes = Routes(self._settings, store, self._clock)
            server = self._listen(RequestContext(routes, self._clock), port, tls)
            undo.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            undo.callback(thread.join)
            undo.callback(server.shutdown)
            undo.callback(server.close_connections)
            self._closing = undo.pop_all()
        self._server = server
        return self

    def _listen(self, context: RequestContext, port: int | None, tls: ssl.SSLContext | None) -> Server:
        host = self._settings.host
        port = self._settings.port if port is None else port
        try:
            return Server(host, port, context, tls)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = f"port: {port} on {host} is in use; choose another one, or 0 to have one picked"
            elif error.errno == errno.EACCES:
                problem = f"port: {port} is not for this user; choose one above 1023, or 0 to have one picked"
            else:
                problem = f"host: cannot listen on {host}: {error.strerror}; give 127.0.0.1"
            raise ListenError(problem) from None

    @property
    def port(self) -> int:
        """Return the port that the service listens on."""
        if self._server is None:
            raise ListenError("The service is not started; call start() first")
        return int(self._server.server_address[1])

    @property
    def api_url(self) -> str:
        """Return the `api_url` for the other plugins."""
        return self._settings.api_url(self.port)

    def idle(self) -> float:
        """Return the seconds since the last request, or since the start."""
        return self._server.context.idle() if self._server is not None else 0.0

    def stop(self) -> None:
        """Close the connections, the listening socket and the data file. It may be called again."""
        self._closing.close()

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(self, *details: object) -> None:
        self.stop()


def _tls_context(certificate: str | None) -> ssl.SSLContext:
    if certificate is None:
        raise TlsError("tls: there is no certificate to serve with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate)
    except OSError as error:
        raise TlsError(f"tls: the certificate {certificate} cannot be loaded: {error.strerror or error}") from None
    return context
