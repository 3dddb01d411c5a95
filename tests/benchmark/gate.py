# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look of the gate costs beside the info module on the same 100 tags, and what 10,000 looks take of memory.

A playbook with six tasks less one with one task gives the cost of a task: all else is the same in both. Info and
gate are interleaved, and the median of the rounds counts. Memory is what tracemalloc counts while the state machine
takes 10,000 looks, beyond what it held after 2,000. Exit code 1 above a limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate import Gate, Reading, Timing
from ansible_collections.mailops.smtpeter.tests.benchmark.info_module import serve

TAGS = 100
TASKS = 6
ROUNDS = 5
RATIO_LIMIT = 1.1
SECONDS_A_TAG = 0.005
MEMORY_LIMIT = 64 * 1024
INFO, GATE = "mailops.smtpeter.tag_stats_info", "mailops.smtpeter.campaign_gate"
OPTIONS = {INFO: {}, GATE: {"wait_timeout": 0, "min_delivery_ratio": 0.5}}


def seconds(action: str, tasks: int, directory: pathlib.Path) -> float:
    """The wall time of a playbook with so many tasks of an action."""
    task = {action: {"tags": [f"tag-{number}" for number in range(TAGS)], **OPTIONS[action]}}
    playbook = directory / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task] * tasks}]))
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(playbook)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"The measurement failed.\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start


def task_costs(directory: pathlib.Path) -> tuple[float, float]:
    """Print each round, and return the median seconds of a task of the info module, and of the gate."""
    costs: dict[str, list[float]] = {INFO: [], GATE: []}
    for turn in range(ROUNDS):
        for action in (INFO, GATE) if turn % 2 else (GATE, INFO):
            cost = (seconds(action, TASKS, directory) - seconds(action, 1, directory)) / (TASKS - 1)
            costs[action].append(cost)
        print(f"round {turn + 1}: info {costs[INFO][-1]:.3f} s, gate {costs[GATE][-1]:.3f} s a task", flush=True)
    return statistics.median(costs[INFO]), statistics.median(costs[GATE])


def memory_growth() -> int:
    """The bytes that 10,000 looks hold beyond 2,000."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    gate = Gate(["tag"], Policy(min_delivery_ratio=0.97), Timing(wait_timeout=1e9, wait_sleep=1), {})
    held = []
    tracemalloc.start()
    for number in range(10_000):
        now = start + timedelta(seconds=number)
        record = Record("tag", 10 * number, int(9.7 * number), 0, 0, last_at=now, fetched_at=now)
        gate.look(Reading(number, number, now, {"tag": record}, {}))
        if number + 1 in (2_000, 10_000):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held[1] - held[0]


def main() -> int:
    """Measure, and print the verdicts."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout
        os.environ["SMTPETER_API_URL"] = f"http://127.0.0.1:{service.stdout.readline().strip()}/v1"
        os.environ["SMTPETER_API_TOKEN"] = "a-benchmark-token"
        try:
            with tempfile.TemporaryDirectory() as directory:
                info, gate = task_costs(pathlib.Path(directory))
        finally:
            service.terminate()
    allowed = RATIO_LIMIT * info + SECONDS_A_TAG * TAGS
    growth = memory_growth()
    print(f"a look at {TAGS} tags: {gate / info:.2f} times the info module; {gate / allowed:.2f} of what is allowed")
    print(f"10,000 looks hold {growth / 1024:.1f} KiB more than 2,000, of {MEMORY_LIMIT / 1024:.0f} KiB allowed")
    return 0 if gate <= allowed and growth <= MEMORY_LIMIT else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    sys.exit(main())
