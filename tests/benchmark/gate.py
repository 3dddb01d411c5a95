# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look of the gate costs beside the info module on the same 100 tags, and what 10,000 looks take of memory.

A playbook with six tasks less one with one task gives the cost of a task: all else is the same in both. Memory is what
tracemalloc counts while the state machine takes 10,000 looks, beyond what it held after 2,000.
"""

from __future__ import annotations

import statistics
import sys
import tracemalloc
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.tests.benchmark import _plays as plays
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import Case

TAGS = 100
TASKS = 6
# A look may cost a tenth more than the info module, and so many seconds for each tag that is judged.
RATIO_LIMIT = 1.1
SECONDS_A_TAG = 0.005
MEMORY_LIMIT = 64.0
INFO, GATE = "tag_stats_info", "campaign_gate"
OPTIONS = {INFO: {}, GATE: {"wait_timeout": 0, "min_delivery_ratio": 0.5}}

POLICY = Policy(min_delivery_ratio=0.97)


def case_of(action: str, count: int) -> Case:
    """The case of a playbook with so many tasks of an action."""
    return Case(f"{count} x {action}", TAGS, parallel=8)


def memory_growth() -> int:
    """The bytes that 10,000 looks hold beyond 2,000."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    gate = Gate(trackers_of(["tag"], POLICY, {}), POLICY, Timing(wait_timeout=1e9, wait_sleep=1))
    held = []
    tracemalloc.start()
    for number in range(10_000):
        now = start + timedelta(seconds=number)
        record = Record("tag", 10 * number, int(9.7 * number), 0, 0, last_at=now, fetched_at=now)
        gate.look(Look(number, number, now, {"tag": record}, {}))
        if number + 1 in (2_000, 10_000):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held[1] - held[0]


def measure(bench: Bench) -> Part:
    """Time the playbooks, and count the memory."""
    tags = [f"tag-{number}" for number in range(TAGS)]
    plan = {}
    for action, options in OPTIONS.items():
        task = {f"mailops.smtpeter.{action}": {"tags": tags, **options}}
        for count in (1, TASKS):
            case = case_of(action, count)
            plan[case] = plays.playbook(bench, case, [task] * count, count * TAGS)
    runs = bench.measure(plan)
    info, gate = (
        statistics.median(runs.added(case_of(action, TASKS), case_of(action, 1))) / (TASKS - 1)
        for action in (INFO, GATE)
    )
    allowed = RATIO_LIMIT * info + SECONDS_A_TAG * TAGS
    figures = [
        Figure(f"a look of the gate at {TAGS} tags, against the info module", gate / info),
        Figure(
            f"the same, against {RATIO_LIMIT} times the module and {SECONDS_A_TAG * 1000:.0f} ms a tag",
            gate / allowed,
            1,
        ),
        Figure("memory that 10,000 looks of the gate hold above 2,000", memory_growth() / 1024, MEMORY_LIMIT, "KiB"),
    ]
    return Part(figures, runs=runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
