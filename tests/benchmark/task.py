# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task, cold: the info module beside C(ansible.builtin.uri) with the same request.

A playbook of one such task is what a user waits for; a playbook of six less one of one, divided by five, is the task
without the start of Ansible. A task that sends nothing, C(ansible.builtin.ping), shows what is Ansible's own in both.
The payload is the file that Ansible copies to the host and starts there.
"""

from __future__ import annotations

import base64
import io
import os
import pathlib
import re
import shutil
import statistics
import sys
import zipfile
from typing import Any

from ansible_collections.mailops.smtpeter.tests.benchmark import _plays as plays
from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench, alone
from ansible_collections.mailops.smtpeter.tests.benchmark._report import Figure, Part, Table
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import Case, Runs, ratio, run

TASKS = 6
LIMIT = 1.1
INFO, URI, PING = "tag_stats_info", "ansible.builtin.uri", "ansible.builtin.ping"


def tasks(bench: Bench) -> dict[str, dict[str, Any]]:
    """The task of each kind."""
    return {
        INFO: plays.info(Case(INFO, parallel=8), ["tag-0"]),
        URI: plays.uri(bench, Case(URI), "tag-0"),
        PING: {"ansible.builtin.ping": {}},
    }


def case_of(kind: str, count: int) -> Case:
    """The case of a playbook with so many tasks."""
    return Case(f"{count} x {kind}", parallel=8 if kind == INFO else 1)


def payload(bench: Bench, task: dict[str, Any]) -> tuple[int, int]:
    """The bytes of what Ansible starts on the host for a task, and the files in the archive that it holds."""
    remote = pathlib.Path(bench.directory, "remote")
    kept = {**bench.environment, "ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(remote)}
    run(plays.playbook(bench, Case("payload"), [task], None), bench.service, kept)
    (wrapper,) = remote.rglob("AnsiballZ_*.py")
    text = wrapper.read_text(encoding="utf-8")
    shutil.rmtree(remote)
    archive = base64.b64decode(max(re.findall(r"[A-Za-z0-9+/=]{99,}", text), key=len))
    return len(os.fsencode(text)), len(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def added(runs: Runs, kind: str) -> list[float]:
    """The seconds of a task without the start of Ansible, in each round."""
    return [seconds / (TASKS - 1) for seconds in runs.added(case_of(kind, TASKS), case_of(kind, 1))]


def measure(bench: Bench) -> Part:
    """Time the playbooks, and weigh the payloads."""
    kinds = tasks(bench)
    plan = {
        case_of(kind, count): plays.playbook(bench, case_of(kind, count), [task] * count, 0 if kind == PING else count)
        for kind, task in kinds.items()
        for count in (1, TASKS)
    }
    runs = bench.measure(plan)
    weights = {kind: payload(bench, task) for kind, task in kinds.items()}
    whole = ratio(*([taken.seconds for taken in runs.by_case[case_of(kind, 1)]] for kind in (INFO, URI)))
    figures = [
        Figure("one info task against one `ansible.builtin.uri` task, cold: the whole ansible-playbook", whole, LIMIT),
        Figure(
            "the same without the start of Ansible: six tasks less one, divided by five",
            ratio(added(runs, INFO), added(runs, URI)),
            LIMIT,
        ),
    ]
    rows = [
        [
            f"`{kind}`",
            f"{runs.seconds(case_of(kind, 1)):.3f} s",
            f"{statistics.median(added(runs, kind)):.3f} s",
            f"{weights[kind][0]:,} bytes",
            f"{weights[kind][1]}",
        ]
        for kind in kinds
    ]
    note = "The payload is what Ansible sends to the host for a task; ping makes no request."
    head = ["one task", "whole ansible-playbook", "each further task", "payload", "files in it"]
    return Part(figures, [Table("One task", note, head, rows)], runs.raw())


if __name__ == "__main__":
    sys.exit(alone(measure, __doc__))
