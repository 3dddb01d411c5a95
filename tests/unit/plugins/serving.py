"""The sandbox's routes in the test's own process, and how its views agree."""

import contextlib
import json
import tempfile
from collections import Counter
from urllib.parse import urlencode

from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.routes import Routes
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Store

NOW = 1_700_000_000.0
TOKEN = "only_for+rehearsal&100%/\u00e9"
SURE = {"delivery_rate": 1, "delay": 0, "open_rate": 1, "open_delay": 0, "click_rate": 0, "repeat_rate": 0}


class Clocked:
    """The service's routes over a data file, without a socket, at a time that the test sets."""

    def __init__(self, data, **options):
        self.now, self.store = NOW, Store(data)
        settings = parse_settings({"api_token": TOKEN, "scenario": SURE, "seed": 1, **options})
        self.routes = Routes(settings, self.store, lambda: self.now)

    def ask(self, path, body=None, **query):
        """The answer to a GET below the API, or to a POST of a body."""
        target = f"/v1/{path}?{urlencode({'access_token': TOKEN, **query})}"
        return self.routes.respond("POST" if body else "GET", target, json.dumps(body).encode() if body else b"")

    def get(self, path, **query):
        """What a GET gives; None for 404."""
        answer = self.ask(path, **query)
        body = answer.body if answer.pieces is None else b"".join(answer.pieces)
        assert answer.status in (200, 404), body
        return json.loads(body) if answer.status == 200 else None

    def send(self, **body):
        """POST a send, and give the recipients by id."""
        answer = self.ask("send", body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@contextlib.contextmanager
def clocked(**options):
    """The routes over a data file of their own."""
    with tempfile.TemporaryDirectory() as directory:
        running = Clocked(f"{directory}/mail.sqlite", **options)
        with contextlib.closing(running.store):
            yield running


def counted(events):
    """What the counters must be, from events."""
    kinds = Counter(event["type"] for event in events)
    ids = {kind: {event["data"]["id"] for event in events if event["type"] == kind} for kind in kinds}
    times = [event["data"]["time"] for event in events if event["type"] not in ("failure", "bounce")]
    assert all(kinds[kind] == len(ids[kind]) for kind in ("attempt", "delivery", "failure", "bounce") if kind in kinds)
    return {
        "first": min(times),
        "last": max(times),
        "messages": kinds["attempt"],
        "deliveries": kinds["delivery"],
        "all_opens": kinds["open"],
        "unique_opens": len(ids.get("open", ())),
        "all_clicks": kinds["click"],
        "unique_clicks": len(ids.get("click", ())),
    }


def agree(running, tags):
    """See that all views of all tags say the same now."""
    recent = {entry["tag"]: entry for entry in running.get("stats")}
    for tag in tags:
        stats, later, events = (running.get(f"{method}/{tag}") for method in ("stats", "tag", "events/tags"))
        assert (stats is None) == (later is None) == (events == []) == (tag not in recent)
        if stats is not None:
            expected = counted(events)
            documented = {"opens": expected["all_opens"], "clicks": expected["all_clicks"]}
            assert later == {"tag": tag, **expected}
            assert stats == {**{key: expected[key] for key in stats if key in expected}, **documented}
            assert recent[tag] == {"tag": tag, **stats}
    lasts = [entry["last"] for entry in recent.values()]
    assert lasts == sorted(lasts, reverse=True)
