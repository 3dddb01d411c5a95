# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client: what it refuses before a byte leaves, what the service sees, and what comes of each answer."""

from __future__ import annotations

import itertools
import json
import pathlib
import shutil
import socket
import ssl
import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable, ContextManager, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _certificates
from ansible_collections.mailops.smtpeter.plugins.module_utils._answer import Answer
from ansible_collections.mailops.smtpeter.plugins.module_utils._certificates import find_authorities
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import TAG_LIMIT, Connection
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._redact import MASK
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    assert_silent,
    constantly,
    leaks,
    spellings,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'

Serve = Callable[..., Hostile]
Connect = Callable[..., Client]


def failure(client: Client, tag: str = "tag") -> StatsError:
    """The error that a fetch ends with."""
    with pytest.raises(StatsError) as caught:
        client.fetch(tag)
    return caught.value


@pytest.mark.parametrize("given", [{"ca_path": "/no/such/file"}, {"ca_path": __file__}, {"ca_path": "~/no-such.pem"}])
@pytest.mark.parametrize("url", ["https://localhost/v1", "http://localhost/v1"])
def test_certificates_are_looked_for_by_the_client(monkeypatch: pytest.MonkeyPatch, url: str, given: Any) -> None:
    """A connection is a form that may be filled in elsewhere: it is the client that reads files and the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    connection = Connection(TOKEN, url, **given)
    with pytest.raises(OptionError, match="^ca_path: ") as caught:
        Client(connection)
    assert_silent(caught.value, TOKEN)


def test_a_connection_does_not_show_its_token() -> None:
    """Neither its repr nor its text, in any spelling."""
    connection = Connection(TOKEN)
    assert leaks(f"{connection} {connection!r}", TOKEN) == []
    assert leaks(repr(Client(connection)), TOKEN) == []


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("\u3000\u2003", "empty"),
        (".", "dot segment"),
        ("..", "dot segment"),
        ("two words", "white space"),
        (" lead", "white space"),
        ("trail\n", "white space"),
        ("a\tb", "white space"),
        ("a\xa0b", "white space"),
        ("a\u2028b", "white space"),
        ("a\x1fb", "white space"),
        ("a;b", "semicolon"),
        ("a\0b", "control character"),
        ("a\x1b[31mb", "control character"),
        ("a\x7fb", "control character"),
        ("a\x80b", "control character"),
        ("a\ud800b", "Unicode"),
        ("x" * (TAG_LIMIT + 1), "1001 characters"),
    ],
    ids=ascii,
)
def test_tags_that_are_refused(connect: Connect, hostile: Serve, tag: str, reason: str) -> None:
    """What cannot be a tag is refused with the reason, before anything is sent."""
    server = hostile(constantly(answer(COUNTS)))
    with pytest.raises(OptionError, match=reason) as caught:
        connect(server.url).fetch(tag)
    assert caught.value.option == "tags"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    assert server.connections == 0


ODD_TAGS = [
    "a/b", "/", "//", "a/../b", "./a", "...", "?x=1", "a?access_token=x", "%2e%2e", "%2E", "%", "%zz", "%00", "a+b",
    "a&b", "a=b", "#", "a#b", "a\\b", "\"'`<>", "{}[]|^~", "a:b@c", "$(id)", "é", "日本", "\N{PILE OF POO}", "e\u0301",
    "\u200b", "\u202e", "-", "x" * TAG_LIMIT, "\N{PILE OF POO}" * 200,
]  # fmt: skip


def seen(server: Hostile) -> tuple[str, list[tuple[str, str]]]:
    """The tag and the query of the last request, as a service decodes them: once."""
    parts = urlsplit(server.targets[-1])
    method, tag = parts.path[len("/v1/") :].split("/")
    assert method in ("stats", "tag")
    return unquote(tag, errors="strict"), parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize("tag", ODD_TAGS, ids=ascii)
def test_the_service_sees_exactly_the_tag(connect: Connect, hostile: Serve, tag: str) -> None:
    """After decoding once, tag and token are what was given, whatever characters they are made of."""
    server = hostile(constantly(answer(COUNTS)))
    connect(server.url, TOKEN).fetch(tag)
    assert seen(server) == (tag, [("access_token", TOKEN)])
    assert server.targets[-1].isascii()


visible = st.characters(min_codepoint=33, exclude_categories=["Cc", "Cs", "Z"], exclude_characters=";")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tag=st.text(visible, min_size=1, max_size=50), token=st.text(visible, min_size=8, max_size=50))
def test_the_service_sees_exactly_any_tag_and_token(connect: Connect, hostile: Serve, tag: str, token: str) -> None:
    """What is not refused arrives as it is; what is refused never arrives."""
    server = hostile(constantly(answer(COUNTS)))
    try:
        client = connect(server.url, token, timeout=30)
        client.fetch(tag)
    except OptionError:
        assert server.connections == 0
    else:
        assert seen(server) == (tag, [("access_token", token)])
    finally:
        server.close()


@pytest.mark.parametrize(
    ("url", "path"),
    [("", "/stats/t"), ("/", "/stats/t"), ("/a//v1//", "/a//v1/stats/t"), ("/%2Fa/b.c", "/%2Fa/b.c/stats/t")],
)
def test_the_path_of_api_url_is_kept(connect: Connect, hostile: Serve, url: str, path: str) -> None:
    """Nothing but slashes at its end is taken away."""
    server = hostile(constantly(answer(COUNTS)))
    connect(server.url.replace("/v1", url)).fetch("t")
    assert urlsplit(server.targets[0]).path == path


def test_the_endpoint(connect: Connect, hostile: Serve) -> None:
    """The vendor's later name of the method is asked where it is chosen."""
    server = hostile(constantly(answer(COUNTS)))
    connect(server.url, endpoint="tag").fetch("t")
    assert server.targets == ["/v1/tag/t?access_token=a-good-token"]


def test_ipv6_loopback(connect: Connect) -> None:
    """::1 is asked as written."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")

    def serve() -> None:
        peer, _address = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(answer(COUNTS))

    with listener:
        thread = threading.Thread(target=serve)
        thread.start()
        found = connect(f"http://[::1]:{listener.getsockname()[1]}/v1").fetch("t")
        thread.join()
    assert found.body == json.dumps(COUNTS).encode()


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "200 "])
def test_success(connect: Connect, hostile: Serve, status: str) -> None:
    """Three statuses are success; the body comes back as it is, with the time that the service tells."""
    server = hostile(constantly(answer(b"[ ]", status, "Date: Mon, 01 Feb 2016 12:00:00 GMT")))
    moment = datetime(2016, 2, 1, 12, tzinfo=timezone.utc)
    assert connect(server.url).fetch("t") == Answer("t", b"[ ]", moment)


@pytest.mark.parametrize(
    ("headers", "age"),
    [
        ([], None),
        (["Age: 0"], 0),
        (["Age: 1"], 1),
        (["Age:   42  "], 42),
        (["Age: 0000000000000000000060"], 60),
        (["Age: 2147483648"], 2**31),
        (["Age: 99999999999999999999"], 2**31),
        (["Age: " + "9" * 5000], 2**31),
        (["Age: -1"], None),
        (["Age: +1"], None),
        (["Age: 1.5"], None),
        (["Age: 1e3"], None),
        (["Age: 0x10"], None),
        (["Age: \xb2"], None),
        (["Age: soon"], None),
        (["Age:"], None),
        (["Age: 1, 2"], None),
        (["Age: 1", "Age: 2"], None),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_the_age_of_an_answer(
    connect: Connect, hostile: Serve, status: str, headers: list[str], age: int | None
) -> None:
    """A whole number in ASCII digits, up to where caches count; anything else is as if it were not there."""
    date = "Date: Mon, 01 Feb 2016 12:00:00 GMT"
    found = connect(hostile(constantly(answer(COUNTS, status, date, *headers))).url).fetch("t")
    assert found.age == age
    assert found.fetched_at == datetime(2016, 2, 1, 12, tzinfo=timezone.utc)


def test_caches_are_told_to_ask_the_service(connect: Connect, hostile: Serve) -> None:
    """Each request says so, the second on a connection and a further attempt, too."""
    replies = itertools.cycle([answer(b"", "503 Busy"), answer(COUNTS)])
    server = hostile(lambda _target: [next(replies)])
    client = connect(server.url, retries=1)
    for tag in ("a", "b"):
        client.fetch(tag)
    assert ["Cache-Control: no-cache" in head for head in server.requests] == [True] * 4


def test_not_found_is_an_unknown_tag(connect: Connect, hostile: Serve) -> None:
    """404 is an answer without a body, not an error."""
    server = hostile(constantly(answer(b"no such tag", "404 Not Found")))
    assert connect(server.url, retries=3).fetch("t").body is None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "0",
        "1e999",
        "Mon, 99 Feb 2016 12:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "\xff\xfe",
        "x" * 9999,
    ],
)
def test_a_date_that_is_none_falls_back_to_the_clock(hostile: Serve, date: str) -> None:
    """Without a valid Date, a reading is of the moment that the machine's clock tells."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    server = hostile(constantly(answer(COUNTS, "200 OK", f"Date: {date}")))
    client = Client(Connection("a-good-token", server.url, timeout=5), now=lambda: now)
    assert client.fetch("t").fetched_at == now
    client.close()


@pytest.mark.parametrize(
    "date", ["Mon, 01 Feb 2016 14:00:00 +0200", "Monday, 01-Feb-16 12:00:00 GMT", "Mon, 1 Feb 2016 12:00:00 -0000"]
)
def test_other_forms_of_date(connect: Connect, hostile: Serve, date: str) -> None:
    """A date in another zone or form is the same moment, in UTC."""
    found = connect(hostile(constantly(answer(COUNTS, "200 OK", f"Date: {date}"))).url).fetch("t")
    assert found.fetched_at == datetime(2016, 2, 1, 12, tzinfo=timezone.utc)
    assert found.fetched_at.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("status", "kind", "again", "remedy"),
    [
        ("103 Early Hints", "answer", False, "api_url"),
        ("204 No Content", "answer", False, "api_url"),
        ("206 Partial Content", "answer", False, "api_url"),
        ("301 Moved Permanently", "answer", False, "redirects are never followed"),
        ("304 Not Modified", "answer", False, "api_url"),
        ("307 Temporary Redirect", "answer", False, "redirects are never followed"),
        ("400 Bad Request", "refused", False, "check"),
        ("401 Unauthorized", "refused", False, "api_token"),
        ("403 Forbidden", "refused", False, "api_token"),
        ("405 Not Allowed", "refused", False, "api_url"),
        ("407 Odd", "refused", False, "api_url"),
        ("408 Request Timeout", "service", True, "try again later"),
        ("409 Conflict", "refused", False, "api_url"),
        ("410 Gone", "refused", False, "api_url"),
        ("418 Teapot", "refused", False, "api_url"),
        ("424 Odd", "refused", False, "api_url"),
        ("425 Too Early", "service", True, "try again later"),
        ("426 Upgrade Required", "refused", False, "api_url"),
        ("428 Odd", "refused", False, "api_url"),
        ("429 Too Many Requests", "service", True, "less often"),
        ("451 Unavailable", "refused", False, "api_url"),
        ("499 Odd", "refused", False, "api_url"),
        ("500 Oops", "service", True, "try again later"),
        ("503 Service Unavailable", "service", True, "try again later"),
        ("599 Odd", "service", True, "try again later"),
        ("999 Odder", "service", True, "try again later"),
    ],
)
def test_statuses(
    connect: Connect, hostile: Serve, pauses: list[float], status: str, kind: str, again: bool, remedy: str
) -> None:
    """What each status is, whether it is asked again, and what the user is told to do."""
    server = hostile(constantly(answer(b"" if status[:3] in ("103", "204", "304") else b"<b>no</b>", status)))
    error = failure(connect(server.url, retries=2))
    assert (error.kind, error.status, error.tag) == (kind, int(status[:3]), "tag")
    assert len(server.requests) == len(pauses) + 1 == error.attempts == (3 if again else 1)
    assert str(error).startswith("tag 'tag': ")
    assert f"127.0.0.1:{server.port}" in str(error)
    assert status[:3] in str(error)
    assert remedy in str(error)
    assert ("(3 attempts)" in str(error)) is again
    assert error.is_token_refused is (status[:3] in ("401", "403"))


@pytest.mark.parametrize("name", list(spellings(TOKEN)))
@pytest.mark.parametrize("status", ["500 Oops", "401 Unauthorized", "302 Found", "400 Bad Request"])
def test_an_error_page_that_echoes_the_token(connect: Connect, hostile: Serve, status: str, name: str) -> None:
    """However the service writes the token in body, reason and headers, the error is silent of it."""
    echo = spellings(TOKEN)[name]
    reason = echo.encode("ascii", "replace").decode()
    headers = [f"X-Token: {reason}", f"Location: /?access_token={reason}", f"Retry-After: {reason}"]
    server = hostile(constantly(answer(f"<p>{echo}</p> is bad".encode(), f"{status} {reason}", *headers)))
    error = failure(connect(server.url, TOKEN))
    assert "is bad" in str(error) or MASK in str(error)
    assert_silent(error, TOKEN)
    assert leaks(json.dumps(error.as_dict()), TOKEN) == []


def test_no_error_of_the_transport_shows_the_token(connect: Connect, hostile: Serve, authority: Authority) -> None:
    """Nobody there, a bad certificate, a cut answer: no text and no chained exception has the address."""

    def cut(_target: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + TOKEN.encode()
        raise EOFError

    kinds = {
        hostile(constantly(answer(COUNTS)), authority.context()).url: "certificate",
        hostile(cut).url: "connection",
        hostile(lambda _target: []).url: "timeout",
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        kinds[f"http://127.0.0.1:{taken.getsockname()[1]}/v1"] = "connection"
    for url, kind in kinds.items():
        error = failure(connect(url, TOKEN, timeout=1))
        assert (error.kind, error.status) == (kind, None)
        assert_silent(error, TOKEN)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "302 Found", "500 Oops"])
def test_a_body_that_is_too_long(connect: Connect, hostile: Serve, status: str) -> None:
    """Whatever the status, an answer above the limit is not read further, and only success makes it the problem."""
    head = f"HTTP/1.1 {status}\r\n\r\n".encode()
    server = hostile(lambda _target: itertools.chain([head], itertools.repeat(b" " * 65536)))
    client = connect(server.url, timeout=10)
    if status == "404 Not Found":
        assert client.fetch("t").body is None
    else:
        error = failure(client)
        assert error.status == int(status[:3])
        assert ("1048576 bytes" in str(error)) is (status == "200 OK")
    assert server.sent < 8 * 2**20


@pytest.mark.parametrize(
    ("retry_after", "asked"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("29", 29.0),
        ("30", 30.0),
        ("0000000000000000000030", 30.0),
        ("1e999", None),
        ("1.5", None),
        ("-5", None),
        ("+5", None),
        ("0x10", None),
        ("\xb2", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Mon, 99 Feb 2016 12:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("status", ["408 Request Timeout", "429 Too Many Requests", "503 Service Unavailable"])
def test_retry_after(
    connect: Connect, hostile: Serve, pauses: list[float], status: str, retry_after: str, asked: float | None
) -> None:
    """Seconds and dates are honoured up to 30 s; what is neither is as if it were not there."""
    replies = iter([answer(b"busy", status, f"Retry-After: {retry_after}"), answer(COUNTS)])
    server = hostile(lambda _target: [next(replies)])
    assert connect(server.url, retries=1).fetch("t").body
    assert pauses == [max(0.5, asked or 0.0)]


@pytest.mark.parametrize(
    ("retry_after", "asked"),
    [
        ("31", 31),
        ("60", 60),
        ("3600", 3600),
        ("86400", 86400),
        ("1" + "0" * 30, 2**31),
        ("9" * 5000, 2**31),
        ("Thu, 01 Jan 2026 00:00:31 GMT", 31),
        ("Thu, 01 Jan 2026 01:00:00 GMT", 3600),
        ("Thursday, 01-Jan-26 01:00:00 GMT", 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251635075199),
    ],
)
@pytest.mark.parametrize(
    "status", ["408 Odd", "425 Odd", "429 Odd", "500 Odd", "503 Odd", "403 Odd", "400 Odd", "302 Odd"]
)
def test_a_long_pause_is_not_waited_for(
    hostile: Serve, pauses: list[float], status: str, retry_after: str, asked: int
) -> None:
    """The service is asked no further by this client, for any tag; the error says how long it wants."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    server = hostile(constantly(answer(b"busy", status, f"Retry-After: {retry_after}")))
    client = Client(Connection("a-good-token", server.url), pauses.append, now=lambda: now, clock=lambda: sum(pauses))
    error = failure(client)
    assert f"answered {status[:3]}" in str(error)
    assert f"and said 'busy', and asks to wait {asked} s; try again after that" in str(error)
    assert (error.attempts, error.retry_after, client.longest_pause) == (1, asked, asked)
    for _time in range(2):
        error = failure(client, "other")
        assert (error.kind, error.status) == ("not_tried", None)
        assert f"not tried, since the service asks to wait {asked} s; see the other errors" in str(error)
    client.close()
    assert (len(server.requests), pauses) == (1, [])


def test_a_long_pause_ends_the_attempts_of_others(connect: Connect, hostile: Serve) -> None:
    """A tag that would be tried again once more keeps the error that it had."""
    server = hostile(
        lambda target: [answer(b"", "429 Busy", "Retry-After: 3600") if "/two" in target else answer(b"", "500 Oops")]
    )
    client = connect(server.url, retries=9)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if not slept:
            slept.append(seconds)
            failure(client, "two")

    client._pacer.sleep = sleep
    error = failure(client, "one")
    assert (error.kind, error.status, error.attempts) == ("service", 500, 1)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("retry_after", "retries", "longest"), [("7", 0, 7), ("7", 2, 7), ("0", 0, 0), ("", 3, 0), ("30", 0, 30)]
)
def test_the_pause_that_was_not_waited_for(
    connect: Connect, hostile: Serve, retry_after: str, retries: int, longest: float
) -> None:
    """What the service asked for last is told where nobody waited for it."""
    server = hostile(constantly(answer(b"", "429 Busy", f"Retry-After: {retry_after}")))
    client = connect(server.url, retries=retries)
    failure(client)
    assert client.longest_pause == longest


def test_a_pause_that_was_waited_for(connect: Connect, hostile: Serve) -> None:
    """It is over."""
    replies = iter([answer(b"", "429 Busy", "Retry-After: 7"), answer(COUNTS)])
    client = connect(hostile(lambda _target: [next(replies)]).url, retries=1)
    client.fetch("t")
    assert client.longest_pause == 0


def test_retry_after_as_a_date(hostile: Serve, pauses: list[float]) -> None:
    """A date is so many seconds from now."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    date = format_datetime(now + timedelta(seconds=12), usegmt=True)
    replies = iter([answer(b"busy", "429 Busy", f"Retry-After: {date}"), answer(COUNTS)])
    server = hostile(lambda _target: [next(replies)])
    client = Client(
        Connection("a-good-token", server.url), pauses.append, lambda: 0.0, lambda: now, lambda: sum(pauses)
    )
    client.fetch("t")
    client.close()
    assert pauses == [12.0]


@pytest.mark.parametrize(
    ("jitter", "expected"),
    [(0.0, [0.0] * 7), (0.5, [0.25, 0.5, 1, 2, 4, 5, 5]), (1.0, [0.5, 1, 2, 4, 8, 10, 10])],
)
def test_pauses_grow_up_to_a_limit(
    connect: Connect, hostile: Serve, pauses: list[float], jitter: float, expected: list[float]
) -> None:
    """Each pause is a random part, from none to all, of a limit that doubles up to ten seconds."""
    server = hostile(constantly(answer(b"", "500 Oops")))
    error = failure(connect(server.url, retries=7, jitter=lambda: jitter))
    assert pauses == expected
    assert error.attempts == len(server.requests) == 8


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_retries_end(connect: Connect, hostile: Serve, pauses: list[float], retries: int) -> None:
    """Connection errors are asked again as often as said, no more; and a success ends it."""

    def hang_up() -> bytes:
        raise EOFError

    server = hostile(lambda _target: iter(hang_up, b""))
    assert failure(connect(server.url, retries=retries)).attempts == retries + 1
    assert len(server.requests) == retries + 1 == len(pauses) + 1


def test_a_timeout_is_asked_again(
    connect: Connect, hostile: Serve, within: Callable[[float], ContextManager[None]]
) -> None:
    """Each attempt has the whole timeout, and the late answer to the first is not taken for that to the second."""
    scripts = iter([[], [answer({**COUNTS, "messages": 7})]])
    server = hostile(lambda _target: next(scripts))
    with within(4):
        found = connect(server.url, retries=1, timeout=1).fetch("t")
    assert json.loads(found.body or b"")["messages"] == 7
    assert server.connections == 2


def test_a_stale_connection_is_no_error(connect: Connect, hostile: Serve) -> None:
    """A service may close idle connections; the next request opens another, without costing an attempt."""
    hung_up = threading.Event()

    def once(_target: str) -> Iterator[bytes]:
        yield answer(COUNTS)
        hung_up.set()
        raise EOFError

    server = hostile(once)
    client = connect(server.url, retries=0)
    for _time in range(3):
        hung_up.clear()
        assert client.fetch("t").body
        assert hung_up.wait(5)
        # The end of the connection travels through loopback.
        threading.Event().wait(0.05)
    assert server.connections == 3


def test_one_connection_for_many_requests(connect: Connect, hostile: Serve) -> None:
    """Sequential fetches share a connection, also past answers that are errors."""
    replies = itertools.cycle([answer(COUNTS), answer(b"no", "404 Not Found"), answer(b"no", "400 Bad Request")])
    server = hostile(lambda _target: [next(replies)])
    client = connect(server.url)
    for number in range(51):
        if number % 3 == 2:
            failure(client, f"tag-{number}")
        else:
            client.fetch(f"tag-{number}")
    assert (len(server.requests), server.connections) == (51, 1)


def test_each_thread_has_a_connection_of_its_own(connect: Connect, hostile: Serve) -> None:
    """Threads never share a session, and close() closes those of all."""
    server = hostile(constantly(answer(COUNTS)))
    client = connect(server.url)
    meet = threading.Barrier(4)

    def work() -> None:
        for number in range(5):
            client.fetch(f"tag-{number}")
        meet.wait(10)

    threads = [threading.Thread(target=work) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(server.requests), server.connections) == (20, 4)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_no_proxy_for_loopback(
    connect: Connect, hostile: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str, tls: bool
) -> None:
    """Whatever the environment says, requests to a loopback address don't leave the machine."""
    proxy = hostile(constantly(answer(COUNTS)))
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    server = hostile(constantly(answer(COUNTS)), authority.context() if tls else None)
    connect(server.url, ca_path=str(authority.bundle)).fetch("t")
    assert (server.connections, proxy.connections) == (1, 0)


def test_a_proxy_for_other_hosts(connect: Connect, hostile: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment is asked for https elsewhere, and sees no token."""
    proxy = hostile(constantly(answer(b"", "502 Bad Gateway")))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    error = failure(connect("https://service.example.test/v1", TOKEN, retries=1))
    assert (error.kind, error.attempts) == ("connection", 2)
    assert "proxy" in str(error)
    assert all(head.startswith("CONNECT service.example.test:443 HTTP/1.") for head in proxy.requests)
    assert len(proxy.requests) == 2
    assert leaks("\n".join(proxy.requests), TOKEN) == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_certificates(
    connect: Connect, hostile: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What requests would trust is trusted, and ca_path goes before it."""
    server = hostile(constantly(answer(COUNTS)), authority.context())
    assert failure(connect(server.url)).kind == "certificate"
    monkeypatch.setenv(name, str(authority.bundle))
    assert connect(server.url).fetch("t").body
    monkeypatch.setenv(name, __file__)
    assert connect(server.url, ca_path=str(authority.bundle)).fetch("t").body


@pytest.mark.parametrize("flaw", ["expired", "another name", "self-signed"])
def test_bad_certificates(
    connect: Connect, hostile: Serve, authority: Authority, pauses: list[float], flaw: str
) -> None:
    """They are told with the remedy, not asked again, and tolerated only where the user says so."""
    server = hostile(constantly(answer(COUNTS)), authority.context(flaw))
    error = failure(connect(server.url, ca_path=str(authority.bundle), retries=3))
    assert (error.kind, error.status, error.attempts, pauses) == ("certificate", None, 1, [])
    assert "ca_path" in str(error)
    assert server.requests == []
    assert connect(server.url, validate_certs=False).fetch("t").body


def test_certificates_that_are_none(
    connect: Connect, hostile: Serve, authority: Authority, tmp_path: pathlib.Path
) -> None:
    """A ca_path without certificates in it is an error that names the option, not a traceback."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here\n", encoding="utf-8")
    server = hostile(constantly(answer(COUNTS)), authority.context())
    with pytest.raises((OptionError, StatsError), match="ca_path") as caught:
        connect(server.url, TOKEN, ca_path=str(empty)).fetch("t")
    assert_silent(caught.value, TOKEN)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_that_are_not_there(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A variable that points nowhere is an error that names it."""
    monkeypatch.setenv(name, "/no/such/bundle.pem")
    with pytest.raises(OptionError, match=f"^{name}: '/no/such/bundle.pem' does not exist") as caught:
        connect("https://127.0.0.1:9/v1", TOKEN).fetch("t")
    assert_silent(caught.value, TOKEN)


@pytest.mark.parametrize("names", [[], ["CURL_CA_BUNDLE"], ["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]])
def test_the_environment_names_certificates(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, names: list[str]
) -> None:
    """In the order in which requests looks at them, and after ca_path."""
    bundles = {name: str(shutil.copy(authority.bundle, tmp_path / name)) for name in names}
    for name, path in bundles.items():
        monkeypatch.setenv(name, path)
    read: list[str] = []

    def record(path: str) -> ssl.SSLContext:
        read.append(path)
        return load(path)

    load = _certificates.read_authorities
    monkeypatch.setattr(_certificates, "read_authorities", record)
    found = find_authorities(Connection(TOKEN))
    assert isinstance(found, ssl.SSLContext) if names else found is True
    assert isinstance(find_authorities(Connection(TOKEN, ca_path=str(authority.bundle))), ssl.SSLContext)
    assert find_authorities(Connection(TOKEN, validate_certs=False)) is False
    assert find_authorities(Connection(TOKEN, "http://localhost/v1")) is False
    assert read == [*(bundles[name] for name in names[-1:]), str(authority.bundle)]
