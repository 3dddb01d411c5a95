"""The gate by outcomes where the counters can be read and the events, at times, cannot."""

import contextlib
import itertools
import json
import re
from datetime import datetime, timezone
from urllib.parse import urlsplit

from ansible_collections.mailops.smtpeter.tests.integration.conftest import TOKEN
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks

MESSAGES = 100


def events(failed):
    """The events of messages that were taken in just now: so many failed, three are under way."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    given = {"time": now, "tags": ...}
    found = [attempt(0, number, **given) for number in range(MESSAGES)]
    for number in range(MESSAGES - 3):
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
    "late": [lambda: events(0), lambda: answer(b"[{}]")],
}
WAIT = {"wait_sleep": 0.5, "wait_timeout": 120, "retries": 0, "fail_on": [], "judge_by": "outcomes"}
OPTIONS = {"refused": {}, "recovers": {}, "late": {"max_consecutive_errors": 100, "wait_sleep": 5, "wait_timeout": 12}}


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


def test_events_that_cannot_be_read(play):
    """Such looks are lost ones: the last good reading stays, and the error says what to do."""
    tasks = [
        {"name": tag, "mailops.smtpeter.campaign_gate": {**WAIT, **options, "tags": [tag]}}
        for tag, options in OPTIONS.items()
    ]
    with contextlib.closing(Service().server) as service:
        env = {"SMTPETER_API_URL": service.url, "SMTPETER_API_TOKEN": TOKEN}
        run = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "-vvvv", env=env)
    refused, recovers, late = (run.result(tag) for tag in OPTIONS)
    assert refused["stats"] == recovers["stats"] == late["stats"] == {}

    assert (refused["verdict"], refused["looks"], refused["errors"]) == ("error", 1, 1)
    assert (refused["last_errors"]["refused"]["kind"], refused["last_errors"]["refused"]["status"]) == ("refused", 403)
    assert "judge_by: counters" in refused["msg"]
    assert refused["tags"]["refused"]["outcome"] is None

    assert (recovers["verdict"], recovers["looks"], recovers["errors"]) == ("fail", 4, 2)
    assert ["error" in look for look in recovers["history"]] == [False, True, True, False]
    assert recovers["history"][-1]["tags"]["recovers"]["failed"] == 60
    assert "60 of 100 messages failed: 60 unknown mailboxes (550 5.1.1)" in recovers["msg"]

    assert late["verdict"] == "pass"
    assert late["errors"] == late["looks"] - 1 > 0
    assert (late["tags"]["late"]["decided_by"], late["tags"]["late"]["messages"]) == ("ratio", MESSAGES)

    shown = run.output + json.dumps(run.tasks)
    assert not re.search(r"jane|doe", shown)
    assert leaks(shown, TOKEN) == []
