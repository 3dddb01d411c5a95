# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault that the hostile services have, what must come of it, and the services themselves."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import socket
import time
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Iterable, Iterator
from urllib.parse import unquote

from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    Script,
    answer,
    constantly,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.proxies import Proxy

if TYPE_CHECKING:
    import pathlib

MEBIBYTE = 2**20
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = json.dumps(COUNTS).encode()
# In no answer that is to be understood.
WRONG = {**COUNTS, "messages": 4711, "deliveries": 4711}
PATIENT = 5.0
HASTY = 0.5


@dataclass(frozen=True)
class Fault:
    """One way to go wrong, or to be odd.

    One of the `kinds` of error must come of it, whose text matches `says`; without kinds, a record with the counters of
    `COUNTS`. `place` is the service that has it, `timeout` that of a request; if it is `alone`, other requests would
    have to wait because of it.
    """

    family: str
    name: str
    script: Script = field(repr=False, default=constantly(b""))
    kinds: tuple[str, ...] = ()
    says: str = ""
    place: str = "plain"
    timeout: float = PATIENT
    alone: bool = False
    number: int = 0

    @property
    def tag(self) -> str:
        """The tag that it goes by; the number tells apart what differs in signs alone."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.number} {self.family} {self.name}".lower()).strip("-")


def _ends(sent: bytes, how: type[Exception] = EOFError) -> Script:
    """Send this much, and hang up or reset."""

    def script(_target: str) -> Iterator[bytes]:
        yield sent
        raise how

    return script


def _drips(head: bytes, data: bytes) -> Script:
    """Send the head, and then a byte at a time."""

    def script(_target: str) -> Iterator[bytes]:
        yield head
        for byte in data:
            yield bytes([byte])
            time.sleep(0.05)

    return script


def _forever(head: bytes, part: bytes, pause: float = 0) -> Script:
    """Send the head, and then the same again and again."""

    def script(_target: str) -> Iterator[bytes]:
        yield head
        while True:
            yield part
            time.sleep(pause)

    return script


def _header_after_header(head: bytes) -> Script:
    return lambda _target: itertools.chain([head], (b"X-%d: x\r\n" % number * 2000 for number in itertools.count()))


def _body(content: bytes | dict[str, Any], *headers: str) -> Script:
    return constantly(answer(content, "200 OK", *headers))


def _written(key: str, number: str) -> Script:
    """The counters with a number written like this, whatever a serializer would make of it."""
    return _body(json.dumps({**COUNTS, key: "@"}).replace('"@"', number).encode())


def _bomb() -> bytes:
    """A gzip file of about a megabyte that inflates to a gibibyte; its check value is never reached."""
    squeeze = zlib.compressobj(9, wbits=-15)
    squeeze.compress(b" " * MEBIBYTE)
    squeeze.flush(zlib.Z_FULL_FLUSH)
    # From here on each mebibyte is the same block, which stands for itself.
    block = squeeze.compress(b" " * MEBIBYTE) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * 1000 + b"\x03\0" + b"\0" * 8


def _echo(status: str, *headers: str) -> Script:
    """A page that repeats the request, token and all, raw and as it came."""

    def script(target: str) -> Iterator[bytes]:
        page = f"<html><title>Oops</title><a href='{target}'>{unquote(target)}</a></html>"
        yield answer(page.encode(), status, "Content-Type: text/html", *headers)

    return script


BOMB = _bomb()
SQUEEZED = gzip.compress(GOOD)
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x7f"
CONNECTION = ("connection",)
TIMEOUT = ("timeout",)
ANSWER = ("answer",)
SERVICE = ("service",)
CLOSED = "closed the connection|reset by peer"
NOT_UNDERSTOOD = "cannot be understood"
TOO_LONG = "more than 1048576 bytes"


def _connection_faults() -> Iterable[Fault]:
    cut = HEAD + b'Content-Length: 1000\r\n\r\n{"messages": 1'
    banner = b"SSH-2.0-OpenSSH_9.6\r\n"
    for name, script in (
        ("hung up without a word", _ends(b"")),
        ("reset in the headers", _ends(HEAD + b"Content-Le", ConnectionResetError)),
        ("reset in the body", _ends(cut, ConnectionResetError)),
        ("another protocol", _ends(banner)),
    ):
        yield Fault("connection", name, script, CONNECTION, CLOSED)
    yield Fault("connection", "another protocol that goes on", constantly(banner * 3), CONNECTION + ANSWER)
    yield Fault("connection", "refused", place="closed", kinds=CONNECTION, says="connection refused")


def _slow_faults() -> Iterable[Fault]:
    head = HEAD + b"Content-Length: 900\r\n\r\n"
    for name, script in (
        ("no answer", lambda _target: []),
        ("drip of the status line", _drips(b"HTTP/1.1 200 ", b"O" * 900)),
        ("drip of a header", _drips(HEAD, b"X-Odd: " + b"x" * 900)),
        ("drip of the body", _drips(head, b" " * 900)),
        ("drip of chunks", _drips(CHUNKED, b"1\r\n \r\n" * 900)),
        ("drip of 100 Continue", _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)),
        ("body that stops halfway", constantly(head + GOOD)),
    ):
        yield Fault("slow", name, script, TIMEOUT, "no complete answer from .* in time", timeout=HASTY)
    yield Fault("slow", "TLS handshake", kinds=TIMEOUT, says="in time", place="handshake", timeout=HASTY)


def _endless_faults() -> Iterable[Fault]:
    page = b" " * 65536
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\n\r\n"
    for name, script in (
        ("status line", _forever(b"HTTP/1.1 200 ", b"x" * 65536)),
        ("header", _forever(HEAD + b"X-Odd: ", b"x" * 65536)),
        ("headers", _header_after_header(HEAD)),
        ("flood of 100 Continue", _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)),
        ("100 Continue with headers", _header_after_header(b"HTTP/1.1 100 Continue\r\n")),
        ("chunk size", _forever(CHUNKED, b"0" * 65536)),
        ("chunk extension", _forever(CHUNKED + b"5;", b"x" * 65536)),
        ("trailers", _header_after_header(CHUNKED + b"2\r\n{}\r\n0\r\n")),
    ):
        # What is read line by line may take longer than there is time, on a busy machine.
        says = "has no end|closed the connection|malformed|in time"
        yield Fault("endless", name, script, (*ANSWER, *CONNECTION, *TIMEOUT), says)
    for name, script, kinds, says in (
        ("body", _forever(HEAD + b"\r\n", page), ANSWER, TOO_LONG),
        ("chunks", _forever(CHUNKED, b"10000\r\n" + page + b"\r\n"), ANSWER, TOO_LONG),
        ("body of a redirect", _forever(moved, page), ANSWER, "answered 302"),
        ("body of an error", _forever(b"HTTP/1.1 500 Oops\r\n\r\n", page), SERVICE, "answered 500"),
        ("flood of 103 Early Hints", _forever(b"", early * 2000), ANSWER, "answered 103"),
    ):
        yield Fault("endless", name, script, kinds, says)


def _framing_faults() -> Iterable[Fault]:
    either = (*CONNECTION, *ANSWER)
    for name, script, kinds, says in (
        ("Content-Length too long", _ends(HEAD + b"Content-Length: 1000\r\n\r\n" + GOOD), CONNECTION, CLOSED),
        ("Content-Length too short", _body(GOOD, "Content-Length: 40"), ANSWER, "not JSON"),
        ("Content-Length of 10^30", _ends(answer(GOOD, "200 OK", f"Content-Length: {10**30}")), CONNECTION, CLOSED),
        ("chunked, cut short", _ends(CHUNKED + b"5\r\n{\"mes\r\n"), CONNECTION, CLOSED),
        ("chunked, no last chunk", _ends(CHUNKED + b"%x\r\n%s\r\n" % (len(GOOD), GOOD)), CONNECTION, CLOSED),
        ("chunked, size not a number", _ends(CHUNKED + b"ten\r\n" + GOOD), either, ""),
        ("chunked, size below 0", _ends(CHUNKED + b"-5\r\n" + GOOD), either, ""),
        ("gzip, cut short", _body(SQUEEZED[:-12], "Content-Encoding: gzip"), either, ""),
        ("gzip that is none", _body(GOOD, "Content-Encoding: gzip"), ANSWER, "malformed"),
        ("gzip within gzip", _body(gzip.compress(SQUEEZED), "Content-Encoding: gzip, gzip"), ANSWER, "malformed"),
        ("another encoding", _body(GOOD, "Content-Encoding: br"), ANSWER, "malformed"),
        ("gzip bomb", _body(BOMB, "Content-Encoding: gzip"), ANSWER, TOO_LONG),
        ("gzip bomb of an error", constantly(answer(BOMB, "500 Oops", "Content-Encoding: gzip")), SERVICE, "500"),
        ("gzip without end", _forever(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB[:-10], BOMB[10:-10]), ANSWER,
         TOO_LONG),
        ("one byte above the limit", _body(GOOD.ljust(MEBIBYTE + 1)), ANSWER, TOO_LONG),
    ):  # fmt: skip
        yield Fault("framing", name, script, kinds, says)
    for name, script in (
        ("just within the limit", _body(GOOD.ljust(MEBIBYTE))),
        ("Content-Length that is no number", _ends(answer(GOOD, "200 OK", "Content-Length: ten"))),
        ("Content-Length below 0", _ends(answer(GOOD, "200 OK", "Content-Length: -5"))),
        ("gzip unasked", _body(SQUEEZED, "Content-Encoding: gzip")),
        ("two answers to one request", constantly(answer(COUNTS) + answer(WRONG))),
        ("odd headers", _body(GOOD, "X-No-Colon", "X-Odd : 1", f"X-Escapes: {ESCAPES}")),
    ):
        yield Fault("framing", name, script)


def _status_faults() -> Iterable[Fault]:
    for status, name, after, says in (
        ("429 Slow down", "of 3 million million years", "99999999999999999999", "429"),
        ("503 Not now", "date in the year 9999", "Fri, 31 Dec 9999 23:59:59 GMT", "503"),
        ("503 Not now", "3600", "3600", "asks to wait 3600 s"),
    ):
        script = _echo(status, f"Retry-After: {after}")
        yield Fault("status", f"{status[:3]}, Retry-After {name}", script, SERVICE, says, alone=True)
    for after in ("-1", "1e999", "never", ESCAPES):
        shown = "of terminal escapes" if after == ESCAPES else after
        yield Fault("status", f"429, Retry-After {shown}", _echo("429 No", f"Retry-After: {after}"), SERVICE, "429")
    for status, kinds in (
        ("500 Oops", SERVICE),
        ("599 ", SERVICE),
        ("999 Beyond", SERVICE),
        ("408 Request Timeout", SERVICE),
        ("400 Bad", ("refused",)),
        ("410 Gone", ("refused",)),
        ("206 Partial Content", ANSWER),
        ("204 No Content", ANSWER),
    ):
        yield Fault("status", status.strip(), _echo(status), kinds, f"answered {status[:3]}")
    escapes = constantly(answer(b"", f"500 {ESCAPES}"))
    yield Fault("status", "terminal escapes in the reason", escapes, SERVICE, "500")


def _redirect_faults() -> Iterable[Fault]:
    for status in (301, 302, 303, 307, 308):
        name = f"{status} to another host"
        yield Fault("redirect", name, kinds=ANSWER, says="redirects are never followed")
    yield Fault("redirect", "from TLS to plain HTTP", kinds=ANSWER, says="redirects are never followed", place="tls")


def _certificate_faults() -> Iterable[Fault]:
    kinds = ("certificate",)
    for place in ("expired", "another name", "self-signed", "unknown authority"):
        yield Fault("certificate", place, place=place, kinds=kinds, says="certificate of .* cannot be trusted")
    yield Fault("certificate", "no TLS at all", place="no tls", kinds=CONNECTION, says="TLS|closed|reset")


def _proxy_faults() -> Iterable[Fault]:
    for place, name in (("IPv6 proxy", "at an IPv6 literal"), ("SOCKS proxy", "SOCKS, with names resolved there")):
        yield Fault("proxy", name, _body(COUNTS), place=place)
    for place, name, says in (
        ("407.IPv6 proxy", "407 to CONNECT", "set in [A-Z_]+ refuses the credentials, or requires some .407."),
        ("403.IPv6 proxy", "403 to CONNECT", "set in [A-Z_]+ does not connect: it answered 403"),
        ("502.IPv6 proxy", "502 to CONNECT", "set in [A-Z_]+ does not connect: it answered 502"),
        ("refused.SOCKS proxy", "SOCKS that refuses", "set in [A-Z_]+ does not connect .0x05: Connection refused"),
    ):
        yield Fault("proxy", name, kinds=CONNECTION, says=says, place=place)


def _text_faults() -> Iterable[Fault]:
    latin = json.dumps({**COUNTS, "sender": "café"}, ensure_ascii=False).encode("latin-1")
    for name, body, says in (
        ("nothing", b"", "not JSON"),
        ("UTF-16 with a BOM", GOOD.decode().encode("utf-16"), "not UTF-8"),
        ("Latin-1", latin, "not UTF-8"),
        ("two BOMs", b"\xef\xbb\xbf" * 2 + GOOD, "not JSON"),
        ("NUL bytes alone", b"\0" * 5000, "not JSON"),
        ("NUL bytes in a name", GOOD.replace(b"opens", b"op\0ens"), "not JSON"),
        ("terminal escapes", ESCAPES.encode() * 9, "not JSON"),
        ("terminal escapes in a number", json.dumps({**COUNTS, "opens": ESCAPES}).encode(), "not a whole number"),
        ("terminal escapes in the tag", json.dumps({**COUNTS, "tag": ESCAPES}).encode(), "another tag"),
        ("cut short", GOOD[:-9], "not JSON"),
        ("two objects", GOOD * 2, "not JSON"),
        ("a template of Jinja", b"{{ lookup('pipe', 'id') }}", "not JSON"),
        ("100,000 lists in each other", b"[" * 100000 + b"]" * 100000, "nested too deeply"),
        ("100,000 objects in each other", b'{"a":' * 100000 + b"1" + b"}" * 100000, "nested too deeply"),
        ("a list of 300,000 lists", b"[" + b"[]," * 300000 + b"[]]", "not a JSON object"),
    ):
        yield Fault("text", name, _body(body), ANSWER, says)
    yield Fault("text", "HTML with 200, and the token in it", _echo("200 OK"), ANSWER, NOT_UNDERSTOOD)
    more = b"".join(b',"k%d":0' % number for number in range(80000))
    for name, script in (
        ("BOM", _body(b"\xef\xbb\xbf" + GOOD)),
        ("another type named", _body(GOOD, "Content-Type: text/html; charset=utf-16")),
        ("NUL in another text", _body({**COUNTS, "x": "\0"})),
        ("80,000 keys more", _body(GOOD[:-1] + more + b"}")),
        ("texts of Jinja", _body({**COUNTS, "{{ 1 }}": "{{ lookup('pipe', 'id') }}"})),
    ):
        yield Fault("text", name, script)


def _number_faults() -> Iterable[Fault]:
    nines = "9" * 5000
    names = {nines: "999... (5,000 nines)", f'"{nines}"': '"999..." (5,000 nines)'}
    for number in (
        "1e400", "1e-400", "1E999999999999999999999", nines, "9223372036854775808", "-1", "0.5", "NaN", "-Infinity",
        "true", "null", "[1000]", '""', '"1e3"', '" 1000"', '"-1"', '"١٠٠٠"', f'"{nines}"',
    ):  # fmt: skip
        yield Fault("number", names.get(number, number), _written("messages", number), ANSWER, NOT_UNDERSTOOD)
    for number in ("1000.0", "1000000e-3", '"0001000"'):
        yield Fault("number", number, _written("messages", number))
    for name, script in (
        ("a counter missing", _body({key: count for key, count in COUNTS.items() if key != "deliveries"})),
        ("a key twice", _body(GOOD[:-1] + b', "messages": 4711}')),
        ("two spellings that disagree", _body({**COUNTS, "delivery": 4711})),
    ):
        yield Fault("number", name, script, ANSWER, NOT_UNDERSTOOD)


FAULTS = tuple(
    replace(fault, number=number)
    for number, fault in enumerate(
        itertools.chain(
            _connection_faults(), _slow_faults(), _endless_faults(), _framing_faults(), _status_faults(),
            _redirect_faults(), _certificate_faults(), _proxy_faults(), _text_faults(), _number_faults(),
        ), 1,
    )
)  # fmt: skip


def tag_of(target: str) -> str:
    """The tag that a request is about."""
    return target.partition("?")[0].rsplit("/", 1)[-1]


class Services:
    """The services that have all of some faults, and a good answer for everything else.

    `access` leads to each place: its api_url and, if needed, a ca_path. `servers` are the services by place.
    `elsewhere` is where redirects point: nothing must ever come there. `proxies` are the proxies by the words that
    their places end in; the others are reached without, whatever proxy is set, since they are on loopback.
    """

    def __init__(self, directory: pathlib.Path, faults: Iterable[Fault] = FAULTS, good: bytes = GOOD) -> None:
        authority = Authority(directory)
        self._good = good
        self._scripts = {fault.tag: fault.script for fault in faults}
        self._redirects = {fault.tag: fault for fault in faults if fault.family == "redirect"}
        self.elsewhere = Hostile(constantly(answer(WRONG)))
        bundled = ("expired", "another name", "self-signed")
        self.servers = {
            "plain": Hostile(self.reply),
            "tls": Hostile(self.reply, authority.context()),
            "unknown authority": Hostile(constantly(answer(WRONG)), authority.context()),
            **{flaw: Hostile(constantly(answer(WRONG)), authority.context(flaw)) for flaw in bundled},
            "no tls": Hostile(constantly(answer(b"", "400 Bad Request")), impatient=True),
            "handshake": Hostile(lambda _target: [], impatient=True),
        }
        # Its certificate is for an address that leads nowhere without a proxy.
        self.servers["behind a proxy"] = Hostile(self.reply, authority.context("another name"))
        port = self.servers["behind a proxy"].port
        statuses = {"407.example.test": "407 Who are you", "403.example.test": "403 No", "502.example.test": "502 Oops"}
        self._proxies = {
            "IPv6 proxy": Proxy("connect", port, host="::1", refusal=statuses.get),
            "SOCKS proxy": Proxy("socks5", port, refusal={"refused.example.test": 5}.get),
        }
        schemes = {"IPv6 proxy": "http", "SOCKS proxy": "socks5h"}
        self.proxies = {name: f"{schemes[name]}://{proxy.address}" for name, proxy in self._proxies.items()}
        # Bound and not listening, so that nobody else gets the port.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        urls = {place: server.url for place, server in self.servers.items()}
        urls["closed"] = f"http://127.0.0.1:{self._closed.getsockname()[1]}/v1"
        for place in ("no tls", "handshake"):
            urls[place] = urls[place].replace("http:", "https:")
        bundle = str(authority.bundle)
        self.access = {place: (url, bundle if place in ("tls", *bundled) else None) for place, url in urls.items()}
        for place in {fault.place for fault in FAULTS if fault.family == "proxy"}:
            name = f"{place.split('.')[0]}.example.test" if "." in place else "192.0.2.1"
            self.access[place] = (f"https://{name}/v1", bundle)

    def proxy_of(self, fault: Fault) -> str:
        """The proxy that the environment must name for a fault; most services make no use of it."""
        return self.proxies["SOCKS proxy" if fault.place.endswith("SOCKS proxy") else "IPv6 proxy"]

    @property
    def untrusted(self) -> list[str]:
        """The requests that came through a certificate that cannot be trusted."""
        places = {fault.place for fault in FAULTS if fault.family == "certificate"} - {"no tls"}
        return [head for place in places for head in self.servers[place].requests]

    def close(self) -> None:
        """Stop them all."""
        self._closed.close()
        for server in (*self._proxies.values(), *self.servers.values(), self.elsewhere):
            server.close()

    def reply(self, target: str) -> Iterable[bytes]:
        """What a request gets: the fault that its tag names, or else a good answer."""
        fault = self._redirects.get(tag_of(target))
        if fault is None:
            return self._scripts.get(tag_of(target), constantly(answer(self._good)))(target)
        status = fault.name[:3] if fault.place == "plain" else "302"
        url = self.elsewhere.url.replace("127.0.0.1", "localhost")
        return [answer(b"", f"{status} Moved", f"Location: {url}{target.partition('/v1')[2]}")]
