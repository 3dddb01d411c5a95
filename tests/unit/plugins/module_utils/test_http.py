# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET against services that break every rule: a named outcome, in time, of bounded size, and silent of the URL."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import logging
import pathlib
import socket
import threading
import time
import tracemalloc
import zlib
from typing import Any, Callable, ContextManager, Iterator

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._body import BODY_LIMIT
from ansible_collections.mailops.smtpeter.plugins.module_utils._certificates import load_authorities, read_authorities
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._http import HttpReply, HttpSession
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    assert_silent,
    constantly,
    leaks,
)

TOKEN = "a-secret-token"
TIMEOUT = 2.0
HEAD = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(b"\0" * (64 * BODY_LIMIT))
assert len(BOMB) < BODY_LIMIT

Get = Callable[..., HttpReply]


@pytest.fixture
def ask() -> Iterator[Get]:
    """GET a service's address with the token in it, in a session of one's own."""
    sessions = []

    def fetch(url: str, verify: Any = True, timeout: float = TIMEOUT, proxied: str | None = None) -> HttpReply:
        sessions.append(
            HttpSession(load_authorities(read_authorities(verify) if isinstance(verify, str) else verify), proxied)
        )
        return sessions[-1].get(f"{url}/stats/tag?access_token={TOKEN}", timeout)

    yield fetch
    for session in sessions:
        session.close()


def drip(data: bytes, pause: float = 0.05) -> Iterator[bytes]:
    """Give one byte at a time."""
    for byte in data:
        yield bytes([byte])
        time.sleep(pause)


def hang_up() -> bytes:
    """Stand in for the next piece of an answer."""
    raise EOFError


def refuses(_target: str) -> Iterator[bytes]:
    """Hang up without a word."""
    return iter(hang_up, b"")


def resets_in_headers(_target: str) -> Iterator[bytes]:
    """Reset the connection in the midst of a header."""
    yield HEAD + b"Content-Le"
    raise ConnectionResetError


def resets_in_body(_target: str) -> Iterator[bytes]:
    """Reset the connection in the midst of the body."""
    yield HEAD + b'Content-Length: 1000\r\n\r\n{"messages": 1'
    raise ConnectionResetError


def hangs_up_in_body(_target: str) -> Iterator[bytes]:
    """Promise more bytes than come."""
    yield HEAD + b'Content-Length: 1000\r\n\r\n{"messages": 1'
    raise EOFError


def cuts_chunks(_target: str) -> Iterator[bytes]:
    """End a chunked body before its last chunk."""
    yield HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"mes\r\n'
    raise EOFError


def cuts_gzip(_target: str) -> Iterator[bytes]:
    """End a compressed body early, with a length that fits."""
    yield answer(gzip.compress(b'{"messages": 1}' * 99)[:-12], "200 OK", "Content-Encoding: gzip")


def never_speaks(_target: str) -> Iterator[bytes]:
    """Take the request and leave it at that."""
    yield b""


def drips_status(_target: str) -> Iterator[bytes]:
    """Give the status line byte by byte."""
    yield from drip(b"HTTP/1.1 200 " + b"O" * 300)


def drips_headers(_target: str) -> Iterator[bytes]:
    """Give the headers byte by byte."""
    yield HEAD
    yield from drip(b"X-Odd: " + b"x" * 300)


def drips_body(_target: str) -> Iterator[bytes]:
    """Give the body byte by byte."""
    yield HEAD + b"Content-Length: 300\r\n\r\n"
    yield from drip(b" " * 300)


def drips_chunks(_target: str) -> Iterator[bytes]:
    """Give a chunked body of one byte each."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for _chunk in range(300):
        yield from drip(b"1\r\n \r\n")


def drips_continues(_target: str) -> Iterator[bytes]:
    """Say again and again that the answer will come."""
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"
        time.sleep(0.05)


def floods_continues(_target: str) -> Iterator[bytes]:
    """Say that the answer will come, as fast as it goes."""
    return itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)


def endless_headers(_target: str) -> Iterator[bytes]:
    """Send header after header."""
    return itertools.chain([HEAD], (b"X-%d: x\r\n" % number * 2000 for number in itertools.count()))


def endless_header(_target: str) -> Iterator[bytes]:
    """Send one header without an end."""
    return itertools.chain([HEAD + b"X-Odd: "], itertools.repeat(b"x" * 65536))


def endless_status(_target: str) -> Iterator[bytes]:
    """Send a status line without an end."""
    return itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(b"x" * 65536))


def endless_body(_target: str) -> Iterator[bytes]:
    """Send a body without a length and without an end."""
    return itertools.chain([HEAD + b"\r\n"], itertools.repeat(b" " * 65536))


def endless_chunks(_target: str) -> Iterator[bytes]:
    """Send chunks without a last one."""
    return itertools.chain(
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"10000\r\n" + b" " * 65536 + b"\r\n")
    )


def endless_chunk_size(_target: str) -> Iterator[bytes]:
    """Send the size of a chunk without an end."""
    return itertools.chain([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"0" * 65536))


def endless_redirect(_target: str) -> Iterator[bytes]:
    """Point elsewhere, with a body without an end."""
    head = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\n\r\n"
    return itertools.chain([head], itertools.repeat(b" " * 65536))


def endless_gzip(_target: str) -> Iterator[bytes]:
    """Send a compressed body without an end, too slowly for it to be too large before the time is over."""
    squeeze = zlib.compressobj(wbits=31)
    yield HEAD + b"Content-Encoding: gzip\r\n\r\n"
    while True:
        yield squeeze.compress(b"\0" * 2**22)
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        (refuses, {"connection"}),
        (resets_in_headers, {"connection"}),
        (resets_in_body, {"connection"}),
        (hangs_up_in_body, {"connection"}),
        (cuts_chunks, {"connection"}),
        (cuts_gzip, {"connection", "answer"}),
        (never_speaks, {"timeout"}),
        (drips_status, {"timeout"}),
        (drips_headers, {"timeout"}),
        (drips_body, {"timeout"}),
        (drips_chunks, {"timeout"}),
        (drips_continues, {"timeout", "connection", "answer"}),
        (floods_continues, {"timeout", "connection", "answer"}),
        (endless_headers, {"connection", "answer"}),
        (endless_header, {"connection", "answer"}),
        (endless_status, {"connection", "answer"}),
        (endless_chunk_size, {"connection", "answer"}),
        (endless_gzip, {"timeout"}),
        (constantly(b"SSH-2.0-OpenSSH_9.6\r\n" * 3), {"connection", "answer"}),
        (constantly(b"\x15\x03\x01\0\x02\x02\x50\r\n\r\n"), {"connection", "answer"}),
        (constantly(answer(b"12345", "200 OK", "Transfer-Encoding: chunked")), {"timeout"}),
        (constantly(answer(b"ten\r\n12345", "200 OK", "Transfer-Encoding: chunked")), {"connection", "answer"}),
        (constantly(answer(b"-5\r\n12345\r\n", "200 OK", "Transfer-Encoding: chunked")), {"answer", "timeout"}),
        (constantly(answer(b"not gzip", "200 OK", "Content-Encoding: gzip")), {"answer"}),
        (constantly(answer(b"{}", "200 OK", "Content-Encoding: br")), {"answer"}),
        (constantly(answer(b"{}", "200 OK", "Content-Encoding: gzip, gzip")), {"answer"}),
    ],
    ids=lambda value: getattr(value, "__name__", "") if callable(value) else "",
)
def test_each_fault_has_an_outcome(
    hostile: Callable[..., Hostile],
    ask: Get,
    within: Callable[[float], ContextManager[None]],
    caplog: pytest.LogCaptureFixture,
    script: Any,
    kinds: set[str],
) -> None:
    """Each fault is an error of its kind, in time, after a bounded number of bytes, and nothing repeats the token."""
    caplog.set_level(logging.DEBUG)
    server = hostile(script)
    with within(TIMEOUT + 2), pytest.raises(StatsError) as caught:
        ask(server.url)
    assert caught.value.kind in kinds
    assert server.sent < 16 * BODY_LIMIT
    assert len(server.requests) == 1
    assert_silent(caught.value, TOKEN)
    assert leaks(caplog.text, TOKEN) == []


@pytest.mark.parametrize(
    "script",
    [endless_body, endless_chunks, endless_redirect, constantly(answer(b" " * (BODY_LIMIT + 1)))],
    ids=["without a length", "chunked", "redirect", "one byte too long"],
)
def test_a_body_above_the_limit_is_not_read(hostile: Callable[..., Hostile], ask: Get, script: Any) -> None:
    """Of a body without an end a little more than the limit is taken, and it is given as none."""
    server = hostile(script)
    assert ask(server.url, timeout=10).body is None
    assert server.sent < 8 * BODY_LIMIT


def test_a_body_at_the_limit_is_read(hostile: Callable[..., Hostile], ask: Get) -> None:
    """Exactly the limit is still an answer."""
    assert ask(hostile(constantly(answer(b" " * BODY_LIMIT))).url, timeout=10).body == b" " * BODY_LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
def test_a_bomb_is_not_inflated(hostile: Callable[..., Hostile], ask: Get, encoding: str) -> None:
    """64 MiB in 64 KiB are given as none, and are never in memory."""
    bomb = zlib.compress(b"\0" * (64 * BODY_LIMIT)) if encoding == "deflate" else BOMB
    server = hostile(constantly(answer(bomb, "200 OK", f"Content-Encoding: {encoding}")))
    tracemalloc.start()
    try:
        assert ask(server.url, timeout=10).body is None
        assert tracemalloc.get_traced_memory()[1] < 16 * BODY_LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"a": 1}')),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("identity", b'{"a": 1}'),
        ("", b'{"a": 1}'),
    ],
    # The compressed bytes hold the time, and an id has to be the same in every worker.
    ids=["gzip", "deflate", "identity", "none"],
)
def test_a_small_compressed_body_is_read(hostile: Callable[..., Hostile], ask: Get, encoding: str, body: bytes) -> None:
    """A service that compresses though nobody asked it to is understood."""
    server = hostile(constantly(answer(body, "200 OK", f"Content-Encoding: {encoding}")))
    assert ask(server.url).body == b'{"a": 1}'
    assert "Accept-Encoding: identity" in server.requests[0]


def test_a_body_of_several_chunks_is_read(hostile: Callable[..., Hostile], ask: Get) -> None:
    """An ordinary chunked answer, trailer included, is put together."""
    body = b'4;odd=1\r\n{"a"\r\n4\r\n: 1}\r\n0\r\nX-Trailer: 1\r\n\r\n'
    assert ask(hostile(constantly(answer(body, "200 OK", "Transfer-Encoding: chunked"))).url).body == b'{"a": 1}'


def test_a_length_that_is_too_short_does_not_move_bytes_to_the_next_answer(hostile: Callable[..., Hostile]) -> None:
    """What came beyond the promised length is never taken for the answer to the next request."""
    stray = answer({**COUNTS, "messages": 666})
    script = constantly(
        answer(json.dumps(COUNTS).encode() + stray, "200 OK", f"Content-Length: {len(json.dumps(COUNTS))}")
    )
    session = HttpSession(load_authorities(True), None)
    server = hostile(script)
    for tag in ("one", "two", "three"):
        body = session.get(f"{server.url}/stats/{tag}?access_token={TOKEN}", TIMEOUT).body
        assert json.loads(body or b"") == COUNTS
    session.close()


def test_nobody_listening(ask: Get) -> None:
    """A refused connection says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with pytest.raises(StatsError, match="connection refused") as caught:
        ask(url)
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)
    assert_silent(caught.value, TOKEN)


def test_a_name_that_does_not_resolve(ask: Get) -> None:
    """An unknown host says so."""
    with pytest.raises(StatsError, match="cannot be resolved") as caught:
        ask("https://no-such-host.invalid/v1")
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)
    assert_silent(caught.value, TOKEN)


@pytest.mark.parametrize(
    "status", ["103 Early Hints", "204 No Content", "206 Partial Content", "304 Not Modified", "503 "]
)
def test_other_statuses_come_back_as_they_are(hostile: Callable[..., Hostile], ask: Get, status: str) -> None:
    """The transport does not judge a status; an answer without a body has an empty one."""
    reply = ask(hostile(constantly(answer(b"", status, "Date: today", "Retry-After: 1e999"))).url)
    assert reply == HttpReply(int(status[:3]), b"", "today", "1e999")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_may_name_a_length(hostile: Callable[..., Hostile], ask: Get, status: int) -> None:
    """It is that of the answer that a 200 would be, so that nothing is missing; what comes anyway is not read."""
    for body in (b"", b"{}"):
        reply = ask(hostile(constantly(answer(body, f"{status} Odd", "Content-Length: 2"))).url)
        assert (reply.status, reply.body) == (status, b"")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(hostile: Callable[..., Hostile], ask: Get, status: int) -> None:
    """The place that a redirect names is never asked, so that it never sees the token."""
    elsewhere = hostile(constantly(answer(COUNTS)))
    server = hostile(constantly(answer(b"gone", f"{status} Moved", f"Location: {elsewhere.url}/stats/tag")))
    assert ask(server.url).status == status
    assert elsewhere.connections == 0


def test_cookies_are_not_kept(hostile: Callable[..., Hostile]) -> None:
    """The service cannot mark who asks."""
    server = hostile(constantly(answer(b"{}", "200 OK", "Set-Cookie: me=1; Path=/")))
    session = HttpSession(load_authorities(True), None)
    for _time in range(2):
        session.get(server.url, TIMEOUT)
    session.close()
    assert not [head for head in server.requests if "cookie" in head.lower()]


def test_netrc_is_not_read(
    hostile: Callable[..., Hostile], ask: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """Passwords that the user keeps for the host are not sent."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    server = hostile(constantly(answer(COUNTS)))
    ask(server.url)
    assert "authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    "headers",
    [
        ["X-Odd"],
        ["X-Folded: 1", " and more"],
        ["X-Odd : 1", "No colon here", ": no name"],
        [f"X-Echo: {TOKEN}"],
        ["\x00: \x7f", f"Set-Cookie: {TOKEN}=1; Expires=never"],
        ["Content-Length: 2", "Content-Length: 2", f"X-{TOKEN}"],
    ],
)
def test_odd_headers_put_no_token_into_the_log(
    hostile: Callable[..., Hostile], ask: Get, caplog: pytest.LogCaptureFixture, headers: list[str]
) -> None:
    """What the libraries below say of odd headers, with the whole URL, is not logged at any level."""
    caplog.set_level(logging.DEBUG)
    ask(hostile(constantly(answer(b"{}", f"200 {TOKEN}", *headers))).url)
    assert leaks(caplog.text, TOKEN) == []


@pytest.mark.parametrize(
    ("flaw", "trusted"),
    [("expired", True), ("another name", True), ("self-signed", True), ("", False)],
    ids=["expired", "another name", "self-signed", "unknown authority"],
)
def test_certificates_that_cannot_be_trusted(
    hostile: Callable[..., Hostile],
    ask: Get,
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
    flaw: str,
    trusted: bool,
) -> None:
    """The request is not sent where the certificate is not good, and asking again is pointless."""
    caplog.set_level(logging.DEBUG)
    server = hostile(constantly(answer(COUNTS)), authority.context(flaw))
    with pytest.raises(StatsError, match="certificate of .* cannot be trusted") as caught:
        ask(server.url, verify=str(authority.bundle) if trusted else True)
    assert (caught.value.kind, caught.value.retryable) == ("certificate", False)
    assert server.requests == []
    assert_silent(caught.value, TOKEN)
    assert leaks(caplog.text, TOKEN) == []


def test_a_good_certificate(hostile: Callable[..., Hostile], ask: Get, authority: Authority) -> None:
    """A certificate of the given authority for the address is trusted."""
    server = hostile(constantly(answer(COUNTS)), authority.context())
    assert json.loads(ask(server.url, verify=str(authority.bundle)).body or b"") == COUNTS


@pytest.mark.parametrize("flaw", ["", "expired", "another name", "self-signed"])
def test_without_verification(hostile: Callable[..., Hostile], ask: Get, authority: Authority, flaw: str) -> None:
    """With verification off any certificate will do, and nothing warns, since the user asked for it."""
    assert ask(hostile(constantly(answer(COUNTS)), authority.context(flaw)).url, verify=False).status == 200


def test_tls_to_a_plain_service(hostile: Callable[..., Hostile], ask: Get) -> None:
    """A service that does not speak TLS is a connection error, not a traceback."""
    server = hostile(constantly(answer(b"", "400 Bad Request")), None, True)
    with pytest.raises(StatsError, match="TLS|closed|reset") as caught:
        ask(server.url.replace("http:", "https:"))
    assert caught.value.kind == "connection"
    assert_silent(caught.value, TOKEN)


@pytest.mark.slow
@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_handshake_that_never_ends(
    ask: Get, within: Callable[[float], ContextManager[None]], hostile: Callable[..., Hostile], drips: bool
) -> None:
    """The timeout covers the TLS handshake."""
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + b"\x03" * 900
    server = hostile(lambda _target: drip(record) if drips else [], None, True)
    with within(TIMEOUT + 2), pytest.raises(StatsError) as caught:
        ask(server.url.replace("http:", "https:"))
    assert caught.value.kind == "timeout"


@pytest.mark.slow
def test_a_slow_connect_leaves_less_time_for_the_handshake(
    ask: Get, within: Callable[[float], ContextManager[None]]
) -> None:
    """The timeout covers both together, not each of them."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _place in range(2):
            # The queue is full afterwards, so that the system repeats its attempt after 1 and after 3 seconds.
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())

        def make_room() -> None:
            time.sleep(1.5)
            for _place in range(3):
                stack.enter_context(listener.accept()[0])

        listener.settimeout(10)
        thread = threading.Thread(target=make_room)
        thread.start()
        with within(5.5), pytest.raises(StatsError) as caught:
            ask(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", timeout=4)
        thread.join()
    assert caught.value.kind == "timeout"


def test_a_proxy_of_the_environment_is_asked_for_https(
    hostile: Callable[..., Hostile], ask: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees the host and the port to connect to, and nothing of the token."""
    proxy = hostile(constantly(answer(b"", "502 Bad Gateway")))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(StatsError, match="proxy") as caught:
        ask("https://service.example.test/v1", proxied="https://service.example.test/v1")
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)
    assert proxy.requests[0].startswith("CONNECT service.example.test:443 HTTP/1.")
    assert leaks("\n".join(proxy.requests), TOKEN) == []
    assert_silent(caught.value, TOKEN)


@pytest.mark.slow
@pytest.mark.parametrize("script", [never_speaks, drips_status, drips_headers, endless_headers, endless_header])
def test_a_proxy_cannot_hold_a_request(
    hostile: Callable[..., Hostile],
    ask: Get,
    monkeypatch: pytest.MonkeyPatch,
    within: Callable[[float], ContextManager[None]],
    script: Any,
) -> None:
    """The timeout covers what the proxy does before the service is reached."""
    proxy = hostile(script)
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
    with within(TIMEOUT + 2), pytest.raises(StatsError) as caught:
        ask("https://service.example.test/v1", proxied="https://service.example.test/v1")
    assert caught.value.kind in ("timeout", "connection", "answer")
    assert proxy.sent < 16 * BODY_LIMIT


@pytest.mark.parametrize(
    ("set_to", "proxied", "proxies"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.test/v1", {"https": "http://p:1"}),
        ({"https_proxy": "http://p:2", "no_proxy": "b.test"}, "https://a.test/v1", {"https": "http://p:2"}),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "https://a.test/v1", {}),
        ({"HTTPS_PROXY": "http://p:1"}, None, {}),
        ({}, "https://a.test/v1", {}),
    ],
)
def test_which_proxies_a_session_has(
    monkeypatch: pytest.MonkeyPatch, set_to: dict[str, str], proxied: str | None, proxies: dict[str, str]
) -> None:
    """Those that the environment names for the URL; none where none may be used."""
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    with contextlib.closing(HttpSession(load_authorities(True), proxied)) as session:
        assert {key: value for key, value in session._session.proxies.items() if key != "no"} == proxies
        assert not session._session.trust_env


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_that_speaks_tls(
    hostile: Callable[..., Hostile], authority: Authority, ask: Get, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """Its certificate is checked against the same authorities, before anything is said to it."""
    proxy = hostile(constantly(answer(b"", "403 Forbidden")), authority.context())
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.port}")
    url = "https://service.example.test/v1"
    with pytest.raises(StatsError) as caught:
        ask(url, verify=str(authority.bundle) if trusted else True, proxied=url)
    assert caught.value.kind == ("connection" if trusted else "certificate")
    assert [head.split(" ")[0] for head in proxy.requests] == (["CONNECT"] if trusted else [])
    assert TOKEN not in "".join(proxy.requests)


def test_an_error_after_a_good_answer_is_told_in_time(
    hostile: Callable[..., Hostile], within: Callable[[float], ContextManager[None]]
) -> None:
    """A connection that is used again has the new request's deadline, not the old one's."""
    replies: Iterator[Any] = iter([[answer(COUNTS)], drip(b"HTTP/1.1 200 " + b"O" * 300)])
    server = hostile(lambda _target: next(replies))
    with contextlib.closing(HttpSession(load_authorities(True), None)) as session:
        session.get(server.url, 30)
        with within(TIMEOUT + 2), pytest.raises(StatsError) as caught:
            session.get(server.url, TIMEOUT)
    assert caught.value.kind == "timeout"
    assert server.connections == 1


def test_a_late_request_on_a_kept_connection_has_its_whole_time(hostile: Callable[..., Hostile]) -> None:
    """Time between two requests is not taken from the second."""
    server = hostile(constantly(answer(COUNTS)))
    with contextlib.closing(HttpSession(load_authorities(True), None)) as session:
        session.get(server.url, 0.5)
        time.sleep(0.7)
        assert session.get(server.url, 0.5).status == 200
