# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that stays valid however often one looks. Private: names and behaviour may change.

An e-process: a mixture of likelihood ratios of rates on one side of the required one against the required one. Under
a true rate on the other side it is a non-negative supermartingale that starts at 1, so by Ville's inequality it ever
reaches 1/alpha with probability at most alpha, over all looks together.
"""

from __future__ import annotations

import math

# Two dozen distances from the required rate on the logit scale, evenly spread in logarithm from 0.1 to 4.
_OFFSETS = tuple(0.1 * math.pow(40, step / 23) for step in range(24))
_MESSAGES_LIMIT = 10**12


def log_evidence_for(delivered: int, messages: int, rate: float) -> float:
    """Return the logarithm of the evidence that more than `rate` (0 to 1) of the mail is delivered."""
    return _log_mixture(delivered, messages, rate, 1)


def log_evidence_against(delivered: int, messages: int, rate: float) -> float:
    """Return the logarithm of the evidence that less than `rate` (0 to 1) of the mail is delivered."""
    return _log_mixture(delivered, messages, rate, -1)


def more_messages(delivered: int, messages: int, rate: float, threshold: float) -> int | None:
    """Return about how many more messages, delivered as so far, bring the evidence to `threshold` (a logarithm).

    Null where no number does, since the share so far is the required one, or too close to it.
    """
    if not messages:
        return None
    side = 1 if delivered / messages > rate else -1

    def decides(count: int) -> bool:
        return _log_mixture(delivered * count // messages, count, rate, side) >= threshold

    high = messages
    while not decides(high):
        high *= 2
        if high > _MESSAGES_LIMIT:
            return None
    low = high // 2
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return max(0, high - messages)


def _log_mixture(delivered: int, messages: int, rate: float, side: int) -> float:
    """Return log mean over q of (q/rate)^k * ((1-q)/(1-rate))^(n-k).

    With logit q = logit rate + d, q/rate = e^d / (1 + rate (e^d - 1)) and (1-q)/(1-rate) = 1 / (1 + rate (e^d - 1)),
    which hold at rates of 0 and 1 too, as limits.
    """
    terms = []
    for offset in _OFFSETS:
        distance = side * offset
        terms.append(delivered * distance - messages * math.log1p(rate * math.expm1(distance)))
    peak = max(terms)
    return peak + math.log(math.fsum(math.exp(term - peak) for term in terms) / len(terms))
