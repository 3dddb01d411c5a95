# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures of how well the gate decides, in the form of the report's. Private: names and behaviour may change."""

from __future__ import annotations

import bisect
import math
from typing import Any, Iterable, Mapping

from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.evidence import (
    log_evidence_against,
    log_evidence_for,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _chart, _palette, svg
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._scale import Scale

POLICY = Policy.from_options({})
LIMIT = 100 * POLICY.min_delivery_ratio
THRESHOLD = -math.log(1 - POLICY.confidence)
JUDGES = {
    "gate": "the gate",
    "polling the ratio": "polling: go on at the first good ratio",
    "every look": "polling: stop at the first bad ratio",
    "Wilson bound": "polling: a 95% interval at each look",
}
PERCENT = Scale(0, 100, tuple((tick, f"{tick}%") for tick in range(0, 101, 20)))
MINUTES = Scale(0, 30, tuple((tick, str(tick)) for tick in range(0, 31, 5)))
DELIVERED = Scale(90, 100, tuple((tick, f"{tick}%") for tick in range(90, 101, 2)))
SIMULATED = Scale(90, 99, tuple((tick, f"{tick}%") for tick in range(90, 100, 2)))
# Powers of ten: 10 to 100,000 messages.
COUNTS = Scale(1, 5, tuple((power, f"{10**power:,}") for power in range(1, 6)))
MOST = 10**5


def line(name: str | None, points: Iterable[tuple[float, float]], color: _palette.Color, **look: Any) -> _chart.Line:
    """A series of the chart that is only looked at."""
    return _chart.Line(name, [{"value": point} for point in points], color, **{"dots": 0, **look})


def drawn(name: str, heading: str, text: str, axes: tuple[Scale, Scale, str], lines: list[_chart.Line]) -> str:
    """An SVG document; `axes` are the horizontal one, the vertical one, and the text below."""
    across, up, below = axes
    panel = _chart.Panel(svg.ALONE, across, up, heading, below, lines)
    return _chart.document([_chart.drawn(panel, name)], name, heading, text) + "\n"


def limit(up: Scale) -> _chart.Line:
    """The required share, upright."""
    return line(f"required: {LIMIT:g}% (dashed)", [(LIMIT, up.low), (LIMIT, up.high)], _palette.LIMIT, dashes="7,5")


def pass_rates(figures: Mapping[str, Any]) -> str:
    """How many streams each judge passes, by the share that is delivered."""
    shares = [100 * rate for rate in figures["rates"]]
    lines = [
        line(name, zip(shares, figures["passed"][judge]), color, dots=2.5)
        for (judge, name), color in zip(JUDGES.items(), _palette.TAGS)
    ]
    text = " ".join(
        f"{name}: {figures['passed'][judge][shares.index(94)]:g}% of the streams at 94% pass."
        for judge, name in JUDGES.items()
    )
    heading = "How many streams pass within 30 minutes"
    axes = (SIMULATED, PERCENT, "of the stream is delivered in the end")
    return drawn("pass-rates", heading, text, axes, [*lines, limit(PERCENT)])


def minutes(figures: Mapping[str, Any]) -> str:
    """How many campaigns have a verdict, by the time that the gate has looked."""
    lines = [
        line(name, enumerate(percents), color)
        for (name, percents), color in zip(figures["decided"].items(), _palette.TAGS)
    ]
    text = " ".join(f"{name}: {percents[-1]:g}% are decided." for name, percents in figures["decided"].items())
    axes = (MINUTES, PERCENT, "minutes since the first look")
    return drawn("minutes", "How many campaigns have a verdict", text, axes, lines)


def evidence() -> str:
    """How many messages evidence takes, by the share that is delivered of them."""
    shares = [90 + step / 10 for step in range(101)]
    taken = {share: messages(share / 100) for share in shares}
    lines = [
        line(f"to {verdict}", [(share, math.log10(taken[share] or MOST)) for share in part], color)
        for verdict, color, part in (
            ("fail", _palette.TAGS[1], [share for share in shares if share < LIMIT and taken[share]]),
            ("pass", _palette.TAGS[0], [share for share in shares if share > LIMIT and taken[share]]),
        )
    ]
    text = f"At 90% {taken[90.0]} messages are evidence for a fail, at 98% {taken[98.0]} for a pass."
    axes = (DELIVERED, COUNTS, "of the messages so far is delivered")
    return drawn("evidence", "How many messages evidence takes", text, axes, [*lines, limit(COUNTS)])


def messages(share: float) -> int | None:
    """The fewest messages of which this share is evidence; null where it takes more than MOST."""
    required = POLICY.min_delivery_ratio
    side = log_evidence_for if share > required else log_evidence_against
    found = bisect.bisect_left(range(MOST), THRESHOLD, key=lambda count: side(share * count, count, required))
    return found if found < MOST else None
