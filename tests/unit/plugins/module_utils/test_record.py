"""Tests of the record: parsing, checking, deriving, subtracting."""

import json
import math
import pathlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer, parse
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, difference, unknown_tag
from ansible_collections.mailops.smtpeter.plugins.module_utils._redact import Redactor
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2016, 1, 2, 12, 0, 0, tzinfo=timezone.utc)
TOKEN = "a-token-of-the-tests"
GOOD = {
    "first": "2016-01-01 12:00:00", "last": "2016-01-01 16:00:00",
    "opens": 10, "clicks": 5, "messages": 20, "deliveries": 15,
}  # fmt: skip


def read(body, tag="abc", age=None):
    """Parse a body as the client would hand it over."""
    return parse(Answer(tag, body, NOON, age), Redactor(TOKEN).excerpt)


def written(**changes):
    """The good answer with some keys changed, or left out where the change is an ellipsis."""
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("name", "tag", "unique"),
    [("stats", "abc", (None, None)), ("stats-delivery", "abc", (None, None)), ("stats-later", "tag1", (8, 3))],
)
def test_vendor_answers(name, tag, unique):
    """Each revision of the vendor's page gives the same record, which has each key that is promised, in plain types."""
    record = read((pathlib.Path(__file__).parents[2] / "fixtures" / f"{name}.json").read_bytes(), tag).as_dict()
    assert record == {
        "tag": tag, "first": "2016-01-01 12:00:00", "last": "2016-01-01 16:00:00",
        "first_at": "2016-01-01T12:00:00Z", "last_at": "2016-01-01T16:00:00Z",
        "messages": 15, "deliveries": 15, "opens": 10, "clicks": 5, "unique_opens": unique[0],
        "unique_clicks": unique[1], "undelivered": 0, "delivery_ratio": 1.0, "open_ratio": 10 / 15,
        "click_ratio": 5 / 15, "click_to_open_ratio": 0.5, "known": True, "notes": [],
        "fetched_at": "2016-01-02T12:00:00Z", "under_way": None, "carried_over": 0,
    }  # fmt: skip
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    "body", [None, b"{}", b" [] \n", b"null", b'{"messages":"0","delivery":0.0,"all_opens":0,"all_clicks":0,"last":""}']
)
def test_unknown_tag(body):
    """All that a service written in PHP may say of a tag it does not know is a record of zeros that says so."""
    assert read(body) == Record("abc", 0, 0, 0, 0, fetched_at=NOON, known=False, notes=(unknown_tag("abc"),))


SAME_TAG = [
    ("abc", None), ("abc", "ABC"), ("stra\u00dfe", "STRASSE"), ("CAFE\u0301", "caf\u00e9"), ("2016", 2016),
    ("1.5", 1.5), ("\u0390", "\u03b9\u0308\u0301"), ("\u1100\u1161\u11a8", "\uac01"), ("\u03b1\u0345\u0301", "\u1fb4"),
]  # fmt: skip
OTHER_TAG = [
    ("abc", ""), ("abc", 0), ("abc", []), ("abc", ["abc"]), ("caf\u00e9", "cafe"), ("a\u200bb", "ab"), ("\uff11", "1"),
    ("010", 8), ("abc", "abd"),
]  # fmt: skip


def test_a_tag_that_is_echoed():
    """In another case or composition, as a number, or as null it is the tag asked for, and named as asked, else not."""
    for tag, echo in SAME_TAG:
        for content in (written(tag=echo), written(tag=echo).decode("unicode-escape").encode()):
            assert read(content, tag).tag == tag, echo
    for tag, echo in OTHER_TAG:
        with pytest.raises(StatsError, match="it is about another tag"):
            read(written(tag=echo), tag)


INVISIBLE = "\u200b\ufeff\xad\u180e\u034f\u115f\u3164\uffa0\u17b4\u180b\u2800\u2028\u2029\ufe0f\U000e0101\U000e0041"


def test_invisible_characters_are_named():
    """A tag that looks like the right one and is not is no riddle."""
    sentence = "the service has nothing under this tag: check its spelling and api_url"
    for tag in ("wave-1", "cafe\u0301", "\u65e5\u672c", None):
        assert unknown_tag(tag) == sentence
    for char in INVISIBLE:
        assert unknown_tag(f"{char}wa{char}ve") == f"{sentence}; it contains an invisible character (U+{ord(char):04X})"
    several = "16 different invisible characters (U+200B, U+FEFF, U+00AD, U+180E, U+034F)"
    assert read(None, INVISIBLE).notes == (f"{sentence}; it contains {several}",)
    assert read(written(), INVISIBLE).notes == ()


@pytest.mark.parametrize("body", [None, written()], ids=["404", "counters"])
@pytest.mark.parametrize("age", [None, 0, 2**31])
def test_a_copy_from_a_cache(body, age):
    """Its age is known beside the record, whose keys are a promise, and noted where it is above 0."""
    record = read(body, age=age)
    assert record.age == difference(record, None, 900).age == age
    assert "age" not in record.as_dict()
    copies = [note for note in record.notes if "copy" in note]
    assert copies == ([f"the answer is a copy that a cache had stored for {age} s"] if age else [])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (written(messages=...), "messages is missing"), (written(deliveries=None), "deliveries is missing"),
        (written(opens=..., unique_opens=3), "opens is missing"), (written(clicks=None), "clicks is missing"),
        (written(messages="x"), "messages is not a whole number"), (written(messages=-1), "messages is out of bounds"),
        (written(deliveries="9" * 19), "deliveries is out of bounds"), (written(messages=2**63), "out of bounds"),
        (written(delivery=14), "deliveries and delivery disagree"), (written(x=math.nan), "NaN is not a JSON number"),
        (b"<html><body>It works!</body></html>", "not JSON.*It works!"), (b'"text"', "it is not a JSON object"),
        (b'{"x":{"a":1,"a":2}}', "a key is repeated"), (b'{"messages":1e9999999999999999999999}', "out of bounds"),
        (b'{"messages":' + b"9" * 900_000 + b"}", "out of bounds"),
    ],
)  # fmt: skip
def test_answers_refused(body, said):
    """What is no answer is an error that says why, and what came back; FAULTS and the property tests have many more."""
    with pytest.raises(StatsError, match=f"tag 'abc'.*{said}") as caught:
        read(body)
    assert caught.value.kind == "answer"


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"deliveries": 21}, "deliveries are above messages: the counters disagree"),
        ({"last": "2016-01-01 11:00:00"}, "the last activity is before the first"),
        ({"last": "2016-01-02 12:00:01"}, "the last activity is in the future"),
        ({"unique_opens": 11}, "unique_opens are above opens: the counters disagree"),
        ({"unique_clicks": 1, "clicks": 0}, "unique_clicks are above clicks: the counters disagree"),
        ({"last": "2016-01-02 12:00:00"}, None),
        ({"last": ...}, "last is not a date in the documented form"),
        ({"messages": 0, "deliveries": 0, "opens": 0, "clicks": 0}, None),
    ],
)
def test_notes(changes, note):
    """What a careful reader should know is noted, and nothing is changed for it; now is not in the future."""
    assert read(written(**changes)).notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        *(({"deliveries": bad}, "deliveries") for bad in (..., None, True, -1)), ({"messages": ...}, "messages"),
        *(({"last_at": text}, "last_at") for text in ("yesterday", "2016-02-31T00:00:00Z")),
        ({"fetched_at": 5}, "fetched_at"), ({"carried_over": "many"}, "carried_over"),
    ],
)  # fmt: skip
def test_dicts_refused(changes, named):
    """What cannot be a record is an error that names the key, and the record by its own name or the one it is given."""
    content = {key: value for key, value in {"messages": 1, "deliveries": 1, **changes}.items() if value is not ...}
    for more, tag, of in (({}, None, ""), ({}, "b", " of 'b'"), ({"tag": "a"}, "b", " of 'a'")):
        says = f"{named}: the record{of} (does not have it|has a value that is not)"
        with pytest.raises(OptionError, match=says) as caught:
            Record.from_dict({**content, **more}, tag)
        assert caught.value.option == named


def test_records_from_elsewhere():
    """Their tag exists unless they say that it does not; moments may be datetimes, as YAML has them, in UTC."""
    naive = datetime(2016, 1, 1)  # noqa: DTZ001 - as YAML makes them
    for more, known in (({}, True), ({"known": None}, True), ({"known": True}, True), ({"known": False}, False)):
        record = Record.from_dict({"messages": 1, "deliveries": 1, "last_at": naive, "fetched_at": NOON, **more})
        assert (record.idle_seconds(), record.known) == (36 * 3600, known)


def plain(messages, deliveries, opens=0, clicks=0, **more):
    """A record with some figures."""
    return Record("abc", messages, deliveries, opens, clicks, **more)


@pytest.mark.parametrize(
    ("before", "carried_over"),
    [
        (plain(100, 90), 10), (plain(100, 10), 85), (plain(100, 110), 0),
        (plain(100, 90, under_way=4), 4), (plain(100, 90, under_way=0), 0),
        (plain(100, 90, last_at=NOON, fetched_at=NOON + timedelta(seconds=901)), 0),
        (plain(100, 90, last_at=NOON, fetched_at=NOON + timedelta(seconds=900)), 10),
        (plain(100, 90, last_at=NOON, fetched_at=NOON - timedelta(days=1)), 10), (plain(100, 90, last_at=NOON), 10),
        (plain(100, 90, last_at=NOON, fetched_at=NOON + timedelta(days=1), under_way=3), 3),
    ],
)  # fmt: skip
def test_carried_over(before, carried_over):
    """Deliveries may belong to messages from before as far as those were under way then, and no further."""
    assert difference(plain(300, before.deliveries + 85), before, 900).carried_over == carried_over


def test_a_difference():
    """Counters are subtracted, from 0 without an earlier record; what has no meaning in a difference is null."""
    after = read(written(messages=120, deliveries=110, opens=50, clicks=9, last="2016-01-02 11:00:00", unique_opens=7))
    record = difference(after, read(written()), 900).as_dict()
    assert [record[key] for key in ("messages", "deliveries", "opens", "clicks")] == [100, 95, 40, 4]
    assert [record[key] for key in ("first", "first_at", "unique_opens", "unique_clicks")] == [None] * 4
    assert (record["last_at"], record["fetched_at"]) == ("2016-01-02T11:00:00Z", "2016-01-02T12:00:00Z")
    assert record["undelivered"] == 5
    assert difference(plain(300, 285, 9, 4), None, 900) == plain(300, 285, 9, 4)
    # Deliveries of older mail are no disagreement of the counters.
    notes = ("deliveries are above messages: some belong to messages from before",)
    assert difference(plain(110, 108), plain(100, 90), 900) == plain(10, 18, notes=notes, carried_over=10)


@pytest.mark.parametrize("key", ["messages", "deliveries", "opens", "clicks"])
def test_a_counter_that_fell(key):
    """A counter below the earlier one is an error that names both figures."""
    with pytest.raises(OptionError, match=f"{key} of 'abc' fell from 30 to 29"):
        difference(replace(plain(40, 40, 40, 40), **{key: 29}), plain(30, 30, 30, 30), 900)


@settings(max_examples=50)
@given(st.tuples(*[st.integers(0, 1000)] * 4), st.tuples(*[st.integers(0, 1000)] * 4), st.none() | st.integers(0, 2000))
def test_difference_adds_up(first, more, under_way):
    """What came before and what came after make the whole."""
    after = plain(*(a + b for a, b in zip(first, more)))
    record = difference(after, plain(*first, under_way=under_way), 900)
    assert (record.messages, record.deliveries, record.opens, record.clicks) == more
    assert 0 <= record.carried_over <= record.deliveries
