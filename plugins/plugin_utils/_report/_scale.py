# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The axes of the picture: where they end, and their ticks. Private: names and behaviour may change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

from .._format import percent

# Where the axis of shares can begin, and the number of steps from there to 1.
_BEGINNINGS = ((0.99, 5), (0.98, 4), (0.95, 5), (0.9, 5), (0.8, 4), (0.5, 5))
# Seconds, minutes and hours, and the steps that people count them in.
_UNITS = ((1, "seconds", 120), (60, "minutes", 7200), (3600, "hours", math.inf))
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60)
_MOST_STEPS = 6


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, with a label at each of `ticks`; `unit` is in seconds, and `name` its name."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    unit: int = 1
    name: str = ""


def ratio_scale(ratios: Sequence[float]) -> Scale:
    """Return the axis of shares: up to 1, and down to some room below the smallest."""
    least = min(ratios, default=0.0)
    low, steps = next(((low, steps) for low, steps in _BEGINNINGS if least - low >= (1 - low) / 10), (0.0, 5))
    ticks = [round(low + step * (1 - low) / steps, 4) for step in range(steps + 1)]
    return Scale(low, 1.0, tuple((tick, percent(tick)) for tick in ticks))


def time_scale(seconds: float) -> Scale:
    """Return the axis of time from 0 to at least `seconds`, in a unit that suits them."""
    unit, name = next((unit, name) for unit, name, limit in _UNITS if seconds <= limit)
    length = max(seconds / unit, 1.0)
    step: float = next((step for step in _STEPS if length / step <= _MOST_STEPS), 0)
    if not step:
        step = math.ceil(length / _MOST_STEPS / 24) * 24
    count = math.ceil(length / step)
    return Scale(0.0, count * step, tuple((tick * step, str(tick * step)) for tick in range(count + 1)), unit, name)
