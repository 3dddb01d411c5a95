"""Tests of the policy: values and refusals."""

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.fuzz._checks import OPTIONS, check_policy
from hypothesis import example, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("min_messages", 0, "not a whole number of 1 or more"),
        ("min_messages", "1e-99999999999999999999", "too large an exponent"),
        ("confidence", 1, "can never be reached"),
        ("expected_messages", 99, r"below min_messages \(100\)"),
        ("expected_messages", {"a": 1000, "b": 5}, r"below min_messages \(100\)"),
        ("expected_messages", {"a": 0}, "expected_messages of 'a': 0 is not a whole number of 1 or more"),
        ("expected_messages", {"a": 400, True: 500}, "true is not a tag; quote it"),
        ("expected_messages", "[400]", "is not a number"),
        ("at_deadline", "pass", "'pass' is unknown; give ratio or inconclusive"),
        ("baseline_tag", 8, "8 is not a tag; quote it"),
        ("max_delivery_drop", 2, r"did you mean 0\.02\?"),
    ],
)
def test_values_refused(name, value, said):
    """What cannot be met or means nothing is refused with the option's name."""
    with pytest.raises(OptionError, match=said) as caught:
        Policy.from_options({name: value})
    assert str(caught.value).startswith(name)


NUMBERS = st.one_of(
    st.integers(-1, 200), st.floats(0, 1), st.floats(), st.integers(),
    st.sampled_from([0, 1, 0.95, 1 - 2**-53, 5e-324, 2**63 - 1, 2**63, 10**400, 100.5, -0.0]),
)  # fmt: skip
# As from `-e`, and what looks like a number to Python alone.
TEXTS = st.one_of(
    st.integers(0, 2000).map(str), st.floats(0, 1).map(repr), st.text(max_size=5),
    st.from_regex(r"\A ?[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})? ?\Z"),
    st.sampled_from(["", "nan", "inf", "1_0", "\u0661", "0x1", "true", "0,95", "95%", "1e-99999999999999999999"]),
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
COUNTS = st.integers(100, 5000)
SENSIBLE = {
    "at_deadline": st.sampled_from(["ratio", "inconclusive"]),
    "baseline_tag": st.text(max_size=3),
    "expected_messages": COUNTS | st.dictionaries(st.text(max_size=3), COUNTS),
}
VALUES = {name: ANYTHING | NUMBERS | TEXTS | SENSIBLE.get(name, st.floats(0, 1)) for name in OPTIONS}
ONE_VALUE = st.sampled_from(OPTIONS).flatmap(lambda name: st.fixed_dictionaries({name: VALUES[name]}))
OTHER_OPTION = st.dictionaries(st.text(max_size=20), st.just(1), min_size=1, max_size=1)


@given(st.fixed_dictionaries({}, optional=VALUES) | ONE_VALUE | OTHER_OPTION)
@example({"min_messages": "1e-99999999999999999999"})
# What Python strips is no part of a number, and no digit is lost on the way.
@example({"min_delivery_ratio": "\x1c.5\x85", "min_messages": 2**53 + 1})
@example({"min_messages": None, "expected_messages": {"a": "100", "b": None}})
@example({"expected_messages": '{"010": "1000"}'})
# Python refuses to show numbers as long as these.
@example({"min_delivery_ratio": 10**5000})
@example({"min_messages": [10**5000]})
@example({"at_deadline": 10**5000})
@example({"baseline_tag": 10**5000})
@settings(max_examples=225)
def test_any_policy(options):
    """Whatever values come, there is a policy of just these, or an error that names one that means nothing."""
    check_policy({"min_messages": 1, **options} if [*options] == ["expected_messages"] else options)
