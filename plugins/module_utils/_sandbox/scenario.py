# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios: how receivers treat mail, as the option `scenario` says it. Private: names and behaviour may change."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Iterable, Mapping, Tuple

from .._errors import OptionError
from .._fields import option, read_options
from .._values import from_json, listed, number, ratio, seconds, shown, span, table, tag_problem
from .failures import REFUSALS

# Seconds, from the least to the most.
Delays = Tuple[float, float]

LONGEST_DELAY = 10.0 * 365 * 24 * 3600


def _delay(name: str, value: Any) -> float:
    return seconds(name, value, LONGEST_DELAY)


def _delays(name: str, value: Any) -> Delays:
    return span(name, value, LONGEST_DELAY)


def _retries(name: str, value: Any) -> tuple[float, ...]:
    delays = tuple(_delay(name, entry) for entry in listed(name, value))
    if not delays or list(delays) != sorted(delays):
        raise OptionError(name, f"{shown(value)} is not a rising list of seconds after the first attempt")
    return delays


def _domains(name: str, value: Any) -> tuple[str, ...]:
    domains = [value] if isinstance(value, str) else listed(name, value)
    for domain in domains:
        if not isinstance(domain, str) or not domain.strip() or "@" in domain:
            raise OptionError(name, f"{shown(domain)} is not a domain; give what follows the @")
    return tuple(str(domain).strip().lower() for domain in domains)


def _refusals(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    """Return causes and their weights, from a dict or from the name of the only cause."""
    given = table(name, {value: 1} if isinstance(value, str) else value, REFUSALS)
    weights = tuple((cause, number(f"{name}.{cause}", weight, least=0)) for cause, weight in given.items())
    if not any(weight for _cause, weight in weights):
        raise OptionError(name, f"no cause has a weight above 0; give one of {', '.join(sorted(REFUSALS))}")
    return weights


@dataclass(frozen=True)
class Scenario:
    """How receivers treat mail. Rates are from 0 to 1; delays are in seconds, from the least to the most.

    `refusals` has causes and their weights, `domains` the scenario of each receiving domain that has its own.
    """

    delivery_rate: float = option(0.985, "float", ratio)
    delay: Delays = option((1.0, 5.0), "span", _delays)
    hold: float = option(0.0, "float", _delay)
    blocked_rate: float = option(0.0, "float", ratio)
    blocked_domains: tuple[str, ...] = option((), "list of str", _domains)
    deferred_rate: float = option(0.0, "float", ratio)
    retries: tuple[float, ...] = option((600.0, 1200.0, 3000.0, 4800.0), "list of float", _retries)
    retry_rate: float = option(0.7, "float", ratio)
    open_rate: float = option(0.35, "float", ratio)
    open_delay: Delays = option((30.0, 3600.0), "span", _delays)
    click_rate: float = option(0.2, "float", ratio)
    click_delay: Delays = option((5.0, 120.0), "span", _delays)
    repeat_rate: float = option(0.2, "float", ratio)
    refusals: tuple[tuple[str, float], ...] = option(
        (("no_such_address", 0.6), ("mailbox_full", 0.2), ("spam", 0.2)), "dict of float", _refusals
    )
    unreachable_rate: float = option(0.0, "float", ratio)
    returned_rate: float = option(0.0, "float", ratio)
    returned_delay: Delays = option((60.0, 1800.0), "span", _delays)
    domains: Mapping[str, Scenario] = field(default_factory=dict)

    def for_domain(self, domain: str) -> Scenario:
        """Return the scenario of mail to a domain (in lower case)."""
        return self.domains.get(domain, self)


KEYS = tuple(item.name for item in fields(Scenario))

SCENARIOS: Mapping[str, Scenario] = {
    "healthy": Scenario(),
    "deferred": Scenario(deferred_rate=0.25),
    "blocked": Scenario(blocked_rate=0.3),
    "dead": Scenario(delivery_rate=0.0, refusals=(("spam", 1.0),)),
    "outage": Scenario(hold=600.0),
    "unreachable": Scenario(unreachable_rate=0.3),
}
# A domain has one receiver, which gets all of its mail.
_DOMAIN_SCENARIOS: Mapping[str, Scenario] = {
    **SCENARIOS,
    "blocked": Scenario(blocked_rate=1.0),
    "unreachable": Scenario(unreachable_rate=1.0),
}


@dataclass(frozen=True)
class Scenarios:
    """The scenario of each tag that has its own, and that of all others."""

    default: Scenario = SCENARIOS["healthy"]
    tags: Mapping[str, Scenario] = field(default_factory=dict)

    def for_tags(self, tags: Iterable[str]) -> Scenario:
        """Return the scenario of a message: that of its first tag that has one, else the default."""
        for tag in tags:
            if tag in self.tags:
                return self.tags[tag]
        return self.default


def parse_scenarios(name: str, value: Any) -> Scenarios:
    """Return the scenarios in a name, a dict of rates and delays, or a dict with `default` and `tags`."""
    value = _decoded(name, value)
    if not isinstance(value, dict) or not ("default" in value or "tags" in value):
        return Scenarios(default=_scenario(name, value))
    both = table(name, value, ("default", "tags"))
    default = _scenario(f"{name}.default", both.get("default", "healthy"))
    tags = {}
    for tag, entry in table(f"{name}.tags", both.get("tags", {})).items():
        here = f"{name}.tags[{shown(tag)}]"
        problem = tag_problem(tag)
        if problem is not None:
            raise OptionError(here, f"the tag {problem}; correct the key")
        tags[tag] = _scenario(here, entry)
    return Scenarios(default=default, tags=tags)


def _decoded(name: str, value: Any) -> Any:
    decoded = from_json(value)
    if isinstance(decoded, str) and decoded.lstrip().startswith("{"):
        raise OptionError(name, "the text in braces is not JSON; give a dict, or a name")
    return decoded


def _scenario(name: str, value: Any) -> Scenario:
    names = ", ".join(SCENARIOS)
    value = _decoded(name, value)
    if isinstance(value, str):
        if value not in SCENARIOS:
            raise OptionError(name, f"{shown(value)} is unknown; give one of {names}, or a dict")
        return SCENARIOS[value]
    if not isinstance(value, dict):
        raise OptionError(name, f"{shown(value)} is not a name ({names}), and not a dict of rates and delays")
    given = table(name, value, KEYS)
    domains = given.pop("domains", {})
    scenario = _with_rates(name, Scenario(), given)
    return replace(scenario, domains=_domain_scenarios(f"{name}.domains", domains, scenario))


def _with_rates(name: str, base: Scenario, given: Mapping[str, Any]) -> Scenario:
    """Return the scenario with the keys in `given` changed."""
    scenario = replace(base, **read_options(Scenario, given, f"{name}."))
    if scenario.blocked_rate + scenario.unreachable_rate > 1 + 1e-9:
        raise OptionError(name, "blocked_rate and unreachable_rate add up to more than 1; lower one of them")
    return scenario


def _domain_scenarios(name: str, value: Any, base: Scenario) -> dict[str, Scenario]:
    """Return the scenarios of domains: names, or dicts of what differs from the scenario around them."""
    names = ", ".join(_DOMAIN_SCENARIOS)
    result = {}
    for key, entry in table(name, value).items():
        here = f"{name}[{shown(key)}]"
        (domain,) = _domains(here, key)
        if isinstance(entry, str) and entry in _DOMAIN_SCENARIOS:
            result[domain] = _DOMAIN_SCENARIOS[entry]
        elif isinstance(entry, dict):
            result[domain] = _with_rates(here, base, table(here, entry, set(KEYS) - {"domains", "blocked_domains"}))
        else:
            raise OptionError(here, f"{shown(entry)} is not a name ({names}), and not a dict of rates and delays")
    return result
