"""The gate by outcomes where the counters can be read and the events, at times, cannot."""

import contextlib
import itertools
import json
import re
from datetime import datetime, timezone
from urllib.parse import urlsplit

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import TOKEN
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

MESSAGES = 100


def events(failed, under_way=3):
    """The events of messages that were taken in just now: so many failed, so many are under way."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    given = {"time": now, "tags": ...}
    found = [attempt(0, number, **given) for number in range(MESSAGES)]
    for number in range(MESSAGES - under_way):
        words = {"description": f"<jane.doe-{number}@example.com>: user jane.doe-{number} is unknown"}
        found.append(failure(0, number, **given, **words) if number < failed else delivery(0, number, **given))
    return answer(body(*found))


# What the events method answers, request after request; the last answer again and again.
ANSWERS = {
    "refused": [lambda: answer(b"no", "403 Forbidden")],
    "recovers": [
        lambda: events(0),
        lambda: answer(b"busy", "503 Service Unavailable"),
        lambda: answer(body(attempt(0, tags=...))[:-1]),
        lambda: events(60),
    ],
    "gone": [lambda: events(0), lambda: answer(b"", "500 Internal Server Error")],
    "late": [lambda: events(0), lambda: answer(b"[{}]")],
    "never": [lambda: answer(b'{"error": "no"}')],
}
OPTIONS = {
    "refused": {},
    "recovers": {},
    "gone": {"max_consecutive_errors": 1},
    "late": {"max_consecutive_errors": 100, "wait_sleep": 8, "wait_timeout": 25},
    "never": {"wait_timeout": 0},
}


class Service:
    """Counters that move with each request, and the events of ANSWERS."""

    def __init__(self):
        self._counted = itertools.count(MESSAGES)
        self._answers = {tag: iter(answers) for tag, answers in ANSWERS.items()}
        self.server = Hostile(self._reply)

    def _reply(self, target):
        path = urlsplit(target).path
        tag = path.rsplit("/", 1)[-1]
        if "/events/" in path:
            yield next(self._answers[tag], ANSWERS[tag][-1])()
        else:
            yield answer({**COUNTS, "messages": next(self._counted), "deliveries": 90})


@pytest.fixture
def service():
    """Where the gate looks."""
    with contextlib.closing(Service().server) as server:
        yield server


def test_events_that_cannot_be_read(play, service):
    """Such looks are lost ones: the last good reading stays, and the error says what to do."""
    wait = {"wait_sleep": 0.5, "wait_timeout": 120, "retries": 0, "fail_on": [], "judge_by": "outcomes"}
    tasks = [
        {"name": tag, "mailops.smtpeter.campaign_gate": {**wait, **options, "tags": [tag]}}
        for tag, options in OPTIONS.items()
    ]
    env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
    run = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "-vvvv", env=env)
    gates = {tag: run.result(tag) for tag in OPTIONS}
    assert {tag: gate["verdict"] for tag, gate in gates.items()} == {
        "refused": "error", "recovers": "fail", "gone": "error", "late": "pass", "never": "error",
    }  # fmt: skip
    assert [gate["stats"] for gate in gates.values()] == [{}] * len(gates)

    refused = gates["refused"]
    assert (refused["looks"], refused["errors"]) == (1, 1)
    assert (refused["last_errors"]["refused"]["kind"], refused["last_errors"]["refused"]["status"]) == ("refused", 403)
    assert "judge_by: counters" in refused["msg"]
    assert refused["tags"]["refused"]["outcome"] is None

    recovers = gates["recovers"]
    assert (recovers["looks"], recovers["errors"]) == (4, 2)
    assert ["error" in look for look in recovers["history"]] == [False, True, True, False]
    assert recovers["history"][-1]["tags"]["recovers"]["failed"] == 60
    assert "60 of 100 messages failed: 60 unknown mailboxes (550 5.1.1)" in recovers["msg"]

    gone = gates["gone"]
    assert (gone["looks"], gone["errors"]) == (3, 2)
    assert gone["tags"]["gone"]["outcome"]["deliveries"] == MESSAGES - 3
    assert "500" in gone["msg"]

    late = gates["late"]
    assert late["errors"] == late["looks"] - 1 > 0
    assert (late["tags"]["late"]["decided_by"], late["tags"]["late"]["messages"]) == ("ratio", MESSAGES)

    shown = run.output + json.dumps(run.tasks)
    assert not re.search(r"jane|doe", shown)
    assert leaks(shown, TOKEN) == []
