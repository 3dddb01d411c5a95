"""Many tags at once: each read once, in the order asked; each fault; and the most recently active tags."""

import json
import logging
import re
import ssl
import threading
import time
from collections import Counter
from contextlib import closing

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import PARALLEL_LIMIT, ServiceReader, read_tags
from ansible_collections.mailops.smtpeter.plugins.module_utils._recent import Suggestions, read_recent
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import FAULTS, MEBIBYTE, Services, tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    answer,
    assert_silent,
    constantly,
    leaks,
)

TOKEN = 's3cr&t/+%"<é>tok\\en'


def numbered(count):
    """So many tags."""
    return [f"tag-{number}" for number in range(count)]


def read_all(client, tags, parallel=1):
    """What comes of reading tags from the service."""
    return read_tags(ServiceReader(client), tags, parallel, "zero", client.connection.api_token)


def asked(server):
    """The tags that the server was asked for, in their order."""
    return [tag_of(target) for target in server.targets if not target.startswith("/v1/stats?")]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The hostile services."""
    with closing(Services(tmp_path_factory.mktemp("services"))) as started:
        yield started


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.tag)
def test_each_fault_is_a_record_or_a_clear_error(services, connect, monkeypatch, within, caplog, fault):
    """In time, after one request and a bounded number of bytes; nothing that is said or logged repeats the token."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTPS_PROXY", services.proxy_of(fault))
    url, bundle = services.access[fault.place]
    server = services.servers.get(fault.place)
    sent = server.sent if server else 0
    with within(fault.timeout + 2):
        client = connect(url, TOKEN, ca_path=bundle, timeout=fault.timeout)
        results = read_all(client, [fault.tag])
    if fault.kinds:
        error = results.errors[fault.tag]
        assert error.kind in fault.kinds
        assert re.search(fault.says, str(error))
        assert str(error).startswith(f"tag '{fault.tag}': ")
        assert str(error).isprintable()
        assert_silent(error, TOKEN)
    else:
        record = results.found[fault.tag]
        assert {key: getattr(record, key) for key in COUNTS} == COUNTS
    assert leaks(caplog.text, TOKEN) == []
    assert services.elsewhere.connections == 0
    assert services.untrusted == []
    if server:
        assert server.sent - sent < 16 * MEBIBYTE
        assert asked(server).count(fault.tag) == (fault.place in ("plain", "tls"))


@pytest.mark.slow
@pytest.mark.parametrize(("parallel", "count"), [(1, 24), (3, 24), (64, 2), (PARALLEL_LIMIT, 600)])
def test_each_tag_is_read_once_in_the_order_asked(hostile, connect, parallel, count):
    """At most `parallel` at a time are asked for, but more than one, over as many connections; no thread is left."""

    def later_first(target):
        number = int(tag_of(target).split("-")[1])
        time.sleep(0.06 - number % 3 * 0.02)
        yield answer({**COUNTS, "messages": 1000 + number})

    server = hostile(later_first)
    threads = threading.active_count()
    tags = numbered(count)
    results = read_all(connect(server.url, timeout=60), [*tags, *reversed(tags)], parallel)
    found = [(tag, record.tag, record.messages) for tag, record in results.found.items()]
    assert found == [(tag, tag, 1000 + number) for number, tag in enumerate(tags)]
    assert sorted(asked(server)) == sorted(tags)
    assert min(2, parallel) <= server.busiest <= min(parallel, count)
    assert server.connections <= min(parallel, count)
    assert threading.active_count() - (len(server.threads) - 1) <= threads


@pytest.mark.parametrize(
    ("status", "pause", "kind", "why"),
    [
        *((status, 0, "refused", "the service had refused the token") for status in (401, 403)),
        (429, 31, "service", "the service asks to wait 31 s"),
    ],
)
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_refusal_or_a_long_pause_ends_the_reading(hostile, connect, pauses, status, pause, kind, why, parallel):
    """No worker takes another tag or asks again; what was read is kept, and the rest is reported as not tried."""

    def refuse(target):
        if "/first" not in target:
            time.sleep(0.02)
        yield answer(COUNTS) if "/first" in target else answer(b"", f"{status} No", f"Retry-After: {pause}")

    server, tags = hostile(refuse), ["first", *numbered(50)]
    client = connect(server.url, retries=3)
    results = read_all(client, tags, parallel)
    assert (list(results.found), list(results.errors)) == (["first"], tags[1:])
    # A worker may have taken one more tag while the first of these answers was on its way.
    sent = len(server.requests) - 1
    assert 1 <= sent <= 2 * parallel - 1
    assert Counter(error.kind for error in results.errors.values()) == {kind: sent, "not_tried": 50 - sent}
    last = results.errors[tags[-1]]
    assert (last.kind, last.status, last.attempts) == ("not_tried", None, 1)
    assert f"not tried, since {why}; see" in str(last)
    assert (client.longest_pause, pauses) == (pause, [])


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_service_that_is_down_ends_the_reading(hostile, connect, parallel):
    """After 25 tags in a row without an answer the rest is reported as not tried, and what was read is kept."""
    tags = ["first", *numbered(100)]
    server = hostile(lambda target: [answer(COUNTS) if "/first" in target else answer(b"", "503 Busy")])
    results = read_all(connect(server.url), tags, parallel)
    assert (list(results.found), list(results.errors)) == (["first"], tags[1:])
    kinds = Counter(error.kind for error in results.errors.values())
    # Fewer than 25 may have failed while the first was on its way, and one of each thread when it was enough.
    assert 25 <= kinds["service"] < (26 if parallel == 1 else 50 + parallel)
    assert kinds["not_tried"] == 100 - kinds["service"]
    assert "not tried, since the service had not answered for 25 tags in a row" in str(results.errors[tags[-1]])


def test_any_answer_tells_that_the_service_is_up(hostile, connect):
    """Failures are counted in a row: one answer between them, even an error of that tag, and all tags are asked for."""
    up = {"tag-24": answer(COUNTS), "tag-49": answer(b"", "404 Not Found"), "tag-74": answer(b"", "410 Gone")}
    server = hostile(lambda target: [up.get(tag_of(target), answer(b"", "503 Busy"))])
    results = read_all(connect(server.url), numbered(99))
    assert "not_tried" not in [error.kind for error in results.errors.values()]
    assert len(asked(server)) == 99


def test_one_mistake_stops_all_before_the_first_request(hostile, connect):
    """Nothing is asked for where a bound, or one tag of a list, is wrong; the option is named."""
    server = hostile(constantly(answer(COUNTS)))
    for parallel in (0, -1, PARALLEL_LIMIT + 1):
        with pytest.raises(OptionError, match=f"^parallel: {parallel} "):
            read_all(connect(server.url), ["a"], parallel)
    for tags in ([], *(["good", "better", bad] for bad in ("", "..", "a-good-token"))):
        with pytest.raises(OptionError, match="^tags: "):
            read_all(connect(server.url), tags, 8)
    assert server.connections == 0


@pytest.mark.slow
def test_the_whole_pool_backs_off_together(hostile):
    """Told once to wait, no thread asks anything meanwhile, and then each goes on with what it had."""
    arrivals = []

    def limited(_target):
        arrivals.append(time.monotonic())
        number = len(arrivals)
        # Those on their way with the twelfth are not answered before it has been read, on a busy machine either.
        time.sleep(0.5 if 12 < number <= 15 else 0.02)
        yield answer(b"", "429 Too Many Requests", "Retry-After: 1") if number == 12 else answer(COUNTS)

    with closing(Client(Connection("a-good-token", hostile(limited).url))) as client:
        assert len(read_all(client, numbered(40), 4).found) == len(arrivals) - 1 == 40
    pauses = [after - before for before, after in zip(arrivals, arrivals[1:])]
    # Those that were on their way arrive with it; nothing else comes before the second is over.
    assert max(pauses[11:15]) > 0.9
    assert sum(pause > 0.5 for pause in pauses) == 1


@pytest.mark.parametrize(("status", "taken"), [("429 No", [7, 7, 7]), ("503 No", [7, 7, 7]), ("500 No", [0.5, 1])])
def test_a_tag_that_keeps_failing_holds_the_others_no_longer_than_asked(connect, hostile, pauses, status, taken):
    """It fails after its attempts; the others wait for a pause that the service asked for, and for no other."""
    reply = answer(b"", status, *([] if status.startswith("500") else ["Retry-After: 7"]))
    server = hostile(lambda target: [reply if "/busy" in target else answer(COUNTS)])
    results = read_all(connect(server.url, retries=2), ["busy", "a", "b"])
    assert list(results.found) == ["a", "b"]
    assert results.errors["busy"].attempts == 3
    assert pauses == taken


def test_authorities_are_read_once(hostile, connect, authority, monkeypatch):
    """However many threads connect: once, when the client is made."""
    loads, load = [], ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *args: loads.append(args[1]) or load(*args))
    server = hostile(constantly(answer(COUNTS)), authority.context())
    client = connect(server.url, ca_path=str(authority.bundle), timeout=20)
    assert len(read_all(client, numbered(40), 8).found) == 40
    assert loads == [str(authority.bundle)]


def entries(*tags):
    """The answer with these tags."""
    return answer(json.dumps([{**COUNTS, "tag": tag} for tag in tags]).encode())


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (entries(*map(str, range(11))), "more than 10 entries"),
        (entries("a", "b", "a"), "a tag is repeated"),
        *((entries(tag), "not about a tag") for tag in ("a b", "a-good-token-1", "\x1b[2J", None, 7)),
        (answer(b'[{"tag": "a", "messages": 1}]'), "deliveries is missing"),
        (answer(b"[[]]"), "not about a tag"),
        (answer({"tag": "a", **COUNTS}), "not a JSON array"),
        (answer(b"", "404 Not Found"), "lists no recent tags"),
    ],
)
def test_what_is_not(hostile, connect, reply, says):
    """It is an error that says so, and nothing is hinted at."""
    client = connect(hostile(constantly(reply)).url)
    with pytest.raises(StatsError, match=f"^recent tags: .*{says}"):
        read_recent(client)
    assert Suggestions(client).for_tag("a") == ""


def test_hints(hostile, connect):
    """Of up to ten, in the order of the service: the closest, whatever the case; none where nothing is close."""
    tags = ["wave-1", "Newsletter", *"76543210"]
    client = connect(hostile(constantly(entries(*tags))).url)
    assert list(read_recent(client)) == tags
    suggestions = Suggestions(client)
    for tag, name in {"WAVE-l": "wave-1", "newsleter": "Newsletter", "wave\u200b-1": "wave-1"}.items():
        assert suggestions.for_tag(tag) == f"did you mean '{name}'?"
    assert suggestions.for_tag("invoices") == ""
    for nothing in (b"{}", b"null"):
        assert read_recent(connect(hostile(constantly(answer(nothing))).url)) == {}


@pytest.mark.parametrize("recent", [entries("tag-1x"), answer(b"", "500 Oops"), answer(b"", "429 Slow down")])
def test_they_are_asked_for_once(hostile, connect, recent):
    """However many tags are unknown, and without a second attempt; where that fails, nothing is said of it."""
    server = hostile(lambda target: [recent if "/stats?" in target else answer(b"", "404 Not Found")])
    results = read_all(connect(server.url, retries=3), numbered(9), 4)
    assert results.errors == {}
    assert sum("/stats?" in target for target in server.targets) == 1
    assert ["did you mean 'tag-1x'?" in found.notes for found in results.found.values()] == [b"200 OK" in recent] * 9
