"""Events as a stream: whatever the pieces, the same events; what is not as documented is an error that says so."""

import json
import tracemalloc
from unittest import mock

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _events
from ansible_collections.mailops.smtpeter.plugins.module_utils._events import EventError, EventStream, read_event
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, event, failure
from hypothesis import given, settings
from hypothesis import strategies as st

GOOD = [attempt(0), delivery(3), attempt(5, 2), failure(9, 2), event("open", 30)]


def parsed(content, size=7):
    """What a stream gives of an answer that comes in pieces of so many bytes."""
    stream = EventStream()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    events = [event for piece in pieces for event in stream.feed(piece)]
    return [*events, *stream.close()]


SIMPLE = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(SIMPLE | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON))


@pytest.mark.slow
@settings(max_examples=25)
@given(OBJECTS, st.integers(1, 40), st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}]), st.booleans())
def test_any_pieces_give_the_same(objects, size, form, is_ascii):
    """As `json` reads the whole, wherever the pieces end: in a number, a letter of several bytes or a brace."""
    raw = json.dumps(objects, ensure_ascii=is_ascii, **form).encode()
    assert parsed(raw, size) == json.loads(raw)


def test_what_is_an_array_of_events():
    """Events that look like two, and no events, in each way in which the service may say so."""
    # What stands between two events may stand within one, too.
    nested = [{"data": [{"a": 1}, {"b": "},{"}, {"c": '"},{"'}]}] * 5
    for size in (1, 10, 33, 1000):
        assert parsed(json.dumps(nested, separators=(",", ":")).encode(), size) == nested
        for nothing in (b"[]", b" [ \n ] ", b"\xef\xbb\xbf[]", b"null", b" null ", b"{}", b"{ }"):
            assert parsed(nothing, size) == []


WHOLE = body(*GOOD)
NO_ARRAYS = {
    "nothing came instead of an array": [b" \n"],
    "an object came instead of an array": [b'{"error": "jane"}', b"{" + b'"jane.doe@example.com": 1,' * 900],
    "text came instead of an array": [b'"jane.doe@example.com"'],
    "a boolean came instead of an array": [b"true"],
    "something that is not JSON came instead of an array": [b"<" + b"jane.doe@example.com" * 900],
    "cut short, or is not JSON, after 0 events": [b"[", b'[{"a": 1,}]', b'[{"a": "\x00"}]'],
    "it is not JSON, after 1 events": [WHOLE.replace(b"}, {", b"} {")],
    "cut short, or is not JSON, after 4 events": [WHOLE[:-9]],
    "cut short, or is not JSON, after 5 events": [WHOLE[:-1], WHOLE[:-1] + b","],
    "more follows": [WHOLE + b"]", WHOLE * 2, WHOLE + b"{},{},{}"],
    "an array came instead of an event": [b"[[]]"],
    "null came instead of an event": [b"[null]"],
    "a number came instead of an event": [b"[-1]"],
    "something that is not JSON came instead of an event": [b"[jane]", WHOLE[:-1] + b",]"],
    "a number is out of bounds": [b'[{"a": ' + b"9" * 5000 + b"}]"],
    "-Infinity is not a JSON number": [b'[{"a": -Infinity}]'],
    "not UTF-8": [b'[{"a": "caf\xc3', b'[{"a": "\xed\xa0\x80"}]', '[{"a": 1}]'.encode("utf-16")],
    "nested too deeply": [b'[{"a": ' + b'{"a":' * 100000],
}  # fmt: skip


@pytest.mark.parametrize("says", NO_ARRAYS)
def test_what_is_no_array_of_events(says):
    """The error says what came, and repeats none of it; the hostile services send more of this kind."""
    for content in NO_ARRAYS[says]:
        for size in (50, 65536) if len(content) < 10000 else (65536,):
            with pytest.raises(EventError, match=says) as caught:
                parsed(content, size)
            assert "jane" not in f"{caught.value} {caught.value.__context__}"


NO_EVENTS = {
    "a number came instead of an event": [7],
    "an array came instead of an event": [[]],
    "null came instead of an event": [None],
    "an event without a type": [{"data": {}}],
    "type of an event is not text": [{"type": None, "data": {}}, {"type": ["attempt"], "data": {}}],
    "an attempt without data": [{"type": "attempt"}],
    "data of an event is not an object": [{"type": "open", "data": "jane.doe"}],
    "a delivery without an id": [delivery(0, id=...), delivery(0, id=None), delivery(0, id="")],
    "the id of an attempt is not text": [attempt(0, id=["jane"])],
    "an attempt without a recipient": [attempt(0, recipient=...), attempt(0, recipient="")],
    "the recipient of a failure is not text": [failure(0, recipient={"a": "jane"})],
    "the time of a delivery is not text": [delivery(0, time=time) for time in (1769860800, ["2026-01-31 12:00:00"])],
    "about another tag": [attempt(0, tags="wave-10;wave-2")],
    "the tags of an event are not text": [attempt(0, tags=["wave-1"])],
    "^the time of a failure is not a date in the documented form$": [failure(0, time="jane")],
    "^the time of an attempt is not a date in the documented form$": [
        attempt(0, time=time)
        for time in (
            "2026-01-31T12:00:00", "2026-01-31 12:00", "2026-01-31 24:00:00", "2026-01-31 12:00:60", "jane",
            "2026-02-30 12:00:00", "2026-01-31 12:00:00 ", "２０２６-01-31 12:00:00", "+026-01-31 12:00:00",
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize("says", NO_EVENTS)
def test_what_is_no_event(says):
    """Each is an error that names what is missing or wrong, whatever days were seen before, and nothing of a person."""
    read_event(attempt(0), "wave-1")
    for raw in NO_EVENTS[says]:
        with pytest.raises(EventError, match=says) as caught:
            read_event(raw, "wave-1")
        assert "jane" not in str(caught.value)


def test_events_that_say_nothing_of_delivery():
    """They are passed over, whatever else they have."""
    for kind in ("bounce", "open", "", "Attempt"):
        assert read_event(event(kind, 0, time="soon", id=None), "wave-1") is None


@pytest.mark.parametrize("tags", ["wave-1", "a;wave-1", "wave-1;b", "WAVE-1", "a; wave-1 ;b", None, ...])
def test_the_tag_is_among_those_of_an_event(tags):
    """Case and position do not matter; an event without tags counts for the tag that was asked for."""
    found = read_event(attempt(5, tags=tags), "wave-1")
    assert (found.kind, found.message, found.at) == ("attempt", "message-1", 1769860805)


def test_days_are_remembered_within_bounds(monkeypatch):
    """However many days there are, few are kept, and all are read right."""
    monkeypatch.setattr(_events, "_DAYS_LIMIT", 3)
    monkeypatch.setattr(_events, "_DAYS", {})
    for day in [*range(10), *range(10)]:
        assert read_event(attempt(86400 * day), "wave-1").at == 1769860800 + 86400 * day
        assert len(_events._DAYS) <= 3


def test_no_more_is_held_than_a_piece():
    """A stream of any length, of white space too, needs no more memory than a short one."""
    piece = body(*GOOD * 50)[1:-1] + b"," + b" " * 9999
    peaks = []
    for count in (3, 12):
        tracemalloc.start()
        stream = EventStream()
        total = sum(len(stream.feed(each)) for each in (b"[", *[piece] * count, b"{}]")) + len(stream.close())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total == stream.count == count * 50 * len(GOOD) + 1
    assert peaks[1] < 1.2 * peaks[0]


def test_a_long_event_is_not_parsed_again_for_each_piece():
    """An event of a megabyte in small pieces takes a few attempts, not thousands."""
    events, decode = [{"a": "x" * 900_000}, {"b": 1}], json.JSONDecoder.raw_decode
    with mock.patch.object(json.JSONDecoder, "raw_decode", autospec=True, side_effect=decode) as attempts:
        assert parsed(body(*events), 1000) == events
    assert attempts.call_count < 30
