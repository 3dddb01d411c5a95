# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on request: what goes wrong with the next requests for statistics. Private: names and behaviour may change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import Any

from .._errors import OptionError
from .._fields import option, read_options
from .._values import choice, listed, seconds, table, whole

UNKNOWN_TAGS = ("not_found", "zeros", "object", "list", "null")
LONGEST_PAUSE = 3600.0


@dataclass(frozen=True)
class StatusFault:
    """A status code to answer with instead of the right one, and seconds for `Retry-After`; null for no such header."""

    status: int
    retry_after: int | None = None


def _pause(name: str, value: Any) -> float:
    return seconds(name, value, LONGEST_PAUSE)


def _count(name: str, value: Any) -> int:
    return whole(name, value, 0)


def _status(name: str, value: Any) -> int:
    return whole(name, value, 200, 599)


def _statuses(name: str, value: Any) -> tuple[StatusFault, ...]:
    result: list[StatusFault] = []
    for index, entry in enumerate(listed(name, value)):
        here = f"{name}[{index}]"
        if not isinstance(entry, dict):
            result.append(StatusFault(_status(here, entry)))
            continue
        given = table(here, entry, ("status", "count", "retry_after"))
        if "status" not in given:
            raise OptionError(here, "status is missing; give the HTTP status code")
        retry_after = given.get("retry_after")
        fault = StatusFault(
            _status(f"{here}.status", given["status"]),
            None if retry_after is None else _count(f"{here}.retry_after", retry_after),
        )
        result.extend([fault] * whole(f"{here}.count", given.get("count", 1), 1, 100000))
    return tuple(result)


def _unknown_tag(name: str, value: Any) -> str:
    return choice(name, value, UNKNOWN_TAGS)


@dataclass(frozen=True)
class FaultOptions:
    """The suboptions of `faults`. Pauses are in seconds; each of `statuses` is for one request.

    A `slow_count` of null is for every request.
    """

    latency: float = option(0.0, "float", _pause)
    drop: int = option(0, "int", _count)
    statuses: tuple[StatusFault, ...] = option((), "list", _statuses, elements="raw", default=[])
    slow_bytes: float = option(0.0, "float", _pause)
    slow_count: int | None = option(None, "int", _count)
    unknown_tag: str = option("not_found", "str", _unknown_tag, choices=list(UNKNOWN_TAGS))


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: a pause, and at most one of `drop`, `status` and `slow_bytes`."""

    latency: float = 0.0
    drop: bool = False
    status: StatusFault | None = None
    slow_bytes: float = 0.0


class FaultQueue:
    """Gives each request its fault: first the dropped ones, then the statuses, then slow bytes."""

    def __init__(self, options: FaultOptions) -> None:
        self._options = options
        self._requests = 0
        self._lock = threading.Lock()

    def next_fault(self) -> Fault:
        """Return the fault of the next request."""
        with self._lock:
            turn = self._requests
            self._requests += 1
        options = self._options
        if turn < options.drop:
            return Fault(options.latency, drop=True)
        turn -= options.drop
        if turn < len(options.statuses):
            return Fault(options.latency, status=options.statuses[turn])
        turn -= len(options.statuses)
        if options.slow_count is None or turn < options.slow_count:
            return Fault(options.latency, slow_bytes=options.slow_bytes)
        return Fault(options.latency)


def parse_faults(name: str, value: Any) -> FaultOptions:
    """Return the option `faults`, a dict. Raises OptionError."""
    given = table(name, value, [item.name for item in fields(FaultOptions)])
    return FaultOptions(**read_options(FaultOptions, given, f"{name}."))
