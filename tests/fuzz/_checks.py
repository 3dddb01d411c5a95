"""What holds of any answer and of any policy, by a reading of them that owes nothing to the collection's own."""

import contextlib
import json
import math
import re
from datetime import datetime, timedelta, timezone
from fractions import Fraction

from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer, parse
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.module_utils._redact import Redactor
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.decision import judge
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.state import state_of_record

NOW = datetime(2016, 1, 2, 12, 0, 0, tzinfo=timezone.utc)
TAG = "abc"
LARGEST = 2**63 - 1
SPELLINGS = {
    "messages": ["messages"], "deliveries": ["deliveries", "delivery"], "opens": ["opens", "all_opens"],
    "clicks": ["clicks", "all_clicks"], "unique_opens": ["unique_opens"], "unique_clicks": ["unique_clicks"],
}  # fmt: skip
COUNTERS = ("messages", "deliveries", "opens", "clicks")
SHARES = {
    "delivery_ratio": ("deliveries", "messages"), "open_ratio": ("opens", "deliveries"),
    "click_ratio": ("clicks", "deliveries"), "click_to_open_ratio": ("clicks", "opens"),
}  # fmt: skip
KEYS = {
    "tag", "first", "last", "first_at", "last_at", *SPELLINGS, "undelivered", *SHARES, "known", "notes", "fetched_at",
    "under_way", "carried_over",
}  # fmt: skip
RATIOS = ("min_delivery_ratio", "confidence", "min_open_ratio", "min_click_ratio", "max_delivery_drop")
SECONDS = ("sending_gap", "grace_period")
OPTIONS = (*RATIOS, *SECONDS, "min_messages", "expected_messages", "at_deadline", "baseline_tag")
# What the fuzzer builds inputs of.
WORDS = [
    *(f'"{name}":' for spellings in SPELLINGS.values() for name in spellings),
    *(f'"{name}":' for name in (*OPTIONS, "first", "last", "tag")),
    *('"2016-01-01 12:00:00"', "null", "1e400", "NaN", "0.95", "9223372036854775807", '"ratio"', '"inconclusive"'),
]
_EXCERPT = Redactor("a-token-of-the-tests").excerpt
_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]+))?")


class Digits(str):
    """A number of JSON as it was written."""


def check_answer(body):
    """Read an answer; what comes of it is a record of just what the answer says, or an error of kind answer."""
    record = _outcome(lambda: parse(Answer(TAG, body, NOW), _EXCERPT), StatsError)
    if isinstance(record, StatsError):
        text = str(record)
        assert (record.kind, record.__context__) == ("answer", None)
        assert text.startswith(f"tag '{TAG}': the answer cannot be understood")
        assert text.isprintable()
        assert len(text) < 400
        return None
    found = record.as_dict()
    _check_form(record, found)
    (_check_content if found["known"] else _check_nothing_is_there)(_read(body), found)
    return found


def _outcome(attempt, refusal):
    """What comes of an attempt, or the refusal that ended it; whatever else it raises is a finding."""
    try:
        return attempt()
    except refusal as error:
        return error


def _read(body):
    """The answer's JSON, with numbers as they were written; a key that is repeated is a finding, and so is NaN."""

    def unrepeated(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def no_constant(name):
        raise AssertionError(name)

    as_written = {"parse_int": Digits, "parse_float": Digits, "parse_constant": no_constant}
    return json.loads(body.decode("utf-8-sig"), object_pairs_hook=unrepeated, **as_written)


def _check_form(record, found):
    """The record has all its keys in their types, derived from its own counters, and comes back from its dict."""
    assert set(found) == KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert Record.from_dict(found) == record
    for name in COUNTERS:
        assert type(found[name]) is int
        assert 0 <= found[name] <= LARGEST
    assert found["undelivered"] == max(0, found["messages"] - found["deliveries"])
    for ratio, (part, whole) in SHARES.items():
        assert found[ratio] == (found[part] / found[whole] if found[whole] else None)
    assert (found["tag"], found["fetched_at"]) == (TAG, "2016-01-02T12:00:00Z")
    assert (found["under_way"], found["carried_over"]) == (None, 0)
    # No text of the service's gets into a note, nor any figure.
    assert all(re.fullmatch("[a-z_ :]+", note) for note in found["notes"])


def _said(content, name):
    """The numbers that the answer gives for a counter, in any of its spellings."""
    return {count_of(content[spelling]) for spelling in SPELLINGS[name] if content.get(spelling) is not None}


def _check_content(content, found):
    """Each counter is the one number that the answer gives, each date one in the documented form, and else null."""
    assert isinstance(content, dict)
    notes = " ".join(found["notes"])
    for name in SPELLINGS:
        assert (_said(content, name) or ({None} if name.startswith("unique") else set())) == {found[name]}, name
    assert ("deliveries are above messages" in notes) == (found["deliveries"] > found["messages"])
    for name in ("first", "last"):
        moment = date_of(content.get(name))
        assert found[name] == (content[name] if moment else None)
        assert found[f"{name}_at"] == (content[name].replace(" ", "T") + "Z" if moment else None)
        assert (f"{name} is not a date in the documented form" in found["notes"]) == (moment is None)
    first, last = (date_of(content.get(name)) for name in ("first", "last"))
    assert ("last activity is before the first" in notes) == bool(first and last and last < first)
    assert ("last activity is in the future" in notes) == bool(last and last > NOW)
    assert first or last or any(found[name] for name in COUNTERS)


def _check_nothing_is_there(content, found):
    """Only nothing at all, or four counters of 0 without dates, is a tag that the service does not know."""
    assert [found[name] for name in SPELLINGS] == [0, 0, 0, 0, None, None]
    assert (found["first"], found["last"], found["delivery_ratio"]) == (None, None, None)
    if content not in (None, [], {}):
        assert [_said(content, name) for name in COUNTERS] == [{0}] * 4
        assert date_of(content.get("first")) is date_of(content.get("last")) is None


def count_of(value):
    """The whole number, from 0, that a value of an answer is; text where it is none."""
    if isinstance(value, Digits) or (isinstance(value, str) and re.fullmatch("[0-9]{1,4000}", value)):
        number = exactly(value)
        if isinstance(number, Fraction) and number.denominator == 1 and 0 <= number <= LARGEST:
            return int(number)
    return f"not a count: {value!r}"


def date_of(value):
    """The moment that a value in the documented form means, in UTC; null where it is none."""
    if type(value) is not str or not re.fullmatch("[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}", value):
        return None
    try:
        return datetime(*map(int, re.findall("[0-9]+", value)), tzinfo=timezone.utc)
    except ValueError:
        return None


def exactly(value):
    """The exact number that a text is; an infinity or a not-quite-zero where it is far out, null where it is none."""
    match = _NUMBER.fullmatch(value.strip())
    if not match:
        return None
    mantissa, power = match.groups("0")
    if not mantissa.strip("+-0."):
        return Fraction(0)
    if len(power.lstrip("+-0")) > 4 or len(mantissa) > 4000:
        return (-1 if mantissa.startswith("-") else 1) * (5e-324 if power.startswith("-") else math.inf)
    return Fraction(mantissa) * Fraction(10) ** int(power)


def check_policy(given):
    """Give options to the policy; it is refused by the name of one that means nothing, or each means what it says."""
    options = dict(given)
    if isinstance(given.get("expected_messages"), str):
        with contextlib.suppress(ValueError, RecursionError):
            meant = json.loads(given["expected_messages"])
            options["expected_messages"] = meant if isinstance(meant, (list, dict)) else given["expected_messages"]
    unfit = {name for name, value in options.items() if not _fits(name, value)}
    policy = _outcome(lambda: Policy.from_options(given), OptionError)
    if isinstance(policy, OptionError):
        named = policy.option.split(" of '")[0]
        assert str(policy).startswith(named)
        assert named in unfit or (named == "expected_messages" and _is_below_the_minimum(options, unfit))
        return None
    assert not unfit
    assert not _is_below_the_minimum(options, unfit)
    _check_values(policy, options)
    _check_use(policy)
    return policy


def check_policy_text(text):
    """Take bytes for options in JSON; what is no JSON object is no input."""
    options = None
    with contextlib.suppress(ValueError, RecursionError):
        options = json.loads(text)
    if isinstance(options, dict):
        check_policy(options)


TARGETS = {"answer": check_answer, "policy": check_policy_text}


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    # A float is what a person would write for it.
    return Fraction(value) if isinstance(value, int) else exactly(value if isinstance(value, str) else repr(value))


def _fits(name, value):
    """Whether an option means something; null is the default of any."""
    if value is None:
        return name in OPTIONS
    if name == "at_deadline":
        return value in ("ratio", "inconclusive")
    if name == "baseline_tag":
        return isinstance(value, str) and value != ""
    if name == "expected_messages" and isinstance(value, dict):
        return all(isinstance(tag, str) and _fits("min_messages", count) for tag, count in value.items())
    number = _number(value)
    if number is None or name not in OPTIONS:
        return False
    if name in ("min_messages", "expected_messages"):
        return isinstance(number, Fraction) and number.denominator == 1 and 1 <= number <= LARGEST
    # What is nearer to 0, to 1 or to infinity than any other float can tell is that.
    try:
        near = float(number)
    except OverflowError:
        return False
    if name == "confidence":
        return 0 <= near < 1
    return 0 <= near <= 1 if name in RATIOS else 0 <= near < math.inf


def _is_below_the_minimum(options, unfit):
    """Whether fewer messages are expected than decide anything."""
    expected, least = options.get("expected_messages"), options.get("min_messages")
    if expected is None or unfit & {"expected_messages", "min_messages"}:
        return False
    counts = expected.values() if isinstance(expected, dict) else [expected]
    return any(_number(count) < _number(100 if least is None else least) for count in counts if count is not None)


def _check_values(policy, options):
    for name, value in options.items():
        used = getattr(policy, name)
        if value is None:
            assert used == getattr(Policy(), name)
        elif isinstance(value, dict):
            assert used == {tag: _number(count) for tag, count in value.items() if count is not None}
        elif name in ("min_messages", "expected_messages"):
            assert (type(used), used) == (int, _number(value))
        elif name in (*RATIOS, *SECONDS):
            assert math.isclose(used, float(_number(value)), rel_tol=1e-15, abs_tol=1e-300)
        else:
            assert used == value


def _check_use(policy):
    """Mail that is settled and all delivered passes any policy, and mail of which nothing is delivered fails it."""
    expected = policy.expected_messages
    counts = expected if isinstance(expected, dict) else {TAG: expected or 0}
    messages = max([policy.min_messages, *counts.values()])
    # A grace period of centuries is a policy, too; no date is that old.
    quiet = min(policy.grace_period, 3e9) + 1
    last_at = NOW - timedelta(seconds=quiet) if quiet > policy.grace_period else NOW
    for delivered in (messages, 0):
        record = Record(next(iter(counts), TAG), messages, *[delivered] * 3, last_at=last_at, fetched_at=NOW)
        judgement = judge(state_of_record(record, policy, 1), policy)
        json.dumps(judgement.as_dict(), allow_nan=False)
        if last_at < NOW and (delivered or policy.min_delivery_ratio > 0):
            assert judgement.verdict == ("pass" if delivered else "fail")
