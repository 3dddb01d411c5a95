# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads HTTP requests from a client's connection and writes the responses, with their faults.

Private: names and behaviour may change.
"""

from __future__ import annotations

import http
import http.server
import socket
import socketserver
import threading
import time
from typing import Any

from .errors import StoreError
from .routes import LARGEST_BODY, Clock, Response, Routes, text

IDLE_CONNECTION = 300.0
_NAMES = {status.value: status.phrase for status in http.HTTPStatus}


class RequestContext:
    """What all requests share: the routes, the clock, whether the service is ending, and when it was last used."""

    def __init__(self, routes: Routes, clock: Clock = time.time) -> None:
        self.routes = routes
        self.clock = clock
        self.ending = threading.Event()
        self._used_at = time.monotonic()

    def note_use(self) -> None:
        """Note that the service is in use."""
        self._used_at = time.monotonic()

    def idle(self) -> float:
        """Return the seconds since the service was last used, or since it started."""
        return time.monotonic() - self._used_at


def encode(response: Response, date: str, close: bool, chunked: bool = False) -> bytes:
    """Return head and body of a response, or the head alone where the body comes in pieces.

    Both are sent at once, since a head sent on its own can wait for an acknowledgement. A body in pieces that is not
    `chunked` ends with the connection.
    """
    framing = [("Content-Length", str(len(response.body)))]
    if response.pieces is not None:
        framing = [("Transfer-Encoding", "chunked")] if chunked else []
    headers = [
        ("Date", date),
        ("Server", "mailops.smtpeter sandbox"),
        ("Content-Type", response.content_type),
        *framing,
        ("Connection", "close" if close else "keep-alive"),
        *response.headers,
    ]
    lines = [f"HTTP/1.1 {response.status} {_NAMES.get(response.status, 'Status')}"]
    lines.extend(f"{name}: {value}" for name, value in headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + response.body


class RequestHandler(http.server.BaseHTTPRequestHandler):
    """Serves one connection until the client or the service ends it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_CONNECTION

    def __init__(
        self, request: Any, client_address: Any, server: socketserver.BaseServer, context: RequestContext
    ) -> None:
        self._context = context
        super().__init__(request, client_address, server)

    def _serve(self) -> None:
        body = self._read_body()
        self._context.note_use()
        if body is None:
            return
        response = self._context.routes.respond(self.command, self.path, body)
        fault = response.fault
        if fault.drop or (fault.latency and self._context.ending.wait(fault.latency)):
            self.close_connection = True
        else:
            self._send(response)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _read_body(self) -> bytes | None:
        """Return the body of the request; null if the request cannot be served because of it."""
        length = self.headers.get("Content-Length")
        if self.headers.get("Transfer-Encoding") is not None or (length is None and self.command == "POST"):
            self._refuse(411, "Give the body's Content-Length; a Transfer-Encoding is not supported here.")
            return None
        if length is None:
            return b""
        if not (length.isascii() and length.isdigit()):
            self._refuse(400, "The Content-Length is not a number.")
            return None
        if len(length) > 18 or int(length) > LARGEST_BODY:
            self._refuse(413, f"The body is larger than {LARGEST_BODY} bytes: send to fewer recipients at once.")
            return None
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            return body
        self.close_connection = True
        return None

    def _refuse(self, status: int, explanation: str) -> None:
        self.close_connection = True
        self._send(text(status, explanation))
        # Closing with unread bytes resets the connection, and the client might never see the response.
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self.connection.settimeout(1.0)
        unread = 2 * LARGEST_BODY
        while unread > 0:
            piece = self.rfile.read1(65536)
            if not piece:
                break
            unread -= len(piece)

    def _send(self, response: Response) -> None:
        chunked = response.pieces is not None and self.request_version != "HTTP/1.0"
        self.close_connection = self.close_connection or (response.pieces is not None and not chunked)
        data = encode(response, self.date_time_string(self._context.clock()), self.close_connection, chunked)
        if self.command == "HEAD":
            data = data[: len(data) - len(response.body)]
        if not self._write(data, response.fault.slow_bytes) or response.pieces is None:
            return
        try:
            for piece in response.pieces:
                framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                if not self._write(framed, response.fault.slow_bytes):
                    return
        except StoreError:
            # The client sees that the response is cut, since its end is missing.
            self.close_connection = True
            return
        self._write(b"0\r\n\r\n" if chunked else b"", response.fault.slow_bytes)

    def _write(self, data: bytes, pause: float) -> bool:
        """Send `data`, with a pause of seconds between the bytes. Return whether the service still runs."""
        self._context.note_use()
        if not pause:
            self.wfile.write(data)
            return True
        for index in range(len(data)):
            if self._context.ending.wait(pause):
                self.close_connection = True
                return False
            self.wfile.write(data[index : index + 1])
            self._context.note_use()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the response to a request that the base class could not read."""
        self.close_connection = True
        self._send(text(code, f"This request cannot be read: {_NAMES.get(code, 'it is malformed')}."))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing, since a request line holds the token."""
