# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated campaigns, and the service that counts them. Private: names and behaviour may change.

A campaign is a set of moments: when each message was sent, and when those that arrive were delivered and opened. All
moments are seconds on one clock; all chance comes from the generator that is passed in.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Callable, Sequence, Tuple

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing

TAG = "wave"
START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=timezone.utc)
BLAST_SIZES = (500, 20_000)
DEFERRED = (0.10, 0.25)
DEFERRED_FOR = (60, 1200)
RETRIES_AFTER = (600, 1200, 3000, 4800)

# When a message that was sent at a moment is delivered.
Delivery = Callable[[float], float]
# Which of so many messages arrive, so many of them lost.
Losses = Callable[[Random, int, int], "list[bool]"]
# Up to which moments messages and deliveries are counted in an answer, and the moment that it is dated with.
Counted = Tuple[float, float, float]
View = Callable[[float], Counted]


def at_once(rng: Random) -> Delivery:
    """Every message is delivered in seconds."""
    return lambda sent: sent + rng.uniform(0.5, 10)


def _some_deferred(rng: Random, deferred: Delivery) -> Delivery:
    part, instant = rng.uniform(*DEFERRED), at_once(rng)
    return lambda sent: deferred(sent) if rng.random() < part else instant(sent)


def mixed(rng: Random) -> Delivery:
    """10 to 25% deferred by 1 to 20 minutes: half throttled, half by five receivers with a greylisting time each."""
    greylisted = [rng.uniform(*DEFERRED_FOR) for _receiver in range(5)]

    def deferred(sent: float) -> float:
        if rng.random() < 0.5:
            return sent + rng.uniform(*DEFERRED_FOR)
        return sent + min(DEFERRED_FOR[1], rng.choice(greylisted) + rng.uniform(0, 30))

    return _some_deferred(rng, deferred)


def retried(rng: Random) -> Delivery:
    """10 to 25% deferred to the service's retries, each of which 60 to 95% of what is left gets through."""
    accepted = rng.uniform(0.60, 0.95)

    def deferred(sent: float) -> float:
        for after in RETRIES_AFTER[:-1]:
            if rng.random() < accepted:
                return sent + after + rng.uniform(0, 30)
        return sent + RETRIES_AFTER[-1] + rng.uniform(0, 30)

    return _some_deferred(rng, deferred)


def outage(rng: Random) -> Delivery:
    """Everything is held up for 10 minutes from the first message, and then delivered within one."""
    return lambda sent: max(sent, 600) + rng.uniform(0.5, 60)


def scattered(rng: Random, messages: int, lost: int) -> list[bool]:
    """The lost messages are anywhere in the list."""
    arrives = [True] * messages
    for index in rng.sample(range(messages), lost):
        arrives[index] = False
    return arrives


def clustered(rng: Random, messages: int, lost: int) -> list[bool]:
    """The lost messages come in runs of 5 to 50."""
    runs = []
    while lost > 0:
        runs.append(min(lost, rng.randint(5, 50)))
        lost -= runs[-1]
    blocks = [[False] * run for run in runs] + [[True]] * (messages - sum(runs))
    rng.shuffle(blocks)
    return [arrives for block in blocks for arrives in block]


@dataclass(frozen=True)
class Mail:
    """The moments of a campaign, each list in order, and the share of its messages that is delivered in the end.

    `arrivals` has, for each message in the order sent, when it is delivered; infinity for those that are lost.
    """

    sent: Sequence[float]
    delivered: Sequence[float]
    opened: Sequence[float]
    share: float
    arrivals: Sequence[float]

    def and_then(self, later: Mail, share: float) -> Mail:
        """Return both under one tag, with the share of what is to be judged."""
        both = sorted(zip([*self.sent, *later.sent], [*self.arrivals, *later.arrivals]))
        return Mail(
            [sent for sent, _arrives in both],
            sorted([*self.delivered, *later.delivered]),
            sorted([*self.opened, *later.opened]),
            share,
            [arrives for _sent, arrives in both],
        )


def blast(
    rng: Random,
    share: float,
    deferral: Callable[[Random], Delivery],
    losses: Losses = scattered,
    within: float = 300,
    after: float = 0,
) -> Mail:
    """500 to 20,000 messages sent evenly `within` so many seconds at most; the share is exact, but rounded down."""
    messages = round(math.exp(rng.uniform(*map(math.log, BLAST_SIZES))))
    duration = rng.uniform(0, within)
    # 1e-9: 500 * (1 - 0.97) is a little more than 15.
    arrives = losses(rng, messages, math.ceil(messages * (1 - share) - 1e-9))
    sent = [duration * index / messages for index in range(messages)]
    mail = _mail(rng, sent, arrives, deferral(rng))
    lists = (mail.sent, mail.delivered, mail.opened, mail.arrivals)
    sent, delivered, opened, arrivals = ([after + moment for moment in moments] for moments in lists)
    return Mail(sent, delivered, opened, mail.share, arrivals)


def stream(
    rng: Random,
    rate: float,
    deferral: Callable[[Random], Delivery],
    run: float = 1,
    pauses: bool = False,
    begins: float = 0,
    lasts: float = 1900,
) -> Mail:
    """A steady stream that outlasts the wait, 500 to 20,000 messages in 1,800 seconds; each arrives at `rate`.

    With `run` above 1, failures come in runs of that mean length; with `pauses`, it pauses every two to five minutes
    for 70 to 180 seconds. Its share is the `rate`, since it goes on.
    """
    gap = 1800 / math.exp(rng.uniform(*map(math.log, BLAST_SIZES)))
    sent, arrives = [], []
    moment, works = begins, True
    pause_at = begins + rng.uniform(120, 300) if pauses else math.inf
    broken_after = (1 - rate) / (rate * run)
    while moment < lasts:
        moment += rng.expovariate(1 / gap)
        if moment > pause_at:
            moment += rng.uniform(70, 180)
            pause_at = moment + rng.uniform(120, 300)
        chance = rate if run <= 1 else 1 - broken_after if works else 1 / run
        works = rng.random() < chance
        sent.append(moment)
        arrives.append(works)
    mail = _mail(rng, sent, arrives, deferral(rng))
    return replace(mail, share=rate)


def with_stragglers(rng: Random, mail: Mail) -> Mail:
    """Return the mail with one more message about every 30 seconds, as when single mails go out under a wave's tag."""
    sent = [mail.sent[-1] + 30 * number + rng.uniform(0, 10) for number in range(1, 70)]
    return mail.and_then(_mail(rng, sent, [True] * len(sent), at_once(rng)), mail.share)


def _mail(rng: Random, sent: list[float], arrives: list[bool], delivery: Delivery) -> Mail:
    arrivals = [delivery(moment) if works else math.inf for moment, works in zip(sent, arrives)]
    delivered = sorted(moment for moment in arrivals if moment < math.inf)
    opened = sorted(moment + rng.expovariate(1 / 1800) for moment in delivered[::5])
    return Mail(sent, delivered, opened, len(delivered) / len(sent), arrivals)


def prompt(rng: Random) -> View:
    """The counters are those of the moment."""
    return lambda now: (now, now, now)


def refreshed(low: float, high: float) -> Callable[[Random], View]:
    """The counters come from a snapshot that the service takes every so many seconds."""

    def view(rng: Random) -> View:
        every = rng.uniform(low, high)
        phase = rng.uniform(0, every)

        def snapshot(now: float) -> Counted:
            taken = (now - phase) // every * every + phase
            return taken, taken, now

        return snapshot

    return view


def copied(low: float, high: float) -> Callable[[Random], View]:
    """A cache keeps the answer, with its date, for so many seconds."""
    snapshots = refreshed(low, high)

    def view(rng: Random) -> View:
        snapshot = snapshots(rng)
        return lambda now: (*snapshot(now)[:2], snapshot(now)[0])

    return view


def backward(rng: Random) -> View:
    """One look in ten is answered by a standby that is 30 to 120 seconds behind."""

    def copy(now: float) -> Counted:
        then = now - rng.uniform(30, 120) if rng.random() < 0.1 else now
        return then, then, now

    return copy


def disagreeing(rng: Random) -> View:
    """One of the two counters lags 5 to 30 seconds behind the other."""
    lag = rng.uniform(5, 30)
    return rng.choice((lambda now: (now - lag, now, now), lambda now: (now, now - lag, now)))


def corrected(rng: Random, looks: Sequence[Look], decided: int, both: bool) -> tuple[list[Look], float]:
    """Have the service take back 2 to 30% of the deliveries, or of `both` counters, before the look that decides.

    Returns the looks, and the share of the deliveries that is left.
    """
    left = 1 - rng.uniform(0.02, 0.30)
    first = rng.randrange(1, decided) if decided > 1 else len(looks)

    def withdrawn(record: Record) -> Record:
        messages = math.ceil(record.messages * left) if both else record.messages
        return replace(record, messages=messages, deliveries=int(record.deliveries * left))

    after = [replace(look, records={TAG: withdrawn(look.records[TAG])}) for look in looks[first:]]
    return [*looks[:first], *after], left if after and not both else 1


def counted_twice(looks: Sequence[Look]) -> list[Look]:
    """Have the service count each delivery twice."""
    twice = ({TAG: replace(look.records[TAG], deliveries=2 * look.records[TAG].deliveries)} for look in looks)
    return [replace(look, records=records) for look, records in zip(looks, twice)]


def record_at(mail: Mail, view: View, now: float) -> Record:
    """Return what the service says of the mail at a moment, its dates in whole seconds."""
    messages_to, deliveries_to, dated = view(now)
    messages, deliveries = bisect_right(mail.sent, messages_to), bisect_right(mail.delivered, deliveries_to)
    fetched_at = START + timedelta(seconds=math.floor(dated))
    if not messages and not deliveries:
        return Record(TAG, 0, 0, 0, 0, fetched_at=fetched_at, known=False)
    opens = bisect_right(mail.opened, deliveries_to)
    last = max(
        moments[count - 1]
        for moments, count in ((mail.sent, messages), (mail.delivered, deliveries), (mail.opened, opens))
        if count
    )
    return Record(
        tag=TAG,
        messages=messages,
        deliveries=deliveries,
        opens=opens,
        clicks=0,
        first_at=START + timedelta(seconds=math.floor(mail.sent[0])),
        last_at=START + timedelta(seconds=math.floor(last)),
        fetched_at=fetched_at,
    )


def looks_at(rng: Random, mail: Mail, view: View, timing: Timing, begins: float) -> list[Look]:
    """Return every look that a gate which `begins` at a moment can take, until its time is up."""
    looks = []
    elapsed = timing.wait_delay
    while True:
        took = rng.uniform(0.1, 1)
        asked = elapsed + rng.uniform(0, took)
        at = START + timedelta(seconds=begins + elapsed + took)
        looks.append(Look(elapsed, elapsed + took, at, {TAG: record_at(mail, view, begins + asked)}, {}))
        elapsed += took
        if elapsed >= timing.wait_timeout:
            return looks
        elapsed += min(timing.wait_sleep, timing.wait_timeout - elapsed)
