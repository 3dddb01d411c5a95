# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The views of the same mail: whatever is sent and whenever it is asked, counters and events say the same."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.routes import Routes
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = "only-for-rehearsal"
NOW = 1_700_000_000.0
TAGS = ("a", "b", "caf-1")
DOMAINS = ("example.com", "example.net", "EXAMPLE.org")


class Service:
    """The routes over a store of their own, at a time that the test sets."""

    def __init__(self, data: Path, **options: Any) -> None:
        self.now = NOW
        self.store = Store(str(data))
        self.routes = Routes(parse_settings({"api_token": TOKEN, **options}), self.store, lambda: self.now)

    def get(self, path: str, **query: str) -> Any:
        """What a GET gives."""
        search = "&".join(f"{name}={value}" for name, value in {"access_token": TOKEN, **query}.items())
        answer = self.routes.answer("GET", f"/v1/{path}?{search}", b"")
        body = answer.body if answer.pieces is None else b"".join(answer.pieces)
        assert answer.status in (200, 404), body
        return json.loads(body) if answer.status == 200 else None

    def send(self, **body: Any) -> None:
        """POST a send."""
        answer = self.routes.answer("POST", f"/v1/send?access_token={TOKEN}", json.dumps(body).encode())
        assert answer.status == 200, answer.body


@contextlib.contextmanager
def service(**options: Any) -> Iterator[Service]:
    """A new service."""
    with tempfile.TemporaryDirectory() as directory:
        running = Service(Path(directory) / "mail.sqlite", **options)
        with contextlib.closing(running.store):
            yield running


def counted(events: list[dict[str, Any]]) -> dict[str, Any]:
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


def agree(running: Service) -> None:
    """See that all views of all tags say the same now."""
    recent = {entry["tag"]: entry for entry in running.get("stats")}
    for tag in TAGS:
        stats, later, events = (running.get(f"{method}/{tag}") for method in ("stats", "tag", "events/tags"))
        assert (stats is None) == (later is None) == (events == []) == (tag not in recent)
        if stats is not None:
            expected = counted(events)
            assert later == {"tag": tag, **expected}
            assert stats == {**{key: expected[key] for key in stats if key in expected}, **seen(expected)}
            assert recent[tag] == {"tag": tag, **stats}
    lasts = [entry["last"] for entry in recent.values()]
    assert lasts == sorted(lasts, reverse=True)


def seen(expected: dict[str, Any]) -> dict[str, Any]:
    """Opens and clicks under their documented names."""
    return {"opens": expected["all_opens"], "clicks": expected["all_clicks"]}


rates = st.sampled_from([0, 0.3, 0.7, 1])
spans = st.sampled_from([0, 5, [1, 90], [0, 7200]])
scenario_dicts = st.fixed_dictionaries(
    {},
    optional={
        "delivery_rate": rates,
        "delay": spans,
        "hold": st.sampled_from([0, 600]),
        "deferred_rate": rates,
        "retry_rate": rates,
        "returned_rate": rates,
        "returned_delay": spans,
        "open_rate": rates,
        "open_delay": spans,
        "click_rate": rates,
        "click_delay": spans,
        "repeat_rate": rates,
        "refusals": st.sampled_from(["spam", {"no_such_address": 1, "mailbox_full": 2}]),
        "domains": st.sampled_from([{"example.net": "blocked"}, {"example.org": {"unreachable_rate": 1}}]),
    },
)
sends = st.fixed_dictionaries(
    {
        "tags": st.lists(st.sampled_from(TAGS), unique=True),
        "recipients": st.lists(st.sampled_from([f"ann@{domain}" for domain in DOMAINS]), min_size=1, max_size=9),
        "trackopens": st.booleans(),
        "trackclicks": st.booleans(),
    }
)
# Seconds until the next send or look.
steps = st.lists(st.tuples(st.floats(0, 100_000), st.none() | sends), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    scenario=scenario_dicts | st.sampled_from(["deferred", "blocked", "dead", "outage", "unreachable"]),
    steps=steps,
    seed=st.integers(0, 1000),
    speed=st.sampled_from([1, 60, 10_000]),
)
def test_views_never_disagree(scenario: Any, steps: Any, seed: int, speed: float) -> None:
    """At any moment, distinct events are what the counters count, by whatever method they are asked for."""
    with service(scenario=scenario, seed=seed, speed=speed) as running:
        for pause, body in steps:
            running.now += pause
            if body is not None:
                running.send(**body)
            agree(running)
        running.now += 200_000
        agree(running)


@settings(max_examples=30, deadline=None)
@given(scenario=scenario_dicts, bodies=st.lists(sends, min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_every_message_ends_once(scenario: Any, bodies: Any, seed: int) -> None:
    """After two days each message is delivered or has failed; both only where it was returned, with a bounce."""
    with service(scenario=scenario, seed=seed) as running:
        for body in bodies:
            running.send(**{**body, "tags": ["a"]})
        running.now += 200_000
        by_id: dict[str, dict[str, Any]] = {}
        for event in running.get("events/tags/a"):
            by_id.setdefault(event["data"]["id"], {})[event["type"]] = event["data"]
        assert len(by_id) == sum(len(body["recipients"]) for body in bodies)
        for found in by_id.values():
            assert "delivery" in found or "failure" in found
            returned = "delivery" in found and "failure" in found
            assert returned == ("bounce" in found)
            if "failure" in found:
                assert (found["failure"]["state"] == "bounce") == returned
                assert "open" not in found
            if returned:
                assert found["delivery"]["time"] <= found["failure"]["time"] == found["bounce"]["time"]
