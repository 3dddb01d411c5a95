# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of an HTTP request in time and bytes, enforced at its socket. Private: names and behaviour may change."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from http import HTTPStatus
from typing import Any

READ_LIMIT = 4 * 1024 * 1024
# Beside 1xx.
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class EndlessError(OSError):
    """More bytes came than any answer of the service has, headers included."""


class Limits:
    """When the current request of a session must end, and how many bytes it may still read.

    One object serves all requests of a session, since a connection outlives a request. It is used by one thread.
    """

    def __init__(self) -> None:
        self._deadline = 0.0
        self._bytes_left = 0

    def start(self, timeout: float) -> None:
        """Start a request that may take `timeout` seconds and read READ_LIMIT bytes."""
        self._deadline = time.monotonic() + timeout
        self.restore_bytes()

    def extend(self, timeout: float) -> None:
        """Allow `timeout` more seconds from now."""
        self._deadline = time.monotonic() + timeout

    def restore_bytes(self) -> None:
        """Allow READ_LIMIT more bytes from now."""
        self._bytes_left = READ_LIMIT

    def count(self, received: int) -> None:
        """Count bytes that were received; raises EndlessError if they are too many."""
        self._bytes_left -= received
        if self._bytes_left < 0:
            raise EndlessError

    def seconds_left(self) -> float:
        """Return the seconds left; raises socket.timeout if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("the deadline has passed")
        return left


class LimitedReader(io.RawIOBase):
    """Reads the file of a socket within limits."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limits: Limits) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._limits = limits

    def readable(self) -> bool:
        """Return True, as readers do."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is available into `buffer`; raises socket.timeout and EndlessError."""
        self._sock.settimeout(self._limits.seconds_left())
        count = self._raw.readinto(buffer)
        self._limits.count(count or 0)
        return count

    def close(self) -> None:
        """Close this reader and the file that it reads."""
        if not self.closed:
            self._raw.close()
        super().close()


class LimitedResponse(http.client.HTTPResponse):
    """An HTTP answer whose status line, headers and body are read within `limits`."""

    limits: Limits

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(LimitedReader(self.fp.detach(), sock, self.limits))

    def begin(self) -> None:
        """Read the status line and the headers. A status without a body ends the connection."""
        super().begin()
        if self.status < HTTPStatus.OK or self.status in _WITHOUT_BODY:
            # What still comes would be taken for the answer to the next request.
            self.will_close = True


class LimitedTlsSocket(ssl.SSLSocket):
    """A TLS socket whose `recv` has limits, once they are set. TLS within TLS, by a proxy, reads the outer one so."""

    limits: Limits | None = None

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Return what is available; raises socket.timeout and EndlessError."""
        if self.limits is None:
            return super().recv(*args, **kwargs)
        self.settimeout(self.limits.seconds_left())
        data = super().recv(*args, **kwargs)
        self.limits.count(len(data))
        return data


def addresses_of(host: str, port: int) -> list[Any]:
    """Return the addresses of a host, as `socket.getaddrinfo` does; raises socket.gaierror."""
    try:
        return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # A part of the name is too long.
        problem = socket.gaierror(socket.EAI_NONAME)
    raise problem
