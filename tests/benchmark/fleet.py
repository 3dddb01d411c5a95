# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in slices: workers of ansible-runner beside each other, 4,000 tags on 40 hosts, 30 ms a request.

As in AWX, a slice is an inventory with every n-th host. A reading is timed from `transmit` to the end of `process`.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, Case, Row

TITLE = "A fleet in slices"
TAGS, HOSTS, PARALLEL = 4_000, 40, 16


def inventory(hosts: range) -> dict[str, Any]:
    """An inventory of some of the hosts, with all tags dealt out among the 40."""
    tags = {f"campaign-{host:02}": [f"wave-{tag}" for tag in range(host, TAGS, HOSTS)] for host in hosts}
    return {"all": {"hosts": {host: {"smtpeter_tags": names} for host, names in tags.items()}}}


def reading(bench: Bench, slices: int) -> Case:
    """The pipelines that read all slices at the same time; each must have been successful."""
    results = bench.home / f"results-{slices}"
    runner = f"{shlex.quote(sys.executable)} -m ansible_runner"
    lines = ["set -e -o pipefail"]
    for number in range(slices):
        home = f"slices-{slices}/{number}"
        bench.written(f"{home}/inventory/hosts.json", inventory(range(number, HOSTS, slices)))
        playbook = f"-p mailops.smtpeter.fleet --cmdline '-e smtpeter_parallel={PARALLEL}'"
        lines.append(
            f"{runner} transmit {bench.home}/{home} {playbook} | {runner} worker"
            f" | {runner} process {results} --ident {number} >/dev/null &"
        )
    lines += ["wait", *(f"grep -q successful {results}/artifacts/{number}/status" for number in range(slices))]
    return Case(["bash", "-c", "\n".join(lines)], TAGS, shlex.join(["rm", "-rf", str(results)]))


def measure(bench: Bench) -> list[Row]:
    """Time the readings and the merge."""
    times = bench.time({f"{slices} slices": reading(bench, slices) for slices in (1, 2)}, bench.slow_url, rounds=3)
    one, two = times.values()
    whole = bench.written("whole/hosts.json", inventory(range(HOSTS)))
    argv = [sys.executable, "-m", "ansible", "playbook", "mailops.smtpeter.fleet_merge", "-i", whole]
    merge = bench.time({"merge": Case([*argv, "-e", f"smtpeter_results={bench.home}/results-1"])}, rounds=3)["merge"]
    return [
        Row("two slices at the same time", two, one, "one slice", 0.65),
        Row("the merge", merge, one, "reading one slice"),
    ]
