# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any policy is refused by the name of an option that means nothing, or is one that mail can meet and miss."""

from __future__ import annotations

from ansible_collections.mailops.smtpeter.tests.fuzz._checks import OPTIONS, check_policy
from hypothesis import example, given, settings
from hypothesis import strategies as st

NUMBERS = (
    st.integers(-1, 200)
    | st.floats(0, 1)
    | st.floats()
    | st.integers()
    | st.sampled_from([0, 1, 0.95, 1 - 2**-53, 5e-324, 2**63 - 1, 2**63, 10**400, 100.5, -0.0])
)
# As from `-e`, and what looks like a number to Python alone.
TEXTS = (
    st.integers(0, 2000).map(str)
    | st.floats(0, 1).map(repr)
    | st.from_regex(r"\A ?[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})? ?\Z")
    | st.sampled_from(["", "nan", "inf", "1_0", "\u0661", "0x1", "true", "0,95", "95%", "1e-99999999999999999999"])
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
SENSIBLE = {
    "at_deadline": st.sampled_from(["ratio", "inconclusive"]),
    "baseline_tag": st.text(max_size=3),
    "expected_messages": st.integers(100, 5000) | st.dictionaries(st.text(max_size=3), st.integers(100, 5000)),
}
VALUES = {name: ANYTHING | NUMBERS | TEXTS | SENSIBLE.get(name, st.floats(0, 1)) for name in OPTIONS}


@given(st.fixed_dictionaries({}, optional=VALUES))
@example({"min_messages": "1e-99999999999999999999"})
@settings(max_examples=100)
def test_any_policy(options):
    """Whatever values come, there is a policy of just these, or an error that names one that means nothing."""
    check_policy(options)


@given(st.sampled_from(OPTIONS).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
@settings(max_examples=100)
def test_any_value_alone(given_option):
    """Each option is judged for itself, also where nothing else is wrong."""
    name, value = given_option
    check_policy({name: value, "min_messages": 1} if name == "expected_messages" else {name: value})


@given(st.text(max_size=20))
@settings(max_examples=25)
def test_any_other_option(name):
    """A name that the policy does not have is refused, and named."""
    if name not in OPTIONS:
        assert check_policy({name: 1}) is None
