"""Proxies that the environment names: each kind works as in requests, and no error shows a password."""

import contextlib
import itertools
import logging
import re
import socket
from unittest import mock

import pytest
import urllib3
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    answer,
    assert_silent,
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
KINDS = [("connect", "http"), ("socks5", "socks5h"), ("socks4", "socks4a")]
OTHERS = {"credentials": ("user", "another")}


@pytest.fixture
def service(hostile, authority):
    """A service with TLS and a certificate for 192.0.2.1."""
    return hostile(constantly(answer(COUNTS)), authority.context("another name"))


@pytest.fixture
def proxy(service, monkeypatch):
    """Start a proxy to the service, and name it in the environment; stopped after the test."""
    with contextlib.ExitStack() as stack:

        def start(protocol, scheme, user="", variable="HTTPS_PROXY", port=service.port, **given):
            server = stack.enter_context(contextlib.closing(Proxy(protocol, port, **given)))
            monkeypatch.setenv(variable, f"{scheme}{'://' if scheme else ''}{user}{server.address}")
            return server

        yield start


def failure(client):
    """The error that a fetch ends with, which has no secret in it."""
    with pytest.raises(SmtpeterError) as caught:
        client.fetch("tag")
    for secret in (TOKEN, PASSWORD):
        assert_silent(caught.value, secret)
    return caught.value


@pytest.mark.parametrize(
    ("protocol", "scheme", "user", "host"),
    [
        *(("connect", scheme, "", "127.0.0.1") for scheme in ("HTTP", "")),
        *(("socks5", scheme, "", "127.0.0.1") for scheme in ("socks5", "SOCKS5H")),
        ("socks4", "socks4", "", "127.0.0.1"),
        *((*kind, USER, "127.0.0.1") for kind in KINDS),
        *((*kind, "", "::1") for kind in KINDS),
    ],
)
def test_each_kind_of_proxy_works(connect, authority, service, proxy, protocol, scheme, user, host):
    """The service is reached through it, its certificate is checked, and only the service sees the token."""
    pair = ("user", PASSWORD) if user else None
    server = proxy(protocol, scheme, user, host=host, credentials=pair)
    client = connect(URL, TOKEN, ca_path=str(authority.bundle))
    for tag in ("a", "b"):
        assert client.fetch(tag).body
    error = failure(connect(URL, TOKEN))
    assert error.kind == "certificate"
    assert "the certificate of 192.0.2.1 cannot be trusted" in str(error)
    assert service.targets == [f"/v1/stats/{tag}?access_token={TOKEN}" for tag in ("a", "b")]
    assert server.asked == [("192.0.2.1", 443)] * 2
    if protocol != "socks4":
        assert server.shown == [pair] * 2


@pytest.mark.parametrize(("protocol", "scheme"), KINDS)
def test_a_name_is_resolved_by_the_proxy(connect, proxy, protocol, scheme):
    """The name never gets to this machine's resolver."""
    server = proxy(protocol, scheme)
    with mock.patch.object(socket, "getaddrinfo", wraps=socket.getaddrinfo) as resolve:
        assert connect(NAME, validate_certs=False).fetch("a").body
    assert server.asked == [("service.example.test", 443)]
    assert {call.args[0] for call in resolve.call_args_list} <= {"127.0.0.1"}


@pytest.mark.parametrize("scheme", ["", "socks5", "socks4"])
def test_a_name_is_resolved_here(connect, proxy, scheme):
    """Without a proxy, and by these schemes, the client resolves the name: an unknown one says so."""
    asked = proxy(scheme, scheme).asked if scheme else []
    error = failure(connect("https://no-such-host.invalid/v1", TOKEN))
    assert (error.kind, error.retryable) == ("connection", True)
    assert "cannot connect to no-such-host.invalid: its name cannot be resolved" in str(error)
    assert asked == []


def test_a_proxy_that_speaks_tls(connect, authority, proxy):
    """The service is reached by TLS within TLS; a proxy that cannot be trusted is told apart, and sees nothing."""
    server = proxy("connect", "https", tls=authority.context())
    assert connect(URL, TOKEN, ca_path=str(authority.bundle)).fetch("a").body
    assert len(server.asked) == 1
    error = failure(connect(URL, TOKEN))
    assert error.kind == "certificate"
    assert len(server.asked) == 1
    # Version 1 of urllib3 does not say whose it is.
    whose = "of .*" if urllib3.__version__.startswith("1.") else "of the proxy set in HTTPS_PROXY"
    assert re.search(f"the certificate {whose} cannot be trusted", str(error))


@pytest.mark.parametrize(
    ("name", "without", "proxied"),
    [
        ("HTTPS_PROXY", "192.0.2.2,example.test", True), ("https_proxy", "", True), ("all_proxy", "", True),
        ("HTTP_PROXY", "", False), ("HTTPS_PROXY", "192.0.2.0/24", False), ("ALL_PROXY", "*", False),
    ],
)  # fmt: skip
def test_which_variables_count(monkeypatch, connect, authority, proxy, name, without, proxied):
    """Those that requests reads, in either case, less the hosts of NO_PROXY."""
    server = proxy("connect", "http", USER, variable=name)
    monkeypatch.setenv("NO_PROXY", without)
    found = _proxy.environment_proxy(URL)
    assert (found and found.variable) == (name if proxied else None)
    assert PASSWORD not in repr(found)
    if proxied:
        assert connect(URL, ca_path=str(authority.bundle)).fetch("a").body
        assert len(server.asked) == 1


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize(
    ("protocol", "scheme", "user", "refusing", "says", "attempts"),
    [
        ("connect", "http", USER, {"refusal": "403 No"}, "does not connect: it answered 403 (Forbidden)", 1),
        ("connect", "http", USER, {"refusal": "503 No"}, "does not connect: it answered 503 (Service Unavailable)", 3),
        ("connect", "http", USER, {"refusal": f"599 {PASSWORD} {TOKEN}"}, "does not connect: it answered 599;", 3),
        ("socks5", "socks5h", USER, {"refusal": 5}, "does not connect (0x05: Connection refused)", 3),
        ("socks4", "socks4a", USER, {"refusal": 0x5B}, "does not connect (0x5b: Request rejected or failed)", 3),
        *(("other", scheme, USER, {}, "does not speak SOCKS as expected", 3) for scheme in ("socks5h", "socks4a")),
        # Missing credentials, and wrong ones.
        *((*kind, "", OTHERS, "refuses the credentials, or requires some", 1) for kind in KINDS[:2]),
        *((*kind, USER, OTHERS, "refuses the credentials, or requires some", 1) for kind in KINDS[:2]),
    ],
)
def test_a_refusal_is_told(connect, proxy, caplog, protocol, scheme, user, refusing, says, attempts):
    """With its status or code, and asked again only where that can help; it is no refusal of the token."""
    caplog.set_level(logging.DEBUG)
    proxy(protocol, scheme, user, variable="ALL_PROXY", **refusing)
    error = failure(connect(URL, TOKEN, retries=2, timeout=1))
    assert (error.kind, error.status, error.is_token_refused) == ("connection", None, False)
    assert f"cannot connect to 192.0.2.1: the proxy set in ALL_PROXY {says}" in str(error)
    assert ("give ALL_PROXY the right ones" if refusing is OTHERS else "correct ALL_PROXY") in str(error)
    assert error.attempts == attempts
    assert leaks(caplog.text, TOKEN) == leaks(caplog.text, PASSWORD) == []


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h", "socks4a"])
def test_a_proxy_that_is_not_there(monkeypatch, connect, scheme):
    """Nothing listens, or the name is unknown: both are told, with the variable, and tried again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for host, says in (("127.0.0.1", "connection refused"), ("no-such.invalid", "its name cannot be resolved")):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{USER}{host}:{port}")
        error = failure(connect(URL, TOKEN, retries=1))
        assert (error.kind, error.attempts) == ("connection", 2)
        assert f"the proxy set in HTTPS_PROXY cannot be reached ({says}); correct HTTPS_PROXY" in str(error)


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("slow", ["pause", "lag"])
@pytest.mark.parametrize(("protocol", "scheme"), [*KINDS, ("connect", "https")])
def test_a_proxy_cannot_hold_a_request(connect, proxy, authority, within, protocol, scheme, slow):
    """Byte by byte, a proxy is given no more than the timeout for all it says and passes on, TLS within TLS too."""
    proxy(protocol, scheme, tls=authority.context() if scheme == "https" else None, **{slow: 0.2})
    with within(4):
        assert failure(connect(URL, TOKEN, ca_path=str(authority.bundle), timeout=0.8)).kind == "timeout"


@pytest.mark.parametrize("is_behind", [False, True])
def test_an_answer_without_end(monkeypatch, connect, hostile, proxy, authority, within, is_behind):
    """What a proxy says is bounded, and what a service behind one does; the proxy is shown the host, not the token."""
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\nX-Odd: "], itertools.repeat(b"x" * 65536))
    server = hostile(lambda _target: endless, authority.context() if is_behind else None)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    if is_behind:
        proxy("socks5", "socks5h", port=server.port)
    with within(4):
        error = failure(connect(NAME, TOKEN, validate_certs=False, timeout=1))
    assert error.kind in ("timeout", "connection", "answer")
    assert server.sent < 2**24
    if not is_behind:
        assert [head.split("\n")[0][:-1] for head in server.requests] == ["CONNECT service.example.test:443 HTTP/1."]
        assert leaks("\n".join(server.requests), TOKEN) == []


UNUSABLE = [
    f"http://{USER}proxy:port", "http://:3128", f"http://{USER}", f"http://{USER}[::1:3128", f"socks5h://{USER}", USER,
    f"http://{USER}proxy:99999", f"ftp://{USER}proxy:21", f"file:///{PASSWORD}", f"http://{USER}pro xy:3128", "://",
    f"http:\\\\{PASSWORD}:3128", f"http://us\u0119r:{PASSWORD}@proxy:3128",
]  # fmt: skip


@pytest.mark.parametrize("value", UNUSABLE)
def test_an_unusable_value_is_named(monkeypatch, connect, value):
    """What is no address of a proxy is an error of the variable, before anything is sent, and does not show it."""
    monkeypatch.setenv("https_proxy", value)
    error = failure(connect(NAME, TOKEN, retries=3))
    assert isinstance(error, OptionError)
    assert error.option == "https_proxy"
    assert re.search(r"HOST:PORT|Latin-1", str(error))


def test_without_pysocks(monkeypatch, connect):
    """A SOCKS proxy without PySocks is an error that names it, and how to install it; other proxies need none."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", f"SOCKS5://{USER}127.0.0.1:1080")
    error = failure(connect(URL, TOKEN, retries=3))
    assert isinstance(error, LibraryMissing)
    assert re.search("library PySocks is not installed.*python3-socks.* set HTTPS_PROXY to", str(error))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert isinstance(failure(connect(URL, TOKEN)), StatsError)
