# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listening socket around the routes, and the whole service in this process: C(Service).

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
import typing as t

from .connection import Connection, wire
from .errors import ListenError, TlsError
from .routes import Clock, Routes, text
from .settings import Settings
from .store import Store

HANDSHAKE = 10.0
_LARGEST_LOG = 256 * 1024


class Server(http.server.ThreadingHTTPServer):
    """Listens, and gives each connection a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self, host: str, port: int, routes: Routes, tls: ssl.SSLContext | None, clock: Clock = time.time
    ) -> None:
        self.routes = routes
        self.clock = clock
        self.ending = threading.Event()
        self.touched = time.monotonic()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._logged = 0
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__(("127.0.0.1" if host == "localhost" else host, port), Connection)

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def touch(self) -> None:
        """Note that the service is in use."""
        self.touched = time.monotonic()

    def finish_request(self, request: t.Any, client_address: t.Any) -> None:
        """Serve one connection, in its own thread."""
        with self._noted(request):
            secured = request if self._tls is None else self._secured(request, self._tls)
            if secured is None:
                return
            with self._noted(secured), contextlib.closing(secured):
                Connection(secured, client_address, self)

    @contextlib.contextmanager
    def _noted(self, connection: socket.socket) -> t.Iterator[None]:
        self._open.add(connection)
        try:
            if self.ending.is_set():
                connection.close()
            yield
        finally:
            self._open.discard(connection)

    def _secured(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket | None:
        connection.settimeout(HANDSHAKE)
        first = connection.recv(1, socket.MSG_PEEK)
        # 22 opens a TLS handshake; no HTTP method begins with it.
        if first == b"\x16":
            return tls.wrap_socket(connection, server_side=True)
        if first:
            connection.recv(65536)
            answer = text(400, "This is plain HTTP, and only HTTPS works here: begin the address with https://.")
            connection.sendall(wire(answer, email.utils.formatdate(self.clock(), usegmt=True), close=True))
        return None

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Log what is this program's fault; clients that hang up or talk nonsense are none of it."""
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

    def hang_up(self) -> None:
        """End every open connection."""
        self.ending.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                # Not the TLS socket's own shutdown, which pulls the state from under the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Service:
    """The whole service: C(Service(settings, data).start()), then C(api_url) and C(port), and C(stop()) at the end.

    C(data) is the data file's path; C(certificate) that of a PEM file with key and certificate, needed with TLS;
    C(clock) gives seconds since 1970. Also a context manager that starts and stops.
    """

    def __init__(self, settings: Settings, data: str, certificate: str | None = None, clock: Clock = time.time) -> None:
        self._settings = settings
        self._data = data
        self._certificate = certificate
        self._clock = clock
        self._ending = contextlib.ExitStack()
        self._server: Server | None = None

    def start(self, port: int | None = None) -> Service:
        """Open the data, listen (on the settings' port unless another is given) and answer. Raises SandboxError."""
        tls = _tls_context(self._certificate) if self._settings.tls else None
        with contextlib.ExitStack() as undo:
            store = undo.enter_context(contextlib.closing(Store(self._data)))
            server = self._listen(Routes(self._settings, store, self._clock), port, tls)
            undo.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            undo.callback(thread.join)
            undo.callback(server.shutdown)
            undo.callback(server.hang_up)
            self._ending = undo.pop_all()
        self._server = server
        return self

    def _listen(self, routes: Routes, port: int | None, tls: ssl.SSLContext | None) -> Server:
        host = self._settings.host
        port = self._settings.port if port is None else port
        try:
            return Server(host, port, routes, tls, self._clock)
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
        """The port it listens on."""
        if self._server is None:
            raise ListenError("The service was not started; call start() first")
        return int(self._server.server_address[1])

    @property
    def api_url(self) -> str:
        """What the other plugins take as their C(api_url)."""
        return self._settings.api_url(self.port)

    def idle(self) -> float:
        """Seconds since the last request, or since the start."""
        return time.monotonic() - self._server.touched if self._server is not None else 0.0

    def stop(self) -> None:
        """Hang up, close the listening socket, then the data. Stopping twice is fine."""
        self._ending.close()

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
