# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies that the environment names: each kind works as in requests, and no error shows a password."""

from __future__ import annotations

import logging
import re
import socket
from typing import Any, Callable, ContextManager, Iterator

import pytest
import urllib3
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.plugins.module_utils._proxy import environment_proxy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    constantly,
    leaks,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.proxies import Proxy

TOKEN = "a-secret-token"
PASSWORD = "pass-w0rd"
USER = "user:pass-w0rd@"
# What the service's certificate is for; nothing is there.
URL = "https://192.0.2.1/v1"
NAME = "https://service.example.test/v1"

Serve = Callable[..., Hostile]
Connect = Callable[..., Client]


@pytest.fixture
def service(hostile: Serve, authority: Authority) -> Hostile:
    """A service with TLS and a certificate for 192.0.2.1."""
    return hostile(constantly(answer(COUNTS)), authority.context("another name"))


@pytest.fixture
def proxy(service: Hostile) -> Iterator[Callable[..., Proxy]]:
    """Start a proxy to the service; stopped after the test."""
    started: list[Proxy] = []

    def start(protocol: str, **given: Any) -> Proxy:
        started.append(Proxy(protocol, service.port, **given))
        return started[-1]

    yield start
    for server in started:
        server.close()


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def failure(client: Client, tag: str = "tag") -> Any:
    """The error that a fetch ends with, which has no secret in it."""
    with pytest.raises(SmtpeterError) as caught:
        client.fetch(tag)
    pending: list[Any] = [caught.value]
    while pending:
        item = pending.pop()
        if item is not None:
            shown = f"{item} {item!r} {item.args}"
            assert leaks(shown, TOKEN) == []
            assert leaks(shown, PASSWORD) == []
            pending += [item.__cause__, item.__context__]
    return caught.value


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("credentials", [False, True], ids=["open", "credentials"])
@pytest.mark.parametrize(
    ("protocol", "scheme"),
    [
        ("connect", "http://"),
        ("connect", "HTTP://"),
        ("connect", ""),
        ("socks5", "socks5h://"),
        ("socks5", "socks5://"),
        ("socks5", "SOCKS5H://"),
        ("socks4", "socks4a://"),
        ("socks4", "socks4://"),
    ],
)
def test_each_kind_of_proxy_works(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, authority: Authority, service: Hostile,
    proxy: Callable[..., Proxy], protocol: str, scheme: str, host: str, credentials: bool,
) -> None:  # fmt: skip
    """The service is reached through it, its certificate is checked, and only the service sees the token."""
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    pair = ("user", PASSWORD) if credentials else None
    server = proxy(protocol, host=host, credentials=pair)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}{USER if credentials else ''}{server.address}")
    client = connect(URL, TOKEN, ca_path=str(authority.bundle))
    for tag in ("a", "b"):
        assert client.fetch(tag).body
    assert service.targets == [f"/v1/stats/{tag}?access_token={TOKEN}" for tag in ("a", "b")]
    assert server.asked == [("192.0.2.1", 443)]
    if protocol != "socks4":
        assert server.shown == [pair]


@pytest.mark.parametrize(("scheme", "protocol"), [("socks5h", "socks5"), ("socks4a", "socks4"), ("http", "connect")])
def test_a_name_is_resolved_by_the_proxy(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, proxy: Callable[..., Proxy], scheme: str, protocol: str
) -> None:
    """The name never gets to this machine's resolver."""
    server = proxy(protocol)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{server.address}")
    resolve = socket.getaddrinfo
    names: list[Any] = []
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **kwargs: (names.append(args[0]), resolve(*args, **kwargs))[1]
    )
    assert connect(NAME, validate_certs=False).fetch("a").body
    assert server.asked == [("service.example.test", 443)]
    assert set(names) <= {"127.0.0.1"}


@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_a_name_is_resolved_here(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, proxy: Callable[..., Proxy], scheme: str
) -> None:
    """These schemes have the name resolved by the client: an unknown one says so."""
    server = proxy(scheme)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{server.address}")
    error = failure(connect("https://no-such-host.invalid/v1"))
    assert "its name cannot be resolved" in str(error)
    assert server.asked == []


def test_a_proxy_that_speaks_tls(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, authority: Authority, proxy: Callable[..., Proxy]
) -> None:
    """The service is reached by TLS within TLS; a proxy that cannot be trusted is told apart from the service."""
    server = proxy("connect", tls=authority.context())
    monkeypatch.setenv("HTTPS_PROXY", f"https://{server.address}")
    assert connect(URL, ca_path=str(authority.bundle)).fetch("a").body
    error = failure(connect(URL))
    assert error.kind == "certificate"
    assert "cannot be trusted" in str(error)
    # Version 1 does not say whose it is.
    if not urllib3.__version__.startswith("1."):
        assert "the certificate of the proxy set in HTTPS_PROXY cannot be trusted" in str(error)


def test_the_services_certificate_is_checked(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, service: Hostile, proxy: Callable[..., Proxy]
) -> None:
    """Behind any kind of proxy, it is the service that is not trusted, and nothing is sent to it."""
    for protocol, scheme in (("connect", "http"), ("socks5", "socks5h"), ("socks4", "socks4a")):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{proxy(protocol).address}")
        error = failure(connect(URL))
        assert error.kind == "certificate"
        assert "the certificate of 192.0.2.1 cannot be trusted" in str(error)
    assert service.requests == []


@pytest.mark.parametrize(
    ("names", "proxied"),
    [
        (["HTTPS_PROXY"], True),
        (["https_proxy"], True),
        (["ALL_PROXY"], True),
        (["all_proxy"], True),
        (["HTTP_PROXY"], False),
        (["HTTPS_PROXY", "NO_PROXY=192.0.2.1"], False),
        (["HTTPS_PROXY", "no_proxy=192.0.2.0/24"], False),
        (["ALL_PROXY", "no_proxy=*"], False),
        (["HTTPS_PROXY", "NO_PROXY=192.0.2.2,example.test"], True),
    ],
)
def test_which_variables_count(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, authority: Authority, proxy: Callable[..., Proxy],
    names: list[str], proxied: bool,
) -> None:  # fmt: skip
    """Those that requests reads, in either case, less the hosts of NO_PROXY."""
    server = proxy("connect")
    for name in names:
        variable, _equals, value = name.partition("=")
        monkeypatch.setenv(variable, value or f"http://{server.address}")
    found = environment_proxy(URL)
    assert (found is not None) is proxied
    if found:
        assert found.variable == names[0]
        assert connect(URL, ca_path=str(authority.bundle)).fetch("a").body
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("protocol", "scheme", "refusal", "says", "attempts"),
    [
        ("connect", "http", "407 Authenticate", "refuses the credentials, or requires some (407); give HTTPS_PROXY", 1),
        ("connect", "http", "403 No", "does not connect: it answered 403 (Forbidden); correct HTTPS_PROXY", 1),
        ("connect", "http", "400 No", "does not connect: it answered 400 (Bad Request)", 1),
        ("connect", "http", "502 No", "does not connect: it answered 502 (Bad Gateway)", 3),
        ("connect", "http", "503 No", "does not connect: it answered 503 (Service Unavailable)", 3),
        ("connect", "http", f"599 {PASSWORD} {TOKEN}", "does not connect: it answered 599;", 3),
        ("socks5", "socks5h", 5, "does not connect (0x05: Connection refused)", 3),
        ("socks5", "socks5", 2, "does not connect (0x02: Connection not allowed by ruleset)", 3),
        ("socks5", "socks5h", 200, "does not connect (0xc8: Unknown error)", 3),
        ("socks4", "socks4a", 0x5B, "does not connect (0x5b: Request rejected or failed)", 3),
        ("other", "socks5h", None, "does not speak SOCKS as expected", 3),
        ("other", "socks4a", None, "does not speak SOCKS as expected", 3),
    ],
)  # fmt: skip
def test_a_refusal_is_told(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, proxy: Callable[..., Proxy], caplog: pytest.LogCaptureFixture,
    protocol: str, scheme: str, refusal: Any, says: str, attempts: int,
) -> None:  # fmt: skip
    """With its status or code, and asked again only where that can help; it is no refusal of the token."""
    caplog.set_level(logging.DEBUG)
    server = proxy(protocol, refusal=refusal)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{USER}{server.address}")
    error = failure(connect(URL, TOKEN, retries=2, timeout=1))
    assert (error.kind, error.status, error.is_token_refused) == ("connection", None, False)
    assert f"cannot connect to 192.0.2.1: the proxy set in HTTPS_PROXY {says}" in str(error)
    assert error.attempts == attempts
    assert leaks(caplog.text, TOKEN) == []
    assert leaks(caplog.text, PASSWORD) == []


@pytest.mark.parametrize(("protocol", "scheme"), [("connect", "http"), ("socks5", "socks5h")])
@pytest.mark.parametrize("given", ["", "user:wrong@", "user:@"])
def test_credentials_that_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    connect: Connect,
    proxy: Callable[..., Proxy],
    protocol: str,
    scheme: str,
    given: str,
) -> None:
    """Missing and wrong ones are told as such, once, apart from a proxy that is not there."""
    server = proxy(protocol, credentials=("user", PASSWORD))
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://{given}{server.address}")
    error = failure(connect(URL, TOKEN, retries=2))
    assert (error.kind, error.attempts) == ("connection", 1)
    assert "the proxy set in ALL_PROXY refuses the credentials, or requires some" in str(error)
    assert "give ALL_PROXY the right ones" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h", "socks5", "socks4a"])
def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch, connect: Connect, scheme: str) -> None:
    """Nothing listens, or the name is unknown: both are told, with the variable."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for host, says in (("127.0.0.1", "connection refused"), ("no-such-proxy.invalid", "its name cannot be resolved")):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{USER}{host}:{port}")
        error = failure(connect(URL, TOKEN, retries=1))
        assert (error.kind, error.attempts) == ("connection", 2)
        assert f"the proxy set in HTTPS_PROXY cannot be reached ({says}); correct HTTPS_PROXY" in str(error)


@pytest.mark.parametrize(("protocol", "scheme"), [("connect", "http"), ("socks5", "socks5h"), ("socks4", "socks4a")])
def test_a_proxy_cannot_hold_a_request(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, proxy: Callable[..., Proxy],
    within: Callable[[float], ContextManager[None]], protocol: str, scheme: str,
) -> None:  # fmt: skip
    """A proxy that answers byte by byte is given no more than the timeout, from start to end."""
    server = proxy(protocol, pause=0.4)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{server.address}")
    with within(6):
        error = failure(connect(URL, TOKEN, timeout=1))
    assert error.kind == "timeout"


@pytest.mark.parametrize(
    ("protocol", "scheme"), [("connect", "http"), ("connect", "https"), ("socks5", "socks5h"), ("socks4", "socks4a")]
)
def test_a_proxy_cannot_hold_the_services_answer(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, proxy: Callable[..., Proxy], authority: Authority,
    within: Callable[[float], ContextManager[None]], protocol: str, scheme: str,
) -> None:  # fmt: skip
    """What the proxy passes on byte by byte is bounded, too, also the handshake of TLS within TLS."""
    server = proxy(protocol, lag=0.4, tls=authority.context() if scheme == "https" else None)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{server.address}")
    with within(6):
        error = failure(connect(URL, TOKEN, ca_path=str(authority.bundle), timeout=1.5))
    assert error.kind == "timeout"


@pytest.mark.parametrize("host", ["service.example.test", "192.0.2.1"])
def test_the_limits_of_an_answer_hold_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, hostile: Serve, authority: Authority,
    within: Callable[[float], ContextManager[None]], host: str,
) -> None:  # fmt: skip
    """Time and bytes of the service's own answer are bounded behind SOCKS as they are without."""

    def endless(_target: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield b"X-Odd: 1\r\n" * 4096

    slow, long = hostile(lambda _target: [], authority.context()), hostile(endless, authority.context())
    for server, kinds in ((slow, {"timeout"}), (long, {"connection", "answer", "timeout"})):
        relay = Proxy("socks5", server.port)
        monkeypatch.setenv("HTTPS_PROXY", f"socks5h://{relay.address}")
        with within(6):
            error = failure(connect(f"https://{host}/v1", TOKEN, validate_certs=False, timeout=1))
        relay.close()
        assert error.kind in kinds
        assert server.sent < 2**24


@pytest.mark.parametrize(
    "value",
    [
        "http://",
        "http://:3128",
        "http://[::1",
        f"http://{USER}",
        f"http://{USER}[::1:3128",
        f"http://{USER}proxy:port",
        f"http://{USER}proxy:99999",
        f"socks5h://{USER}",
        f"{USER}",
        f"ftp://{USER}proxy:21",
        f"socks://{USER}proxy:1080",
        f"socks6://{USER}proxy:1080",
        f"file:///{PASSWORD}",
        f"http://{USER}pro xy:3128",
        f"http:\\\\{PASSWORD}:3128",
        f"http://us\u0119r:{PASSWORD}@proxy:3128",
        ":",
        "://",
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_an_unusable_value_is_named(monkeypatch: pytest.MonkeyPatch, connect: Connect, name: str, value: str) -> None:
    """What is no address of a proxy is an error of the variable, before anything is sent, and does not show it."""
    monkeypatch.setenv(name, value)
    error = failure(connect("https://service.example.test/v1", TOKEN, retries=3))
    assert isinstance(error, OptionError)
    assert error.option == name
    assert re.search(r"HOST:PORT|Latin-1", str(error))


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("localhost:3128", "http://localhost:3128"),
        ("proxy.test:3128", "http://proxy.test:3128"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("[::1]:1", "http://[::1]:1"),
        ("user:pass@localhost:3128", "http://user:pass@localhost:3128"),
        ("http://proxy.test", "http://proxy.test"),
        ("http://proxy.test:3128/", "http://proxy.test:3128/"),
        ("https://user:p%40ss@proxy.test", "https://user:p%40ss@proxy.test"),
        ("socks5h://proxy.test", "socks5h://proxy.test"),
    ],
)
def test_values_that_are_understood(monkeypatch: pytest.MonkeyPatch, value: str, url: str) -> None:
    """With and without scheme, port and credentials."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    found = environment_proxy(URL)
    assert found is not None
    assert (found.url, found.variable) == (url, "HTTPS_PROXY")
    assert "pass" not in repr(found)


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "socks4a", "socks4", "SOCKS5"])
def test_without_pysocks(monkeypatch: pytest.MonkeyPatch, connect: Connect, scheme: str) -> None:
    """A SOCKS proxy without PySocks is an error that names it, and how to install it; other proxies need none."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{USER}127.0.0.1:1080")
    error = failure(connect(URL, TOKEN, retries=3))
    assert isinstance(error, LibraryMissing)
    assert "the Python library PySocks is not installed" in str(error)
    assert "pip install PySocks" in str(error)
    assert "python3-socks" in str(error)
    assert "HTTPS_PROXY" in str(error)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert isinstance(failure(connect(URL, TOKEN)), StatsError)
