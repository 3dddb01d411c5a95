# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work behind the filter `tag_health` and the test `healthy`. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ..module_utils._errors import OptionError
from ._forms import Judgeable, TagInput, only_tag
from ._judging.decision import judge
from ._judging.judgement import Judgement
from ._judging.outcome import Outcome
from ._judging.outcome_decision import judge_outcome
from ._judging.outcome_state import state_of_outcome
from ._judging.policy import Policy
from ._judging.state import state_of_record
from ._since import records_since

_INPUT = "the input"


def tag_health(given: Any, options: Mapping[str, Any], warn: Callable[[str], None]) -> Any:
    """Return the judgement of one record or outcome, or of each in a list or a dict, in the same form."""
    form, entries, judgements = _judged(given, options, warn)
    return form.like([judgement.as_dict() for judgement in judgements], entries)


def healthy(given: Any, options: Mapping[str, Any], warn: Callable[[str], None]) -> bool:
    """Return whether all that was given passes."""
    _form, _readings, judgements = _judged(given, options, warn)
    return all(judgement.verdict == "pass" for judgement in judgements)


def _judged(
    given: Any, options: Mapping[str, Any], warn: Callable[[str], None]
) -> tuple[TagInput, Sequence[Judgeable], list[Judgement]]:
    """Judge each record or outcome by the policy in `options`. Raises OptionError."""
    if "at_deadline" in options:
        raise OptionError("at_deadline", "it belongs to the gate; here a confidence above 0 asks for evidence")
    policy_options = {name: value for name, value in options.items() if name != "since"}
    policy = Policy.from_options(policy_options, confidence=0.0)
    form = TagInput.read(_INPUT, given)
    baseline = _baseline(form, policy)
    entries: Sequence[Judgeable] = [entry for entry in form.entries if entry is not baseline]
    if not entries:
        raise only_tag(policy.baseline_tag)
    if isinstance(policy.expected_messages, dict):
        policy.check_tags(list(form.by_tag(_INPUT)))
    if options.get("since") is not None:
        judged = TagInput(form.form, tuple(entries))
        entries = records_since("since", judged, options["since"], policy.grace_period, warn)
    return form, entries, [_judge(entry, policy, len(entries), baseline) for entry in entries]


def _judge(entry: Judgeable, policy: Policy, tags: int, baseline: Judgeable | None) -> Judgement:
    if isinstance(entry, Outcome):
        return judge_outcome(state_of_outcome(entry, policy, tags), policy, baseline)
    return judge(state_of_record(entry, policy, tags), policy, baseline)


def _baseline(form: TagInput, policy: Policy) -> Judgeable | None:
    if policy.baseline_tag is None:
        return None
    if form.form == "one" and form.entries[0].tag == policy.baseline_tag:
        raise only_tag(policy.baseline_tag)
    if form.form == "one":
        raise OptionError("baseline_tag", "one record alone has no other to be judged against; give a dict or a list")
    baseline = form.by_tag(_INPUT).get(policy.baseline_tag)
    if baseline is None:
        raise OptionError("baseline_tag", f"'{policy.baseline_tag}' is not among the records; read it along with them")
    return baseline
