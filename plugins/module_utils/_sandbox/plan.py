# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of one message under a scenario, planned when it is sent. Private: names and behaviour may change."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .scenario import LONGEST_DELAY, Delays, Scenario

MOST_REPEATS = 9
# How long the service tries to deliver a message, in seconds.
LIFETIME = 24.0 * 3600


@dataclass(frozen=True)
class Plan:
    """When a message is delivered, opened, clicked, and fails: seconds after it was accepted; null is never.

    A message that is delivered and then fails is returned. `cause` is a key of `failures.CAUSES`; `attempt` is the
    number of the last attempt, from 0.
    """

    delivered: float | None
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()
    failed: float | None = None
    cause: str | None = None
    attempt: int = 0


def random_of(seed: int | str, number: int) -> random.Random:
    """Return the randomness of one message, from its running number. It is the same after a restart."""
    return random.Random(f"{seed}:{number}")


def plan_message(scenario: Scenario, recipient: str, rng: random.Random, speed: float = 1.0) -> Plan:
    """Return what becomes of one message to this address. Every delay is divided by `speed`."""
    domain = recipient.rpartition("@")[2].lower()
    plan = _plan(scenario.for_domain(domain), domain, rng)

    def sped(delay: float) -> float:
        return min(delay / speed, LONGEST_DELAY)

    return replace(
        plan,
        delivered=None if plan.delivered is None else sped(plan.delivered),
        opened=tuple(map(sped, plan.opened)),
        clicked=tuple(map(sped, plan.clicked)),
        failed=None if plan.failed is None else sped(plan.failed),
    )


def _plan(scenario: Scenario, domain: str, rng: random.Random) -> Plan:
    # Each number is drawn whether it is needed or not, so that changing one rate leaves the other draws as they were.
    receiver, lost, deferred, delay = rng.random(), rng.random(), rng.random(), rng.random()
    tried = scenario.hold + _within(scenario.delay, delay)
    if domain in scenario.blocked_domains or receiver < scenario.blocked_rate:
        return Plan(None, failed=tried, cause="blocked")
    if receiver < scenario.blocked_rate + scenario.unreachable_rate:
        return Plan(None, failed=max(tried, LIFETIME), cause="unreachable", attempt=len(scenario.retries))
    if lost >= scenario.delivery_rate:
        return Plan(None, failed=tried, cause=_refusal(scenario, rng))
    delivered, attempt = _delivery(scenario, tried, deferred < scenario.deferred_rate, rng)
    # Below the rate, this draw is as evenly spread as a new one.
    if lost < scenario.delivery_rate * scenario.returned_rate:
        returned = delivered + _within(scenario.returned_delay, rng.random())
        return Plan(delivered, failed=returned, cause=_refusal(scenario, rng), attempt=attempt)
    opened: tuple[float, ...] = ()
    clicked: tuple[float, ...] = ()
    if rng.random() < scenario.open_rate:
        opened = _repeated(delivered, scenario.open_delay, scenario.repeat_rate, rng)
        if rng.random() < scenario.click_rate:
            clicked = _repeated(opened[0], scenario.click_delay, scenario.repeat_rate, rng)
    return Plan(delivered, opened, clicked, attempt=attempt)


def _within(delays: Delays, draw: float) -> float:
    least, most = delays
    return least + (most - least) * draw


def _delivery(scenario: Scenario, tried: float, deferred: bool, rng: random.Random) -> tuple[float, int]:
    """Return when the message is delivered, and at which attempt."""
    if not deferred:
        return tried, 0
    for attempt, after in enumerate(scenario.retries[:-1], 1):
        if rng.random() < scenario.retry_rate:
            return tried + after, attempt
    return tried + scenario.retries[-1], len(scenario.retries)


def _refusal(scenario: Scenario, rng: random.Random) -> str:
    causes, weights = zip(*scenario.refusals)
    return str(rng.choices(causes, weights)[0])


def _repeated(start: float, delays: Delays, repeat_rate: float, rng: random.Random) -> tuple[float, ...]:
    """Return when something happens that may happen again, each time after a delay."""
    times = [start + _within(delays, rng.random())]
    while len(times) <= MOST_REPEATS and rng.random() < repeat_rate:
        times.append(times[-1] + _within(delays, rng.random()))
    return tuple(times)
