"""What reading the events of 30,000 messages costs a process: memory for each message, and time beside `json`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Callable, Iterator

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, event, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile, answer

pytestmark = pytest.mark.slow

MESSAGES = 30_000
BYTES_A_MESSAGE = 360
# 2.2 to 2.4 on an idle machine; a busy one adds to it.
TIMES_THE_TIME = 3.0
# Prints the counts, the seconds of the processor, and the most memory that the process had, in bytes.
READ = """
import json, re, sys, time
from ansible_collections.mailops.smtpeter.plugins.modules.tag_outcomes_info import run
params = {"api_token": "a-good-token", "api_url": sys.argv[1], "tags": [sys.argv[2]], "endpoint": "stats",
          "validate_certs": True, "ca_path": None, "timeout": 60, "retries": 0, "parallel": 2, "missing": "zero",
          "since": None, "top": 10}
found = run(params)["outcomes"][sys.argv[2]]
status = open("/proc/self/status", encoding="ascii").read()
print(json.dumps([found["messages"], found["deliveries"], found["failed"], len(found["failures"]),
                  time.process_time(), int(re.search(r"VmHWM:\\s+([0-9]+) kB", status)[1]) * 1024]))
"""
LOAD = """
import json, sys, time
body = sys.stdin.buffer.read()
start = time.process_time()
json.loads(body)
print(time.process_time() - start)
"""


def events(number: int, moment: float) -> tuple[Any, Any, Any]:
    """A message: taken in, delivered or, one of ten, refused in words of its own, and then opened, or returned."""
    recipient = f"reader-{number}@mail-{number % 300}.example"
    given = {"recipient": recipient, "tags": ..., "id": f"{number:08x}-7f3a9c52-{number:08x}"}
    if number % 10:
        return attempt(moment, **given), delivery(moment + 3, **given), event("open", moment + 60, **given)
    help_page = f"https://help.example/ {number:x}q12si{number}wrx.{number % 7}"
    words = f"550-5.1.1 <{recipient}>: no such user here. See {help_page}"
    said = failure(moment + 3, description=words, **given)
    return attempt(moment, **given), delivery(moment + 2, **given), said


def run(*command: str, given: bytes = b"") -> Any:
    """What a new Python prints, as JSON; coverage.py would slow down our own code alone."""
    env = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_START"}
    done = subprocess.run([sys.executable, "-c", *command], input=given, capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_memory_and_time(hostile: Callable[..., Hostile]) -> None:
    """Beside a process that reads one message, which has the same to import."""
    large = b"[" + b",".join(body(*events(number, number / 5))[1:-1] for number in range(MESSAGES)) + b"]"
    replies = {"small": answer(body(*events(1, 0))), "large": answer(large)}

    def in_pieces(target: str) -> Iterator[bytes]:
        reply = replies[tag_of(target)]
        for start in range(0, len(reply), 2**20):
            yield reply[start : start + 2**20]

    server = hostile(in_pieces)
    *few, small_seconds, small_bytes = run(READ, server.url, "small")
    runs = [run(READ, server.url, "large") for _time in range(2)]
    *many, large_seconds, large_bytes = min(runs, key=lambda ran: ran[-2])
    assert few == [1, 1, 0, 0]
    assert many == [MESSAGES, MESSAGES * 9 // 10, MESSAGES // 10, 10]
    assert (large_bytes - small_bytes) / MESSAGES <= BYTES_A_MESSAGE
    loading = min(run(LOAD, given=large) for _time in range(2))
    print(f"{(large_bytes - small_bytes) / MESSAGES:.0f} bytes, {(large_seconds - small_seconds) / loading:.2f} times")
    assert large_seconds - small_seconds <= TIMES_THE_TIME * loading
