"""Events for tests: as the service documents them, with recipients that nobody must ever see again."""

import json
from datetime import datetime, timedelta, timezone

START = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
ENVELOPE = "bounces+7f3a-verp@mail.sender.example"


def at(seconds):
    """The time of an event, so many seconds after noon of the last day of January."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


def event(kind, seconds, number=1, **more):
    """An event of a message; `more` replaces or adds fields, and takes those away that are `...`."""
    data = {
        "id": f"message-{number}", "time": at(seconds), "tags": "wave-1", "envelope": ENVELOPE,
        "recipient": f"jane.doe-{number}@example.com", **more,
    }  # fmt: skip
    return {"type": kind, "data": {key: value for key, value in data.items() if value is not ...}}


def attempt(seconds, number=1, **more):
    """A message is taken in."""
    return event("attempt", seconds, number, properties={}, templateid=None, **more)


def delivery(seconds, number=1, **more):
    """A receiver accepts it."""
    return event("delivery", seconds, number, **{"from": "203.0.113.5", "to": "198.51.100.7", "attempt": 0, **more})


def failure(seconds, number=1, **more):
    """It has failed for good."""
    details = {
        "attempt": 0, "from": "203.0.113.5", "to": "198.51.100.7", "type": "smtp", "code": 550, "status": "5.1.1",
        "description": "no such user", "state": "rcpt",
    }  # fmt: skip
    return event("failure", seconds, number, **{**details, **more})


def body(*events):
    """The answer with these events."""
    return json.dumps(events).encode()
