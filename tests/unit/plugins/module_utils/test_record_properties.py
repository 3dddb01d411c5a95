"""Any answer is a record of just what it says, or an error that says so."""

import json
import pathlib

import pytest
from ansible_collections.mailops.smtpeter.tests.fuzz._checks import COUNTERS, SPELLINGS, TARGETS, check_answer
from hypothesis import given, settings
from hypothesis import strategies as st

COUNTS = st.integers(0, 1000) | st.integers(0, 2**63 - 1)
DATES = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S").zfill(19))
NAMES = [spelling for spellings in SPELLINGS.values() for spelling in spellings]


def as_written(count):
    """The ways in which a service may write a counter, as JSON."""
    return st.sampled_from(
        [f"{count}", f'"{count}"', f"{count}.0", f"{count}.000", f"{count}e0", f"{count}0e-1" if count else "0e5"]
    )


WRITTEN = COUNTS.flatmap(as_written)
# What is next to a number or a date: some of it is one, most is not.
ODD_VALUES = [
    "null", "true", "[]", "{}", '""', '" 1"', '"1.0"', '"-1"', '"1e1"', '"\\u0661"', "-1", "-0", "0.5", "1e-400", "NaN",
    "1e-99999999999999999999", "9223372036854775807", "9223372036854775808", "1e18", "1e400", "-Infinity",
    '"9999999999999999999"', f'"{"0" * 3000}15"', "9007199254740993.0", "0.99999999999999999", "1.00000000000000000001",
    '"2016-01-01T12:00:00"', '"2016-13-01 00:00:00"', '"\\u0662016-01-01 12:00:00"', '"2016-01-01 12:00:00 "',
]  # fmt: skip
ODD = st.sampled_from(ODD_VALUES)
DATED = (DATES | st.sampled_from(["0000-00-00 00:00:00", "2016-02-30 00:00:00", "2016-01-02 12:00:01"])).map(json.dumps)
NEAR_PAIRS = st.one_of(
    st.tuples(st.sampled_from(NAMES), WRITTEN | ODD),
    st.tuples(st.sampled_from(["first", "last"]), DATED | ODD),
    st.tuples(st.sampled_from(["tag", "x"]), st.sampled_from(['"abc"', '"ABC"', '"abd"']) | ODD),
)


def as_object(pairs):
    """The text of an object, repeated keys and all."""
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"


KEYS = st.sampled_from([*NAMES, "first", "last", "tag", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8),
)


@given(JSON.map(json.dumps).map(str.encode) | st.binary(max_size=200))
@settings(max_examples=50)
def test_any_answer(body):
    """Whatever comes is an error, or a record without a number that is not in the answer."""
    check_answer(body)


@pytest.mark.parametrize("name", [*NAMES, "first", "last"])
def test_each_odd_value(name):
    """Whatever stands where a counter or a date belongs, alone or beside its other spelling, is that or an error."""
    for value in ODD_VALUES:
        for good in ("3210", "0000"):
            check_answer(as_object({**dict(zip(COUNTERS, good)), name: value}.items()).encode())


@given(
    st.lists(WRITTEN, min_size=4, max_size=4),
    st.dictionaries(st.integers(0, 3), ODD | st.none(), max_size=1),
    st.lists(NEAR_PAIRS, max_size=2),
    st.data(),
)
@settings(max_examples=75)
def test_near_answers(counts, odd, more, data):
    """An answer with something odd in it, or something left out, is understood as it is, or not at all."""
    pairs = zip(COUNTERS, (odd.get(place, count) for place, count in enumerate(counts)))
    pairs = [(name, value) for name, value in pairs if value is not None]
    body = as_object(data.draw(st.permutations([*pairs, *more]))).encode()
    check_answer(body)
    place = data.draw(st.integers(0, len(body) - 1))
    check_answer(body[:place] + data.draw(st.binary(max_size=2)) + body[place + 1 :])


@given(st.fixed_dictionaries(dict.fromkeys(SPELLINGS, COUNTS)), DATES, DATES, st.data())
@settings(max_examples=50)
def test_good_answers(counts, first, last, data):
    """Each way to write a good answer is understood, digit by digit."""
    names = {name: data.draw(st.sampled_from(spellings)) for name, spellings in SPELLINGS.items()}
    pairs = [(names[name], data.draw(as_written(count))) for name, count in counts.items()]
    found = check_answer(as_object([*pairs, ("first", json.dumps(first)), ("last", json.dumps(last))]).encode())
    assert found is not None
    assert {name: found[name] for name in SPELLINGS} == counts
    assert (found["first"], found["last"], found["known"]) == (first, last, True)


@pytest.mark.parametrize("target", TARGETS)
def test_what_fuzzing_found(target):
    """Each input that `make fuzz` begins with, or found, is understood, or refused as it should be."""
    paths = list((pathlib.Path(__file__).parents[3] / "fuzz" / "corpus" / target).iterdir())
    assert paths
    for path in paths:
        TARGETS[target](path.read_bytes())
