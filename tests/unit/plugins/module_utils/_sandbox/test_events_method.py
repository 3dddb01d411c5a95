# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events and recent tags over real sockets: tokens, faults, and answers of unknown length."""

from __future__ import annotations

import json
import socket
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote

import pytest
import requests
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import store
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import TOKEN, Start, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service with these options, and stops it after the test."""
    with starting(tmp_path) as begin:
        yield begin


METHODS = ["/events/tags/x", "/stats"]


@pytest.mark.parametrize("method", METHODS)
def test_answers(start: Start, method: str) -> None:
    """Both are JSON arrays, also without any mail, over a connection that is kept."""
    client = start()
    assert client.get(method).json() == []
    client.send(recipients=["a@b"] * 3, tags=["x"])
    answer = client.get(method)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Connection"] == "keep-alive"
    assert len(answer.json()) == (9 if method.startswith("/events") else 1)
    assert client.get(method).json() == answer.json()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("token", [None, "", "nonsense", TOKEN + "x"])
def test_tokens(start: Start, method: str, token: str | None) -> None:
    """Without the right token they are refused as the counters are."""
    client = start()
    answer = client.get(method, token)
    assert answer.status_code == client.get("/stats/x", token).status_code == 401
    assert answer.text == client.get("/stats/x", token).text


def test_no_day(start: Start) -> None:
    """A start that is no day is refused in words."""
    client = start()
    answer = client.session.get(
        f"{client.service.api_url}/events/tags/x", params={"access_token": TOKEN, "start": "yesterday"}, timeout=10
    )
    assert (answer.status_code, answer.text) == (400, "start: 'yesterday' is not a day; write it as YYYY-MM-DD\n")


@pytest.mark.parametrize("unknown_tag", ["not_found", "zeros", "object", "null"])
def test_an_unknown_tag(start: Start, unknown_tag: str) -> None:
    """A tag without mail has no events, however the counters are answered."""
    answer = start(faults={"unknown_tag": unknown_tag}).get("/events/tags/nothing")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("method", METHODS)
def test_faults(start: Start, method: str) -> None:
    """Requests meet the drops, the statuses and the slow bytes in order, whatever statistics they ask for."""
    client = start(
        faults={"drop": 1, "statuses": [{"status": 429, "retry_after": 7}], "slow_bytes": 0.001, "slow_count": 1}
    )
    client.send(recipient="a@b", tags=["x"])
    with pytest.raises(requests.ConnectionError):
        client.get(method)
    refused = client.get(method)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    began = time.monotonic()
    dripped = client.get(method)
    assert time.monotonic() - began > 0.001 * len(dripped.content)
    assert client.get(method).json() == dripped.json() != []


def test_latency(start: Start) -> None:
    """Events wait for the latency, too."""
    client = start(faults={"latency": 0.3})
    began = time.monotonic()
    assert client.get("/events/tags/x").json() == []
    assert time.monotonic() - began >= 0.3


def test_an_old_client(start: Start) -> None:
    """HTTP/1.0 knows no chunks: the array ends with the connection."""
    client = start()
    client.send(recipients=["a@b"] * 500, tags=["x"])
    answer = client.raw(f"GET /v1/events/tags/x?access_token={quote(TOKEN, safe='')} HTTP/1.0\r\n\r\n".encode())
    head, _gap, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head
    assert b"Content-Length" not in head
    assert len(json.loads(body)) == 1500


def test_a_client_that_leaves(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Who hangs up in the middle disturbs nobody, and is not worth a line in the log."""
    client = start()
    for _each in range(4):
        client.send(recipients=["a@b"] * 5000, tags=["x"])
    request = f"GET /v1/events/tags/x?access_token={quote(TOKEN, safe='')} HTTP/1.1\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", client.service.port), timeout=5) as connection:
        # Closing at once resets the connection under the answer.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(client.get("/events/tags/x").json()) == 60_000
    assert capsys.readouterr().err == ""


def test_a_stop_cuts_the_answer(start: Start) -> None:
    """An answer that the service's end interrupts lacks its end, so that nobody takes it for whole."""
    client = start()
    for _each in range(4):
        client.send(recipients=["a@b"] * 5000, tags=["x"])
    answer = client.get("/events/tags/x", stream=True)
    pieces = answer.iter_content(1000)
    next(pieces)
    began = time.monotonic()
    client.service.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(pieces)


def test_trouble_in_the_middle(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the data cannot be read any further, the answer is cut at once, not ended as if it were whole."""
    client = start()
    client.send(recipients=["a@b"] * 1000, tags=["x"])
    pages = iter([store._page, store._page])

    def page(*arguments: Any, **named: Any) -> Any:
        read = next(pages, None)
        if read is None:
            raise sqlite3.OperationalError("disk I/O error")
        return read(*arguments, **named)

    monkeypatch.setattr(store, "_page", page)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/events/tags/x")
    assert client.get("/stats/x").json()["messages"] == 1000
