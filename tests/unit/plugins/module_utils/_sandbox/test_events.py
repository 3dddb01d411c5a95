"""The events method: what is in each event, for which period and tags, and what receivers say."""

import datetime
import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.events import events_of, parse_period
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.message import Message
from ansible_collections.mailops.smtpeter.tests.unit.plugins.serving import NOW, SURE, agree, clocked

# NOW is 2023-11-14 22:13:20.
DAY = 86400
FIELDS = {
    "attempt": {"envelope", "properties", "templateid"},
    "delivery": {"envelope", "from", "to", "attempt"},
    "failure": {"envelope", "from", "to", "attempt", "type", "code", "status", "description", "state"},
    "bounce": {"envelope", "mime", "templateid"},
    "open": {"headers", "ip", "protocol"},
    "click": {"headers", "ip", "url", "destination"},
}


def data_of(running, kind, asked="x", **query):
    """The data of all events of a type."""
    return [event["data"] for event in running.get(f"events/tags/{asked}", **query) if event["type"] == kind]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, "2023-10-15 2023-11-15"), ("2024-01-31", None, "2024-01-31 2024-02-29"),
        ("2023-12-15", None, "2023-12-15 2024-01-15"), (None, "2023-03-31", "2023-02-28 2023-03-31"),
        (None, "2024-01-15", "2023-12-15 2024-01-15"), ("2023-11-01", "2023-11-02", "2023-11-01 2023-11-02"),
        ("2023-11-01", "2023-12-02", "2023-11-01 2023-12-01"), ("2023-11-03", "2023-11-02", "2023-11-03 2023-11-02"),
        ("1969-12-31", "1970-01-01", "1969-12-31 1970-01-01"), ("9999-12-15", None, "9999-12-15 9999-12-31"),
        (None, "0001-01-05", "0001-01-01 0001-01-05"),
    ],
)  # fmt: skip
def test_periods(start, end, expected):
    """Days in UTC, the end exclusive; without both about the last month, today included; at most a month."""
    period = parse_period({name: day for name, day in (("start", start), ("end", end)) if day is not None}, NOW)
    days = [datetime.date(1970, 1, 1) + datetime.timedelta(milliseconds=at) for at in (period.begin, period.end)]
    assert " ".join(map(str, days)) == expected
    assert period.begin % (DAY * 1000) == period.end % (DAY * 1000) == 0


@pytest.mark.parametrize("day", ["", "2023-11-31", "0000-01-01", "2023-1-1", "2023-11-01T00:00:00"])
def test_no_days(day):
    """What is no day is refused by its name."""
    with clocked() as running:
        for name in ("start", "end"):
            answer = running.ask("events/tags/x", **{name: day})
            assert answer.status == 400
            assert answer.body.decode() == f"{name}: '{day}' is not a day; write it as YYYY-MM-DD\n"


def test_fields():
    """Each type of event has the documented fields, and no other."""
    sent = Message(1, "ab12", "Ann@Example.com", ("x", "y"), "me@example.org", "trackopens", 7, 1000)
    then = {"delivered_at": 2000, "failed_at": 3000, "opened_at": (4000, 5000), "clicked_at": (6000,), "cause": "spam"}
    events = list(events_of(Message(**{**vars(sent), **then}), parse_period({"start": "1970-01-01"}, NOW)))
    seconds = {"attempt": "1", "delivery": "2", "failure": "3", "bounce": "3", "open": "45", "click": "6"}
    expected = [(kind, f"1970-01-01 00:00:0{second}") for kind, of in seconds.items() for second in of]
    assert [(event["type"], event["data"]["time"]) for event in events] == expected
    for event in events:
        data = event["data"]
        assert set(event) == {"type", "data"}
        assert set(data) == {"id", "time", "tags", "recipient"} | FIELDS[event["type"]]
        assert (data["id"], data["tags"], data["recipient"]) == ("ab12", "x;y", "Ann@Example.com")
        assert data.get("envelope", "me@example.org") == "me@example.org"
    assert events[2]["data"]["state"] == "bounce"
    assert "<Ann@Example.com>" in events[3]["data"]["mime"]


def failed(cause, recipient):
    """The data of the failure of a message that was lost for this cause."""
    message = Message(1, "ab", recipient, (), "", "", 0, 0, failed_at=1, cause=cause, attempt=2)
    return next(event["data"] for event in events_of(message, parse_period({}, 0.0)) if event["type"] == "failure")


@pytest.mark.parametrize(
    ("cause", "state", "answers"),
    [
        ("no_such_address", "rcptto", {(550, "5.1.1")}), ("mailbox_full", "rcptto", {(552, "5.2.2"), (452, "4.2.2")}),
        ("spam", "message", {(550, "5.7.1")}), ("blocked", "mailfrom", {(550, "5.7.1")}),
        ("unreachable", "connect", {(None, None)}), ("unrecorded", "message", {(550, "5.0.0")}),
    ],
)  # fmt: skip
def test_causes(cause, state, answers):
    """Receivers answer with the code and status of the cause; where none answered, there is neither."""
    found = [failed(cause, f"r{number}@d{number % 7}.example") for number in range(40)]
    assert {(fields["code"], fields["status"]) for fields in found} == answers
    for fields in found:
        assert (fields["state"], fields["attempt"]) == (state, 2)
        assert (fields["description"] is None) == (fields["to"] is None) == (cause == "unreachable")
        assert fields["type"] == ("timeout" if cause == "unreachable" else "error")
        assert "{" not in str(fields["description"])
    # One receiver blocks for all domains; other domains have servers of their own.
    assert len({fields["to"] for fields in found}) == (1 if cause in ("blocked", "unreachable") else 7)


def test_what_receivers_say():
    """A receiver has one answer for unknown addresses, but not for full mailboxes; some repeat what is personal."""
    unknown, full = ([failed(cause, f"{n}@b") for n in range(40)] for cause in ("no_such_address", "mailbox_full"))
    said = [failed("spam", f"r@d{number}.example")["description"] for number in range(20)]
    assert len({each["description"].replace(each["recipient"], "") for each in unknown}) == 1
    assert {each["code"] for each in full} == {452, 552}
    assert any("<r@d" in text for text in said)
    assert any(sum(map(str.isdigit, text)) >= 10 for text in said)


def test_tags():
    """Events are those of messages that carry all tags asked for, in the path or beside it."""
    with clocked() as running:
        for recipient, tags in (("a@b", ["x"]), ("c@d", ["x", "y"]), ("e@f", ["y", "z"]), ("g@h", [])):
            running.send(recipient=recipient, tags=tags)

        def found(asked, **query):
            return {data["recipient"] for data in data_of(running, "attempt", asked, **query)}

        assert found("x") == {"a@b", "c@d"}
        assert found("x;y") == found("y%3Bx") == found("y;x;y") == found("x", tags="y") == {"c@d"}
        assert found("y", tags="x;z") == found("x;nothing") == found("nothing;x") == found(";") == found("X") == set()


def test_when_events_are_listed():
    """Each on the UTC day on which it happens, none before, nor after a month unless its days are asked for."""
    with clocked(scenario={"unreachable_rate": 1}) as running:
        running.send(recipient="a@b", tags=["x"])

        def kinds(**query):
            return [event["type"] for event in running.get("events/tags/x", **query)]

        for after, expected in ((DAY - 1, ["attempt"]), (DAY, ["attempt", "failure"]), (40 * DAY, [])):
            running.now = NOW + after
            assert kinds() == expected
        days = [f"2023-11-{day}" for day in range(13, 18)]
        found = [kinds(start=start, end=end) for start, end in zip(days, days[1:])]
        assert found == [[], ["attempt"], ["failure"], []]
        assert kinds(start="2023-11-14") == ["attempt", "failure"]
        assert running.get("stats/x")["messages"] == 1


def test_what_a_send_says():
    """Envelope, switches and template of the send are in its events; opens and clicks only where they are tracked."""
    with clocked(scenario={**SURE, "click_rate": 1, "click_delay": 0}) as running:
        running.send(recipient="a@b", tags=["x"])
        running.send(recipient="c@d", tags=["x"], envelope="me@e", template=12, inlinecss=True, trackopens=False)
        running.send(recipient="e@f", tags=["x"], trackclicks=False)
        agree(running, "x")
        opened, clicked = ([data["recipient"] for data in data_of(running, kind)] for kind in ("open", "click"))
        said = [(data["envelope"], data["templateid"], data["properties"]) for data in data_of(running, "attempt")]
    assert said == [
        ("bounces@smtpeter.example", 0, "trackbounces;trackopens;trackclicks"),
        ("me@e", 12, "inlinecss;trackbounces;trackclicks"),
        ("bounces@smtpeter.example", 0, "trackbounces;trackopens"),
    ]
    assert (opened, clicked) == (["a@b", "e@f"], ["a@b", "c@d"])


def test_mail_sent_meanwhile():
    """An answer is of one moment: what is sent while it is read is not in it, and does not disturb it."""
    with clocked() as running:
        running.send(recipients=[f"{number}@b" for number in range(600)], tags=["x"])
        pieces = iter(running.ask("events/tags/x").pieces or ())
        got = next(pieces)
        running.send(recipients=["late@b"] * 600, tags=["x"])
        got += b"".join(pieces)
    assert [event["type"] for event in json.loads(got)].count("attempt") == 600
    assert b"late@b" not in got
