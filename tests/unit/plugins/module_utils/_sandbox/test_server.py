"""The service over real sockets, as any client would use it, and its certificates."""

import contextlib
import json
import re
import socket
import sqlite3
import ssl
import struct
import time
from email.utils import parsedate_to_datetime
from unittest.mock import DEFAULT, Mock
from urllib.parse import quote, urlsplit

import pytest
import requests
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import store, tls
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import TlsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.routes import LARGEST_BODY
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.server import Service
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import SURE, TOKEN

TOO_LARGE = b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY + 1) + bytes(LARGEST_BODY)
SEND = b"POST /v1/send HTTP/1.1\r\n"
QUERY = f"?access_token={quote(TOKEN, safe='')}"


def ask(service, path, token=TOKEN, method="GET", **more):
    """Make a request for a path below the API."""
    return requests.request(method, service.api_url + path, params={"access_token": token}, timeout=30, **more)


def mail(service, token=TOKEN, **body):
    """POST a send."""
    return ask(service, "/send", token, "POST", json=body)


def connect(service):
    """A connection that says nothing yet."""
    return socket.create_connection(("127.0.0.1", service.port), timeout=10)


def raw(service, data):
    """All that comes back for these bytes until the service hangs up."""
    with connect(service) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts a service with these options; all are stopped in the end."""
    with contextlib.ExitStack() as cleanup:

        def begin(certificate=None, **options):
            settings = parse_settings({"api_token": TOKEN, "scenario": SURE, "seed": 1, **options})
            data = str(tmp_path_factory.mktemp("data") / "mail.sqlite")
            return cleanup.enter_context(Service(settings, data, certificate))

        yield begin


@pytest.fixture(scope="module")
def shared(start):
    """A service for all tests that leave it as it is, but for mail."""
    return start()


def test_send_and_read(start):
    """A send is answered with its recipients by id; the statistics have the documented keys, types and form."""
    service = start()
    refused = mail(service, recipients=["a@b", 1], tags=["x"])
    assert (refused.status_code, refused.text[:12]) == (400, "recipients: ")
    answer = mail(service, recipients=["a@example.com", "b@example.com"], tags=["x"], subject="Hello")
    assert (answer.status_code, sorted(answer.json().values())) == (200, ["a@example.com", "b@example.com"])
    # HTTP/1.0 knows no chunks: the array ends with the connection.
    head, _gap, old = raw(service, f"GET /v1/events/tags/x{QUERY} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert old == ask(service, "/events/tags/x").content
    for path, entries in (("/events/tags/x", 6), ("/stats", 1), ("/tag/x", 9), ("/stats/x", 6)):
        answer = ask(service, path)
        assert (answer.headers["Content-Type"], answer.headers["Connection"]) == ("application/json", "keep-alive")
        assert len(answer.json()) == entries
    counters = answer.json()
    for name in ("first", "last"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", counters.pop(name))
    assert json.dumps(counters) == '{"opens": 2, "clicks": 0, "messages": 2, "deliveries": 2}'
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 5


@pytest.mark.parametrize("tag", ["a/b", "?x=1", "%2e%2e", "..", "a+b", "#", "caf\u00e9", "\N{PARTY POPPER}", "a&b=c"])
def test_tags_are_decoded_once(shared, tag):
    """A tag that was percent-encoded is found exactly, and one that only looks like it is not."""
    mail(shared, recipient="a@example.com", tags=[tag])
    path = quote(tag, safe="").replace(".", "%2E")
    assert raw(shared, f"GET /v1/stats/{path}{QUERY} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert ask(shared, f"/stats/{quote(path, safe='')}").status_code == 404


@pytest.mark.parametrize("token", [None, "", "nonsense", TOKEN + "x", TOKEN[:-1], "\u00fc"])
@pytest.mark.parametrize("path", ["/send", "/stats", "/stats/x", "/tag/x", "/events/tags/x"])
def test_tokens(shared, token, path):
    """Without the right token everything is refused with a text, which does not repeat the token."""
    answer = mail(shared, token, recipient="a@example.com") if path == "/send" else ask(shared, path, token)
    assert answer.status_code == 401
    assert "access_token" in answer.text
    assert "api_token" in answer.text or not token
    assert TOKEN not in answer.text
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *[("GET", path, 404) for path in ("", "/stats/", "/stats/a/b", "0/stats/a", "/events/tags", "/events/email/a")],
        *[("POST", path, 405) for path in ("/stats/a", "/stats", "/events/tags/a")], ("POST", "/send/", 404),
        ("GET", "/send", 405), ("HEAD", "/stats/a", 405), ("DELETE", "/tag/a", 405), ("BREW", "/stats/a", 501),
    ],
)  # fmt: skip
def test_other_requests(shared, method, path, status):
    """Other paths and methods are refused with a text."""
    answer = ask(shared, path, method=method, data=b"")
    assert answer.status_code == status
    assert bool(answer.text) is (method != "HEAD")
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (SEND, b"411"), (SEND + b"Transfer-Encoding: chunked\r\n", b"411"),
        *[(SEND + b"Content-Length: %b\r\n" % length, b"400") for length in (b"many", b"-1")],
        (SEND + b"Content-Length: %d\r\n" % (10**20), b"413"), (SEND + TOO_LARGE, b"413"),
        (b"\0\1\2\r\n", b"400"), (b"GET\r\n", b"400"), (b"GET / HTTP/9.9\r\n", b"505"), (b"\r\n" * 2, b""),
    ],
    ids=lambda given: repr(given[:60]),
)  # fmt: skip
def test_what_is_not_read(shared, sent, status, capsys):
    """A body without a usable length, or too long, and what is not HTTP get an answer at once, and are not logged."""
    answer = raw(shared, sent + b"\r\n")
    assert answer[9:12] == status
    assert b"Connection: close" in answer or not answer
    assert ask(shared, "/stats/nothing").status_code == 404
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("path", ["/stats/x", "/events/tags/x"])
def test_faults(start, path):
    """Requests are dropped, refused, answered late and in drips, whether an answer comes whole or in pieces."""
    statuses = [{"status": 429, "retry_after": 7}]
    service = start(faults={"drop": 1, "statuses": statuses, "slow_bytes": 0.001, "slow_count": 1, "latency": 0.05})
    mail(service, recipient="a@b", tags=["x"])
    with pytest.raises(requests.ConnectionError):
        ask(service, path)
    refused = ask(service, path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    answers = []
    for pause_per_byte in (0.001, 0):
        began = time.monotonic()
        answers.append(ask(service, path))
        assert time.monotonic() - began > 0.05 + pause_per_byte * len(answers[-1].content)
    assert answers[0].json() == answers[1].json() != []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_hosts(start, host):
    """It answers at the address it returns, whichever loopback address that is."""
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    service = start(host=host)
    assert urlsplit(service.api_url).hostname == host
    assert mail(service, recipient="a@example.com").ok


def test_tls(start, tmp_path):
    """HTTPS works for who trusts the authority, by strict checks, for every loopback name; plain HTTP is told so."""
    authority, certificate = str(tmp_path / "ca.pem"), str(tmp_path / "server.pem")
    tls.ensure_certificate(authority, certificate, "127.0.0.1")
    service = start(tls=True, certificate=certificate)
    assert service.api_url.startswith("https://127.0.0.1:")
    with pytest.raises(requests.exceptions.SSLError):
        ask(service, "/stats/x")
    with contextlib.ExitStack() as silent:
        # Who connects and says nothing keeps nobody from a handshake.
        for _each in range(5):
            silent.enter_context(connect(service))
        assert ask(service, "/stats/x", verify=authority).status_code == 404
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("127.0.0.1", "localhost", "::1"):
        context.wrap_socket(connect(service), server_hostname=name).close()
    answer = raw(service, b"GET /v1/stats/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"only HTTPS works here" in answer


@pytest.mark.parametrize("loss", [None, "ca.pem", "server.pem", "damage", "host", "age"])
def test_certificates(tmp_path, loss, monkeypatch):
    """Both are kept while they are good, and made again when one is missing or damaged, for a host, and in time."""
    authority, certificate = tmp_path / "ca.pem", tmp_path / "server.pem"
    if loss == "age":
        monkeypatch.setattr(tls, "DAYS", tls.RENEW_DAYS)
    tls.ensure_certificate(str(authority), str(certificate), "127.0.0.1")
    monkeypatch.undo()
    before = authority.read_bytes(), certificate.read_bytes()
    if loss == "damage":
        certificate.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    elif loss in ("ca.pem", "server.pem"):
        (tmp_path / loss).unlink()
    renew = tls.ensure_certificate(str(authority), str(certificate), "127.0.0.5" if loss == "host" else "localhost")
    assert 22.9 < (renew - time.time()) / 86400 < 23.1
    assert (authority.read_bytes() == before[0], certificate.read_bytes() == before[1]) == (loss is None,) * 2
    # They are the owner's alone, and the authority's key is nowhere.
    assert {path.stat().st_mode & 0o777 for path in (authority, certificate)} == {0o600}
    assert (before[0].count(b"PRIVATE"), before[1].count(b"BEGIN")) == (0, 2)


def test_certificates_that_cannot_be_used(start, tmp_path):
    """Certificates that cannot be written, are not given, or are none, are errors that say so."""
    with pytest.raises(TlsError, match=r"^tls: the certificates cannot be written"):
        tls.ensure_certificate(str(tmp_path / "no" / "ca.pem"), str(tmp_path / "no" / "server.pem"), "127.0.0.1")
    with pytest.raises(TlsError, match="no certificate"):
        start(tls=True)
    with pytest.raises(TlsError, match=f"{__file__} cannot be loaded"):
        start(tls=True, certificate=__file__)


@pytest.mark.slow
@pytest.mark.measured
def test_broken_off(start, capsys):
    """Who hangs up disturbs nobody, and is not logged; a stop ends all connections, and an answer lacks its end."""
    service = start()
    # The answer is longer than what sockets hold: several megabytes.
    mail(service, recipients=["a@b"] * 10_000, tags=["x"])
    with connect(service) as connection:
        # Closing at once resets the connection under the answer.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(f"GET /v1/events/tags/x{QUERY} HTTP/1.1\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(ask(service, "/events/tags/x").json()) == 30_000
    assert capsys.readouterr().err == ""
    with connect(service) as idle:
        pieces = ask(service, "/events/tags/x", stream=True).iter_content(1000)
        next(pieces)
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 2
        assert idle.recv(1) == b""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(pieces)


def test_trouble_in_the_middle(start, monkeypatch):
    """Where the data cannot be read any further, the answer is cut at once, not ended as if it were whole."""
    service = start()
    mail(service, recipients=["a@b"] * 1000, tags=["x"])
    trouble = sqlite3.OperationalError("disk I/O error")
    monkeypatch.setattr(store, "_page", Mock(wraps=store._page, side_effect=[DEFAULT, DEFAULT, trouble]))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(service, "/events/tags/x")
    assert ask(service, "/stats/x").json()["messages"] == 1000
    for use in ("_find", "_add"):
        monkeypatch.setattr(store, use, Mock(side_effect=trouble))
    assert ask(service, "/events/tags/x").status_code == mail(service, recipient="a@b").status_code == 500
