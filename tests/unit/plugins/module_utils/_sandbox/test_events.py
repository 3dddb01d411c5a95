# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events method: what is in each event, for which period and tags, and what receivers say."""

from __future__ import annotations

import calendar
import json
import time
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import FieldError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.events import events_of, parse_period
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.failures import CAUSES
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.message import Message
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import NOW, SURE, Clocked, clocked

# NOW is 2023-11-14 22:13:20.
DAY = 86400
COMMON = {"id", "time", "tags", "recipient"}
FIELDS = {
    "attempt": {"envelope", "properties", "templateid"},
    "delivery": {"envelope", "from", "to", "attempt"},
    "failure": {"envelope", "from", "to", "attempt", "type", "code", "status", "description", "state"},
    "bounce": {"envelope", "mime", "templateid"},
    "open": {"headers", "ip", "protocol"},
    "click": {"headers", "ip", "url", "destination"},
}


def days(period: Any) -> tuple[str, str]:
    """A period as the two days that bound it."""
    begin, end = (time.strftime("%Y-%m-%d %H%M%S", time.gmtime(at / 1000)) for at in (period.begin, period.end))
    assert begin.endswith(" 000000")
    assert end.endswith(" 000000")
    return begin[:10], end[:10]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ("2023-10-15", "2023-11-15")),
        ({"start": "2023-11-14"}, ("2023-11-14", "2023-12-14")),
        ({"start": "2024-01-31"}, ("2024-01-31", "2024-02-29")),
        ({"start": "2023-12-15"}, ("2023-12-15", "2024-01-15")),
        ({"end": "2023-11-15"}, ("2023-10-15", "2023-11-15")),
        ({"end": "2023-03-31"}, ("2023-02-28", "2023-03-31")),
        ({"end": "2024-01-15"}, ("2023-12-15", "2024-01-15")),
        ({"start": "2023-11-01", "end": "2023-11-02"}, ("2023-11-01", "2023-11-02")),
        ({"start": "2023-11-01", "end": "2023-12-01"}, ("2023-11-01", "2023-12-01")),
        ({"start": "2023-11-01", "end": "2023-12-02"}, ("2023-11-01", "2023-12-01")),
        ({"start": "2020-02-29", "end": "2023-12-02"}, ("2020-02-29", "2020-03-29")),
        ({"start": "2023-11-02", "end": "2023-11-02"}, ("2023-11-02", "2023-11-02")),
        ({"start": "2023-11-03", "end": "2023-11-02"}, ("2023-11-03", "2023-11-02")),
        ({"start": "1969-12-31", "end": "1970-01-01"}, ("1969-12-31", "1970-01-01")),
        ({"start": "9999-12-15"}, ("9999-12-15", "9999-12-31")),
    ],
)
def test_periods(query: dict[str, str], expected: tuple[str, str]) -> None:
    """Days in UTC, the end exclusive; without both about the last month, today included; at most a month."""
    assert days(parse_period(query, NOW)) == expected


def test_the_first_month_there_is() -> None:
    """A month before the calendar's first day is cut there."""
    assert parse_period({"end": "0001-01-05"}, NOW).begin < parse_period({"end": "0001-01-05"}, NOW).end


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize(
    "day", ["", "today", "2023-11-31", "2023-13-01", "0000-01-01", "2023-1-1", "20231101", "2023-11-01T00:00:00", "1e9"]
)
def test_no_days(name: str, day: str) -> None:
    """What is no day is refused by its name."""
    with pytest.raises(FieldError, match=f"{name}: .* is not a day; write it as YYYY-MM-DD"):
        parse_period({name: day}, NOW)


def message(**more: Any) -> Message:
    """A message sent at 1970-01-01 00:00:01."""
    return Message(1, "ab12", "Ann@Example.com", ("x", "y"), "me@example.org", "trackopens", 7, 1000, **more)


def test_fields() -> None:
    """Each type of event has the documented fields, and no other."""
    returned = message(delivered_at=2000, failed_at=3000, cause="spam", opened_at=(4000, 5000), clicked_at=(6000,))
    events = list(events_of(returned, parse_period({"start": "1970-01-01"}, NOW)))
    assert [event["type"] for event in events] == [
        "attempt",
        "delivery",
        "failure",
        "bounce",
        "open",
        "open",
        "click",
    ]
    for event in events:
        data: Any = event["data"]
        assert set(event) == {"type", "data"}
        assert set(data) == COMMON | FIELDS[str(event["type"])]
        assert (data["id"], data["tags"], data["recipient"]) == ("ab12", "x;y", "Ann@Example.com")
        assert data.get("envelope", "me@example.org") == "me@example.org"
    told: Any = [event["data"] for event in events]
    assert told[2]["state"] == "bounce"
    assert "<Ann@Example.com>" in told[3]["mime"]
    assert [each["time"] for each in told] == [f"1970-01-01 00:00:0{second}" for second in (1, 2, 3, 3, 4, 5, 6)]


@pytest.mark.parametrize(
    ("cause", "state", "answers"),
    [
        ("no_such_address", "rcptto", {(550, "5.1.1")}),
        ("mailbox_full", "rcptto", {(552, "5.2.2"), (452, "4.2.2")}),
        ("spam", "message", {(550, "5.7.1")}),
        ("blocked", "mailfrom", {(550, "5.7.1")}),
        ("unreachable", "connect", {(None, None)}),
        ("unrecorded", "message", {(550, "5.0.0")}),
    ],
)
def test_causes(cause: str, state: str, answers: set[Any]) -> None:
    """Receivers answer with the code and status of the cause; where none answered, there is neither."""
    seen: set[Any] = set()
    for number in range(40):
        failed = Message(
            number, "ab", f"r{number}@d{number % 7}.example", (), "", "", 0, 0, failed_at=1, cause=cause, attempt=2
        )
        (data,) = (event["data"] for event in events_of(failed, parse_period({}, 0.0)) if event["type"] == "failure")  # type: ignore[misc]
        fields: Any = data
        seen.add((fields["code"], fields["status"]))
        assert fields["state"] == state
        assert fields["attempt"] == 2
        assert (fields["description"] is None) == (fields["to"] is None) == (cause == "unreachable")
        assert fields["type"] == ("timeout" if cause == "unreachable" else "error")
        assert "{" not in str(fields["description"])
    assert seen == answers


def test_one_receiver_says_the_same() -> None:
    """A receiver has the same words for all addresses it does not know; which mailboxes are full is up to them."""
    said: dict[str, set[Any]] = {"no_such_address": set(), "mailbox_full": set()}
    tags = {cause: {"delivery_rate": 0, "refusals": cause, "delay": 0} for cause in said}
    with clocked(scenario={"tags": tags}) as running:
        for cause, seen in said.items():
            running.send(recipients=[f"r{number}@b" for number in range(40)], tags=[cause])
            failures = [each["data"] for each in running.get(f"events/tags/{cause}") if each["type"] == "failure"]
            seen.update((each["code"], each["description"].replace(each["recipient"], "")) for each in failures)
    assert len(said["no_such_address"]) == 1
    assert {code for code, _words in said["mailbox_full"]} == {452, 552}


def test_words_repeat_what_is_personal() -> None:
    """Some receivers repeat the recipient in angle brackets, some a long number, as real ones do."""
    text = " ".join(reply.text for cause in CAUSES.values() for reply in cause.replies)
    assert "<{recipient}>" in text
    with clocked(scenario={"delivery_rate": 0, "refusals": "spam", "delay": 0}) as running:
        running.send(recipients=[f"r{number}@d{number}.example" for number in range(20)], tags=["x"])
        said = [event["data"] for event in running.get("events/tags/x") if event["type"] == "failure"]
    assert any(f"<{each['recipient']}>" in each["description"] for each in said)
    assert any(sum(map(str.isdigit, each["description"])) >= 10 for each in said)


def ids(running: Clocked, asked: str, **query: str) -> set[str]:
    """The recipients of all attempts."""
    events = running.get(f"events/tags/{asked}", **query)
    return {event["data"]["recipient"] for event in events if event["type"] == "attempt"}


def test_tags() -> None:
    """Events are those of messages that carry all tags asked for, in the path or beside it."""
    with clocked() as running:
        for recipient, tags in (("a@b", ["x"]), ("c@d", ["x", "y"]), ("e@f", ["y", "z"]), ("g@h", [])):
            running.send(recipient=recipient, tags=tags)
        assert ids(running, "x") == {"a@b", "c@d"}
        assert ids(running, "x;y") == ids(running, "y%3Bx") == ids(running, "y;x;y") == {"c@d"}
        assert ids(running, "x", tags="y") == {"c@d"}
        assert ids(running, "y", tags="x;z") == ids(running, "x;nothing") == ids(running, "nothing;x") == set()
        assert running.get("events/tags/nothing") == running.get("events/tags/;") == running.get("events/tags/X") == []


def test_days() -> None:
    """An event belongs to the UTC day on which it happens, whatever the message's other events do."""
    midnight = calendar.timegm(time.strptime("2023-11-15", "%Y-%m-%d"))
    with clocked(scenario={**SURE, "open_rate": 0, "delay": 2}) as running:
        running.now = midnight - 1.0
        running.send(recipient="a@b", tags=["x"])
        running.now = midnight + 10.0
        kinds = {
            day: [event["type"] for event in running.get("events/tags/x", start=f"2023-11-{day}", end=f"2023-11-{end}")]
            for day, end in (("13", "14"), ("14", "15"), ("15", "16"), ("16", "17"))
        }
        assert kinds == {"13": [], "14": ["attempt"], "15": ["delivery"], "16": []}
        assert len(running.get("events/tags/x")) == 2


def test_older_than_a_month() -> None:
    """Without a period, what is older than a month is left out; by its days it is still found."""
    with clocked() as running:
        running.send(recipient="a@b", tags=["x"])
        running.now += 40 * DAY
        assert running.get("events/tags/x") == []
        assert ids(running, "x", start="2023-11-14") == {"a@b"}
        assert running.get("stats/x")["messages"] == 1


def test_what_is_to_come_is_not_told() -> None:
    """Nothing is listed before it happens: an unreachable receiver's mail is under way for a day."""
    with clocked(scenario={"unreachable_rate": 1}) as running:
        running.send(recipient="a@b", tags=["x"])
        for after, expected in ((0, ["attempt"]), (DAY - 1, ["attempt"]), (DAY, ["attempt", "failure"])):
            running.now = NOW + after
            assert [event["type"] for event in running.get("events/tags/x")] == expected


def test_what_a_send_says() -> None:
    """Envelope, switches and template of the send are in its events."""
    with clocked() as running:
        running.send(recipient="a@b", tags=["x"])
        running.send(recipient="c@d", tags=["x"], envelope="me@e", template=12, inlinecss=True, trackopens=False)
        first, second = (e["data"] for e in running.get("events/tags/x") if e["type"] == "attempt")
    assert (first["envelope"], first["templateid"]) == ("bounces@smtpeter.example", 0)
    assert first["properties"] == "trackbounces;trackopens;trackclicks"
    assert (second["envelope"], second["templateid"]) == ("me@e", 12)
    assert second["properties"] == "inlinecss;trackbounces;trackclicks"


def test_recent_tags() -> None:
    """The ten tags to which something happened last, the latest first, whenever their mail was sent."""
    with clocked(scenario={"default": SURE, "tags": {"t3": {**SURE, "delay": 100}}}) as running:
        assert running.get("stats") == []
        for number in range(12):
            running.send(recipient="a@b", tags=[f"t{number}"])
            running.now += 1
        assert [entry["tag"] for entry in running.get("stats")] == [f"t{number}" for number in range(11, 1, -1)]
        running.now += 200
        assert [entry["tag"] for entry in running.get("stats")][:2] == ["t3", "t11"]
        assert set(running.get("stats")[0]) == {"tag", "first", "last", "opens", "clicks", "messages", "deliveries"}


def test_many_events_need_little_memory() -> None:
    """Events are made while they are sent: an answer of megabytes needs but a piece of it."""
    import tracemalloc

    with clocked() as running:
        for _each in range(2):
            running.send(recipients=[f"reader{number}@example.org" for number in range(2500)], tags=["x"])
        tracemalloc.start()
        try:
            pieces = running.ask("events/tags/x").pieces
            assert pieces is not None
            size = sum(len(piece) for piece in pieces)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert size > 3_000_000
    assert peak < 1_500_000


def test_mail_sent_meanwhile() -> None:
    """An answer is of one moment: what is sent while it is read is not in it, and does not disturb it."""
    with clocked() as running:
        running.send(recipients=[f"{number}@b" for number in range(1000)], tags=["x"])
        pieces = running.ask("events/tags/x").pieces
        assert pieces is not None
        got = next(pieces)
        running.send(recipients=["late@b"] * 1000, tags=["x"])
        got += b"".join(pieces)
    assert [event["type"] for event in json.loads(got)].count("attempt") == 1000
    assert b"late@b" not in got
