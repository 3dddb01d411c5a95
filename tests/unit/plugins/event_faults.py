"""Every fault of the hostile services at the events method, and what must come of it."""

import json
from dataclasses import replace

from ansible_collections.mailops.smtpeter.tests.unit.plugins import eventful
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, delivery, event, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import (
    BOMB,
    CHUNKED,
    ESCAPES,
    FAULTS,
    HEAD,
    MEBIBYTE,
    TOO_LONG,
    body,
    faults,
    forever,
    framing,
)

# Without their tags, since each fault is asked for by a tag of its own.
EVENTS = [
    attempt(0, tags=...), delivery(5, tags=...), attempt(1, 2, tags=...), failure(6, 2, tags=...),
    attempt(2, 3, tags=...), event("open", 9, tags=...),
]  # fmt: skip
GOOD = eventful.body(*EVENTS)
# What comes of a good answer.
COUNTED = {"messages": 3, "deliveries": 1, "failed": 1, "returned": 0, "under_way": 1}
LIMIT = f"more than {256 * MEBIBYTE} bytes; give since, or a tag per wave"


def _more(event_text):
    """A good answer with one more event, written like this."""
    text = event_text if isinstance(event_text, bytes) else json.dumps(event_text).encode()
    return body(GOOD[:-1] + b", " + text + b"]")


def _no_answer(says, name, script):
    return faults("body", "answer", f"the events cannot be understood: .*{says}", {name: script})


def _same_faults():
    """The faults of the stats method that have nothing to do with what an answer says.

    An error, a redirect and a certificate take the same path for both methods: one of each is enough.
    """
    families = ("connection", "slow", "endless")
    names = ("500 Oops", "400 Bad", "429, Retry-After 3600", "302 to another", "self-signed", "IPv6 proxy")
    for fault in FAULTS:
        if fault.says == TOO_LONG and fault.family in families:
            # White space, of which an array may have as much as it likes.
            yield replace(fault, kinds=("answer", "timeout"), says=f"{LIMIT}|in time", alone=True)
        elif fault.family in families or fault.name in names:
            yield fault if fault.kinds else replace(fault, script=body(GOOD))


_FAULTS = [
    *_same_faults(),
    *framing(GOOD),
    *faults("body", "answer timeout", f"{LIMIT}|in time", {
        "gzip bomb": body(BOMB, "Content-Encoding: gzip"),
    }, alone=True),
    *faults("body", "answer", "nested too deeply|too long", {
        "lists without end": forever(HEAD + b'\r\n[{"type": ', b"[" * 65536),
        "a million brackets": body(b'[{"a":' + b"[" * 10**6),
    }),
    *faults("body", "answer", "out of bounds", {
        "number in chunks without end": forever(CHUNKED, b"10000\r\n" + b"1" * 65536 + b"\r\n"),
        "5,000 nines": _more(b'{"type": ' + b"9" * 5000 + b"}"),
    }),
    *_no_answer("nothing came", "Content-Length of 0", body(GOOD, "Content-Length: 0")),
    *_no_answer("a number came instead of", "number without end", forever(HEAD + b"\r\n[", b"1" * 65536)),
    *_no_answer("too long for one", "text without end", forever(HEAD + b'\r\n[{"type": "', b"x" * 65536)),
    *_no_answer("not UTF-8", "Latin-1", _more(b'{"type": "caf\xe9"}')),
    *_no_answer("a key is repeated", "a key twice", _more(b'{"type": "open", "type": "open"}')),
    *_no_answer("a delivery without a recipient", "no recipient", _more(delivery(9, recipient=...))),
    *_no_answer("not a date in the documented", "terminal escapes for a time", _more(attempt(9, time=ESCAPES))),
    *_no_answer("about another tag", "another tag", _more(attempt(9, tags="of-somebody-else"))),
    *_no_answer("not an object", "data that is text", _more({"type": "failure", "data": "jane.doe"})),
    *faults("good", "", "", {
        "a good one": body(GOOD),
        "8 MiB of white space": body(b"[" + b" " * (8 * MEBIBYTE) + GOOD[1:]),
        "unknown types": _more({"type": ESCAPES, "data": {"{{ 1 }}": "{{ lookup('pipe', 'id') }}"}}),
        "every event a thousand times": body(eventful.body(*EVENTS * 1000)),
    }),
]  # fmt: skip
EVENT_FAULTS = tuple(replace(fault, number=number) for number, fault in enumerate(_FAULTS, 1))
