# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work behind the filter C(tag_health) and the test C(healthy). Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ..module_utils._errors import OptionError
from ..module_utils._policy import Policy
from ..module_utils._record import Record
from ._forms import Given, only_tag
from ._judging.decision import judge
from ._judging.judgement import Judgement
from ._judging.state import state_of_record
from ._since import records_since

_INPUT = "the input"


def tag_health(given: Any, options: Mapping[str, Any], warn: Callable[[str], None]) -> Any:
    """Return the judgement of one record, or of each in a list or a dict, as plain dicts in the same form."""
    form, records, judgements = _judged(given, options, warn)
    return form.like([judgement.as_dict() for judgement in judgements], records)


def healthy(given: Any, options: Mapping[str, Any], warn: Callable[[str], None]) -> bool:
    """Return whether all that was given passes."""
    _form, _records, judgements = _judged(given, options, warn)
    return all(judgement.verdict == "pass" for judgement in judgements)


def _judged(
    given: Any, options: Mapping[str, Any], warn: Callable[[str], None]
) -> tuple[Given, list[Record], list[Judgement]]:
    """Judge each record by the policy in C(options). Raises OptionError."""
    if "at_deadline" in options:
        raise OptionError("at_deadline", "it belongs to the gate; here a confidence above 0 asks for evidence")
    policy_options = {name: value for name, value in options.items() if name != "since"}
    policy = Policy.from_options(policy_options, confidence=0.0)
    form = Given.read(_INPUT, given)
    baseline = _baseline(form, policy)
    records = [record for record in form.records if record is not baseline]
    if not records:
        raise only_tag(policy.baseline_tag)
    if isinstance(policy.expected_messages, dict):
        policy.check_tags(list(form.by_tag(_INPUT)))
    if options.get("since") is not None:
        judged = Given(form.form, tuple(records))
        records = records_since("since", judged, options["since"], policy.grace_period, warn)
    looks = [state_of_record(record, policy, len(records)) for record in records]
    return form, records, [judge(look, policy, baseline) for look in looks]


def _baseline(form: Given, policy: Policy) -> Record | None:
    if policy.baseline_tag is None:
        return None
    if form.form is Record and form.records[0].tag == policy.baseline_tag:
        raise only_tag(policy.baseline_tag)
    if form.form is Record:
        raise OptionError("baseline_tag", "one record alone has no other to be judged against; give a dict or a list")
    baseline = form.by_tag(_INPUT).get(policy.baseline_tag)
    if baseline is None:
        raise OptionError("baseline_tag", f"'{policy.baseline_tag}' is not among the records; read it along with them")
    return baseline
