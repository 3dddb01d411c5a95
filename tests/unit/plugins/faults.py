"""Every fault that the hostile services have, what must come of it, and the services themselves."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import time
import zlib
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    constantly,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.proxies import Proxy

MEBIBYTE = 2**20
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = json.dumps(COUNTS).encode()
# In no answer that is to be understood.
WRONG = {**COUNTS, "messages": 4711, "deliveries": 4711}
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x7f"
CLOSED = "closed the connection|reset by peer"
TOO_LONG = "more than 1048576 bytes"
HASTY = 0.5
# What can be wrong with a certificate of the authority.
FLAWS = ("expired", "another name", "self-signed")


@dataclass(frozen=True)
class Fault:
    """One way to go wrong, or to be odd.

    One of the `kinds` of error must come of it, whose text matches `says`; without kinds, a record with the counters of
    `COUNTS`. `place` is the service that has it, `timeout` that of a request; if it is `alone`, other requests would
    have to wait because of it.
    """

    family: str
    name: str
    script: object = field(repr=False, default=constantly(b""))
    kinds: tuple[str, ...] = ()
    says: str = ""
    place: str = "plain"
    timeout: float = 5.0
    alone: bool = False
    number: int = 0

    @property
    def tag(self):
        """The tag that it goes by; the number tells apart what differs in signs alone."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.number} {self.family} {self.name}".lower()).strip("-")


def faults(family, kinds, says, scripts, **more):
    """The faults with these scripts, by name, which all end in the same way."""
    return [Fault(family, name, script, tuple(kinds.split()), says, **more) for name, script in scripts.items()]


def piecemeal(head, parts=(), pause=0, how=None):
    """Send the head, and part after part, with so many seconds between; then hang up or reset, if `how` says so."""

    def script(_target):
        yield head
        for part in parts:
            yield part
            time.sleep(pause)
        if how:
            raise how

    return script


def ends(sent, how=EOFError):
    """Send this much, and hang up or reset."""
    return piecemeal(sent, how=how)


def forever(head, part, pause=0):
    """Send the head, and then the same again and again."""
    return piecemeal(head, itertools.repeat(part), pause)


def headers_after(head):
    """Send the head, and then header after header."""
    return lambda _target: itertools.chain([head], (b"X-%d: x\r\n" % number * 2000 for number in itertools.count()))


def body(content, *headers):
    """Answer 200 with this body."""
    return constantly(answer(content, "200 OK", *headers))


def _drips(head, data):
    return piecemeal(head, [bytes([byte]) for byte in data], 0.05)


def _bomb():
    """A gzip file of about a megabyte that inflates to a gibibyte; its check value is never reached."""
    squeeze = zlib.compressobj(9, wbits=-15)
    squeeze.compress(b" " * MEBIBYTE)
    squeeze.flush(zlib.Z_FULL_FLUSH)
    # From here on each mebibyte is the same block, which stands for itself.
    block = squeeze.compress(b" " * MEBIBYTE) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * 1000 + b"\x03\0" + b"\0" * 8


def echo(status, *headers):
    """A page that repeats the request, token and all, raw and as it came."""

    def script(target):
        page = f"<html><title>Oops</title><a href='{target}'>{unquote(target)}</a></html>"
        yield answer(page.encode(), status, "Content-Type: text/html", *headers)

    return script


BOMB = _bomb()
BANNER = b"SSH-2.0-OpenSSH_9.6\r\n"
MEASURED = HEAD + b"Content-Length: 900\r\n\r\n"
PAGE = b" " * 65536
CONTINUE = b"HTTP/1.1 100 Continue\r\n"
MOVED = (301, 302, 303, 307, 308)


def framing(good):
    """What may be wrong or odd around a good answer, whatever it says."""
    squeezed, pieces = gzip.compress(good), (b"1;odd=1\r\n%c\r\n" % byte for byte in good)
    return [
        *faults("framing", "connection", CLOSED, {
            "Content-Length too long": ends(HEAD + b"Content-Length: 99999\r\n\r\n" + good),
            "Content-Length of 10^30": ends(answer(good, "200 OK", f"Content-Length: {10**30}")),
            "chunked, cut short": ends(CHUNKED + b"5\r\n" + good[:5] + b"\r\n"),
            "chunked, no last chunk": ends(CHUNKED + b"%x\r\n%s\r\n" % (len(good), good)),
        }),
        *faults("framing", "connection answer", "", {
            "chunked, size not a number": ends(CHUNKED + b"ten\r\n" + good),
            "chunked, size below 0": ends(CHUNKED + b"-5\r\n" + good),
            "gzip, cut short": body(squeezed[:-12], "Content-Encoding: gzip"),
        }),
        *faults("framing", "answer", "not JSON", {
            "Content-Length too short": body(good, "Content-Length: 40"),
            "HTML with 200, and the token in it": echo("200 OK"),
            "terminal escapes": body(ESCAPES.encode() * 9),
            "no length, cut short": ends(HEAD + b"\r\n" + good[:-9]),
        }),
        *faults("framing", "answer", "malformed", {
            "gzip that is none": body(good, "Content-Encoding: gzip"),
            "gzip within gzip": body(gzip.compress(squeezed), "Content-Encoding: gzip, gzip"),
            "another encoding": body(good, "Content-Encoding: br"),
        }),
        *faults("framing", "service", "500", {
            "gzip bomb of an error": constantly(answer(BOMB, "500 Oops", "Content-Encoding: gzip")),
        }),
        *faults("framing", "", "", {
            "as long as may be": body(good.ljust(MEBIBYTE)),
            "chunked, byte by byte": piecemeal(CHUNKED, [*pieces, b"0\r\nX-Trailer: 1\r\n\r\n"]),
            "Content-Length that is no number": ends(answer(good, "200 OK", "Content-Length: ten")),
            "Content-Length below 0": ends(answer(good, "200 OK", "Content-Length: -5")),
            "gzip unasked": body(squeezed, "Content-Encoding: gzip"),
            "two answers to one request": constantly(answer(good) + answer(WRONG)),
            "odd headers": body(good, "X-No-Colon", "X-Odd : 1", f"X-Escapes: {ESCAPES}"),
            "BOM": body(b"\xef\xbb\xbf" + good),
            "another type named": body(good, "Content-Type: text/html; charset=utf-16"),
        }),
    ]  # fmt: skip


_FAULTS = [
    *faults("connection", "connection", CLOSED, {
        "hung up without a word": ends(b""),
        "reset in the headers": ends(HEAD + b"Content-Le", ConnectionResetError),
        "reset in the body": ends(MEASURED + GOOD, ConnectionResetError),
        "another protocol": ends(BANNER),
    }),
    *faults("connection", "connection answer", "", {"another protocol that goes on": constantly(BANNER * 3)}),
    Fault("connection", "refused", kinds=("connection",), says="connection refused", place="closed"),
    *faults("slow", "timeout", "no complete answer from .* in time", {
        "no answer": lambda _target: [],
        "drip of the status line": _drips(b"HTTP/1.1 200 ", b"O" * 900),
        "drip of a header": _drips(HEAD, b"X-Odd: " + b"x" * 900),
        "drip of the body": _drips(MEASURED, b" " * 900),
        "drip of chunks": _drips(CHUNKED, b"1\r\n \r\n" * 900),
        "drip of 100 Continue": forever(b"", CONTINUE + b"\r\n", 0.05),
        "body that stops halfway": constantly(MEASURED + GOOD),
    }, timeout=HASTY),
    Fault("slow", "TLS handshake", kinds=("timeout",), says="in time", place="handshake", timeout=HASTY),
    # What is read line by line may take longer than there is time, on a busy machine.
    *faults("endless", "answer connection timeout", "has no end|closed the connection|malformed|in time", {
        "status line": forever(b"HTTP/1.1 200 ", b"x" * 65536),
        "header": forever(HEAD + b"X-Odd: ", b"x" * 65536),
        "headers": headers_after(HEAD),
        "flood of 100 Continue": forever(b"", (CONTINUE + b"\r\n") * 2000),
        "100 Continue with headers": headers_after(CONTINUE),
        "chunk size": forever(CHUNKED, b"0" * 65536),
        "chunk extension": forever(CHUNKED + b"5;", b"x" * 65536),
        "trailers": headers_after(CHUNKED + b"2\r\n{}\r\n0\r\n"),
    }),
    *faults("endless", "answer", TOO_LONG, {
        "body": forever(HEAD + b"\r\n", PAGE),
        "chunks": forever(CHUNKED, b"10000\r\n" + PAGE + b"\r\n"),
    }),
    *faults("endless", "answer", "answered 302", {"body of a redirect": forever(b"HTTP/1.1 302 Found\r\n\r\n", PAGE)}),
    *faults("endless", "service", "answered 500", {"body of an error": forever(b"HTTP/1.1 500 No\r\n\r\n", PAGE)}),
    *faults("endless", "answer", "answered 103", {
        "flood of 103 Early Hints": forever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000),
    }),
    *framing(GOOD),
    *faults("framing", "answer", TOO_LONG, {
        "gzip bomb": body(BOMB, "Content-Encoding: gzip"),
        "gzip without end": forever(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB[:-10], BOMB[10:-10]),
        "one byte above the limit": body(GOOD.ljust(MEBIBYTE + 1)),
    }),
    *faults("status", "service", "429.*asks to wait (2147483648|[0-9]{12}|3600) s", {
        "429, Retry-After of 3 million million years": echo("429 Slow down", "Retry-After: 99999999999999999999"),
        "429, Retry-After in 9999": echo("429 Slow down", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
        "429, Retry-After 3600": echo("429 Slow down", "Retry-After: 3600"),
    }, alone=True),
    *faults("status", "service", "429", {"429, Retry-After of escapes": echo("429 No", f"Retry-After: {ESCAPES}")}),
    *faults("status", "service", "answered (500|599|999|408)", {
        status.strip(): echo(status) for status in ("500 Oops", "599 ", "999 Beyond", "408 Request Timeout")
    }),
    *faults("status", "refused", "answered 4(00|10)", {status: echo(status) for status in ("400 Bad", "410 Gone")}),
    *faults("status", "answer", "answered 206", {"206 Partial Content": echo("206 Partial Content")}),
    *faults("status", "answer", "answered 204", {"204 No Content": echo("204 No Content")}),
    *faults("status", "service", "500", {"terminal escapes in the reason": constantly(answer(b"", f"500 {ESCAPES}"))}),
    *(
        Fault("redirect", name, kinds=("answer",), says="redirects are never followed", place=place)
        for place, name in [("tls", "from TLS to plain HTTP"), *(("plain", f"{code} to another") for code in MOVED)]
    ),
    *(
        Fault("certificate", place, kinds=("certificate",), says="certificate of .* cannot be trusted", place=place)
        for place in (*FLAWS, "unknown authority")
    ),
    Fault("certificate", "no TLS at all", kinds=("connection",), says="TLS|closed|reset", place="no tls"),
    *(Fault("proxy", place, body(COUNTS), place=place) for place in ("IPv6 proxy", "SOCKS proxy")),
    *(
        Fault("proxy", place, kinds=("connection",), says=f"set in [A-Z_]+ {says}", place=place)
        for place, says in (
            ("407.IPv6 proxy", "refuses the credentials, or requires some .407."),
            ("502.IPv6 proxy", "does not connect: it answered 502"),
            ("refused.SOCKS proxy", "does not connect .0x05: Connection refused"),
        )
    ),
    *faults("text", "answer", "not JSON", {
        "nothing": body(b""),
        "NUL bytes alone": body(b"\0" * 5000),
        "two objects": body(GOOD * 2),
        "a template of Jinja": body(b"{{ lookup('pipe', 'id') }}"),
    }),
    *faults("text", "answer", "not UTF-8", {
        "UTF-16": body(GOOD.decode().encode("utf-16")), "Latin-1": body(b'{"sender": "caf\xe9"}'),
    }),
    *faults("text", "answer", "whole number", {"terminal escapes in a number": body({**COUNTS, "opens": ESCAPES})}),
    *faults("text", "answer", "another tag", {"terminal escapes in the tag": body({**COUNTS, "tag": ESCAPES})}),
    *faults("text", "answer", "nested too deeply", {
        "100,000 lists": body(b"[" * 100000 + b"]" * 100000),
        "100,000 objects": body(b'{"a":' * 100000 + b"1" + b"}" * 100000),
    }),
    *faults("text", "answer", "not a JSON object", {"300,000 lists in a list": body(b"[" + b"[]," * 300000 + b"[]]")}),
    *faults("text", "", "", {
        "NUL in another text": body({**COUNTS, "x": "\0"}),
        "80,000 keys more": body({**COUNTS, **dict.fromkeys(map(str, range(80000)), 0)}),
        "texts of Jinja": body({**COUNTS, "{{ 1 }}": "{{ lookup('pipe', 'id') }}"}),
    }),
    # The tests of the record have more of these.
    *faults("number", "answer", "cannot be understood", {
        "5,000 nines": body(GOOD[:-1] + b', "other": ' + b"9" * 5000 + b"}"),
        "a key twice": body(GOOD[:-1] + b', "messages": 4711}'),
        "two spellings that disagree": body({**COUNTS, "delivery": 4711}),
    }),
]  # fmt: skip
FAULTS = tuple(replace(fault, number=number) for number, fault in enumerate(_FAULTS, 1))


def tag_of(target):
    """The tag that a request is about."""
    return target.partition("?")[0].rsplit("/", 1)[-1]


class Services:
    """The services that have all of some faults, and a good answer for everything else.

    `access` leads to each place: its api_url and, if needed, a ca_path. `servers` are the services by place.
    `elsewhere` is where redirects point: nothing must ever come there. `proxies` are the proxies by the words that
    their places end in; the others are reached without, whatever proxy is set, since they are on loopback.
    """

    def __init__(self, directory, faults=FAULTS, good=GOOD):
        authority, wrong = Authority(directory), constantly(answer(WRONG))
        self._faults, self._good = {fault.tag: fault for fault in faults}, good
        self.elsewhere = Hostile(wrong)
        # The certificate behind the proxies is for an address that leads nowhere without one.
        behind = Hostile(self.reply, authority.context("another name"))
        self.servers = {
            "plain": Hostile(self.reply),
            "tls": Hostile(self.reply, authority.context()),
            "unknown authority": Hostile(wrong, authority.context()),
            **{flaw: Hostile(wrong, authority.context(flaw)) for flaw in FLAWS},
            "no tls": Hostile(constantly(answer(b"", "400 Bad Request")), impatient=True),
            "handshake": Hostile(lambda _target: [], impatient=True),
            "behind a proxy": behind,
        }
        statuses = {"407.example.test": "407 Who are you", "502.example.test": "502 Oops"}
        self._proxies = [
            Proxy("connect", behind.port, host="::1", refusal=statuses.get),
            Proxy("socks5", behind.port, refusal={"refused.example.test": 5}.get),
        ]
        http, socks = (proxy.address for proxy in self._proxies)
        self.proxies = {"IPv6 proxy": f"http://{http}", "SOCKS proxy": f"socks5h://{socks}"}
        urls = {"closed": "http://127.0.0.1:1/v1", **{place: server.url for place, server in self.servers.items()}}
        for place in ("no tls", "handshake"):
            urls[place] = urls[place].replace("http:", "https:")
        bundle = str(authority.bundle)
        self.access = {place: (url, bundle if place in ("tls", *FLAWS) else None) for place, url in urls.items()}
        for place in {fault.place for fault in FAULTS if fault.family == "proxy"}:
            name = f"{place.split('.')[0]}.example.test" if "." in place else "192.0.2.1"
            self.access[place] = (f"https://{name}/v1", bundle)

    def proxy_of(self, fault):
        """The proxy that the environment must name for a fault; most services make no use of it."""
        return self.proxies["SOCKS proxy" if fault.place.endswith("SOCKS proxy") else "IPv6 proxy"]

    @property
    def untrusted(self):
        """The requests that came through a certificate that cannot be trusted."""
        return [head for place in (*FLAWS, "unknown authority") for head in self.servers[place].requests]

    def close(self):
        """Stop them all."""
        for server in (*self._proxies, *self.servers.values(), self.elsewhere):
            server.close()

    def reply(self, target):
        """What a request gets: the fault that its tag names, or else a good answer."""
        fault = self._faults.get(tag_of(target))
        if fault is None:
            return [answer(self._good)]
        if fault.family != "redirect":
            return fault.script(target)
        status = fault.name[:3] if fault.place == "plain" else "302"
        url = self.elsewhere.url.replace("127.0.0.1", "localhost")
        return [answer(b"", f"{status} Moved", f"Location: {url}{target.partition('/v1')[2]}")]
