# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a message: scenarios, and one message's fate under them. Pure.

Private: names and behaviour may change.
"""

from __future__ import annotations

import dataclasses
import json
import random
import typing as t

from .errors import SettingError
from .values import LONGEST_DELAY, listed, number, share, shown, span, table, tag_problem

Span = t.Tuple[float, float]

MOST_REPEATS = 9


@dataclasses.dataclass(frozen=True)
class Scenario:
    """How receivers treat mail. Shares from 0 to 1; times in seconds, a C(Span) from the least to the most."""

    delivery_rate: float = 0.985
    delay: Span = (1.0, 5.0)
    hold: float = 0.0
    blocked_rate: float = 0.0
    blocked_domains: tuple[str, ...] = ()
    deferred_rate: float = 0.0
    retries: tuple[float, ...] = (600.0, 1200.0, 3000.0, 4800.0)
    retry_rate: float = 0.7
    open_rate: float = 0.35
    open_delay: Span = (30.0, 3600.0)
    click_rate: float = 0.2
    click_delay: Span = (5.0, 120.0)
    repeat_rate: float = 0.2


KEYS = tuple(field.name for field in dataclasses.fields(Scenario))

SCENARIOS: t.Mapping[str, Scenario] = {
    "healthy": Scenario(),
    "deferred": Scenario(deferred_rate=0.25),
    "blocked": Scenario(blocked_rate=0.3),
    "dead": Scenario(delivery_rate=0.0),
    "outage": Scenario(hold=600.0),
}


@dataclasses.dataclass(frozen=True)
class Scenarios:
    """The scenario of each tag that has its own, and that of all others."""

    default: Scenario = SCENARIOS["healthy"]
    tags: t.Mapping[str, Scenario] = dataclasses.field(default_factory=dict)

    def of(self, tags: t.Iterable[str]) -> Scenario:
        """The scenario of a message: that of its first tag with one of its own, else the default."""
        for tag in tags:
            if tag in self.tags:
                return self.tags[tag]
        return self.default


@dataclasses.dataclass(frozen=True)
class Fate:
    """When a message is delivered, opened and clicked: seconds after it was accepted, in order; None is never."""

    delivered: float | None
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()


def parse_scenarios(value: object, where: str = "scenario") -> Scenarios:
    """The option: a name, a dict of rates and delays, or a dict with C(default) and C(tags). Raises SettingError."""
    value = _decoded(value, where)
    if not isinstance(value, dict) or not ("default" in value or "tags" in value):
        return Scenarios(default=_one(value, where))
    both = table(value, where, ("default", "tags"))
    default = _one(both.get("default", "healthy"), f"{where}.default")
    tags = {}
    for tag, entry in table(both.get("tags", {}), f"{where}.tags").items():
        problem = tag_problem(tag)
        if problem is not None:
            raise SettingError(f"{where}.tags[{shown(tag)}]", f"the tag {problem}; correct the key")
        tags[tag] = _one(entry, f"{where}.tags[{shown(tag)}]")
    return Scenarios(default=default, tags=tags)


def _decoded(value: object, where: str) -> object:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return t.cast(object, json.loads(value))
        except (ValueError, RecursionError):
            raise SettingError(where, "the text in braces is not JSON; give a dict, or a name") from None
    return value


def _one(value: object, where: str) -> Scenario:
    names = ", ".join(SCENARIOS)
    value = _decoded(value, where)
    if isinstance(value, str):
        if value not in SCENARIOS:
            raise SettingError(where, f"{shown(value)} is unknown; give one of {names}, or a dict")
        return SCENARIOS[value]
    if not isinstance(value, dict):
        raise SettingError(where, f"{shown(value)} is neither a name ({names}) nor a dict of rates and delays")
    given = {key: _PARSERS[key](entry, f"{where}.{key}") for key, entry in table(value, where, KEYS).items()}
    return Scenario(**t.cast(t.Dict[str, t.Any], given))


def _domains(value: object, where: str) -> tuple[str, ...]:
    domains = [value] if isinstance(value, str) else listed(value, where)
    for domain in domains:
        if not isinstance(domain, str) or not domain.strip() or "@" in domain:
            raise SettingError(where, f"{shown(domain)} is not a domain; write what follows the @")
    return tuple(str(domain).strip().lower() for domain in domains)


def _schedule(value: object, where: str) -> tuple[float, ...]:
    times = tuple(number(entry, where, most=LONGEST_DELAY) for entry in listed(value, where))
    if not times or list(times) != sorted(times):
        raise SettingError(where, f"{shown(value)} is not a rising list of seconds after the first attempt")
    return times


def _seconds(value: object, where: str) -> float:
    return number(value, where, most=LONGEST_DELAY)


_PARSERS: t.Mapping[str, t.Callable[[object, str], object]] = {
    "delivery_rate": share,
    "delay": span,
    "hold": _seconds,
    "blocked_rate": share,
    "blocked_domains": _domains,
    "deferred_rate": share,
    "retries": _schedule,
    "retry_rate": share,
    "open_rate": share,
    "open_delay": span,
    "click_rate": share,
    "click_delay": span,
    "repeat_rate": share,
}


def stream(seed: int | str, message: int) -> random.Random:
    """The randomness of one message, from the seed and the message's running number: the same after a restart."""
    return random.Random(f"{seed}:{message}")


def fate(scenario: Scenario, recipient: str, rng: random.Random, speed: float = 1.0) -> Fate:
    """What becomes of one message to this address. Every delay is divided by speed."""
    delivered = _delivery(scenario, recipient, rng)
    if delivered is None:
        return Fate(None)
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()
    if rng.random() < scenario.open_rate:
        opened = _series(delivered, scenario.open_delay, scenario.repeat_rate, rng)
        if rng.random() < scenario.click_rate:
            clicked = _series(opened[0], scenario.click_delay, scenario.repeat_rate, rng)
    return Fate(
        min(delivered / speed, LONGEST_DELAY),
        tuple(min(moment / speed, LONGEST_DELAY) for moment in opened),
        tuple(min(moment / speed, LONGEST_DELAY) for moment in clicked),
    )


def _delivery(scenario: Scenario, recipient: str, rng: random.Random) -> float | None:
    # Each chance is drawn whether it is needed or not, so that changing one rate leaves the other draws as they were.
    blocked, lost, deferred, moment = rng.random(), rng.random(), rng.random(), rng.random()
    if recipient.rpartition("@")[2].lower() in scenario.blocked_domains or blocked < scenario.blocked_rate:
        return None
    if lost >= scenario.delivery_rate:
        return None
    least, most = scenario.delay
    delivered = scenario.hold + least + (most - least) * moment
    if deferred >= scenario.deferred_rate:
        return delivered
    for after in scenario.retries[:-1]:
        if rng.random() < scenario.retry_rate:
            return delivered + after
    return delivered + scenario.retries[-1]


def _series(start: float, gap: Span, repeat_rate: float, rng: random.Random) -> tuple[float, ...]:
    least, most = gap
    moments = [start + least + (most - least) * rng.random()]
    while len(moments) <= MOST_REPEATS and rng.random() < repeat_rate:
        moments.append(moments[-1] + least + (most - least) * rng.random())
    return tuple(moments)
