# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of the hostile services at the events method, and what must come of it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Iterable, Iterator

from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, event, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import (
    ANSWER,
    BOMB,
    CHUNKED,
    CLOSED,
    CONNECTION,
    ESCAPES,
    FAULTS,
    HEAD,
    MEBIBYTE,
    SERVICE,
    TOO_LONG,
    Fault,
    _body,
    _echo,
    _ends,
    _forever,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Script, answer, constantly

# Without their tags, since each fault is asked for by a tag of its own.
EVENTS = [
    attempt(0, tags=...), delivery(5, tags=...), attempt(1, 2, tags=...), failure(6, 2, tags=...),
    attempt(2, 3, tags=...), event("open", 9, tags=...),
]  # fmt: skip
GOOD = body(*EVENTS)
# What comes of a good answer.
COUNTED = {"messages": 3, "deliveries": 1, "failed": 1, "returned": 0, "under_way": 1}
SQUEEZED = gzip.compress(GOOD)
LIMIT = f"more than {256 * MEBIBYTE} bytes; give since, or a tag per wave"
NOT_UNDERSTOOD = "the events cannot be understood: "


def _same_faults() -> Iterator[Fault]:
    """The faults of the stats method that have nothing to do with what an answer says.

    An error, a redirect and a certificate take the same path for both methods: one of each is enough.
    """
    families = ("connection", "slow", "endless")
    names = ("500 Oops", "400 Bad", "429, Retry-After 3600", "302 to another host", "self-signed", "at an IPv6 literal")
    for fault in FAULTS:
        if fault.says == TOO_LONG and fault.family in families:
            # White space, of which an array may have as much as it likes.
            yield replace(fault, kinds=(*ANSWER, "timeout"), says=f"{LIMIT}|in time", alone=True)
        elif fault.family in families or fault.name in names:
            yield fault if fault.kinds else replace(fault, script=_body(GOOD))


def _bad_bodies() -> Iterable[tuple[str, Script, tuple[str, ...], str]]:
    chunk = b"10000\r\n" + b"1" * 65536 + b"\r\n"
    yield from (
        ("Content-Length too long", _ends(HEAD + b"Content-Length: 99999\r\n\r\n" + GOOD), CONNECTION, CLOSED),
        ("Content-Length too short", _body(GOOD, "Content-Length: 400"), ANSWER, "cut short"),
        ("Content-Length of 0", _body(GOOD, "Content-Length: 0"), ANSWER, "nothing came"),
        ("no length, cut short", _ends(HEAD + b"\r\n" + GOOD[:-20]), ANSWER, "cut short"),
        ("chunked, cut short", _ends(CHUNKED + b"5\r\n[{\"ty\r\n"), CONNECTION, CLOSED),
        ("chunked, no last chunk", _ends(CHUNKED + b"%x\r\n%s\r\n" % (len(GOOD), GOOD)), CONNECTION, CLOSED),
        ("chunked, size not a number", _ends(CHUNKED + b"ten\r\n" + GOOD), (*CONNECTION, *ANSWER), ""),
        ("gzip, cut short", _body(SQUEEZED[:-12], "Content-Encoding: gzip"), (*CONNECTION, *ANSWER), ""),
        ("gzip that is none", _body(GOOD, "Content-Encoding: gzip"), ANSWER, "malformed"),
        ("another encoding", _body(GOOD, "Content-Encoding: br"), ANSWER, "malformed"),
        ("gzip bomb", _body(BOMB, "Content-Encoding: gzip"), (*ANSWER, "timeout"), f"{LIMIT}|in time"),
        ("gzip bomb of an error", constantly(answer(BOMB, "500 Oops", "Content-Encoding: gzip")), SERVICE, "500"),
        ("number without end", _forever(HEAD + b"\r\n[", b"1" * 65536), ANSWER, "a number came instead of an event"),
        ("number in chunks without end", _forever(CHUNKED, chunk), ANSWER, "out of bounds"),
        ("text without end", _forever(HEAD + b'\r\n[{"type": "', b"x" * 65536), ANSWER, "too long for one"),
        ("lists without end", _forever(HEAD + b'\r\n[{"type": ', b"[" * 65536), ANSWER, "nested too deeply|too long"),
        ("HTML, and the token in it", _echo("200 OK"), ANSWER, "something that is not JSON came instead of an array"),
        ("terminal escapes", _body(ESCAPES.encode() * 9), ANSWER, "something that is not JSON"),
        ("Latin-1", _body(GOOD[:-1] + b', {"type": "caf\xe9"}]'), ANSWER, "not UTF-8"),
        ("a million brackets", _body(b'[{"a":' + b"[" * 10**6), ANSWER, "nested too deeply|too long"),
        ("a key twice", _body(GOOD[:-1] + b', {"type": "open", "type": "open"}]'), ANSWER, "a key is repeated"),
        ("5,000 nines", _body(GOOD[:-1] + b', {"type": ' + b"9" * 5000 + b"}]"), ANSWER, "out of bounds"),
    )  # fmt: skip
    for name, bad, says in (
        ("no recipient", delivery(9, recipient=...), "a delivery without a recipient"),
        ("terminal escapes for a time", attempt(9, time=ESCAPES), "not a date in the documented form"),
        ("another tag", attempt(9, tags="of-somebody-else"), "about another tag"),
        ("data that is text", {"type": "failure", "data": "jane.doe"}, "data of a failure is not an object"),
    ):
        yield name, _body(body(*EVENTS, bad)), ANSWER, f"{NOT_UNDERSTOOD}.*{says}"


def _good_answers() -> Iterator[tuple[str, Script]]:
    unknown = {"type": ESCAPES, "data": {"{{ 1 }}": "{{ lookup('pipe', 'id') }}"}}
    yield "a good one", _body(GOOD)
    yield "chunked", constantly(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD) + b"0\r\n\r\n")
    yield "a BOM", _body(b"\xef\xbb\xbf" + GOOD)
    yield "gzip unasked", _body(SQUEEZED, "Content-Encoding: gzip")
    yield "8 MiB of white space", _body(b"[" + b" " * (8 * MEBIBYTE) + GOOD[1:])
    yield "another type named", _body(GOOD, "Content-Type: text/html; charset=utf-16")
    yield "unknown types", _body(body(*EVENTS, unknown))
    yield "every event a thousand times", _body(body(*EVENTS * 1000))


def _faults() -> Iterator[Fault]:
    yield from _same_faults()
    for name, script, kinds, says in _bad_bodies():
        yield Fault("body", name, script, kinds, says, alone=name == "gzip bomb")
    for name, script in _good_answers():
        yield Fault("good", name, script)


EVENT_FAULTS = tuple(replace(fault, number=number) for number, fault in enumerate(_faults(), 1))
