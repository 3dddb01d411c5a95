# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's wait as a state machine. Private: names and behaviour may change.

A look, or the error that it ended with, and its time go in; "look again in so many seconds" or a verdict comes out.
There is no clock in it, no sleep and no Ansible.
"""

from __future__ import annotations

from typing import Any, Mapping

from ...module_utils._record import Record, to_iso
from .._judging.policy import Policy
from .history import History
from .look import VERDICTS, GateEvent, Look, TagEvent, Timing
from .result import AnyTracker, Ending, gate_result
from .saved import read_record, saved_record

# Reading events is dear, for the service too.
_READING_SHARE = 0.1


class Gate:
    """Judges tags over time by a policy, each as its tracker follows it; `trackers` are by tag."""

    def __init__(self, trackers: Mapping[str, AnyTracker], policy: Policy, timing: Timing) -> None:
        self.tags = list(trackers)
        self.policy = policy
        self.timing = timing
        self._trackers = trackers
        self._baseline: Record | None = None
        self._history = History(timing.history_limit, len(self.tags))
        self._errors = self._errors_in_a_row = 0
        self._last_errors: dict[str, dict[str, Any]] = {}
        self._verdict: str | None = None
        self._waited = 0.0
        self._read_seconds = 0.0
        self._unseen = 0.0
        self._next_at = min(timing.wait_delay, timing.wait_timeout)

    @property
    def unseen(self) -> float:
        """Seconds since the start in which nobody could watch: they count for `wait_timeout` and for nothing else."""
        return self._unseen

    @property
    def looks(self) -> int:
        """How many looks were taken, those before a restart included."""
        return self._history.looks

    def next_look_in(self, elapsed: float) -> float:
        """Return the seconds to the next look, so many seconds after the start."""
        return max(0.0, self._next_at - elapsed)

    def state(self) -> dict[str, Any]:
        """Return what the gate knows between two looks, in plain JSON types: `restore` goes on from there."""
        return {
            "trackers": {tag: tracker.state() for tag, tracker in self._trackers.items()},
            "baseline": saved_record(self._baseline),
            "history": self._history.state(),
            "errors": self._errors,
            "errors_in_a_row": self._errors_in_a_row,
            "last_errors": self._last_errors,
            "waited": self._waited,
            "read_seconds": self._read_seconds,
            "unseen": self._unseen,
            "next_at": self._next_at,
        }

    def restore(self, state: Mapping[str, Any], unseen: float = 0.0) -> None:
        """Go on from a state of a gate of the same tags and policy, after `unseen` seconds more of nobody watching.

        Raises one of DAMAGED where it is none.
        """
        for tag, tracker in self._trackers.items():
            tracker.restore(state["trackers"][tag])
        self._baseline = read_record(state["baseline"])
        self._history.restore(state["history"])
        self._errors, self._errors_in_a_row = state["errors"], state["errors_in_a_row"]
        self._last_errors = dict(state["last_errors"])
        self._waited = state["waited"]
        self._read_seconds = state["read_seconds"]
        self._unseen = state["unseen"] + unseen
        self._next_at = min(state["next_at"], self.timing.wait_timeout)

    @property
    def wanted(self) -> list[str]:
        """The tags that the next look is to read."""
        baseline = self.policy.baseline_tag
        if baseline is None or baseline in self.tags or not self._wants_baseline:
            return self.tags
        return [*self.tags, baseline]

    def wants_events(self, records: Mapping[str, Record], elapsed: float) -> list[str]:
        """Return the tags whose events this look should read, after so many seconds and these counters.

        No more than a tenth of the time goes into reading events, except for what was never read, or when time is up.
        """
        time_up = elapsed + self._unseen >= self.timing.wait_timeout
        may_read = time_up or self._read_seconds <= _READING_SHARE * elapsed
        return [
            tag
            for tag, tracker in self._trackers.items()
            if tag in records and tracker.wants_events(records[tag], elapsed, time_up, may_read)
        ]

    @property
    def old_tags(self) -> list[str]:
        """The tags whose old mail can hide a new wave."""
        return [tag for tag, tracker in self._trackers.items() if tracker.has_old_mail]

    def look(self, look: Look) -> GateEvent:
        """Take a look and decide; its times leave out the `unseen` seconds."""
        elapsed = look.ended + self._unseen
        time_up = elapsed >= self.timing.wait_timeout
        undecided = [tag for tag in self.wanted if not self._has_passed(tag)]
        failed = [tag for tag in undecided if tag in look.errors]
        self._update(look, time_up)
        if failed:
            self._errors += 1
            self._errors_in_a_row += 1
            self._last_errors = {tag: dict(error) for tag, error in look.errors.items()}
        else:
            self._errors_in_a_row = 0
        self._verdict = self._decide(look, time_up)
        self._waited = elapsed
        pause = max(self.timing.wait_sleep, look.retry_after or 0.0)
        problem = "; ".join(dict.fromkeys(str(look.errors[tag]["msg"]) for tag in failed)) or None
        event = GateEvent(
            look=self._history.looks + 1,
            at=look.at,
            elapsed=elapsed,
            tags={
                tag: TagEvent(*tracker.figures, tracker.judgement)
                for tag, tracker in self._trackers.items()
                if tracker.judgement
            },
            error=problem,
            verdict=self._verdict,
            next_in=max(0.0, min(pause, self.timing.wait_timeout - elapsed)),
        )
        self._next_at = elapsed + event.next_in
        self._history.add(_entry(event))
        return event

    def result(self) -> dict[str, Any]:
        """Return the result of the task, in plain JSON types, once there is a verdict."""
        ending = Ending(self._verdict or "error", self._waited, self._errors, self._last_errors)
        return gate_result(ending, self._trackers, self._baseline, self.policy, self._history)

    @property
    def _wants_baseline(self) -> bool:
        """Whether there is no reading of the baseline yet that does not contradict itself."""
        return self._baseline is None or self._baseline.deliveries > self._baseline.messages

    def _has_passed(self, tag: str) -> bool:
        tracker = self._trackers.get(tag)
        return bool(tracker and tracker.judgement and tracker.judgement.verdict == "pass")

    def _update(self, look: Look, time_up: bool) -> None:
        """Take what a look read, and judge each tag."""
        if self.policy.baseline_tag is not None and self._wants_baseline:
            self._baseline = look.records.get(self.policy.baseline_tag, self._baseline)
        self._read_seconds += sum(outcome.read_seconds for outcome in look.outcomes.values())
        for tracker in self._trackers.values():
            tracker.update(look)
            if self.policy.baseline_tag is None or self._baseline is not None:
                tracker.judge(self._baseline, time_up)

    def _decide(self, look: Look, time_up: bool) -> str | None:
        judgements = [tracker.judgement for tracker in self._trackers.values()]
        verdicts = [judgement.verdict if judgement else None for judgement in judgements]
        refused = any(error.get("kind") == "refused" for error in look.errors.values())
        if "fail" in verdicts:
            return "fail"
        if refused or self._errors_in_a_row > self.timing.max_consecutive_errors:
            return "error"
        if all(verdict == "pass" for verdict in verdicts):
            return "pass"
        if not time_up and "inconclusive" not in verdicts:
            return None
        undecided = ("inconclusive" if judgement else "error" for judgement in judgements)
        return min((verdict or other for verdict, other in zip(verdicts, undecided)), key=VERDICTS.index)


def _entry(event: GateEvent) -> dict[str, Any]:
    """Return the history's entry of a look."""
    at = to_iso(event.at)
    if event.error is not None:
        return {"at": at, "error": event.error}
    return {"at": at, "tags": {tag: _tag_entry(tag_event) for tag, tag_event in event.tags.items()}}


def _tag_entry(event: TagEvent) -> dict[str, Any]:
    failed = {} if event.failed is None else {"failed": event.failed}
    verdict = event.judgement.verdict
    return {"messages": event.messages, "deliveries": event.deliveries, **failed, "verdict": verdict}
