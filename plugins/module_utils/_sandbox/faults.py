# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on request: what goes wrong with the next statistics requests. Private: names and behaviour may change."""

from __future__ import annotations

import dataclasses
import threading

from .errors import SettingError
from .values import listed, number, shown, table, whole

UNKNOWN_TAGS = ("not_found", "zeros", "object", "list", "null")
LONGEST_LATENCY = 3600.0


@dataclasses.dataclass(frozen=True)
class Status:
    """An answer with this status code in place of the right one, and its C(Retry-After) in seconds, if any."""

    status: int
    retry_after: int | None = None


@dataclasses.dataclass(frozen=True)
class Faults:
    """All of the option. Times in seconds; one of C(statuses) a request; C(slow_count) None is every request."""

    latency: float = 0.0
    drop: int = 0
    statuses: tuple[Status, ...] = ()
    slow_bytes: float = 0.0
    slow_count: int | None = None
    unknown_tag: str = "not_found"


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens to one request: at most one of drop, status and slow_bytes."""

    latency: float = 0.0
    drop: bool = False
    status: Status | None = None
    slow_bytes: float = 0.0


class FaultQueue:
    """Deals the faults out, one request after the other: first the dropped ones, then the statuses, then slow bytes."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._asked = 0
        self._lock = threading.Lock()

    def take(self) -> Fault:
        """The fault of the next request."""
        with self._lock:
            turn = self._asked
            self._asked += 1
        faults = self._faults
        if turn < faults.drop:
            return Fault(faults.latency, drop=True)
        turn -= faults.drop
        if turn < len(faults.statuses):
            return Fault(faults.latency, status=faults.statuses[turn])
        turn -= len(faults.statuses)
        if faults.slow_count is None or turn < faults.slow_count:
            return Fault(faults.latency, slow_bytes=faults.slow_bytes)
        return Fault(faults.latency)


def parse_faults(value: object, where: str = "faults") -> Faults:
    """The option: a dict; None is no faults. Raises SettingError."""
    given = table({} if value is None else value, where, [field.name for field in dataclasses.fields(Faults)])
    unknown_tag = given.get("unknown_tag", "not_found")
    if unknown_tag not in UNKNOWN_TAGS:
        raise SettingError(
            f"{where}.unknown_tag", f"{shown(unknown_tag)} is unknown; give one of {', '.join(UNKNOWN_TAGS)}"
        )
    slow_count = given.get("slow_count")
    return Faults(
        latency=number(given.get("latency", 0), f"{where}.latency", most=LONGEST_LATENCY),
        drop=whole(given.get("drop", 0), f"{where}.drop"),
        statuses=_statuses(given.get("statuses", []), f"{where}.statuses"),
        slow_bytes=number(given.get("slow_bytes", 0), f"{where}.slow_bytes", most=LONGEST_LATENCY),
        slow_count=None if slow_count is None else whole(slow_count, f"{where}.slow_count"),
        unknown_tag=str(unknown_tag),
    )


def _statuses(value: object, where: str) -> tuple[Status, ...]:
    result: list[Status] = []
    for index, entry in enumerate(listed(value, where)):
        here = f"{where}[{index}]"
        if not isinstance(entry, dict):
            result.append(Status(whole(entry, here, 200, 599)))
            continue
        given = table(entry, here, ("status", "count", "retry_after"))
        if "status" not in given:
            raise SettingError(here, "status is missing; give the HTTP status code")
        retry_after = given.get("retry_after")
        status = Status(
            whole(given["status"], f"{here}.status", 200, 599),
            None if retry_after is None else whole(retry_after, f"{here}.retry_after"),
        )
        result.extend([status] * whole(given.get("count", 1), f"{here}.count", 1, 100000))
    return tuple(result)
