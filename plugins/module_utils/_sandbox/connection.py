# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client's connection: requests off the wire, answers and their faults onto it.

Private: names and behaviour may change.
"""

from __future__ import annotations

import http
import http.server
import socket
import typing as t

from .errors import StoreError
from .routes import LARGEST_BODY, Answer, text

if t.TYPE_CHECKING:
    from .server import Server

IDLE_CONNECTION = 300.0
_NAMES = {status.value: status.phrase for status in http.HTTPStatus}


def wire(answer: Answer, date: str, close: bool, chunked: bool = False) -> bytes:
    """Head and body as they are sent; in one piece, since a head sent on its own can wait for an acknowledgement.

    Of an answer in pieces it is the head alone. Without chunks, its end is that of the connection.
    """
    framing = [("Content-Length", str(len(answer.body)))]
    if answer.pieces is not None:
        framing = [("Transfer-Encoding", "chunked")] if chunked else []
    headers = [
        ("Date", date),
        ("Server", "mailops.smtpeter sandbox"),
        ("Content-Type", answer.content_type),
        *framing,
        ("Connection", "close" if close else "keep-alive"),
        *answer.headers,
    ]
    lines = [f"HTTP/1.1 {answer.status} {_NAMES.get(answer.status, 'Status')}"]
    lines.extend(f"{name}: {value}" for name, value in headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + answer.body


class Connection(http.server.BaseHTTPRequestHandler):
    """Reads requests and writes answers until the client or the service is through."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_CONNECTION

    def _serve(self) -> None:
        body = self._body()
        self.server.touch()
        if body is None:
            return
        answer = self.server.routes.answer(self.command, self.path, body)
        fault = answer.fault
        if fault.drop or (fault.latency and self.server.ending.wait(fault.latency)):
            self.close_connection = True
        else:
            self._reply(answer)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _body(self) -> bytes | None:
        """The request's body, or None when the request ends here because of it."""
        length = self.headers.get("Content-Length")
        if self.headers.get("Transfer-Encoding") is not None or (length is None and self.command == "POST"):
            self._refuse(411, "Give the body's Content-Length; a Transfer-Encoding is not taken here.")
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
        self._reply(text(status, explanation))
        # Closing over unread bytes resets the connection, and the client might never see the answer.
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self.connection.settimeout(1.0)
        unread = 2 * LARGEST_BODY
        while unread > 0:
            piece = self.rfile.read1(65536)
            if not piece:
                break
            unread -= len(piece)

    def _reply(self, answer: Answer) -> None:
        chunked = answer.pieces is not None and self.request_version != "HTTP/1.0"
        self.close_connection = self.close_connection or (answer.pieces is not None and not chunked)
        data = wire(answer, self.date_time_string(self.server.clock()), self.close_connection, chunked)
        if self.command == "HEAD":
            data = data[: len(data) - len(answer.body)]
        if not self._write(data, answer.fault.slow_bytes) or answer.pieces is None:
            return
        try:
            for piece in answer.pieces:
                framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                if not self._write(framed, answer.fault.slow_bytes):
                    return
        except StoreError:
            # The client sees that the answer is cut, since its end is missing.
            self.close_connection = True
            return
        self._write(b"0\r\n\r\n" if chunked else b"", answer.fault.slow_bytes)

    def _write(self, data: bytes, pause: float) -> bool:
        """Send it, with so many seconds between the bytes; False when the service ended meanwhile."""
        self.server.touch()
        if not pause:
            self.wfile.write(data)
            return True
        for index in range(len(data)):
            if self.server.ending.wait(pause):
                self.close_connection = True
                return False
            self.wfile.write(data[index : index + 1])
            self.server.touch()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that the base class could not read."""
        self.close_connection = True
        self._reply(text(code, f"This request cannot be read: {_NAMES.get(code, 'it is malformed')}."))

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: a request line holds the token."""
