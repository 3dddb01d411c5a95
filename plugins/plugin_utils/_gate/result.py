# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a gate's task, in plain JSON types. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Mapping, Union

from ...module_utils._record import Record
from .._judging.judgement import Judgement
from .._judging.policy import Policy
from .history import History
from .look import VERDICTS
from .outcome_tracker import OutcomeTracker
from .tracker import Tracker

AnyTracker = Union[Tracker, OutcomeTracker]


@dataclass(frozen=True)
class Ending:
    """How a gate ended: its `verdict`, after `waited` seconds and so many failed looks, and the errors of the last."""

    verdict: str
    waited: float
    errors: int
    last_errors: Mapping[str, Mapping[str, Any]]


def gate_result(
    ending: Ending, trackers: Mapping[str, AnyTracker], baseline: Record | None, policy: Policy, history: History
) -> dict[str, Any]:
    """Return the result; `trackers` by tag, in the order asked."""
    judgements = {tag: _final(tracker, policy, ending) for tag, tracker in trackers.items()}
    worst_first = sorted(judgements, key=lambda tag: VERDICTS.index(judgements[tag].verdict or ending.verdict))
    others = sum(judgement.verdict == ending.verdict for judgement in judgements.values()) - 1
    more = f" (and {others} more {'tag' if others == 1 else 'tags'})" if others > 0 else ""
    return {
        "verdict": ending.verdict,
        "msg": f"{ending.verdict}: {'; '.join(judgements[worst_first[0]].reasons)}{more}",
        "reasons": [reason for tag in worst_first for reason in judgements[tag].reasons],
        "tags": {tag: {**judgement.as_dict(), **trackers[tag].judged_parts()} for tag, judgement in judgements.items()},
        "stats": _stats(trackers, baseline, policy),
        "looks": history.looks,
        "waited": round(ending.waited, 3),
        "errors": ending.errors,
        "last_errors": ending.last_errors,
        "history": history.entries(),
        "history_dropped": history.dropped,
        "policy": asdict(policy),
    }


def _final(tracker: AnyTracker, policy: Policy, ending: Ending) -> Judgement:
    """Return the judgement of a tag now that the gate has ended."""
    judgement = tracker.judgement
    if judgement is None:
        return Judgement("error", None, (_problem(tracker.tag, ending),), policy.min_delivery_ratio, 0, 0, 0, 0)
    if judgement.verdict is not None:
        return judgement
    if ending.verdict == "error":
        return replace(judgement, verdict="error", reasons=(_problem(tracker.tag, ending), *judgement.reasons))
    return replace(judgement, verdict="inconclusive")


def _problem(tag: str, ending: Ending) -> str:
    """Return what kept a tag from being judged."""
    error = ending.last_errors.get(tag) or next(iter(ending.last_errors.values()), None)
    return str(error["msg"]) if error else f"{tag}: it was never read"


def _stats(trackers: Mapping[str, AnyTracker], baseline: Record | None, policy: Policy) -> dict[str, Any]:
    """Return the last cumulative records by tag, that of the baseline included; none where outcomes are judged."""
    records = {tag: tracker.last_record for tag, tracker in trackers.items() if isinstance(tracker, Tracker)}
    if records and policy.baseline_tag is not None:
        records.setdefault(policy.baseline_tag, baseline)
    return {tag: record.as_dict() for tag, record in records.items() if record is not None}
