"""Simulated campaigns, and the service that counts them. Private: names and behaviour may change.

A campaign is a set of moments: when each message was sent, and when those that arrive were delivered and opened. All
moments are seconds on one clock; all chance comes from the generator that is passed in. A delivery says when a message
that was sent at a moment is delivered. A view says up to which moments messages and deliveries are counted in an
answer, and the moment that it is dated with.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Sequence

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look

TAG = "wave"
START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=timezone.utc)
BLAST_SIZES = (math.log(500), math.log(20_000))
DEFERRED = (0.10, 0.25)
DEFERRED_FOR = (60, 1200)
RETRIES_AFTER = (600, 1200, 3000, 4800)


def at(seconds):
    """The moment that a service tells, in whole seconds."""
    return START + timedelta(seconds=math.floor(seconds))


def at_once(rng):
    """Every message is delivered in seconds."""
    return lambda sent: sent + rng.uniform(0.5, 10)


def _some_deferred(rng, deferred):
    part, instant = rng.uniform(*DEFERRED), at_once(rng)
    return lambda sent: deferred(sent) if rng.random() < part else instant(sent)


def mixed(rng):
    """10 to 25% deferred by 1 to 20 minutes: half throttled, half by five receivers with a greylisting time each."""
    greylisted = [rng.uniform(*DEFERRED_FOR) for _receiver in range(5)]

    def deferred(sent):
        if rng.random() < 0.5:
            return sent + rng.uniform(*DEFERRED_FOR)
        return sent + min(DEFERRED_FOR[1], rng.choice(greylisted) + rng.uniform(0, 30))

    return _some_deferred(rng, deferred)


def retried(rng):
    """10 to 25% deferred to the service's retries, each of which 60 to 95% of what is left gets through."""
    accepted = rng.uniform(0.60, 0.95)

    def deferred(sent):
        after = next((after for after in RETRIES_AFTER[:-1] if rng.random() < accepted), RETRIES_AFTER[-1])
        return sent + after + rng.uniform(0, 30)

    return _some_deferred(rng, deferred)


def outage(rng):
    """Everything is held up for 10 minutes from the first message, and then delivered within one."""
    return lambda sent: max(sent, 600) + rng.uniform(0.5, 60)


def scattered(rng, messages, lost):
    """Which messages arrive; the lost ones are anywhere in the list."""
    failing = set(rng.sample(range(messages), lost))
    return [index not in failing for index in range(messages)]


def clustered(rng, messages, lost):
    """Which messages arrive; the lost ones come in runs of 5 to 50."""
    blocks = []
    while lost > 0:
        blocks.append([False] * min(lost, rng.randint(5, 50)))
        lost -= len(blocks[-1])
    blocks += [[True]] * (messages - sum(map(len, blocks)))
    rng.shuffle(blocks)
    return [arrives for block in blocks for arrives in block]


@dataclass(frozen=True)
class Mail:
    """The moments of a campaign, and the share of its messages that is delivered in the end.

    `arrivals` has, for each message in the order sent, when it is delivered; infinity for those that are lost.
    """

    sent: Sequence[float]
    arrivals: Sequence[float]
    opened: Sequence[float]
    share: float

    @cached_property
    def delivered(self):
        """The moments of deliveries, in order."""
        return sorted(moment for moment in self.arrivals if moment < math.inf)

    def and_then(self, later, share):
        """Return both under one tag, with the share of what is to be judged."""
        both = sorted(zip([*self.sent, *later.sent], [*self.arrivals, *later.arrivals]))
        return Mail(*zip(*both), sorted([*self.opened, *later.opened]), share)


def blast(rng, share, deferral, losses=scattered, within=300, after=0):
    """500 to 20,000 messages sent evenly `within` so many seconds at most; the share is exact, but rounded down."""
    messages = round(math.exp(rng.uniform(*BLAST_SIZES)))
    duration = rng.uniform(0, within)
    # 1e-9: 500 * (1 - 0.97) is a little more than 15.
    arrives = losses(rng, messages, math.ceil(messages * (1 - share) - 1e-9))
    mail = mail_of(rng, [duration * index / messages for index in range(messages)], arrives, deferral(rng))
    return Mail(
        *([after + each for each in moments] for moments in (mail.sent, mail.arrivals, mail.opened)), mail.share
    )


def stream(rng, rate, deferral, run=1, pauses=False, begins=0, lasts=1900):
    """A steady stream that outlasts the wait, 500 to 20,000 messages in 1,800 seconds; each arrives at `rate`.

    With `run` above 1, failures come in runs of that mean length; with `pauses`, it pauses every two to five minutes
    for 70 to 180 seconds. Its share is the `rate`, since it goes on.
    """
    gap = 1800 / math.exp(rng.uniform(*BLAST_SIZES))
    sent, arrives = [], []
    moment, works = begins, True
    pause_at = begins + rng.uniform(120, 300) if pauses else math.inf
    broken_after = (1 - rate) / (rate * run)
    while moment < lasts:
        moment += rng.expovariate(1 / gap)
        if moment > pause_at:
            moment += rng.uniform(70, 180)
            pause_at = moment + rng.uniform(120, 300)
        works = rng.random() < (rate if run <= 1 else 1 - broken_after if works else 1 / run)
        sent.append(moment)
        arrives.append(works)
    return replace(mail_of(rng, sent, arrives, deferral(rng)), share=rate)


def mail_of(rng, sent, arrives, delivery):
    """Mail that is sent at these moments, and which of it arrives; a fifth of that is opened."""
    arrivals = [delivery(moment) if works else math.inf for moment, works in zip(sent, arrives)]
    mail = Mail(sent, arrivals, [], sum(arrives) / len(sent))
    return replace(mail, opened=sorted(moment + rng.expovariate(1 / 1800) for moment in mail.delivered[::5]))


def prompt(rng):
    """The counters are those of the moment."""
    return lambda now: (now, now, now)


def refreshed(low, high):
    """The counters come from a snapshot that the service takes every so many seconds."""

    def view(rng):
        every = rng.uniform(low, high)
        phase = rng.uniform(0, every)
        return lambda now: (*[(now - phase) // every * every + phase] * 2, now)

    return view


def copied(low, high):
    """A cache keeps the answer, with its date, for so many seconds."""

    def view(rng):
        snapshot = refreshed(low, high)(rng)
        return lambda now: snapshot(now)[:1] * 3

    return view


def backward(rng):
    """One look in ten is answered by a standby that is 30 to 120 seconds behind."""

    def standby(now):
        then = now - rng.uniform(30, 120) if rng.random() < 0.1 else now
        return then, then, now

    return standby


def disagreeing(rng):
    """One of the two counters lags 5 to 30 seconds behind the other."""
    lag = rng.uniform(5, 30)
    return rng.choice((lambda now: (now - lag, now, now), lambda now: (now, now - lag, now)))


def recounted(looks, messages=1, deliveries=1):
    """Return the looks with so many times the messages and the deliveries."""

    def changed(record):
        more = {"messages": math.ceil(record.messages * messages), "deliveries": int(record.deliveries * deliveries)}
        return {TAG: replace(record, **more)}

    return [replace(look, records=changed(look.records[TAG])) for look in looks]


def record_at(mail, view, now):
    """Return what the service says of the mail at a moment."""
    messages_to, deliveries_to, dated = view(now)
    limits = ((mail.sent, messages_to), (mail.delivered, deliveries_to), (mail.opened, deliveries_to))
    messages, deliveries, opens = counts = [bisect_right(moments, limit) for moments, limit in limits]
    if not messages and not deliveries:
        return Record(TAG, 0, 0, 0, 0, fetched_at=at(dated), known=False)
    last = max(moments[count - 1] for (moments, _limit), count in zip(limits, counts) if count)
    dates = {"first_at": at(mail.sent[0]), "last_at": at(last), "fetched_at": at(dated)}
    return Record(TAG, messages, deliveries, opens, 0, **dates)


def looks_at(rng, mail, view, timing, begins):
    """Return every look that a gate which `begins` at a moment can take, until its time is up."""
    looks, elapsed = [], timing.wait_delay
    while True:
        took = rng.uniform(0.1, 1)
        records = {TAG: record_at(mail, view, begins + (elapsed + rng.uniform(0, took)))}
        ended, moment = elapsed + took, START + timedelta(seconds=begins + elapsed + took)
        looks.append(Look(elapsed, ended, moment, records, {}))
        if ended >= timing.wait_timeout:
            return looks
        elapsed = ended + min(timing.wait_sleep, timing.wait_timeout - ended)
