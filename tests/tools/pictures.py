"""Draw the documentation's pictures from the figures beside them, in docs/pictures, as `make docs` does.

gate-report.json is what the playbook of guide_rehearse.rst writes with `-e speed=1`, in 17 minutes; `make simulate`
writes simulation.json.
"""

import bisect
import json
import math
import pathlib

from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.evidence import (
    log_evidence_against,
    log_evidence_for,
)
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import _chart, _palette, gate_report, svg
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._scale import Scale

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
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


def figures(name):
    """Return the figures of that name."""
    return json.loads((PICTURES / name).read_text(encoding="utf-8"))


def line(name, points, color, **look):
    """A series of the chart that is only looked at."""
    return _chart.Line(name, [{"value": point} for point in points], color, **{"dots": 0, **look})


def drawn(name, heading, text, across, up, below, lines):
    """An SVG document with the required share as an upright line, unless the horizontal axis has minutes."""
    if across is not MINUTES:
        ends = [(LIMIT, up.low), (LIMIT, up.high)]
        lines = [*lines, line(f"required: {LIMIT:g}% (dashed)", ends, _palette.LIMIT, dashes="7,5")]
    panel = _chart.Panel(svg.ALONE, across, up, heading, below, lines)
    return _chart.document([_chart.drawn(panel, name)], name, heading, text) + "\n"


def pass_rates():
    """How many streams each judge passes, by the share that is delivered."""
    simulated = figures("simulation.json")
    shares = [100 * rate for rate in simulated["rates"]]
    passed = {name: dict(zip(shares, simulated["passed"][judge])) for judge, name in JUDGES.items()}
    lines = [line(name, of.items(), color, dots=2.5) for (name, of), color in zip(passed.items(), _palette.TAGS)]
    text = " ".join(f"{name}: {of[94]:g}% of the streams at 94% pass." for name, of in passed.items())
    below = "of the stream is delivered in the end"
    return drawn("pass-rates", "How many streams pass within 30 minutes", text, SIMULATED, PERCENT, below, lines)


def minutes():
    """How many campaigns have a verdict, by the time that the gate has looked."""
    decided = figures("simulation.json")["decided"]
    lines = [line(name, enumerate(of), color) for (name, of), color in zip(decided.items(), _palette.TAGS)]
    text = " ".join(f"{name}: {percents[-1]:g}% are decided." for name, percents in decided.items())
    heading = "How many campaigns have a verdict"
    return drawn("minutes", heading, text, MINUTES, PERCENT, "minutes since the first look", lines)


def evidence():
    """How many messages evidence takes, by the share that is delivered of them."""
    taken = {90 + step / 10: messages((90 + step / 10) / 100) for step in range(101)}
    parts = {
        "to fail": ([share for share in taken if share < LIMIT and taken[share]], _palette.TAGS[1]),
        "to pass": ([share for share in taken if share > LIMIT and taken[share]], _palette.TAGS[0]),
    }
    lines = [line(to, [(at, math.log10(taken[at])) for at in part], color) for to, (part, color) in parts.items()]
    text = f"At 90% {taken[90.0]} messages are evidence for a fail, at 98% {taken[98.0]} for a pass."
    below = "of the messages so far is delivered"
    return drawn("evidence", "How many messages evidence takes", text, DELIVERED, COUNTS, below, lines)


def messages(share):
    """The fewest messages of which this share is evidence; null where it takes more than MOST."""
    required = POLICY.min_delivery_ratio
    side = log_evidence_for if share > required else log_evidence_against
    found = bisect.bisect_left(range(MOST), THRESHOLD, key=lambda count: side(share * count, count, required))
    return found if found < MOST else None


# What draws each picture.
DRAWN = {
    "gate-report.svg": lambda: gate_report(figures("gate-report.json"), "svg"),
    "pass-rates.svg": pass_rates,
    "evidence.svg": evidence,
    "minutes.svg": minutes,
}


if __name__ == "__main__":
    for picture, draw in DRAWN.items():
        (PICTURES / picture).write_text(draw(), encoding="utf-8")
