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
from .failures import REFUSALS
from .values import LONGEST_DELAY, listed, number, share, shown, span, table, tag_problem

Span = t.Tuple[float, float]

MOST_REPEATS = 9
# How long the service tries to deliver a message, in seconds.
LIFETIME = 24.0 * 3600


@dataclasses.dataclass(frozen=True)
class Scenario:
    """How receivers treat mail. Shares from 0 to 1; times in seconds, a `Span` from the least to the most.

    `refusals` has causes and their weights; `domains` the scenario of each receiving domain that has its own.
    """

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
    refusals: tuple[tuple[str, float], ...] = (("no_such_address", 0.6), ("mailbox_full", 0.2), ("spam", 0.2))
    unreachable_rate: float = 0.0
    returned_rate: float = 0.0
    returned_delay: Span = (60.0, 1800.0)
    domains: t.Mapping[str, Scenario] = dataclasses.field(default_factory=dict)

    def at(self, domain: str) -> Scenario:
        """The scenario of mail to this domain (in lower case)."""
        return self.domains.get(domain, self)


KEYS = tuple(field.name for field in dataclasses.fields(Scenario))

SCENARIOS: t.Mapping[str, Scenario] = {
    "healthy": Scenario(),
    "deferred": Scenario(deferred_rate=0.25),
    "blocked": Scenario(blocked_rate=0.3),
    "dead": Scenario(delivery_rate=0.0, refusals=(("spam", 1.0),)),
    "outage": Scenario(hold=600.0),
    "unreachable": Scenario(unreachable_rate=0.3),
}
# In a domain there is one receiver, who gets all of its mail.
_DOMAIN_SCENARIOS: t.Mapping[str, Scenario] = {
    **SCENARIOS,
    "blocked": Scenario(blocked_rate=1.0),
    "unreachable": Scenario(unreachable_rate=1.0),
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
    """When a message is delivered, opened, clicked, and fails: seconds after it was accepted, in order; None is never.

    One that is delivered and then fails is returned. `cause` is a key of `failures.CAUSES`; `attempt` is the number of
    the last attempt, from 0.
    """

    delivered: float | None
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()
    failed: float | None = None
    cause: str | None = None
    attempt: int = 0


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
    given = table(value, where, KEYS)
    domains = given.pop("domains", {})
    scenario = _with_rates(Scenario(), given, where)
    return dataclasses.replace(scenario, domains=_by_domain(domains, scenario, f"{where}.domains"))


def _with_rates(base: Scenario, given: t.Mapping[str, object], where: str) -> Scenario:
    """The scenario with these keys changed."""
    changes = {key: _PARSERS[key](entry, f"{where}.{key}") for key, entry in given.items()}
    scenario = dataclasses.replace(base, **t.cast(t.Dict[str, t.Any], changes))
    if scenario.blocked_rate + scenario.unreachable_rate > 1 + 1e-9:
        raise SettingError(
            where, "blocked_rate and unreachable_rate are shares of the same mail; give at most 1 in sum"
        )
    return scenario


def _by_domain(value: object, base: Scenario, where: str) -> dict[str, Scenario]:
    """The scenarios of domains: names, or dicts of what differs from the scenario around them."""
    names = ", ".join(_DOMAIN_SCENARIOS)
    result = {}
    for domain, entry in table(value, where).items():
        here = f"{where}[{shown(domain)}]"
        (name,) = _domains(domain, here)
        if isinstance(entry, str) and entry in _DOMAIN_SCENARIOS:
            result[name] = _DOMAIN_SCENARIOS[entry]
        elif isinstance(entry, dict):
            result[name] = _with_rates(base, table(entry, here, set(KEYS) - {"domains", "blocked_domains"}), here)
        else:
            raise SettingError(here, f"{shown(entry)} is neither a name ({names}) nor a dict of rates and delays")
    return result


def _weights(value: object, where: str) -> tuple[tuple[str, float], ...]:
    """Causes and their weights, from a dict, or from the name of the only cause."""
    given = table({value: 1} if isinstance(value, str) else value, where, REFUSALS)
    weights = tuple((cause, number(weight, f"{where}.{cause}")) for cause, weight in given.items())
    if not any(weight for _cause, weight in weights):
        raise SettingError(where, f"no cause has a weight above 0; give one of {', '.join(sorted(REFUSALS))}")
    return weights


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
    "refusals": _weights,
    "unreachable_rate": share,
    "returned_rate": share,
    "returned_delay": span,
}


def stream(seed: int | str, message: int) -> random.Random:
    """The randomness of one message, from the seed and the message's running number: the same after a restart."""
    return random.Random(f"{seed}:{message}")


def fate(scenario: Scenario, recipient: str, rng: random.Random, speed: float = 1.0) -> Fate:
    """What becomes of one message to this address. Every delay is divided by speed."""
    domain = recipient.rpartition("@")[2].lower()
    planned = _plan(scenario.at(domain), domain, rng)

    def sped(moment: float) -> float:
        return min(moment / speed, LONGEST_DELAY)

    return dataclasses.replace(
        planned,
        delivered=None if planned.delivered is None else sped(planned.delivered),
        opened=tuple(map(sped, planned.opened)),
        clicked=tuple(map(sped, planned.clicked)),
        failed=None if planned.failed is None else sped(planned.failed),
    )


def _plan(scenario: Scenario, domain: str, rng: random.Random) -> Fate:
    # Each chance is drawn whether it is needed or not, so that changing one rate leaves the other draws as they were.
    receiver, lost, deferred, moment = rng.random(), rng.random(), rng.random(), rng.random()
    tried = scenario.hold + _within(scenario.delay, moment)
    if domain in scenario.blocked_domains or receiver < scenario.blocked_rate:
        return Fate(None, failed=tried, cause="blocked")
    if receiver < scenario.blocked_rate + scenario.unreachable_rate:
        return Fate(None, failed=max(tried, LIFETIME), cause="unreachable", attempt=len(scenario.retries))
    if lost >= scenario.delivery_rate:
        return Fate(None, failed=tried, cause=_refusal(scenario, rng))
    delivered, attempt = _delivery(scenario, tried, deferred < scenario.deferred_rate, rng)
    # What of this draw lies below the rate is as evenly spread as a draw of its own.
    if lost < scenario.delivery_rate * scenario.returned_rate:
        returned = delivered + _within(scenario.returned_delay, rng.random())
        return Fate(delivered, failed=returned, cause=_refusal(scenario, rng), attempt=attempt)
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()
    if rng.random() < scenario.open_rate:
        opened = _series(delivered, scenario.open_delay, scenario.repeat_rate, rng)
        if rng.random() < scenario.click_rate:
            clicked = _series(opened[0], scenario.click_delay, scenario.repeat_rate, rng)
    return Fate(delivered, opened, clicked, attempt=attempt)


def _within(gap: Span, moment: float) -> float:
    least, most = gap
    return least + (most - least) * moment


def _delivery(scenario: Scenario, tried: float, deferred: bool, rng: random.Random) -> tuple[float, int]:
    """When it is delivered, and at which attempt."""
    if not deferred:
        return tried, 0
    for attempt, after in enumerate(scenario.retries[:-1], 1):
        if rng.random() < scenario.retry_rate:
            return tried + after, attempt
    return tried + scenario.retries[-1], len(scenario.retries)


def _refusal(scenario: Scenario, rng: random.Random) -> str:
    causes, weights = zip(*scenario.refusals)
    return str(rng.choices(causes, weights)[0])


def _series(start: float, gap: Span, repeat_rate: float, rng: random.Random) -> tuple[float, ...]:
    moments = [start + _within(gap, rng.random())]
    while len(moments) <= MOST_REPEATS and rng.random() < repeat_rate:
        moments.append(moments[-1] + _within(gap, rng.random()))
    return tuple(moments)
