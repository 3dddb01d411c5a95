# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bounds of one request, in time and in bytes, held at its socket. Private: names and behaviour may change."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from typing import Any


class EndlessError(OSError):
    """More bytes came than any answer of the service has, headers and all."""


class Request(threading.local):
    """When the request of this thread must be over, on the monotonic clock, and how many bytes it may still read."""

    deadline = 0.0
    allowance = 0

    def begin(self, timeout: float, allowance: int) -> None:
        """Start a request of at most `timeout` seconds and `allowance` bytes."""
        self.deadline = time.monotonic() + timeout
        self.allowance = allowance

    def spend(self, count: int) -> None:
        """Count bytes that were read; raises EndlessError above the allowance."""
        self.allowance -= count
        if self.allowance < 0:
            raise EndlessError

    def remaining(self) -> float:
        """Return the seconds left; raises socket.timeout when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("the deadline has passed")
        return left


request = Request()


class DeadlineReader(io.RawIOBase):
    """Reads a socket's file, each time waiting no longer than the deadline allows."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        """Return true, as readers do."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what comes; raises socket.timeout and EndlessError."""
        self._sock.settimeout(request.remaining())
        count = self._raw.readinto(buffer)
        request.spend(count or 0)
        return count

    def close(self) -> None:
        """Close the file below, too."""
        if not self.closed:
            self._raw.close()
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """An HTTP answer whose status line, headers and body all come before the deadline or not at all."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(DeadlineReader(self.fp.detach(), sock))


class DeadlineTls(ssl.SSLSocket):
    """A TLS socket whose reads end at the deadline. TLS within TLS, by a proxy, reads it in any number of parts."""

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Read what comes; raises socket.timeout and EndlessError."""
        self.settimeout(request.remaining())
        data = super().recv(*args, **kwargs)
        request.spend(len(data))
        return data


def addresses_of(host: str, port: int) -> list[Any]:
    """Return the addresses of a host, as `socket.getaddrinfo` has them; raises socket.gaierror."""
    try:
        return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # A part of the name is too long.
        problem = socket.gaierror(socket.EAI_NONAME)
    raise problem
