# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that read tags, without Ansible around them: the module's own, and its rivals. Private."""

from __future__ import annotations

import pathlib
import sys

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import Bench
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import TELL_PEAK, Case, Command
from ansible_collections.mailops.smtpeter.tests.benchmark._service import TOKEN

INFO, POOL, CURL = "info module, its process", "a bare requests pool", "curl --parallel"

# What Ansible starts on the host: the module's main() with its arguments as they are handed over, the result on stdout.
_INFO = (
    TELL_PEAK
    + """
import json, sys
from ansible.module_utils import basic
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info

url, count, parallel, token = sys.argv[1:]
tags = [f"tag-{number}" for number in range(int(count))]
arguments = {"api_url": url, "api_token": token, "tags": tags, "parallel": int(parallel), "_ansible_remote_tmp": "/tmp"}
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
basic._ANSIBLE_PROFILE = "legacy"
tag_stats_info.main()
"""
)

# A session a thread and nothing else.
_POOL = (
    TELL_PEAK
    + """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import requests

url, count, parallel, token = sys.argv[1:]
local = threading.local()

def read(tag):
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session.get(f"{url}/stats/{tag}", params={"access_token": token}, timeout=10)

with ThreadPoolExecutor(int(parallel)) as pool:
    replies = list(pool.map(read, [f"tag-{number}" for number in range(int(count))]))
assert all(reply.status_code == 200 for reply in replies)
"""
)


def command(bench: Bench, case: Case, rounds: int | None = None) -> Command:
    """Return the process of a case."""
    if case.reader == CURL:
        return Command(_curl(bench, case), case.tags, rounds=rounds)
    script = {INFO: _INFO, POOL: _POOL}[case.reader]
    options = [bench.service.url(case.delay), str(case.tags), str(case.parallel), TOKEN]
    return Command([sys.executable, "-c", script, *options], case.tags, rounds=rounds)


def _curl(bench: Bench, case: Case) -> list[str]:
    """Write every URL into a file that curl reads; it keeps its connections, and throws the answers away."""
    config = pathlib.Path(bench.directory, f"curl-{case.tags}-{case.delay}")
    base = bench.service.url(case.delay)
    config.write_text(
        "".join(
            f'url = "{base}/stats/tag-{number}?access_token={TOKEN}"\noutput = "/dev/null"\n'
            for number in range(case.tags)
        ),
        encoding="utf-8",
    )
    options = ["--parallel", "--parallel-max", str(case.parallel), "--config", str(config)]
    return ["curl", "--disable", "--silent", "--show-error", "--fail", *options]
