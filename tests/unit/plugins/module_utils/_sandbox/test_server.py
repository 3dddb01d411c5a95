# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service over real sockets, as any client would use it."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, urlsplit

import pytest
import requests
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import tls
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import ListenError, StoreError, TlsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.routes import LARGEST_BODY
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.server import Service
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import SURE, TOKEN, Client, Start, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service with these options, and stops it after the test."""
    with starting(tmp_path) as begin:
        yield begin


def test_send_and_read(start: Start) -> None:
    """A send is answered with its recipients by id; the statistics have the documented keys and form."""
    client = start()
    answer = client.send(recipients=["a@example.com", "b@example.com"], tags=["x"], subject="Hello")
    assert answer.status_code == 200
    assert sorted(answer.json().values()) == ["a@example.com", "b@example.com"]
    answer = client.get("/stats/x")
    assert answer.headers["Content-Type"] == "application/json"
    first, last = answer.json().pop("first"), answer.json().pop("last")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first)
    assert first <= last
    counters = {key: value for key, value in answer.json().items() if key not in ("first", "last")}
    assert counters == {"messages": 2, "deliveries": 2, "opens": 2, "clicks": 0}
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 5


def test_later_revision(start: Start) -> None:
    """The later method gives the same data under its later names."""
    client = start(scenario={**SURE, "repeat_rate": 1, "click_rate": 1, "click_delay": 0})
    client.send(recipient="a@example.com", tags=["x"])
    answer = client.get("/tag/x").json()
    assert {key: value for key, value in answer.items() if key not in ("first", "last")} == {
        "tag": "x",
        "messages": 1,
        "deliveries": 1,
        "all_opens": 10,
        "unique_opens": 1,
        "all_clicks": 10,
        "unique_clicks": 1,
    }


@pytest.mark.parametrize("tag", ["a/b", "?x=1", "%2e%2e", "..", "a+b", "#", "caf\u00e9", "\N{PARTY POPPER}", "a&b=c"])
def test_tags_are_decoded_once(start: Start, tag: str) -> None:
    """A tag that was percent-encoded is found exactly, and one that only looks like it is not."""
    client = start()
    client.send(recipient="a@example.com", tags=[tag])
    path = f"{quote(tag, safe='').replace('.', '%2E')}"
    status_line, _rest = client.raw(
        f"GET /v1/stats/{path}?access_token={quote(TOKEN, safe='')} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()
    ).split(b"\r\n", 1)
    assert status_line == b"HTTP/1.1 200 OK"
    again = client.get(f"/stats/{quote(path, safe='')}")
    assert again.status_code == 404


@pytest.mark.parametrize("token", [None, "", "nonsense", TOKEN + "x", TOKEN[:-1], "\u00fc"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tokens(start: Start, token: str | None, method: str) -> None:
    """Without the right token everything is refused with a text, which does not repeat the token."""
    client = start()
    answer = client.get("/stats/x", token) if method == "GET" else client.send(token, recipient="a@example.com")
    assert answer.status_code == 401
    assert "access_token" in answer.text
    assert "api_token" in answer.text or not token
    assert TOKEN not in answer.text
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/stats/", 404),
        ("GET", "/v1/stats/a/b", 404),
        ("GET", "/v2/stats/a", 404),
        ("POST", "/v1/send/", 404),
        ("GET", "/v1/send", 405),
        ("POST", "/v1/stats/a", 405),
        ("POST", "/v1/stats", 405),
        ("POST", "/v1/events/tags/a", 405),
        ("GET", "/v1/events/tags/", 404),
        ("GET", "/v1/events/tags", 404),
        ("GET", "/v1/events/email/a", 404),
        ("HEAD", "/v1/stats/a", 405),
        ("DELETE", "/v1/tag/a", 405),
        ("BREW", "/v1/stats/a", 501),
    ],
)
def test_other_requests(start: Start, method: str, path: str, status: int) -> None:
    """Other paths and methods are refused with a text."""
    client = start()
    url = f"http://127.0.0.1:{client.service.port}{path}"
    answer = client.session.request(method, url, params={"access_token": TOKEN}, data=b"", timeout=10)
    assert answer.status_code == status
    assert bool(answer.text) is (method != "HEAD")
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "recipient"),
        ({"recipient": "a@b", "tags": [" "]}, "tags"),
        ({"recipient": "a@b", "tags": ["a;b"]}, "tags"),
        ({"recipient": "a@b", "tags": [""]}, "tags"),
        ({"recipients": ["a@b", 1]}, "recipients"),
    ],
)
def test_bad_sends(start: Start, body: dict[str, Any], field: str) -> None:
    """A send that cannot be meant gets 400 with the name of the field, and stores nothing."""
    client = start()
    answer = client.send(**body)
    assert answer.status_code == 400
    assert answer.text.startswith(field)
    assert client.get("/stats/a").status_code == 404


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", b"411"),
        (b"Transfer-Encoding: chunked\r\n", b"411"),
        (b"Content-Length: many\r\n", b"400"),
        (b"Content-Length: -1\r\n", b"400"),
        (b"Content-Length: %d\r\n" % (LARGEST_BODY + 1), b"413"),
        (b"Content-Length: 99999999999999999999\r\n", b"413"),
    ],
)
def test_bodies_that_are_not_read(start: Start, head: bytes, status: bytes) -> None:
    """A body without a usable length, or too long, is answered at once, and the connection closed."""
    client = start()
    answer = client.raw(b"POST /v1/send HTTP/1.1\r\n" + head + b"\r\n")
    assert answer.split()[1] == status
    assert b"Connection: close" in answer


def test_too_large_a_body(start: Start) -> None:
    """A client that sends too much still reads the answer."""
    client = start()
    url = f"{client.service.api_url}/send"
    answer = client.session.post(url, data=b" " * (LARGEST_BODY + 1), timeout=30)
    assert answer.status_code == 413


@pytest.mark.parametrize("noise", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 3])
def test_noise(start: Start, noise: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not HTTP is refused or dropped, and the service goes on, and has nothing to say about it."""
    client = start()
    with socket.create_connection(("127.0.0.1", client.service.port), timeout=5) as connection:
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer == b"" or answer.split()[1] in (b"400", b"505")
    assert client.get("/stats/x").status_code == 404
    assert capsys.readouterr().err == ""


def test_connections_are_kept(start: Start) -> None:
    """Many requests, refusals among them, go over one connection without delay."""
    client = start()
    client.send(recipient="a@example.com", tags=["x"])
    took: dict[bytes, list[float]] = {b"200": [], b"404": []}
    with socket.create_connection(("127.0.0.1", client.service.port), timeout=20) as connection:
        for number in range(200):
            tag = "x" if number % 2 else "y"
            begin = time.monotonic()
            connection.sendall(f"GET /v1/stats/{tag}?access_token={quote(TOKEN)} HTTP/1.1\r\n\r\n".encode())
            status = connection.recv(65536).split()[1]
            assert status == (b"200" if number % 2 else b"404")
            took[status].append(time.monotonic() - begin)
    # A head sent apart from its body always waits 40 ms for the client's acknowledgement, a busy machine now and then.
    assert all(min(times) < 0.03 for times in took.values())


@pytest.mark.parametrize(
    ("unknown_tag", "status", "expected"),
    [
        ("not_found", 404, None),
        ("zeros", 200, {"first": None, "last": None, "messages": 0, "deliveries": 0, "opens": 0, "clicks": 0}),
        ("object", 200, {}),
        ("list", 200, []),
        ("null", 200, None),
    ],
)
def test_unknown_tags(start: Start, unknown_tag: str, status: int, expected: object) -> None:
    """A tag without mail is answered as was asked for, a known one always with its counters."""
    client = start(faults={"unknown_tag": unknown_tag})
    answer = client.get("/stats/nothing")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == expected
    client.send(recipient="a@example.com", tags=["x"])
    assert client.get("/stats/x").json()["messages"] == 1


def test_scenarios_by_tag(start: Start) -> None:
    """Each message follows its first tag with a scenario, else the default."""
    client = start(scenario={"default": SURE, "tags": {"bad": "dead", "late": {**SURE, "hold": 3600}}})
    for tags in (["good"], ["bad"], ["late"], ["x", "bad"]):
        client.send(recipients=["a@example.com"] * 5, tags=tags)
    found = {tag: client.get(f"/stats/{tag}").json()["deliveries"] for tag in ("good", "bad", "late", "x")}
    assert found == {"good": 5, "bad": 0, "late": 0, "x": 0}


def test_seed_repeats(start: Start) -> None:
    """The same sends under the same seed have the same counters, under another seed others."""
    scenario = {**SURE, "delivery_rate": 0.5, "open_rate": 0.5}
    counted = []
    for seed in (1, 1, 2):
        client = start(scenario=scenario, seed=seed)
        for number in range(4):
            client.send(recipients=["a@example.com"] * 250, tags=[f"{number}"])
        answers = [client.get(f"/stats/{number}").json() for number in range(4)]
        counted.append([(answer["deliveries"], answer["opens"]) for answer in answers])
    assert counted[0] == counted[1]
    assert counted[0] != counted[2]


def test_statuses_and_drops(start: Start) -> None:
    """Statistics requests meet the drops and statuses in order; sends and other paths do not."""
    client = start(faults={"drop": 2, "statuses": [503, {"status": 429, "retry_after": 7}]})
    assert client.send(recipient="a@example.com", tags=["x"]).status_code == 200
    assert client.session.get(f"http://127.0.0.1:{client.service.port}/", timeout=5).status_code == 404
    assert client.get("/stats/x", token="wrong").status_code == 401
    for _each in range(2):
        with pytest.raises(requests.ConnectionError):
            client.get("/stats/x")
    answers = [client.get("/stats/x") for _each in range(3)]
    assert [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers] == [
        (503, None),
        (429, "7"),
        (200, None),
    ]


@pytest.mark.slow
def test_latency_and_slow_bytes(start: Start) -> None:
    """Answers wait for the latency, then drip; a send does neither."""
    client = start(faults={"latency": 1, "slow_bytes": 0.005, "slow_count": 1})
    begin = time.monotonic()
    assert client.send(recipient="a@example.com", tags=["x"]).ok
    sent = time.monotonic()
    assert client.get("/stats/x").json()["messages"] == 1
    dripped = time.monotonic()
    assert client.get("/stats/x").json()["messages"] == 1
    waited = time.monotonic()
    assert sent - begin < 1 <= waited - dripped < dripped - sent - 0.3


def test_stop_ends_what_is_open(start: Start) -> None:
    """Stopping does not wait for slow answers and idle connections, and frees the port and the data."""
    client = start(faults={"latency": 60})
    client.send(recipient="a@example.com", tags=["x"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/stats/x")
        time.sleep(0.2)
        begin = time.monotonic()
        client.service.stop()
        assert time.monotonic() - begin < 2
        assert isinstance(waiting.exception(timeout=5), requests.ConnectionError)
    with pytest.raises(requests.ConnectionError):
        client.get("/stats/x")
    again = Service(client.service._settings, client.service._data).start(client.service.port)
    try:
        assert again.api_url == client.service.api_url
    finally:
        again.stop()


def test_many_at_once(start: Start) -> None:
    """Sends and questions from many clients at once are all answered, and all sends are counted."""
    client = start()

    def work(_number: int) -> int:
        own = Client(client.service)
        with own.session:
            sent = own.send(recipients=["a@example.com"] * 3, tags=["x"])
            return sent.status_code + own.get("/stats/x").status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(64))) == {400}
    assert client.get("/stats/x").json()["messages"] == 192


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_hosts(start: Start, host: str) -> None:
    """It answers at the address it returns, whichever loopback address that is."""
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback address")
    client = start(host=host)
    assert urlsplit(client.service.api_url).hostname == host
    assert client.send(recipient="a@example.com").ok


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_port_in_use(start: Start, tmp_path: Path) -> None:
    """A port in use is refused with the remedy, and the data file is let go."""
    port = start().service.port
    settings = parse_settings({"api_token": TOKEN, "port": port})
    data = str(tmp_path / "other.sqlite")
    with pytest.raises(ListenError, match=f"port: {port} on 127.0.0.1 is in use; choose another"):
        Service(settings, data).start()
    Service(settings, data).start(0).stop()


def test_data_in_use(start: Start, tmp_path: Path) -> None:
    """A second service on the same data is refused."""
    start()
    with pytest.raises(StoreError, match="in use by another sandbox"):
        Service(parse_settings({"api_token": TOKEN}), str(tmp_path / "0.sqlite")).start()


@pytest.fixture
def secured(start: Start, tmp_path: Path) -> Client:
    """A service with TLS, and a client that trusts its authority."""
    authority, certificate = tmp_path / "ca.pem", tmp_path / "server.pem"
    tls.ensure_certificate(str(authority), str(certificate), "127.0.0.1")
    return start(tls=True, verify=str(authority), certificate=str(certificate))


def test_tls(secured: Client) -> None:
    """HTTPS works for who trusts the authority, and for nobody else."""
    assert secured.service.api_url.startswith("https://127.0.0.1:")
    assert secured.send(recipient="a@example.com", tags=["x"]).ok
    assert secured.get("/stats/x").json()["messages"] == 1
    secured.session.close()
    with pytest.raises(requests.exceptions.SSLError):
        secured.get("/stats/x", verify=True)


def test_strict_tls(secured: Client, tmp_path: Path) -> None:
    """The certificates pass Python's strict checks, for every loopback name, and TLS 1.1 is refused."""
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("127.0.0.1", "localhost", "::1"):
        connection = socket.create_connection(("127.0.0.1", secured.service.port), timeout=5)
        with context.wrap_socket(connection, server_hostname=name) as wrapped:
            assert wrapped.version() in ("TLSv1.2", "TLSv1.3")


def test_plain_http_on_the_tls_port(secured: Client) -> None:
    """Plain HTTP gets 400 and the reason, in plain HTTP."""
    answer = secured.raw(b"GET /v1/stats/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nDate: " in answer
    assert b"only HTTPS works here" in answer


def test_silent_clients_block_nobody(secured: Client) -> None:
    """Clients that connect and say nothing do not keep others from their handshake."""
    silent = [socket.create_connection(("127.0.0.1", secured.service.port), timeout=5) for _each in range(5)]
    try:
        assert secured.send(recipient="a@example.com").ok
    finally:
        for connection in silent:
            connection.close()


def test_tls_without_a_certificate(start: Start, tmp_path: Path) -> None:
    """TLS without a certificate, or with one that is none, is an error that says so."""
    with pytest.raises(TlsError, match="no certificate"):
        start(tls=True)
    (tmp_path / "server.pem").write_text("nothing")
    with pytest.raises(TlsError, match=r"server\.pem cannot be loaded"):
        start(tls=True, certificate=str(tmp_path / "server.pem"))


def test_json_is_what_the_vendor_prints(start: Start) -> None:
    """Counters are numbers and dates are strings, in the documented spelling."""
    client = start()
    client.send(recipient="a@example.com", tags=["x"])
    answer = json.loads(client.get("/stats/x").text)
    assert {key: type(value) for key, value in answer.items()} == {
        "first": str,
        "last": str,
        "opens": int,
        "clicks": int,
        "messages": int,
        "deliveries": int,
    }
