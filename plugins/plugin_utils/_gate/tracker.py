# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows one tag over all looks of a gate, and judges it. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Iterable, Mapping

from ...module_utils._record import Record, difference
from .._judging.baseline import Baseline, required_ratio
from .._judging.decision import judge
from .._judging.judgement import Judgement
from .._judging.policy import Policy
from .._judging.state import TagState
from .look import Look
from .movement import Ages, Fall, Movement, fallen, is_copy
from .saved import read_judgement, read_record, saved_fields, saved_judgement, saved_record

_OLD_MAIL = timedelta(days=1)
_SENT = ("messages", "deliveries")
_ENGAGED = ("opens", "clicks")
_CORRECTIONS_KEPT = 5
OLD_MAIL_NOTE = (
    "the tag was first used more than a day before the gate began, so old mail can hide a new wave: judge one tag per "
    "wave, or give since"
)


@dataclass(frozen=True)
class _TrackedRecord:
    """A cumulative record, and what the gate's own looks say of it; `due` messages are older than the grace period.

    `fallen` says which of opens and clicks are below an earlier record.
    """

    record: Record
    settled: bool
    sending_stopped: bool
    due: int
    fallen: tuple[str, ...]

    def state(self) -> dict[str, Any]:
        """Return the record in plain JSON types."""
        return {
            "record": saved_record(self.record),
            "settled": self.settled,
            "sending_stopped": self.sending_stopped,
            "due": self.due,
            "fallen": list(self.fallen),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> _TrackedRecord:
        """Return what was saved."""
        record = read_record(state["record"])
        if record is None:
            raise ValueError
        return cls(**{**state, "record": record, "fallen": tuple(state["fallen"])})

    @property
    def with_under_way(self) -> Record:
        """The record with what may be under way."""
        under_way = 0 if self.settled else min(self.record.messages - self.due, self.record.undelivered)
        return replace(self.record, under_way=under_way)


class Tracker:
    """Takes each record of one tag with the time of its look, and judges what is known of the tag.

    Times are seconds on a monotonic clock. `before` is the earlier record that `since` gives, `tags` the number of tags
    judged together.
    """

    def __init__(self, tag: str, policy: Policy, before: Record | None, tags: int = 1) -> None:
        self.tag = tag
        self.judgement: Judgement | None = None
        self._policy = policy
        self._before = before
        self._tags = tags
        self._movement = Movement()
        self._ages = Ages(policy.grace_period)
        self._previous: Record | None = None
        self._highest = before or Record(tag, 0, 0)
        self._tracked: _TrackedRecord | None = None
        self._judged: Record | None = None
        self._fall: Fall | None = None
        self._since_problem = ""
        self._deliveries_ahead = False
        self._notes: tuple[str, ...] = ()

    @property
    def last_record(self) -> Record | None:
        """The last cumulative record that could be judged, with what may be under way; null where there was none."""
        return self._with_notes(self._tracked.with_under_way) if self._tracked else None

    @property
    def judged_record(self) -> Record | None:
        """The record to judge, a difference with `since`; null where there never was one."""
        if self._judged is None and self._tracked:
            return self._state(self._tracked).record
        return self._judged

    @property
    def figures(self) -> tuple[int, int, int | None]:
        """Messages and deliveries as judged, or as they came where they cannot be judged; 0 without a record."""
        shown = self._previous if self._fall or self._since_problem else self.judged_record
        return (shown.messages, shown.deliveries, None) if shown else (0, 0, None)

    @property
    def has_old_mail(self) -> bool:
        """Whether the tag had mail long before the gate began, and no `since` tells it apart."""
        return OLD_MAIL_NOTE in self._notes

    def judged_parts(self) -> dict[str, Any]:
        """Return what the result shows beside the judgement: the record judged."""
        record = self.judged_record
        return {"record": record.as_dict() if record else None}

    def wants_events(self, record: Record, elapsed: float, time_up: bool, may_read: bool) -> bool:
        """Return false: counters are all that is judged."""
        return False

    def update(self, look: Look) -> None:
        """Take what a look read of the tag, if anything."""
        record = look.records.get(self.tag)
        previous = self._previous
        if record is None or (previous is not None and is_copy(record, previous)):
            return
        began, ended = look.began, look.ended
        if previous is None and self._before is None and _has_old_mail(record):
            self._notes += (OLD_MAIL_NOTE,)
        self._previous = record
        self._movement.note(record, began, ended)
        if self._tracked is None:
            self._check_since(record)
        elif self._is_falling(record, began, ended):
            return
        self._fall = None
        self._follow(record, began, ended)

    def judge(self, baseline: Baseline | None, time_up: bool) -> None:
        """Judge what is known of the tag, where there was a record."""
        if self._tracked is None:
            return
        if self._fall and time_up:
            self._judge_fallen(self._tracked, self._fall, baseline)
            return
        state = replace(self._state(self._tracked), time_up=time_up)
        self._judged = state.record
        if self._since_problem:
            required = required_ratio(self._policy, baseline)
            reason = f"{self.tag}: {self._since_problem}"
            self.judgement = Judgement.undecided("inconclusive", [reason], required, state)
            return
        self.judgement = judge(state, self._policy, baseline)
        if self._fall:
            reason = f"{self.tag}: {self._fall.text}; {self._until()}"
            self.judgement = replace(self.judgement, verdict=None, decided_by=None, reasons=(reason,))

    def state(self) -> dict[str, Any]:
        """Return what is known of the tag, in plain JSON types."""
        return {
            "movement": self._movement.state(),
            "ages": self._ages.state(),
            "previous": saved_record(self._previous),
            "highest": saved_record(self._highest),
            "tracked": self._tracked.state() if self._tracked else None,
            "judged": saved_record(self._judged),
            "judgement": saved_judgement(self.judgement),
            "fall": saved_fields(self._fall),
            "since_problem": self._since_problem,
            "deliveries_ahead": self._deliveries_ahead,
            "notes": list(self._notes),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._movement.restore(state["movement"])
        self._ages.restore(state["ages"])
        self._previous = read_record(state["previous"])
        self._highest = read_record(state["highest"]) or self._highest
        self._tracked = None if state["tracked"] is None else _TrackedRecord.restored(state["tracked"])
        self._judged = read_record(state["judged"])
        self.judgement = read_judgement(state["judgement"])
        self._fall = None if state["fall"] is None else Fall.restored(state["fall"])
        self._since_problem = state["since_problem"]
        self._deliveries_ahead = state["deliveries_ahead"]
        self._notes = tuple(state["notes"])

    def _until(self) -> str:
        return f"nothing is decided until that is made up for, or has lasted for {self._policy.sending_gap:g} s"

    def _judge_fallen(self, tracked: _TrackedRecord, fall: Fall, baseline: Baseline | None) -> None:
        """Judge by the most messages and the least deliveries seen since the counters fell, now that time is up."""
        record = replace(tracked.record, messages=fall.most_messages, deliveries=fall.least_deliveries)
        state = self._state(_TrackedRecord(record, settled=False, sending_stopped=False, due=0, fallen=tracked.fallen))
        self._judged = state.record
        self.judgement = judge(replace(state, time_up=True), self._policy, baseline)
        if self.judgement.verdict != "pass":
            reasons = (f"{self.tag}: {fall.text} shortly before time was up", *self.judgement.reasons)
            self.judgement = replace(self.judgement, reasons=reasons)

    def _check_since(self, record: Record) -> None:
        """Note where the record that `since` gives is above what the service counts now."""
        fell = fallen(record, self._before, _SENT) if self._before else []
        if fell:
            self._highest = Record(self.tag, 0, 0)
            self._since_problem = f"since is above what the service counts now: {', '.join(fell)}; give another since"

    def _is_falling(self, record: Record, began: float, ended: float) -> bool:
        """Return whether messages or deliveries are below the highest reading, and not yet for long enough."""
        fell = ", ".join(fallen(record, self._highest, _SENT))
        if not fell:
            return False
        if self._fall:
            self._fall = self._fall.continued(fell, record, ended)
        elif self._tracked:
            self._fall = Fall.begin(fell, record, self._tracked.record, ended)
        self._deliveries_ahead = self._deliveries_ahead or record.deliveries > record.messages
        if not (self._fall and self._fall.has_lasted(began, self._policy.sending_gap)):
            return True
        correction = f"{fell} and stayed there, which is treated as a correction by the service"
        self._notes = _with_correction(self._notes, correction)
        self._movement.start_over(ended)
        self._ages.start_over()
        self._highest = Record(self.tag, 0, 0)
        self._check_since(record)
        return False

    def _follow(self, record: Record, began: float, ended: float) -> None:
        """Update what is known of the tag by a record that can be judged."""
        policy, movement = self._policy, self._movement
        fell = tuple(fallen(record, self._highest, _ENGAGED))
        self._highest = _highest(record, self._highest)
        self._ages.note(record.messages, ended)
        # A copy was true when it was made.
        idle = (record.idle_seconds() or 0) - (record.age or 0)
        quiet = not movement.was_seen and idle > policy.grace_period
        settled = quiet or movement.unmoved(began, policy.grace_period)
        self._tracked = _TrackedRecord(
            record=replace(record, notes=record.notes + fell),
            settled=settled,
            sending_stopped=settled or movement.messages_unmoved(began, policy.sending_gap),
            due=record.messages if settled else self._ages.due(began),
            fallen=fell,
        )
        state = self._state(self._tracked)
        self._deliveries_ahead = state.deliveries_ahead or state.contradicts_itself

    def _state(self, tracked: _TrackedRecord) -> TagState:
        policy = self._policy
        record = self._with_notes(tracked.with_under_way)
        before_messages = 0
        if self._before:
            before_messages = self._before.messages
            record = difference(_not_below(record, self._before), self._before, policy.grace_period)
        expected = policy.expected(self.tag)
        return TagState(
            record=record,
            messages_due=max(0, tracked.due - before_messages),
            sending_stopped=tracked.sending_stopped if expected is None else record.messages >= expected,
            settled=tracked.settled,
            time_up=False,
            ratio_decides=policy.at_deadline == "ratio",
            deliveries_ahead=self._deliveries_ahead or tracked.record.deliveries > tracked.record.messages,
            tags=self._tags,
            fallen=tracked.fallen,
        )

    def _with_notes(self, record: Record) -> Record:
        return replace(record, notes=record.notes + self._notes)


def trackers_of(tags: Iterable[str], policy: Policy, before: Mapping[str, Record]) -> dict[str, Tracker]:
    """Return a tracker for each tag; `before` has the earlier records that `since` gives, by tag."""
    unique = list(dict.fromkeys(tags))
    return {tag: Tracker(tag, policy, before.get(tag), len(unique)) for tag in unique}


def _with_correction(notes: tuple[str, ...], correction: str) -> tuple[str, ...]:
    """Return the notes with one more correction; only the last few stay, since an event source has no end."""
    lasting = tuple(note for note in notes if note == OLD_MAIL_NOTE)
    corrections = tuple(note for note in (*notes, correction) if note != OLD_MAIL_NOTE)
    return (*lasting, *corrections[-_CORRECTIONS_KEPT:])


def _has_old_mail(record: Record) -> bool:
    first_at, now = record.first_at, record.fetched_at
    return first_at is not None and now is not None and now - first_at > _OLD_MAIL


def _highest(record: Record, highest: Record) -> Record:
    """Return the highest of each counter."""
    counts: dict[str, Any] = {
        name: max(getattr(record, name) or 0, getattr(highest, name) or 0) for name in _SENT + _ENGAGED
    }
    return replace(highest, **counts)


def _not_below(record: Record, before: Record) -> Record:
    """Return a record with no counter below an earlier one, so that there is a difference, if only of 0."""
    counts: dict[str, Any] = {}
    for name in _SENT + _ENGAGED:
        count, earlier = getattr(record, name), getattr(before, name)
        counts[name] = count if count is None or earlier is None else max(count, earlier)
    return replace(record, **counts)
