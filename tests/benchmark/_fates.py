"""What the events tell of each message of a simulated campaign. Private: names and behaviour may change."""

import numpy as np
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome, Span
from ansible_collections.mailops.smtpeter.tests.benchmark._campaigns import TAG, at

REFUSED_AT_ONCE = 0.7
DAY = 86400.0
SPANS = 120


class Fates:
    """The events of a campaign: 70% of its lost mail is refused at once, the rest fails after a day.

    A share `returned` of the rest is accepted first, and returned within half an hour. Events are seen `late` seconds
    after they happened; only messages taken in from `since` on count.
    """

    def __init__(self, rng, mail, late=0, since=None, returned=0):
        sent, arrivals = np.asarray(mail.sent), np.asarray(mail.arrivals)
        delivered, failed = arrivals.copy(), np.full(len(sent), np.inf)
        for index in np.flatnonzero(np.isinf(arrivals)):
            if rng.random() < REFUSED_AT_ONCE:
                failed[index] = sent[index] + rng.uniform(0.5, 10)
            elif rng.random() < returned:
                delivered[index] = sent[index] + rng.uniform(0.5, 10)
                failed[index] = delivered[index] + rng.uniform(60, 1800)
            else:
                failed[index] = sent[index] + DAY
        counts = slice(None) if since is None else slice(int(np.searchsorted(sent, since)), None)
        # The service tells whole seconds.
        self._sent, self._delivered, self._failed = (np.floor(each[counts]) for each in (sent, delivered, failed))
        self._late = late

    def outcome(self, now):
        """Return what the events tell at a moment."""
        seen = now - self._late
        taken = self._sent[: int(np.searchsorted(self._sent, seen, side="right"))]
        failures, deliveries = self._failed[: len(taken)], self._delivered[: len(taken)]
        failed = failures <= seen
        delivered = (deliveries <= seen) & ~failed
        moved = [float(times.max()) for times in (taken, deliveries[delivered], failures[failed]) if len(times)]
        return Outcome(
            tag=TAG, known=True, fetched_at=at(int(now)), messages=len(taken), deliveries=int(delivered.sum()),
            failed=int(failed.sum()), returned=0, last_taken_at=at(taken[-1]) if len(taken) else None,
            last_moved_at=at(max(moved)) if moved else None, read_seconds=0.0, failures=(),
            timeline=_timeline(taken, delivered, failed), given={},
        )  # fmt: skip


def _timeline(taken, delivered, failed):
    """Return the spans as the module makes them."""
    if not len(taken):
        return ()
    seconds = max(1, -(-(int(taken[-1] - taken[0]) + 1) // SPANS))
    number = ((taken - taken[0]) // seconds).astype(int)
    size = int(number[-1]) + 1
    every, good, bad = (np.bincount(number[chosen], minlength=size) for chosen in (slice(None), delivered, failed))
    ends = [at(taken[0] + seconds * (place + 1)) for place in range(size)]
    return tuple(Span(*span) for span in zip(ends, every.tolist(), good.tolist(), bad.tolist()))
