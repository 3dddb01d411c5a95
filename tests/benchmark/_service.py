# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service that is asked: a process that does next to nothing, counts, and tells what it used. Private.

It answers each request with the same bytes, prepared in advance: at once, or after so many milliseconds where the path
begins with them, as in C(/30ms/v1/stats/tag). C(/usage) gives the seconds of processor time that it used and the
number of requests that it got, itself not counted.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

TOKEN = "a-benchmark-token"
RECORD = {
    "first": "2016-01-01 12:00:00",
    "last": "2016-02-01 12:00:00",
    "messages": 1000,
    "deliveries": 980,
    "opens": 490,
    "clicks": 98,
}
_DELAYED = re.compile(rb"GET /([0-9]+)ms/")


def _answer(content: object) -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Connection(asyncio.Protocol):
    answer = _answer(RECORD)
    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            delayed = _DELAYED.match(request)
            if request.startswith(b"GET /usage "):
                self._write(_answer({"cpu": time.process_time(), "requests": _Connection.requests}))
                continue
            _Connection.requests += 1
            if delayed:
                asyncio.get_running_loop().call_later(int(delayed[1]) / 1000, self._write, self.answer)
            else:
                self._write(self.answer)

    def _write(self, answer: bytes) -> None:
        self._transport.write(answer)  # type: ignore[attr-defined]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass(frozen=True)
class Usage:
    """What the service used and got since it began: seconds of processor time, and requests."""

    cpu: float
    requests: int


class Service:
    """The running service, as a context; ended when that is left."""

    def __enter__(self) -> Service:
        self._process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def url(self, delay: int = 0) -> str:
        """The address of the API, up to the version, that answers after so many milliseconds."""
        return f"http://127.0.0.1:{self._port}{f'/{delay}ms' if delay else ''}/v1"

    def usage(self) -> Usage:
        """What it used until now."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", "/usage")
            return Usage(**json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def capacity(self, requests: int = 20_000, at_once: int = 50) -> float:
        """The requests a second that it answers to a bare socket that keeps so many under way."""
        request = f"GET /v1/stats/tag?access_token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as client:
            start = time.perf_counter()
            for _batch in range(requests // at_once):
                client.sendall(request * at_once)
                left = len(_Connection.answer) * at_once
                while left:
                    received = len(client.recv(65536))
                    if not received:
                        raise ConnectionError("the service closed the connection")
                    left -= received
            return requests // at_once * at_once / (time.perf_counter() - start)


if __name__ == "__main__":
    asyncio.run(_serve())
