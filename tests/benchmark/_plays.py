# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs of ansible-playbook. Private: names and behaviour may change."""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import TELL_PEAK, Case, Command
from ansible_collections.mailops.smtpeter.tests.benchmark._service import TOKEN

FORKS = 10
_PLAYBOOK = TELL_PEAK + "from ansible.cli.playbook import main\nmain()\n"


def playbook(
    bench: Bench,
    case: Case,
    tasks: Sequence[dict[str, Any]],
    requests: int | None,
    rounds: int | None = None,
    variables: Mapping[str, Any] | None = None,
    prepare: Callable[[], object] = lambda: None,
) -> Command:
    """Return the run of a playbook with the tasks, on as many hosts as the case has; one is the implicit localhost."""
    play = {"hosts": "all" if case.hosts > 1 else "localhost", "gather_facts": False, "tasks": tasks}
    argv = [sys.executable, "-c", _PLAYBOOK, _written(bench, ".json", json.dumps([play]))]
    if variables:
        argv += ["--extra-vars", "@" + _written(bench, ".json", json.dumps(variables))]
    if case.hosts > 1:
        argv += ["--inventory", _inventory(bench, case.hosts), "--forks", str(FORKS)]
    url = bench.service.url(case.delay)
    return Command(argv, requests, prepare, rounds, {"SMTPETER_API_URL": url, "SMTPETER_API_TOKEN": TOKEN})


def info(case: Case, tags: object) -> dict[str, Any]:
    """A task of the info module, its result registered."""
    return {"mailops.smtpeter.tag_stats_info": {"tags": tags, "parallel": case.parallel}, "register": "result"}


def uri(bench: Bench, case: Case, tag: str) -> dict[str, Any]:
    """A task that asks the same by C(ansible.builtin.uri), its result registered."""
    url = f"{bench.service.url(case.delay)}/stats/{tag}?access_token={TOKEN}"
    return {"ansible.builtin.uri": {"url": url, "return_content": True}, "register": "result"}


def debug(template: str) -> dict[str, Any]:
    """A task that shows what a template gives."""
    return {"ansible.builtin.debug": {"msg": template}}


def _inventory(bench: Bench, hosts: int) -> str:
    common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    names = {f"host-{number:04}": {} for number in range(hosts)}
    # A file in JSON is one in YAML.
    return _written(bench, ".yml", json.dumps({"all": {"hosts": names, "vars": common}}))


def _written(bench: Bench, suffix: str, text: str) -> str:
    path = pathlib.Path(bench.directory, hashlib.sha256(text.encode()).hexdigest()[:16] + suffix)
    path.write_text(text, encoding="utf-8")
    return str(path)
