"""The module for outcomes: what that for counters does not share, and nothing of a person, whatever a service does."""

import json
import re
import time
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _body, _client
from ansible_collections.mailops.smtpeter.plugins.module_utils import _outcome_reader as reader
from ansible_collections.mailops.smtpeter.plugins.modules import tag_outcomes_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins import event_faults
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import ENVELOPE, attempt, body, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import MEBIBYTE, Services
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import answer, constantly, leaks
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
GOOD = body(attempt(0), delivery(5), attempt(1, 2), failure(6, 2), attempt(2, 3))
MODULE = tag_outcomes_info
COUNTED = ("messages", "deliveries", "failed", "under_way")


def test_a_token_without_the_right(hostile, run):
    """No further tag is asked for, and the error names what does without events."""
    server = hostile(constantly(answer(b"no", "403 Forbidden")))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a", "b"], parallel=1)
    assert [error["kind"] for error in result["errors"].values()] == ["refused", "not_tried"]
    assert "may lack the permission to read events" in result["errors"]["a"]["msg"]
    assert "judge_by: counters" in result["errors"]["a"]["msg"]
    assert len(server.requests) == 1


def test_an_old_since_takes_several_requests(hostile, run):
    """They are added up: nothing is lost between two periods, nothing counted twice, also what spans two of them."""
    days = [-0.01, 0, 27.4, 27.6, 28, 55.9, 56, 83, 200]
    events = [attempt(86400 * day, number) for number, day in enumerate(days)]
    # Delivered or lost in the next period.
    events += [delivery(86400 * 28.1, 2), failure(86400 * 56.2, 5), delivery(86400 * 28, 1)]

    def of_the_period(target):
        # As the service does: end exclusive, and no more than a month from start.
        start, end = (date.fromisoformat(parse_qs(urlsplit(target).query)[name][0]) for name in ("start", "end"))
        end = min(end, start + timedelta(days=28))
        return [answer(body(*(each for each in events if str(start) <= each["data"]["time"] < str(end))))]

    url = hostile(of_the_period).url
    result = run(api_token=TOKEN, api_url=url, tags=["wave-1"], since="2026-01-31T13:00:00+01:00")
    found = result["outcomes"]["wave-1"]
    assert (found["since"], found["notes"]) == ("2026-01-31T12:00:00Z", [])
    assert [found[key] for key in COUNTED] == [8, 2, 1, 5]
    # Without mail since then, nobody can tell whether there is such a tag.
    found = run(api_token=TOKEN, api_url=url, tags=["wave-1"], since="2100-01-01", missing="error")["outcomes"]
    assert found["wave-1"]["known"] is True


@settings(max_examples=40)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2026, 12, 31), timezones=st.just(timezone.utc)),  # noqa: DTZ001
    st.timedeltas(timedelta(days=-400), timedelta(days=4000)),
)
def test_periods(since, age):
    """From the day of since to after tomorrow, without a gap, none longer than the shortest month."""
    now = since + age
    found = reader.periods(since, now)
    assert found[0][0] == since.date()
    assert found[-1][1] == max(since.date(), now.date()) + timedelta(days=2)
    assert all(before[1] == after[0] for before, after in zip(found, found[1:]))
    assert all(timedelta(days=0) < end - start <= timedelta(days=28) for start, end in found)
    assert reader.periods(None, now) == [None]


@pytest.mark.slow
def test_a_broken_answer_is_asked_again_and_counts_once(hostile, run):
    """What came before the connection broke off comes again, and nothing is counted twice."""

    def broken():
        # Longer than a piece, so that a part of it has been read.
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n[" + b" " * 2**17 + GOOD[1:-200]
        raise ConnectionResetError

    scripts = iter([broken(), [answer(b"", "503 Busy", "Retry-After: 0")], [answer(GOOD)]])
    server = hostile(lambda _target: next(scripts))
    result = run(api_token=TOKEN, api_url=server.url, tags=["wave-1"], retries=2)
    assert [result["outcomes"]["wave-1"][key] for key in COUNTED] == [3, 1, 1, 1]
    assert len(server.requests) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("pause", "is_read"), [(0.4, True), (1.5, False)])
def test_each_mebibyte_has_its_time(hostile, run, pause, is_read):
    """A long answer may take longer than the timeout, but none of its MiB may."""

    def script(_target):
        yield b"HTTP/1.1 200 OK\r\n\r\n["
        for size in (MEBIBYTE, MEBIBYTE, MEBIBYTE, MEBIBYTE - 4096):
            time.sleep(pause)
            yield b" " * size
        yield GOOD[1:]
        raise EOFError

    result = run(api_token=TOKEN, api_url=hostile(script).url, tags=["wave-1"], timeout=1, retries=0)
    assert [found["messages"] for found in result["outcomes"].values()] == [3] * is_read
    assert [error["kind"] for error in result["errors"].values()] == ["timeout"] * (not is_read)


# What a service may say, with somebody's address in it.
WORDS = "user jane.doe+news (<jane.doe+news@example.com>, jane.doe%2Bnews%40example.com) of " + ENVELOPE
PERSON = {"recipient": "jane.doe+news@example.com", "description": WORDS, "state": "jane.doe", "status": "jane.doe"}
HELD = [attempt(0, recipient=PERSON["recipient"]), failure(3, **PERSON)]
SAID = {
    "outcome": answer(body(*HELD)),
    "error with words": answer(WORDS.encode(), "500 Oops"),
    "refusal with events": answer(body(*HELD), "410 Gone"),
    "reason and headers": answer(b"", f"500 {WORDS}", f"X-Who: {WORDS}", f"Retry-After: {WORDS}"),
    "an object": answer(json.dumps(HELD[1]).encode()),
    "cut short": answer(body(*HELD)[:-30]),
    "not JSON": answer(WORDS.encode()),
    "text": answer(json.dumps(WORDS).encode()),
    "a wrong time": answer(body(*HELD, failure(3, **{**PERSON, "time": WORDS}))),
    "an unknown type": answer(body(*HELD, {"type": WORDS, "data": PERSON})),
    "another tag": answer(body(*HELD, failure(3, **{**PERSON, "tags": WORDS.replace(" ", "")}))),
    "a repeated key": answer(body(*HELD)[:-1] + b', {"' + WORDS.encode() + b'": 1, "' + WORDS.encode() + b'": 1}]'),
    "not UTF-8": answer(body(*HELD)[:-1] + WORDS.encode("utf-16") + b"]"),
}
PRIVATE = re.compile(r"jane|doe(?!s)|verp|7f3a|bounces\+", re.IGNORECASE)


@pytest.mark.parametrize("said", SAID)
def test_nothing_of_a_person_gets_out(hostile, run, said):
    """No address, no local part and no envelope is in a result or an error, whatever the service says."""
    url = hostile(constantly(SAID[said])).url
    result = run(api_token=TOKEN, api_url=url, tags=["wave-1"], retries=0, top=1000)
    assert PRIVATE.findall(json.dumps(result) + json.dumps(result, ensure_ascii=False)) == []
    assert result["failed"] is (said not in ("outcome", "an unknown type"))
    if not result["failed"]:
        (cause,) = result["outcomes"]["wave-1"]["failures"]
        assert cause["description"].startswith("user ******** (<********>, ********) of ********")
        assert (cause["state"], cause["status"], cause["domains"]) == (None, None, ["example.com"])


def test_the_token_does_not_get_out(hostile, run):
    """Where receivers repeat it, it is masked."""
    to = {"recipient": f"x@{TOKEN}.example"}
    said = body(attempt(0), failure(1, description=f"token {TOKEN} is bad", **to), attempt(0, **to))
    result = run(api_token=TOKEN, api_url=hostile(constantly(answer(said))).url, tags=["wave-1"], retries=0)
    assert leaks(json.dumps(result) + json.dumps(result, ensure_ascii=False), TOKEN) == []


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The hostile services of the events method."""
    with closing(
        Services(tmp_path_factory.mktemp("services"), event_faults.EVENT_FAULTS, event_faults.GOOD)
    ) as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("fault", event_faults.EVENT_FAULTS, ids=lambda fault: fault.tag)
def test_each_fault(services, run, monkeypatch, fault):
    """It is an outcome with the right counts, or an error of the right kind that names the tag and shows no token."""
    # The real limit is tried with ansible-playbook.
    for module in (_body, _client):
        monkeypatch.setattr(module, "STREAM_LIMIT", 16 * MEBIBYTE)
    monkeypatch.setenv("HTTPS_PROXY", services.proxy_of(fault))
    url, bundle = services.access[fault.place]
    result = run(api_token=TOKEN, api_url=url, ca_path=bundle, tags=[fault.tag], timeout=fault.timeout, retries=0)
    assert leaks(json.dumps(result), TOKEN) == []
    assert PRIVATE.findall(json.dumps(result)) == []
    if fault.kinds:
        assert result["outcomes"] == {}
        error = result["errors"][fault.tag]
        assert error["kind"] in fault.kinds, error
        assert re.search(fault.says.replace("268435456", "16777216"), error["msg"]), error["msg"]
        assert error["msg"].startswith(f"tag '{fault.tag}': ")
        assert error["msg"].isprintable()
    else:
        found = result["outcomes"][fault.tag]
        assert {key: found[key] for key in event_faults.COUNTED} == event_faults.COUNTED
    assert services.elsewhere.connections == 0
    assert services.untrusted == []
