# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source `mailops.smtpeter.campaign`, for Event-Driven Ansible: an endless run of gates.

Whatever takes time happens in a thread, a look at a time; only events pass through the event loop.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import math
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Mapping, NamedTuple

DOCUMENTATION = r"""
---
short_description: Watch the health of mail campaigns at SMTPeter
version_added: 1.0.0
description:
  - An endless run of the gates of C(mailops.smtpeter.campaign_gate), one for each tag. An event is put for every change
    of a tag's verdict, V(error) and its end included.
  - "An event is C({'campaign': {...}}) with C(tag), C(verdict) (V(pass), V(fail), V(inconclusive), V(error), or null
    before the first one), C(previous), C(msg), C(reasons), C(at), C(window) (C(since) and C(until), or null),
    C(record) and C(outcome). What is not known is null."
  - Without O(window), each tag is watched until it has a verdict, and again once its counters move. With O(window), the
    mail of each window is judged on its own, as soon as it can be and at the latest at the window's end.
  - It also takes the options of the policy and of the connection of C(mailops.smtpeter.campaign_gate).
  - The Python of ansible-rulebook needs C(ansible-core) and C(requests).
options:
  tags:
    description: The tags to watch, a list of text.
    type: list
    elements: str
    required: true
  api_token:
    description: The token. It is read from the environment variable SMTPETER_API_TOKEN where it is not given.
    type: str
  api_url:
    description: Where the service is. It is read from SMTPETER_API_URL where it is not given.
    type: str
    default: https://www.smtpeter.com/v1
  judge_by:
    description: V(counters) or V(outcomes), as for the gate. With V(outcomes), failures are told at once.
    type: str
    choices: [counters, outcomes]
    default: counters
  interval:
    description: Seconds between looks.
    type: float
    default: 60
  window:
    description: Seconds of mail to judge on its own, window after window. When not set, all mail of a tag is judged.
    type: float
  heartbeat:
    description:
      - Put the last event of a tag again, with the next look, after so many seconds without one. When not set, only
        news is put.
    type: float
  state:
    description:
      - A file in which the source keeps what it has seen, so that it goes on there when it is started again, and
        repeats no event. When not set, nothing is kept.
    type: path
  max_consecutive_errors:
    description: After more failed looks in a row than this, the verdict of a tag is V(error) until it can be read.
    type: int
    default: 4
  parallel:
    description: How many tags are read at the same time.
    type: int
    default: 8
"""

EXAMPLES = r"""
# The token is taken from the environment variable SMTPETER_API_TOKEN.
- mailops.smtpeter.campaign:
    tags: [newsletter, receipts]
    judge_by: outcomes
    window: 3600
    interval: 60
    min_delivery_ratio: 0.95
"""

_COLLECTION = Path(__file__).absolute().parents[4]
_OWN = ("interval", "window", "heartbeat")
_NOT_HERE = ("wait_timeout", "wait_sleep", "wait_delay", "fail_on", "history_limit")
# What a source is given by ansible-rulebook itself.
_FOREIGN = ("eda_feedback_queue",)
# Of a core, for the events of all tags; their counters need the rest of a tenth.
_READING_SHARE = 0.08


class SourceError(Exception):
    """The source cannot start; the text says what to do, and holds no secret."""


def _find_collection() -> None:
    """Have Python find the collection that this file is in; ansible-rulebook has no collection loader."""
    if (_COLLECTION.parent.name, _COLLECTION.parents[1].name) != ("mailops", "ansible_collections"):
        raise SourceError(
            f"{_COLLECTION} is not below ansible_collections/mailops, so its other parts are not found; install the "
            "collection with ansible-galaxy collection install"
        )
    root = str(_COLLECTION.parents[2])
    if root not in sys.path:
        sys.path.insert(0, root)


def _check_libraries() -> None:
    from importlib.util import find_spec

    missing = [
        package for module, package in (("ansible", "ansible-core"), ("requests", "requests")) if not find_spec(module)
    ]
    if missing:
        raise SourceError(
            f"the Python of ansible-rulebook lacks {' and '.join(missing)}; install it with '{sys.executable} -m pip "
            f"install {' '.join(missing)}', or in the decision environment"
        )


_find_collection()
_check_libraries()

from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.module_utils._values import seconds
from ansible_collections.mailops.smtpeter.plugins.modules import tag_outcomes_info, tag_stats_info
from ansible_collections.mailops.smtpeter.plugins.plugin_utils import _gate_options as gate_options
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import GateEvent, Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.saved import (
    DAMAGED,
    read_moment,
    read_record,
    saved_moment,
    saved_record,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import Answers, read_outcomes, read_records
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._state_file import OtherFile, StateFile

Event = dict[str, Any]


class Settings(NamedTuple):
    """The checked arguments: those of the gate, and the source's own, in seconds."""

    args: dict[str, Any]
    gate: Gate
    interval: float
    window: float | None
    heartbeat: float | None

    @property
    def by_outcomes(self) -> bool:
        """Whether outcomes are judged."""
        return bool(self.args["judge_by"] == "outcomes")


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str], warn: Callable[[str], None]) -> Settings:
    """Check the arguments by the definitions of the gate. Raises SmtpeterError, which names the option."""
    wanted = {name: value for name, value in given.items() if name not in _FOREIGN}
    known = [name for name in gate_options.argument_spec() if name not in _NOT_HERE] + ["tag", "access_token", *_OWN]
    for name in wanted:
        if name not in known:
            raise OptionError(str(name), f"there is no such option; give one of {', '.join(sorted(known))}")
    own = {name: None if wanted.get(name) is None else _above_0(name, wanted[name]) for name in _OWN}
    of_gate = {name: value for name, value in wanted.items() if name not in _OWN}
    if not of_gate.get("api_token") and not of_gate.get("access_token"):
        of_gate["api_token"] = environment.get("SMTPETER_API_TOKEN", "")
    if not of_gate.get("api_url"):
        of_gate["api_url"] = environment.get("SMTPETER_API_URL") or "https://www.smtpeter.com/v1"
    args = gate_options.validated(of_gate)
    if not args["api_token"]:
        raise OptionError("api_token", "it is not set, or empty; set SMTPETER_API_TOKEN where ansible-rulebook runs")
    if own["window"] is not None and args["since"] is not None:
        raise OptionError("since", "each window has its own; leave out window or since")
    args["wait_timeout"] = own["window"] or 0.0
    args["wait_sleep"] = own["interval"] or 60.0
    # A window is what its wait_timeout is to a gate.
    gate = gate_options.gate_from(
        args, own["window"] is None, lambda text: warn(text.replace("wait_timeout", "window"))
    )
    return Settings(args, gate, own["interval"] or 60.0, own["window"], own["heartbeat"])


def _above_0(name: str, value: Any) -> float:
    number = seconds(name, value)
    if number <= 0:
        raise OptionError(name, f"{number:g} is not above 0; give seconds")
    return number


class Reader:
    """Reads by the modules' own code, with checked arguments."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self._args = args
        self._is_first = True

    def records(self, tags: list[str]) -> Answers[Record]:
        """Read the counters; raises SmtpeterError where the first reading cannot even ask."""
        result = self._run(tag_stats_info.run, tags, parallel=self._args["parallel"])
        first, self._is_first = self._is_first, False
        return read_records(result, tags, self._args["api_token"], first)

    def outcomes(self, tags: list[str], since: datetime | None, until: datetime | None) -> Answers[Outcome]:
        """Read what became of the messages that were taken in from `since` on and before `until`."""
        more = {"parallel": 2, "since": since, "until": until, "top": 10}
        return read_outcomes(self._run(tag_outcomes_info.run, tags, **more), tags, self._args["api_token"], False)

    def _run(self, run: Callable[[dict[str, Any]], dict[str, Any]], tags: list[str], **more: Any) -> dict[str, Any]:
        try:
            return run({**self._args, "tags": tags, "missing": "zero", **more})
        except SmtpeterError as error:
            return {"refused": True, "msg": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a look is a failed look
            return {"msg": type(error).__name__}


@dataclass
class Watch:
    """One tag: its gate, which began `started` seconds after the source, and what was told of it.

    In a window, `since` is the moment when it began by the service's clock, and `before` the record then. `is_decided`
    tells that this window has its verdict, and `lost` how many looks in a row failed.
    """

    tag: str
    gate: Gate
    started: float = 0.0
    since: datetime | None = None
    before: Record | None = None
    is_decided: bool = False
    lost: int = 0
    is_refused: bool = False
    problem: str = ""
    judged: str | None = None
    told: str | None = None
    event: Event | None = None
    told_at: float = 0.0
    elapsed: float = 0.0
    latest: GateEvent | None = field(default=None, repr=False)

    def state(self) -> dict[str, Any]:
        """Return what is known, in plain JSON types."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        moments = {"since": saved_moment(self.since), "before": saved_record(self.before)}
        return {"gate": self.gate.state(), **moments, **plain}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the gate is one of the same `before`."""
        self.since, self.before = read_moment(state["since"]), read_record(state["before"])
        for name in _PLAIN:
            setattr(self, name, state[name])
        self.gate.restore(state["gate"])


_PLAIN = ("started", "is_decided", "lost", "is_refused", "problem", "judged", "told", "event", "told_at", "elapsed")


class Source:
    """Watches the tags; each `look` returns the events that it has news for.

    `clock` is monotonic, in seconds; `now` is the calendar's, which only dates events; `busy` is the time that the
    processor has worked, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        reader: Any,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        file: StateFile | None = None,
        busy: Callable[[], float] = time.process_time,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._warn = warn
        self._clock = clock
        self._now = now
        self._started = clock()
        self._busy = busy
        self._spent_reading = 0.0
        self._pause = settings.interval
        # Once set, nothing is kept any more: nobody is told what a look that has not ended yet finds.
        self.is_stopped = False
        self._file = file
        self._watches = {tag: Watch(tag, self._gate(tag, None)) for tag in settings.gate.tags}
        if file is not None:
            self._go_on(file)

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return self._pause

    def look(self) -> list[Event]:
        """Take a look: read, judge, keep the state, and return the events to put."""
        began = self._elapsed()
        baseline = self._settings.gate.policy.baseline_tag
        tags = [*self._watches, *({baseline} - {None, *self._watches})]
        answers = self._reader.records(tags)
        self._begin_windows(answers)
        found = self._outcomes(answers)
        ended = self._elapsed()
        events: list[Event] = []
        for watch in self._watches.values():
            self._judge(watch, self._look_at(watch, answers, found, began, ended))
            event = self._news(watch, ended)
            if event is not None:
                events.append(event)
            self._end_window(watch, answers)
        self._pause = self._next_in(answers, found)
        self._save()
        return events

    def _look_at(
        self, watch: Watch, answers: Answers[Record], found: Answers[Outcome], began: float, ended: float
    ) -> Look:
        """Return what a look brought for one tag, in the time of its gate."""
        tags = watch.gate.wanted
        errors = {tag: part.errors[tag] for part in (answers, found) for tag in tags if tag in part.errors}
        records = {tag: answers.found[tag] for tag in tags if tag in answers.found}
        outcomes = {watch.tag: found.found[watch.tag]} if watch.tag in found.found else {}
        at = [self._in_gate(watch, moment, answers) for moment in (began, ended)]
        return Look(at[0], at[1], self._now(), records, errors, outcomes)

    def _in_gate(self, watch: Watch, elapsed: float, answers: Answers[Record]) -> float:
        """Return the seconds since the gate began; by outcomes a window is one of the service's own time."""
        record = answers.found.get(watch.tag)
        if watch.since is not None and record is not None and record.fetched_at is not None:
            watch.elapsed = max(watch.elapsed, (record.fetched_at - watch.since).total_seconds())
        else:
            watch.elapsed = max(watch.elapsed, elapsed - watch.started)
        return watch.elapsed

    def _outcomes(self, answers: Answers[Record]) -> Answers[Outcome]:
        """Read the events of the tags where they may have changed; where that is too much work, at a window's end."""
        found: Answers[Outcome] = Answers({}, {})
        if not self._settings.by_outcomes:
            return found
        began = self._busy()
        may_read = self._spent_reading <= _READING_SHARE * self._elapsed()
        groups: dict[datetime | None, list[str]] = {}
        for watch in self._watches.values():
            elapsed = self._in_gate(watch, self._elapsed(), answers)
            is_over = elapsed >= (self._settings.window or math.inf)
            if watch.is_decided or not (may_read or is_over):
                continue
            if watch.gate.wants_events(answers.found, elapsed):
                groups.setdefault(watch.since, []).append(watch.tag)
        pauses = []
        for since, tags in groups.items():
            until = None if since is None or self._settings.window is None else self._until(since)
            answer = self._reader.outcomes(tags, since or self._since(), until)
            found.found.update(answer.found)
            found.errors.update(answer.errors)
            pauses.append(answer.retry_after or 0.0)
        self._spent_reading += self._busy() - began
        return Answers(found.found, found.errors, max(pauses, default=0.0))

    def _judge(self, watch: Watch, look: Look) -> None:
        """Take a look of a tag: what it is judged, and whether it can be read."""
        watch.lost = watch.lost + 1 if look.errors else 0
        watch.problem = "; ".join(dict.fromkeys(str(error["msg"]) for error in look.errors.values()))
        watch.is_refused = any(error.get("kind") == "refused" for error in look.errors.values())
        watch.latest = watch.gate.look(look)
        seen = watch.latest.tags.get(watch.tag)
        verdict = seen.judgement.verdict if seen else None
        # After a failed look, nobody knows what the mail came to, though time may be up.
        if verdict is not None and not look.errors and not watch.is_decided:
            watch.judged = verdict
            watch.is_decided = self._settings.window is not None

    def _news(self, watch: Watch, elapsed: float) -> Event | None:
        """Return the event to put of a tag; null where there is nothing new."""
        limit = self._settings.args["max_consecutive_errors"]
        is_lost = watch.is_refused or watch.lost > limit
        verdict = "error" if is_lost else watch.judged
        heartbeat = self._settings.heartbeat
        if verdict == watch.told or (watch.lost and not is_lost):
            if heartbeat is None or watch.event is None or elapsed - watch.told_at < heartbeat:
                return None
            watch.told_at = elapsed
            return copy.deepcopy(watch.event)
        watch.event = {"campaign": self._told(watch, verdict)}
        watch.told, watch.told_at = verdict, elapsed
        # ansible-rulebook writes into what it gets.
        return copy.deepcopy(watch.event)

    def _told(self, watch: Watch, verdict: str | None) -> dict[str, Any]:
        latest = watch.latest
        seen = latest.tags.get(watch.tag) if latest else None
        reasons = list(seen.judgement.reasons) if seen else []
        if verdict == "error":
            reasons = [watch.problem, *reasons]
        parts = watch.gate.result()["tags"][watch.tag]
        return {
            "tag": watch.tag,
            "verdict": verdict,
            "previous": watch.told,
            "msg": f"{verdict or 'undecided'}: {'; '.join(reasons) or f'{watch.tag}: it can be read again'}",
            "reasons": reasons,
            "at": to_iso(self._now()),
            "window": self._window(watch),
            "record": parts.get("record"),
            "outcome": parts.get("outcome"),
        }

    def _window(self, watch: Watch) -> dict[str, Any] | None:
        if self._settings.window is None:
            return None
        since = watch.since or (watch.before.fetched_at if watch.before else None)
        return {"since": to_iso(since), "until": to_iso(self._until(since)) if since else None}

    def _until(self, since: datetime) -> datetime:
        return since + timedelta(seconds=self._settings.window or 0.0)

    def _begin_windows(self, answers: Answers[Record]) -> None:
        """Begin the first window of each tag with its first record."""
        if self._settings.window is None:
            return
        for watch in self._watches.values():
            record = answers.found.get(watch.tag)
            if watch.since is None and watch.before is None and record is not None:
                since = (record.fetched_at or self._now()).replace(microsecond=0)
                self._begin(watch, since if self._settings.by_outcomes else None, record)

    def _begin(self, watch: Watch, since: datetime | None, before: Record | None) -> None:
        """Begin a window, at a moment of the service's clock or from a record."""
        watch.since, watch.before = since, before
        watch.started, watch.elapsed, watch.is_decided = self._elapsed(), 0.0, False
        watch.gate = self._gate(watch.tag, before)

    def _end_window(self, watch: Watch, answers: Answers[Record]) -> None:
        """Have the next window follow one that is over; what could not be read is of the next one."""
        window = self._settings.window
        if window is None or watch.elapsed < window or (watch.since is None and watch.before is None):
            return
        if watch.since is not None:
            # Without the service, nobody knows what the window's mail came to, so it is not over.
            if watch.tag in answers.found and watch.is_decided:
                self._begin(watch, self._until(watch.since), None)
            return
        stats = watch.gate.result()["stats"].get(watch.tag)
        self._begin(watch, None, Record.from_dict(stats) if stats else watch.before)

    def _next_in(self, answers: Answers[Record], found: Answers[Outcome]) -> float:
        """Return the seconds to the next look: the interval, or less where a window that can be read is over sooner."""
        pause = self._settings.interval
        window = self._settings.window
        for watch in self._watches.values():
            record = answers.found.get(watch.tag)
            if window is None or record is None or watch.lost:
                continue
            elapsed = self._elapsed() - watch.started
            if watch.since is not None and record.fetched_at is not None:
                elapsed = (record.fetched_at - watch.since).total_seconds()
            pause = min(pause, max(0.0, window - elapsed))
        asked = max(answers.retry_after or 0.0, found.retry_after or 0.0)
        return max(pause, asked, min(0.05, self._settings.interval))

    def _gate(self, tag: str, before: Record | None) -> Gate:
        settings = self._settings
        policy: Policy = settings.gate.policy
        limit = settings.window or math.inf
        timing = Timing(limit, settings.interval, max_consecutive_errors=10**9, history_limit=2)
        if settings.by_outcomes:
            has_since = settings.window is not None or settings.args["since"] is not None
            return Gate(outcome_trackers_of([tag], policy, has_since), policy, timing)
        earlier = {tag: before} if before else gate_options.earlier_records(settings.args, [tag])
        return Gate(trackers_of([tag], policy, earlier), policy, timing)

    def _since(self) -> datetime | None:
        """Return the moment that the option `since` gives; null without it."""
        text = gate_options.events_since(self._settings.args)
        return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _go_on(self, file: StateFile) -> None:
        """Go on from what was kept. Time in which nobody watched, and none knows how long, is left out."""
        kept = file.load(self._warn)
        if kept is None:
            return
        try:
            restored = {}
            for tag in self._watches:
                state = kept.state["watches"][tag]
                watch = Watch(tag, self._gate(tag, read_record(state["before"])))
                watch.restore(state)
                restored[tag] = watch
        except DAMAGED:
            file.warn_damaged(self._warn)
            return
        self._watches = restored
        self._started -= kept.seen

    def _save(self) -> None:
        if self._file is None or self.is_stopped:
            return
        watches = {tag: watch.state() for tag, watch in self._watches.items()}
        try:
            self._file.save({"watches": watches}, self._elapsed())
        except OtherFile as error:
            self._warn(str(error))


async def in_thread(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a thread of its own; one that is cancelled keeps nothing from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome = (done.set_exception, error)
        else:
            outcome = (done.set_result, value)
        # The loop may have ended.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="smtpeter-campaign", daemon=True).start()
    return await done


def make_source(args: Mapping[str, Any], warn: Callable[[str], None]) -> Source:
    """Make a source of arguments. Raises SmtpeterError."""
    settings = read_settings(args, os.environ, warn)
    file = None
    if settings.args["state"] is not None:
        of = {**gate_options.identity(settings.args, settings.gate), "window": settings.window}
        file = StateFile(os.path.abspath(settings.args["state"]), of)
    return Source(settings, Reader(settings.args), warn, file=file)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put an event for every change of a tag's verdict, until it is cancelled."""
    problem, source = "", None
    try:
        source = await in_thread(lambda: make_source(args, logging.getLogger("mailops.smtpeter.campaign").warning))
        # A full garbage collection would stop the loop while it goes through all that ansible-rulebook has loaded.
        gc.freeze()
        while True:
            for event in await in_thread(source.look):
                await queue.put(event)
            await asyncio.sleep(source.pause)
    except SmtpeterError as error:
        problem = str(error)
    finally:
        if source is not None:
            source.is_stopped = True
    # Raised here, so that no context holds an address with the token.
    raise SourceError(f"mailops.smtpeter.campaign: {problem}")


if __name__ == "__main__":

    class PrintingQueue(asyncio.Queue[Any]):
        """Prints the events, for a look at them without ansible-rulebook."""

        async def put(self, event: Any) -> None:
            """Print an event."""
            print(event)  # noqa: T201

    asyncio.run(main(PrintingQueue(), {"tags": sys.argv[1:]}))
