# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of any answer and of any policy, by a reading of them that owes nothing to the collection's own."""

from __future__ import annotations

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
    "messages": ["messages"],
    "deliveries": ["deliveries", "delivery"],
    "opens": ["opens", "all_opens"],
    "clicks": ["clicks", "all_clicks"],
    "unique_opens": ["unique_opens"],
    "unique_clicks": ["unique_clicks"],
}
COUNTERS = ("messages", "deliveries", "opens", "clicks")
KEYS = {
    "tag", "first", "last", "first_at", "last_at", *SPELLINGS, "undelivered", "delivery_ratio", "open_ratio",
    "click_ratio", "click_to_open_ratio", "known", "notes", "fetched_at", "under_way", "carried_over",
}  # fmt: skip
RATIOS = ("min_delivery_ratio", "confidence", "min_open_ratio", "min_click_ratio", "max_delivery_drop")
SECONDS = ("sending_gap", "grace_period")
OPTIONS = (*RATIOS, *SECONDS, "min_messages", "expected_messages", "at_deadline", "baseline_tag")
_EXCERPT = Redactor("a-token-of-the-tests").excerpt
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]*))?")


class Digits(str):
    """A number of JSON as it was written."""

    __slots__ = ()


class OddJsonError(ValueError):
    """It repeats a key, or holds what JSON does not have."""


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
    content = _read(body)
    found = record.as_dict()
    _check_form(record, found)
    if found["known"]:
        _check_counters(content, found)
        _check_dates(content, found)
    else:
        _check_nothing_is_there(content, found)
    return found


def _outcome(attempt, refusal):
    """What comes of an attempt, or the refusal that ended it; whatever else it raises is a finding."""
    try:
        return attempt()
    except refusal as error:
        return error


def _read(body):
    """The answer's JSON, with numbers as they were written; raises where there is none, or a key is repeated."""

    def unrepeated(pairs):
        if len({key for key, _value in pairs}) < len(pairs):
            raise OddJsonError("a key is repeated")
        return dict(pairs)

    def no_constant(name):
        raise OddJsonError(name)

    text = body.decode("utf-8-sig")
    return json.loads(
        text, object_pairs_hook=unrepeated, parse_int=Digits, parse_float=Digits, parse_constant=no_constant
    )


def _check_form(record, found):
    """The record has all its keys in their types, derived from its own counters, and comes back from its dict."""
    assert set(found) == KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert Record.from_dict(found) == record
    for name in COUNTERS:
        assert isinstance(found[name], int)
        assert not isinstance(found[name], bool)
        assert 0 <= found[name] <= LARGEST
    assert found["undelivered"] == max(0, found["messages"] - found["deliveries"])
    for ratio, part, whole in (
        ("delivery_ratio", "deliveries", "messages"),
        ("open_ratio", "opens", "deliveries"),
        ("click_ratio", "clicks", "deliveries"),
        ("click_to_open_ratio", "clicks", "opens"),
    ):
        assert found[ratio] == (found[part] / found[whole] if found[whole] else None)
    assert (found["tag"], found["fetched_at"]) == (TAG, "2016-01-02T12:00:00Z")
    assert (found["under_way"], found["carried_over"]) == (None, 0)
    # No text of the service's gets into a note, nor any figure.
    assert all(re.fullmatch("[a-z_ :]+", note) for note in found["notes"])


def _said(content, name):
    """The numbers that the answer gives for a counter, in any of its spellings."""
    return {count_of(content[spelling]) for spelling in SPELLINGS[name] if content.get(spelling) is not None}


def _check_counters(content, found):
    """Each counter is the one number that the answer gives."""
    assert isinstance(content, dict)
    for name in SPELLINGS:
        assert (_said(content, name) or ({None} if name.startswith("unique") else set())) == {found[name]}, name
    notes = " ".join(found["notes"])
    assert ("deliveries are above messages" in notes) == (found["deliveries"] > found["messages"])


def _check_dates(content, found):
    """A date is the one that the answer gives in the documented form, and else null."""
    moments = {}
    for name in ("first", "last"):
        moments[name] = moment = date_of(content.get(name))
        assert found[name] == (content[name] if moment else None)
        assert found[f"{name}_at"] == (content[name].replace(" ", "T") + "Z" if moment else None)
        assert (f"{name} is not a date in the documented form" in found["notes"]) == (moment is None)
    notes = " ".join(found["notes"])
    first, last = moments["first"], moments["last"]
    assert ("last activity is before the first" in notes) == bool(first and last and last < first)
    assert ("last activity is in the future" in notes) == bool(last and last > NOW)
    assert first or last or any(found[name] for name in COUNTERS)


def _check_nothing_is_there(content, found):
    """Only nothing at all, or four counters of 0 without dates, is a tag that the service does not know."""
    assert [found[name] for name in SPELLINGS] == [0, 0, 0, 0, None, None]
    assert (found["first"], found["last"], found["delivery_ratio"]) == (None, None, None)
    if content in (None, [], {}):
        return
    assert isinstance(content, dict)
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
    if isinstance(value, Digits) or not isinstance(value, str):
        return None
    if not re.fullmatch("[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}", value):
        return None
    try:
        return datetime(*map(int, re.findall("[0-9]+", value)), tzinfo=timezone.utc)
    except ValueError:
        return None


def exactly(value):
    """The exact number that a text is; an infinity or a not-quite-zero where it is far out, null where it is none."""
    match = _NUMBER.fullmatch(value.strip())
    if not match or not (match[2] or match[3]) or (match[5] == "" and not re.search("[eE][+-]?0+$", value.strip())):
        return None
    sign = -1 if match[1] == "-" else 1
    digits, places = match[2] + (match[3] or ""), len(match[3] or "")
    if not digits.strip("0"):
        return Fraction(0)
    if len(match[5] or "") > 4 or len(digits) > 4000:
        return sign * (5e-324 if match[4] == "-" else math.inf)
    exponent = int(match[5] or 0) * (-1 if match[4] == "-" else 1) - places
    return sign * Fraction(int(digits)) * Fraction(10) ** exponent


def check_policy(options):
    """Give options to the policy; it is refused by the name of one that means nothing, or each means what it says."""
    given, options = options, _without_json(options)
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


def _without_json(options):
    """The options with the list or the dict that JSON text of `expected_messages` stands for."""
    value = options.get("expected_messages")
    try:
        meant = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        meant = value
    return {**options, "expected_messages": meant} if isinstance(meant, (list, dict)) else options


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, int):
        return Fraction(value)
    # A float is what a person would write for it.
    return exactly(value if isinstance(value, str) else repr(value))


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
    near = _float(number)
    if name == "confidence":
        return 0 <= near < 1
    return 0 <= near <= 1 if name in RATIOS else 0 <= near < math.inf


def _float(number):
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _is_below_the_minimum(options, unfit):
    """Whether fewer messages are expected than decide anything."""
    expected = options.get("expected_messages")
    if expected is None or unfit & {"expected_messages", "min_messages"}:
        return False
    least = options.get("min_messages")
    counts = expected.values() if isinstance(expected, dict) else [expected]
    return any(_number(count) < _number(100 if least is None else least) for count in counts if count is not None)


def _check_values(policy, options):
    for name, value in options.items():
        used = getattr(policy, name)
        if value is None:
            assert used == getattr(Policy(), name)
        elif isinstance(value, dict):
            assert used == {str(tag): int(_number(count)) for tag, count in value.items() if count is not None}
        elif name in ("min_messages", "expected_messages"):
            assert (type(used), used) == (int, _number(value))
        elif name in (*RATIOS, *SECONDS):
            assert math.isclose(used, _float(_number(value)), rel_tol=1e-15, abs_tol=1e-300)
        else:
            assert used == value


def _check_use(policy):
    """Mail that is still and all delivered passes any policy, and mail of which nothing is delivered fails it."""
    expected = policy.expected_messages
    counts = [*expected.values(), 0] if isinstance(expected, dict) else [expected or 0]
    messages = max(policy.min_messages, *counts, 1)
    tags = list(expected) if isinstance(expected, dict) and expected else [TAG]
    # A grace period of centuries is a policy, too; no date is that old.
    quiet = min(policy.grace_period, 3e9) + 1
    last_at = NOW - timedelta(seconds=quiet) if quiet > policy.grace_period else NOW
    for delivered in (messages, 0):
        record = Record(tags[0], messages, delivered, delivered, delivered, last_at=last_at, fetched_at=NOW)
        judgement = judge(state_of_record(record, policy, 1), policy)
        json.dumps(judgement.as_dict(), allow_nan=False)
        if last_at == NOW:
            continue
        if delivered:
            assert judgement.verdict == "pass"
        elif policy.min_delivery_ratio > 0:
            assert judgement.verdict == "fail"
