"""The client: what it refuses before a byte leaves, what the service sees, and what comes of each answer."""

import functools
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection, check_tag
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._values import TAG_LIMIT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    answer,
    assert_silent,
    constantly,
    leaks,
    spellings,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)
DATED = datetime(2016, 2, 1, 12, tzinfo=timezone.utc)


def failure(client, tag="tag"):
    """The error that a fetch ends with."""
    with pytest.raises(StatsError) as caught:
        client.fetch(tag)
    return caught.value


ODD_TAGS = [
    "a/b", "/", "//", "a/../b", "./a", "...", "?x=1", "a?access_token=x", "%2e%2e", "%", "%zz", "a+b", "a&b", "#",
    "a\\b", "\"'`<>", "{}[]|^~", "a:b@c", "e\u0301", "\u200b", "\u202e", "x" * TAG_LIMIT, "\N{PILE OF POO}" * 200,
]  # fmt: skip
visible = st.characters(min_codepoint=33, exclude_categories=["Cc", "Cs", "Z"], exclude_characters=";")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sampled_from(ODD_TAGS) | st.text(max_size=50), st.just(TOKEN) | st.text(visible, min_size=8, max_size=50))
@example("a b", TOKEN)
@example("..", TOKEN)
def test_the_service_sees_exactly_the_tag_and_the_token(connect, hostile, tag, token):
    """After decoding once, a tag arrives as it is, in ASCII; what can be none is refused before anything is sent."""
    server = hostile(constantly(answer(COUNTS)))
    client = connect(server.url, token, timeout=30)
    try:
        check_tag(tag, token)
    except OptionError:
        with pytest.raises(OptionError, match="^tags: "):
            client.fetch(tag)
        assert server.connections == 0
    else:
        client.fetch(tag)
        parts = urlsplit(server.targets[-1])
        assert server.targets[-1].isascii()
        assert unquote(parts.path[len("/v1/stats/") :], errors="strict") == tag
        assert parts.path.count("/") == 3
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
        assert query == [("access_token", token)]
    finally:
        server.close()


@pytest.mark.parametrize(("url", "path"), [("", "/tag/t"), ("/a//v1//", "/a//v1/tag/t"), ("/%2Fb.c", "/%2Fb.c/tag/t")])
def test_the_path_that_is_asked_for(connect, hostile, url, path):
    """Nothing but slashes at the end of api_url is taken away; the vendor's later name of the method can be chosen."""
    server = hostile(constantly(answer(COUNTS)))
    connect(server.url.replace("/v1", url), endpoint="tag").fetch("t")
    assert server.targets == [f"{path}?access_token=a-good-token"]


@pytest.mark.parametrize(
    ("status", "date", "moment", "ages", "age"),
    [
        ("200 OK", "Mon, 01 Feb 2016 14:00:00 +0200", DATED, ["  42  "], 42),
        ("201 Created", "Monday, 01-Feb-16 12:00:00 GMT", DATED, ["0000000000000000000060"], 60),
        ("202 Accepted", "Mon, 1 Feb 2016 12:00:00 -0000", DATED, ["0"], 0),
        ("404 Not Found", "Mon, 1 Feb 2016 12:00:00 GMT", DATED, ["7"], 7),
        ("200 ", "", NEW_YEAR, [""], None),
        ("200 OK", "1e999", NEW_YEAR, ["9" * 5000], 2**31),
        ("200 OK", "Mon, 99 Feb 2016 12:00:00 GMT", NEW_YEAR, ["1.5"], None),
        ("200 OK", "Fri, 31 Dec 9999 23:59:59 -2359", NEW_YEAR, ["1", "2"], None),
        ("200 OK", "\xff\xfe", NEW_YEAR, ["\xb2"], None),
    ],
)
def test_success(hostile, connect, status, date, moment, ages, age):
    """The body as it came, none for an unknown tag; the Date in UTC, or else our clock; the age in whole seconds."""
    server = hostile(constantly(answer(b"[ ]", status, f"Date: {date}", *(f"Age: {each}" for each in ages))))
    client = connect(server.url, retries=3)
    client._now = lambda: NEW_YEAR
    found = client.fetch("t")
    assert found == Answer("t", None if status.startswith("404") else b"[ ]", moment, age)
    assert found.fetched_at.tzinfo is timezone.utc
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("statuses", "kind", "again", "remedy"),
    [
        ((103, 204, 304), "answer", False, "api_url"),
        ((301,), "answer", False, "redirects are never followed"),
        ((400, 407, 410, 424, 426, 428, 499), "refused", False, "check api_url, endpoint and the tag"),
        ((401, 403), "refused", False, "check api_token"),
        ((408, 425, 500, 599, 999), "service", True, "try again later"),
        ((429,), "service", True, "less often"),
    ],
)
def test_statuses(connect, hostile, pauses, statuses, kind, again, remedy):
    """What each status is, whether it is asked again, and what the user is told to do."""
    for status in statuses:
        # Without a body, the length is that of another answer.
        length = ["Content-Length: 2"] if status in (204, 304) else []
        server = hostile(constantly(answer(b"<b>no</b>" if status >= 400 else b"", f"{status} Odd", *length)))
        pauses.clear()
        error = failure(connect(server.url, retries=2))
        assert (error.kind, error.status, error.tag) == (kind, status, "tag")
        assert len(server.requests) == len(pauses) + 1 == error.attempts == (3 if again else 1)
        assert str(error).startswith(f"tag 'tag': 127.0.0.1:{server.port} answered {status}")
        assert remedy in str(error)
        assert ("(3 attempts)" in str(error)) is again
        assert error.is_token_refused is (status in (401, 403))


@pytest.mark.parametrize("status", ["500 Oops", "401 No", "302 Found", "400 Bad"])
def test_an_error_page_that_echoes_the_token(connect, hostile, status):
    """However the service writes the token in body, reason and headers, the error is silent of it."""
    for echo in spellings(TOKEN).values():
        reason = echo.encode("ascii", "replace").decode()
        headers = [f"X-Token: {reason}", f"Location: /?access_token={reason}", f"Retry-After: {reason}"]
        server = hostile(constantly(answer(f"<p>{echo}</p> is bad".encode(), f"{status} {reason}", *headers)))
        error = failure(connect(server.url, TOKEN))
        assert "is bad" in str(error) or "********" in str(error)
        assert_silent(error, TOKEN)
        assert leaks(json.dumps(error.as_dict()), TOKEN) == []


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("0", 0), ("7", 7), ("30", 30), ("Thu, 01 Jan 2026 00:00:12 GMT", 12), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 0), ("-5", 0), ("nan", 0), ("", 0),
    ],
)  # fmt: skip
def test_retry_after(hostile, connect, pauses, retry_after, pause):
    """Seconds and dates are honoured up to 30 s, nothing else is; what was not waited for is told until it is over."""
    busy = answer(b"busy", "503 Odd", f"Retry-After: {retry_after}")
    replies = iter([busy, answer(COUNTS), busy, busy])
    client = connect(hostile(lambda _target: [next(replies)]).url, retries=1)
    client._now = lambda: NEW_YEAR
    assert client.fetch("t").body
    assert (pauses, client.longest_pause) == ([max(0.5, pause)], 0)
    failure(client)
    assert (pauses, client.longest_pause) == ([max(0.5, pause)] * 2, pause)


@pytest.mark.parametrize(
    ("status", "retry_after", "asked"),
    [
        (429, "31", 31), (408, "9" * 5000, 2**31), (503, "Thu, 01 Jan 2026 00:00:31 GMT", 31),
        (425, "Fri, 31 Dec 9999 23:59:59 GMT", 251635075199), *((status, "3600", 3600) for status in (302, 403, 500)),
    ],
)  # fmt: skip
def test_a_long_pause_is_not_waited_for(hostile, connect, pauses, status, retry_after, asked):
    """The service is asked no further by this client, for any tag; the error says how long it wants."""
    server = hostile(constantly(answer(b"busy", f"{status} Odd", f"Retry-After: {retry_after}")))
    client = connect(server.url, retries=3)
    client._now = lambda: NEW_YEAR
    error = failure(client)
    assert re.search(f"answered {status}.* and said 'busy', and asks to wait {asked} s; try again after", str(error))
    assert (error.attempts, error.retry_after, client.longest_pause) == (1, asked, asked)
    error = failure(client, "other")
    assert (error.kind, error.status) == ("not_tried", None)
    assert f"not tried, since the service asks to wait {asked} s; see the other errors" in str(error)
    assert (len(server.requests), pauses) == (1, [])


def test_a_long_pause_ends_the_attempts_of_others(connect, hostile):
    """A tag that would be tried again once more keeps the error that it had."""
    busy, broken = answer(b"", "429 Busy", "Retry-After: 3600"), answer(b"", "500 Oops")
    server = hostile(lambda target: [busy if "/two" in target else broken])
    client = connect(server.url, retries=9)
    client._pacer.sleep = lambda _seconds: failure(client, "two")
    error = failure(client, "one")
    assert (error.kind, error.status, error.attempts) == ("service", 500, 1)
    assert len(server.requests) == 2


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_pauses_grow_up_to_a_limit(connect, hostile, pauses, jitter):
    """Each pause is a random part, from none to all, of a limit that doubles up to ten seconds; then it ends."""
    server = hostile(constantly(answer(b"", "500 Oops")))
    error = failure(connect(server.url, retries=7, jitter=lambda: jitter))
    assert pauses == [jitter * limit for limit in (0.5, 1, 2, 4, 8, 10, 10)]
    assert error.attempts == len(server.requests) == 8


def test_a_timeout_is_asked_again(connect, hostile, within):
    """Each attempt has the whole timeout, and the late answer to the first is not taken for that to the second."""
    scripts = iter([[], [answer({**COUNTS, "messages": 7})]])
    server = hostile(lambda _target: next(scripts))
    with within(3):
        found = connect(server.url, retries=1, timeout=0.5).fetch("t")
    assert json.loads(found.body)["messages"] == 7
    assert server.connections == 2


@pytest.mark.parametrize("status", ["103 Early Hints", "204 No Content"])
def test_an_answer_without_a_body_ends_its_connection(connect, hostile, status):
    """What may follow it, late, is not taken for the answer to the next request."""
    server = hostile(constantly(answer(b"", status)))
    client = connect(server.url)
    assert (failure(client).kind, failure(client).kind, server.connections) == ("answer", "answer", 2)


def test_a_stale_connection_is_no_error(connect, hostile):
    """A service may close idle connections; the next request opens another, without costing an attempt."""

    def once(_target):
        yield answer(COUNTS)
        raise EOFError

    server = hostile(once)
    client = connect(server.url)
    for _time in range(3):
        assert client.fetch("t").body
        server.threads[-1].join(5)
        # The end of the connection travels through loopback.
        time.sleep(0.05)
    assert server.connections == 3


def test_each_thread_has_one_connection(connect, hostile):
    """Threads share none, requests do, past errors too; close() closes all; caches are told to ask the service."""
    no = [answer(b"no", "404 Not Found"), answer(b"no", "500 Oops")]
    server = hostile(lambda target: [no[0] if "-0?" in target else no[1] if "-1?" in target else answer(COUNTS)])
    client = connect(server.url)
    meet = threading.Barrier(4)

    def work(name):
        assert client.fetch(f"{name}-0").body is None
        failure(client, f"{name}-1")
        assert client.fetch(f"{name}-2").body
        meet.wait(10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert (len(server.requests), server.connections) == (12, 4)
    assert all("Cache-Control: no-cache" in head for head in server.requests)
    client.close()
    for thread in server.threads[1:]:
        thread.join(1)
    assert not any(thread.is_alive() for thread in server.threads[1:])


def test_which_certificates_are_trusted(connect, hostile, authority, monkeypatch, pauses):
    """None is trusted by chance, nor asked again; ca_path counts, then what requests would trust, in its order."""
    server, bundle = hostile(constantly(answer(COUNTS)), authority.context()), str(authority.bundle)
    # A handshake may take long on a busy machine.
    ask = functools.partial(connect, server.url, TOKEN, timeout=20)
    error = failure(ask(retries=3))
    assert (error.kind, error.status, error.attempts, pauses) == ("certificate", None, 1, [])
    assert "ca_path" in str(error)
    monkeypatch.setenv("CURL_CA_BUNDLE", bundle)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "/no/such/bundle.pem")
        with pytest.raises(OptionError, match=f"^{name}: '/no/such/bundle.pem' does not exist") as caught:
            ask().fetch("t")
        assert_silent(caught.value, TOKEN)
        assert ask(ca_path=bundle).fetch("t").body
        assert ask(validate_certs=False).fetch("t").body
        monkeypatch.setenv(name, bundle)
        assert ask().fetch("t").body
        monkeypatch.delenv(name)


@pytest.mark.parametrize(("scheme", "path"), [("https", "/no/such/file"), ("http", __file__), ("https", __file__)])
def test_a_ca_path_without_certificates(monkeypatch, scheme, path):
    """It is refused by name, before the environment is looked at; without TLS, that is not looked at at all."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    # A connection is a form that may be filled in elsewhere: files are read where a request is made.
    connection = Connection(TOKEN, f"{scheme}://localhost/v1", ca_path=path)
    assert leaks(f"{connection} {connection!r}", TOKEN) == []
    with pytest.raises(OptionError, match="^ca_path: ") as caught:
        Client(connection).prepare()
    assert_silent(caught.value, TOKEN)
    Client(Connection(TOKEN, "http://localhost/v1")).prepare()
