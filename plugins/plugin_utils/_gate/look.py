# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look brings to a gate, and what the gate tells after it. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping

from ...module_utils._fields import option
from ...module_utils._record import Record
from ...module_utils._values import seconds, whole
from .._judging.judgement import Judgement
from .._judging.outcome import Outcome

# From the worst to the best: the worst verdict of its tags is that of the gate.
VERDICTS = ("fail", "error", "inconclusive", "pass")


def _errors(name: str, value: Any) -> int:
    return whole(name, value, 0)


def _entries(name: str, value: Any) -> int:
    return whole(name, value, 2)


@dataclass(frozen=True)
class Timing:
    """When to look; seconds, from the start of the task. The fields are options of the gate."""

    wait_timeout: float = option(1800, "float", seconds)
    wait_sleep: float = option(30, "float", seconds)
    wait_delay: float = option(0, "float", seconds)
    max_consecutive_errors: int = option(4, "int", _errors)
    history_limit: int = option(60, "int", _entries)


@dataclass(frozen=True)
class Look:
    """What a look brought by tag: records, outcomes where events were read, and what went wrong, as the modules say it.

    It `began` and `ended` so many seconds after the start, and ended `at` this moment. The service asked for a pause of
    `retry_after` seconds; null where it did not.
    """

    began: float
    ended: float
    at: datetime
    records: Mapping[str, Record]
    errors: Mapping[str, Mapping[str, Any]]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    retry_after: float | None = None


@dataclass(frozen=True)
class TagEvent:
    """One tag after a look: its figures as judged, and the judgement in force; `failed` is null by counters."""

    messages: int
    deliveries: int
    failed: int | None
    judgement: Judgement


@dataclass(frozen=True)
class GateEvent:
    """What a look told: progress, history and reports all read this.

    `tags` are those read so far; `error` says why the look failed, or is null; `verdict` is that of the gate, null
    while it waits `next_in` seconds for the next look.
    """

    look: int
    at: datetime
    elapsed: float
    tags: Mapping[str, TagEvent]
    error: str | None
    verdict: str | None
    next_in: float
