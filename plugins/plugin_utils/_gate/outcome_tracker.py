# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows what becomes of one tag's messages over all looks of a gate, and judges it. Private: names may change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Iterable, Mapping

from ...module_utils._record import Record
from .._judging.baseline import Baseline
from .._judging.judgement import Judgement
from .._judging.outcome import Outcome
from .._judging.outcome_decision import judge_outcome
from .._judging.outcome_state import OutcomeState, state_of_outcome
from .._judging.policy import Policy
from .look import Look
from .movement import Movement, is_copy
from .saved import (
    read_figures,
    read_judgement,
    read_moment,
    read_outcome,
    read_record,
    saved_judgement,
    saved_moment,
    saved_outcome,
    saved_record,
)

# A failure moves no counter, so events are read now and then while mail is under way.
_READ_AGAIN_AFTER = 60.0
# Without a moment given, the events are those of about the last month.
_SAME_MAIL = timedelta(days=28)
_DISAGREEMENT = 0.01


class OutcomeTracker:
    """Takes the records and the outcomes of one tag, and judges by the last outcome.

    The counters say when events are worth reading, and until when an outcome holds. Times are seconds on a monotonic
    clock. `has_since` tells that only the messages from a moment on are judged, `tags` how many tags are judged
    together.
    """

    def __init__(self, tag: str, policy: Policy, has_since: bool, tags: int = 1) -> None:
        self.tag = tag
        self.judgement: Judgement | None = None
        self._policy = policy
        self._has_since = has_since
        self._tags = tags
        self._movement = Movement()
        self._began = 0.0
        self._record: Record | None = None
        self._outcome: Outcome | None = None
        self._now: datetime | None = None
        self._read_at = 0.0
        self._figures_read: tuple[int, int] | None = None
        self._behind_since: float | None = None
        self._apart_since: float | None = None
        self._note = ""

    def judged_parts(self) -> dict[str, Any]:
        """Return what the result shows beside the judgement: the counters read last, and the outcome judged."""
        outcome = None
        if self._outcome is not None:
            notes = [*self._outcome.given.get("notes", ()), *filter(None, [self._note])]
            outcome = {**self._outcome.given, "notes": notes}
        return {"record": self._record.as_dict() if self._record else None, "outcome": outcome}

    @property
    def figures(self) -> tuple[int, int, int | None]:
        """Messages, deliveries and failed messages."""
        outcome = self._outcome
        return (outcome.messages, outcome.deliveries, outcome.failed) if outcome else (0, 0, 0)

    @property
    def has_old_mail(self) -> bool:
        """False: no message is anybody else's."""
        return False

    def wants_events(self, record: Record, elapsed: float, time_up: bool, may_read: bool) -> bool:
        """Return whether a look that found these counters, after so many seconds, should read the events, too.

        `may_read` tells that reading has not taken too much of the time so far.
        """
        if self._outcome is None or time_up:
            return True
        if _figures(record) != self._figures_read:
            return may_read
        may_change = self._outcome.under_way > 0 or self._movement.changed(elapsed, self._policy.grace_period)
        return may_read and may_change and elapsed - self._read_at >= _READ_AGAIN_AFTER

    def update(self, look: Look) -> None:
        """Take what a look read of the tag, if anything."""
        record, outcome = look.records.get(self.tag), look.outcomes.get(self.tag)
        if record is not None and not (self._record and is_copy(record, self._record)):
            self._movement.note(record, look.began, look.ended)
            self._record = record
            self._began = look.began
            # While the counters stand still, nothing was taken in or delivered since the events were read.
            if self._now and record.fetched_at and _figures(record) == self._figures_read:
                self._now = max(self._now, record.fetched_at)
        if outcome is None:
            return
        self._read_at = look.ended
        if self._outcome is not None and outcome.fetched_at < self._outcome.fetched_at:
            # A standby that is behind shows nothing new.
            return
        self._outcome, self._now = outcome, outcome.fetched_at
        self._figures_read = _figures(record) if record else None
        self._compare(outcome, look.ended)

    def judge(self, baseline: Baseline | None, time_up: bool) -> None:
        """Judge what is known of the tag, where its events were read."""
        if self._outcome is not None:
            state = replace(self._state(self._outcome), time_up=time_up)
            self.judgement = judge_outcome(state, self._policy, baseline)

    def state(self) -> dict[str, Any]:
        """Return what is known of the tag, in plain JSON types."""
        return {
            "movement": self._movement.state(),
            "began": self._began,
            "record": saved_record(self._record),
            "outcome": saved_outcome(self._outcome),
            "now": saved_moment(self._now),
            "judgement": saved_judgement(self.judgement),
            "read_at": self._read_at,
            "figures_read": self._figures_read,
            "behind_since": self._behind_since,
            "apart_since": self._apart_since,
            "note": self._note,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._movement.restore(state["movement"])
        self._began = state["began"]
        self._record = read_record(state["record"])
        self._outcome = read_outcome(state["outcome"])
        self._now = read_moment(state["now"])
        self.judgement = read_judgement(state["judgement"])
        self._read_at = state["read_at"]
        self._figures_read = read_figures(state["figures_read"])
        self._behind_since = state["behind_since"]
        self._apart_since = state["apart_since"]
        self._note = state["note"]

    def _state(self, outcome: Outcome) -> OutcomeState:
        policy = self._policy
        state = state_of_outcome(outcome, policy, self._tags, self._now)
        is_late = self._behind_since is not None and self._read_at - self._behind_since < policy.grace_period
        goes_on = is_late or self._movement.messages_changed(self._began, policy.sending_gap)
        moves = is_late or self._movement.changed(self._began, policy.grace_period)
        return replace(
            state,
            # Events may be late, so the counters have a say in it, too.
            sending_stopped=state.sending_stopped and (not goes_on or policy.expected(self.tag) is not None),
            settled=state.settled and not moves,
            ratio_decides=policy.at_deadline == "ratio",
        )

    def _compare(self, outcome: Outcome, ended: float) -> None:
        """Compare the events with the counters, where both are over the same mail."""
        record = self._record
        if self._has_since or record is None or not _is_recent(record):
            return
        self._behind_since = _since(self._behind_since, outcome.messages < record.messages, ended)
        accepted = outcome.deliveries + outcome.returned
        pairs = ((outcome.messages, record.messages), (accepted, record.deliveries))
        differs = any(abs(events - counter) > _DISAGREEMENT * max(counter, 1) for events, counter in pairs)
        self._apart_since = _since(self._apart_since, differs, ended)
        if self._apart_since is not None and ended - self._apart_since > self._policy.grace_period:
            self._note = (
                f"the events ({outcome.messages} messages, {accepted} deliveries) and the counters ({record.messages} "
                f"messages, {record.deliveries} deliveries) have differed by more than {_DISAGREEMENT:.0%} for longer "
                "than grace_period"
            )


def outcome_trackers_of(tags: Iterable[str], policy: Policy, has_since: bool) -> dict[str, OutcomeTracker]:
    """Return a tracker for each tag; `has_since` tells that only the messages from a moment on are judged."""
    unique = list(dict.fromkeys(tags))
    return {tag: OutcomeTracker(tag, policy, has_since, len(unique)) for tag in unique}


def _since(earlier: float | None, is_so: bool, now: float) -> float | None:
    """Return since when something is so; null where it is not."""
    if not is_so:
        return None
    return now if earlier is None else earlier


def _figures(record: Record) -> tuple[int, int]:
    return record.messages, record.deliveries


def _is_recent(record: Record) -> bool:
    first_at, now = record.first_at, record.fetched_at
    return first_at is not None and now is not None and now - first_at < _SAME_MAIL
