# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many tags at once: each read once, in the order asked, and never more at a time than allowed."""

from __future__ import annotations

import pathlib
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Callable, Iterator

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import (
    PARALLEL_LIMIT,
    ServiceReader,
    TagResults,
    failures,
)
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import read_tags as read_tags_with
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    Script,
    answer,
    constantly,
)

Serve = Callable[..., Hostile]
Connect = Callable[..., Client]


def by_tag(special: dict[str, bytes], other: bytes) -> Script:
    """The script that answers some tags in their own way, and knows no recent ones."""
    replies = {"stats": answer(b"[]"), **special}
    return lambda target: [replies.get(tag_of(target), other)]


def read_tags(client: Client, tags: list[str], parallel: int, missing: str) -> TagResults[Record]:
    """Read tags from the service."""
    return read_tags_with(ServiceReader(client), tags, parallel, missing, client.connection.api_token)


def asked(server: Hostile) -> list[str]:
    """The tags that the server was asked for, in their order."""
    return [tag_of(target) for target in server.targets if not target.startswith("/v1/stats?")]


@pytest.mark.parametrize("parallel", [1, 2, 8, 64])
def test_order_is_kept_and_a_tag_is_read_once(hostile: Serve, connect: Connect, parallel: int) -> None:
    """However the answers come in, the records are in the order asked, and repeated tags cost nothing."""

    def later_first(target: str) -> Iterator[bytes]:
        number = int(target.partition("?")[0].split("-")[1])
        time.sleep((20 - number) / 400)
        yield answer({**COUNTS, "messages": 1000 + number})

    server = hostile(later_first)
    tags = [f"tag-{number}" for number in range(20)]
    results = read_tags(connect(server.url), [*tags, *reversed(tags), tags[3]], parallel, "zero")
    assert list(results.found) == tags
    assert [record.messages for record in results.found.values()] == list(range(1000, 1020))
    assert [record.tag for record in results.found.values()] == tags
    assert results.errors == {}
    assert Counter(asked(server)) == Counter(tags)


@pytest.mark.parametrize("parallel", [1, 3, 8])
def test_never_more_at_a_time_than_allowed(hostile: Serve, connect: Connect, parallel: int) -> None:
    """The server never has more requests before it than parallel, and more than one where it is above 1."""

    def slowly(_target: str) -> Iterator[bytes]:
        time.sleep(0.03)
        yield answer(COUNTS)

    server = hostile(slowly)
    read_tags(connect(server.url), [f"tag-{number}" for number in range(24)], parallel, "zero")
    assert min(2, parallel) <= server.busiest <= parallel
    assert server.connections <= parallel


def test_no_more_connections_than_tags(hostile: Serve, connect: Connect) -> None:
    """Two tags need two connections at most, whatever is allowed."""
    server = hostile(constantly(answer(COUNTS)))
    read_tags(connect(server.url), ["a", "b"], 64, "zero")
    assert server.connections <= 2


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_refused_token_ends_the_reading(hostile: Serve, connect: Connect, status: str, parallel: int) -> None:
    """Once the token is refused no worker takes another tag, and the rest is reported as not tried."""

    def refuse(_target: str) -> Iterator[bytes]:
        time.sleep(0.02)
        yield answer(b"bad token", status)

    server = hostile(refuse)
    tags = [f"tag-{number}" for number in range(50)]
    results = read_tags(connect(server.url, retries=3), tags, parallel, "zero")
    assert results.found == {}
    assert list(results.errors) == tags
    # A worker may have taken one more tag while the first refusal was on its way.
    assert len(server.requests) <= 2 * parallel - 1
    kinds = Counter(error.kind for error in results.errors.values())
    assert kinds == {"refused": len(server.requests), "not_tried": 50 - len(server.requests)}
    last = results.errors[tags[-1]]
    assert (last.kind, last.status, last.attempts) == ("not_tried", None, 1)
    assert "not tried" in str(last)


@pytest.mark.parametrize("asked", ["31", "3600"])
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "408 Request Timeout"])
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_long_pause_ends_the_reading(
    hostile: Serve, connect: Connect, pauses: list[float], status: str, asked: str, parallel: int
) -> None:
    """Asked to wait long, no worker asks again, for no tag; what was read is kept, and the rest is not tried."""

    def busy(target: str) -> Iterator[bytes]:
        if "/first" in target:
            yield answer(COUNTS)
            return
        time.sleep(0.02)
        yield answer(b"", status, f"Retry-After: {asked}")

    server = hostile(busy)
    tags = ["first", *(f"tag-{number}" for number in range(50))]
    client = connect(server.url, retries=3)
    results = read_tags(client, tags, parallel, "zero")
    assert list(results.found) == ["first"]
    assert list(results.errors) == tags[1:]
    kinds = Counter(error.kind for error in results.errors.values())
    # Each worker may have had a request on its way.
    assert kinds["service"] == len(server.requests) - 1 <= 2 * parallel - 1
    assert kinds["not_tried"] == 50 - kinds["service"]
    assert f"not tried, since the service asks to wait {asked} s; see" in str(results.errors[tags[-1]])
    assert (client.longest_pause, pauses) == (float(asked), [])


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_service_that_is_down_ends_the_reading(hostile: Serve, connect: Connect, parallel: int) -> None:
    """After 25 tags in a row without an answer the rest is reported as not tried, and what was read is kept."""
    tags = ["first", *(f"tag-{number}" for number in range(100))]
    server = hostile(by_tag({"first": answer(COUNTS)}, answer(b"", "503 Busy")))
    results = read_tags(connect(server.url, retries=0), tags, parallel, "zero")
    assert list(results.found) == ["first"]
    assert list(results.errors) == tags[1:]
    kinds = Counter(error.kind for error in results.errors.values())
    # Fewer than 25 may have failed while the first was on its way, and one of each thread when it was enough.
    assert 25 <= kinds["service"] < 50 + parallel
    assert kinds["not_tried"] == 100 - kinds["service"]
    assert "not tried, since the service had not answered for 25 tags in a row" in str(results.errors[tags[-1]])


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "410 Gone"])
def test_any_answer_tells_that_the_service_is_up(hostile: Serve, connect: Connect, status: str) -> None:
    """Failures are counted in a row: one answer between them, even an error of that tag, and all tags are asked for."""
    up = answer(COUNTS if status == "200 OK" else b"", status)
    server = hostile(by_tag({f"tag-{number}": up for number in (24, 49, 74)}, answer(b"", "503 Busy")))
    results = read_tags(connect(server.url, retries=0), [f"tag-{number}" for number in range(99)], 1, "zero")
    assert "not_tried" not in {error.kind for error in results.errors.values()}
    assert len(asked(server)) == 99


def test_what_was_read_before_a_refusal_is_kept(hostile: Serve, connect: Connect) -> None:
    """Records from before the token was refused are given."""
    server = hostile(by_tag({"c": answer(b"", "403 Forbidden")}, answer(COUNTS)))
    results = read_tags(connect(server.url), ["a", "b", "c", "d"], 1, "zero")
    assert list(results.found) == ["a", "b"]
    assert {tag: error.kind for tag, error in results.errors.items()} == {"c": "refused", "d": "not_tried"}


def test_other_errors_do_not_end_the_reading(hostile: Serve, connect: Connect) -> None:
    """Every other failure is that tag's alone."""
    special = {
        "gone": answer(b"", "410 Gone"),
        "busy": answer(b"", "503 Busy"),
        "html": answer(b"<html>"),
        "moved": answer(b"", "302 Found", "Location: /"),
    }
    server = hostile(by_tag(special, answer(COUNTS)))
    tags = ["a", "gone", "b", "busy", "c", "html", "moved", "d"]
    results = read_tags(connect(server.url), tags, 2, "zero")
    assert list(results.found) == ["a", "b", "c", "d"]
    kinds = {tag: (error.kind, error.status) for tag, error in results.errors.items()}
    assert kinds == {
        "gone": ("refused", 410),
        "busy": ("service", 503),
        "html": ("answer", None),
        "moved": ("answer", 302),
    }
    assert list(kinds) == ["gone", "busy", "html", "moved"]
    text = failures(results.errors)
    for tag in special:
        assert f"tag '{tag}': " in text


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"", "404 Not Found"),
        answer(b"[]"),
        answer(b"{}"),
        answer(b"null"),
        answer({"messages": 0, "deliveries": 0, "opens": 0, "clicks": 0}),
    ],
    ids=["404", "list", "object", "null", "zeros"],
)
def test_an_unknown_tag(hostile: Serve, connect: Connect, reply: bytes) -> None:
    """It is a record that says so, or with missing=error an error that tells what to check."""
    server = hostile(by_tag({"b": reply}, answer(COUNTS)))
    results = read_tags(connect(server.url), ["a", "b"], 2, "zero")
    assert [record.known for record in results.found.values()] == [True, False]
    assert results.found["b"].messages == 0
    results = read_tags(connect(server.url), ["a", "b"], 2, "error")
    assert list(results.found) == ["a"]
    assert results.errors["b"].kind == "unknown_tag"
    assert "spelling" in str(results.errors["b"])
    assert "invisible" not in str(results.errors["b"])
    results = read_tags(connect(hostile(constantly(reply)).url), ["b\u200b"], 2, "error")
    assert "it contains an invisible character (U+200B)" in str(results.errors["b\u200b"])


@pytest.mark.parametrize("parallel", [0, -1, PARALLEL_LIMIT + 1])
def test_parallel_has_bounds(hostile: Serve, connect: Connect, parallel: int) -> None:
    """Outside of them it is refused by name, before anything is sent."""
    server = hostile(constantly(answer(COUNTS)))
    with pytest.raises(OptionError, match=rf"^parallel: {parallel} "):
        read_tags(connect(server.url), ["a"], parallel, "zero")
    assert server.connections == 0


def test_no_tags(hostile: Serve, connect: Connect) -> None:
    """Nothing to read is an error, not an empty success."""
    with pytest.raises(OptionError, match="^tags: ") as caught:
        read_tags(connect(hostile(constantly(b"")).url), [], 8, "zero")
    assert caught.value.option == "tags"


@pytest.mark.parametrize("bad", ["", "a b", ";", "..", "a-good-token", "\ud800"], ids=ascii)
def test_one_bad_tag_stops_all_before_the_first_request(hostile: Serve, connect: Connect, bad: str) -> None:
    """The service is not asked for some tags of a list that holds a mistake."""
    server = hostile(constantly(answer(COUNTS)))
    with pytest.raises(OptionError, match="^tags: "):
        read_tags(connect(server.url), ["good", "better", bad], 8, "zero")
    assert server.connections == 0


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_the_whole_pool_backs_off_together(hostile: Serve, status: str) -> None:
    """Told once to wait, no thread asks anything meanwhile, and then each goes on with what it had."""
    arrivals: list[float] = []

    def limited(_target: str) -> Iterator[bytes]:
        arrivals.append(time.monotonic())
        number = len(arrivals)
        # Those on their way with the twelfth are not answered before it has been read, on a busy machine either.
        time.sleep(0.5 if 12 < number <= 15 else 0.02)
        yield answer(b"", status, "Retry-After: 1") if number == 12 else answer(COUNTS)

    server = hostile(limited)
    tags = [f"tag-{number}" for number in range(40)]
    client = Client(Connection("a-good-token", server.url))
    results = read_tags(client, tags, 4, "zero")
    client.close()
    assert list(results.found) == tags
    assert len(arrivals) == 41
    pauses = [after - before for before, after in zip(arrivals, arrivals[1:])]
    assert max(pauses) > 0.9
    # Those that were on their way arrive with it; nothing else comes before the second is over.
    assert pauses.index(max(pauses)) <= 11 + 3
    assert sum(pause > 0.5 for pause in pauses) == 1


def test_a_tag_that_stays_refused_holds_the_others_no_longer_than_asked(
    connect: Connect, hostile: Serve, pauses: list[float]
) -> None:
    """It fails after its attempts, and the rest is read, each after the pause that it was told."""
    busy = answer(b"", "429 Too Many Requests", "Retry-After: 7")
    server = hostile(by_tag({"busy": busy}, answer(COUNTS)))
    results = read_tags(connect(server.url, retries=2), ["busy", "a", "b"], 1, "zero")
    assert list(results.found) == ["a", "b"]
    assert results.errors["busy"].attempts == 3
    assert pauses == [7, 7, 7]


def test_other_failures_hold_nobody(connect: Connect, hostile: Serve, pauses: list[float]) -> None:
    """A tag that the service fails at waits by itself."""
    server = hostile(by_tag({"broken": answer(b"", "500 Oops")}, answer(COUNTS)))
    results = read_tags(connect(server.url, retries=1), ["broken", "a"], 1, "zero")
    assert list(results.found) == ["a"]
    assert pauses == [0.5]


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_unusable_proxy_ends_the_reading(connect: Connect, monkeypatch: pytest.MonkeyPatch, parallel: int) -> None:
    """What the environment names wrongly is no error of a tag, but one of the variable."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass-w0rd@:3128")
    with pytest.raises(OptionError, match="^HTTPS_PROXY: ") as caught:
        read_tags(connect("https://service.example.test/v1"), [f"tag-{n}" for n in range(20)], parallel, "zero")
    assert "pass-w0rd" not in str(caught.value)


@pytest.mark.slow
def test_thousands_of_tags(hostile: Serve, connect: Connect) -> None:
    """As many threads and connections as are allowed serve any number of tags, each asked for once."""
    server = hostile(constantly(answer(COUNTS)))
    tags = [f"tag-{number}" for number in range(3000)]
    threads = threading.active_count()
    results = read_tags(connect(server.url, timeout=60), tags, PARALLEL_LIMIT, "zero")
    assert list(results.found) == tags
    assert server.connections <= PARALLEL_LIMIT
    assert Counter(asked(server)) == Counter(tags)
    assert threading.active_count() - len(server.threads) <= threads


def test_importing_is_cheap() -> None:
    """A task that shows no answer and needs no pool pays for neither, nor for requests before it asks."""
    costly = ("requests", "urllib3", "concurrent.futures", "html", "cryptography")
    package = "ansible_collections.mailops.smtpeter.plugins"
    code = f"""
import sys
import ansible.module_utils.basic
before = set(sys.modules)
import {package}.modules.tag_stats_info
print(sorted(set(sys.modules).difference(before).intersection({costly!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("parallel", [1, 8])
def test_authorities_are_read_once(
    hostile: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    """However many threads connect: they are looked into when the client is made, and read when the first asks."""
    loads: list[dict[str, str]] = []
    load = ssl.SSLContext.load_verify_locations

    def count(self: ssl.SSLContext, *args: str, **kwargs: str) -> None:
        loads.append(kwargs)
        load(self, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    server = hostile(constantly(answer(COUNTS)), authority.context())
    with closing(Client(Connection("a-good-token", server.url, ca_path=str(authority.bundle)))) as client:
        results = read_tags(client, [f"tag-{number}" for number in range(40)], parallel, "zero")
    assert len(results.found) == 40
    assert loads == [{"cafile": str(authority.bundle)}] * 2


def test_no_authorities_without_tls(hostile: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """What the environment names is not even looked for where nothing is encrypted; a ca_path that is given, is."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    server = hostile(constantly(answer(COUNTS)))
    with closing(Client(Connection("a-good-token", server.url))) as client:
        assert read_tags(client, ["a"], 1, "zero").found
    with pytest.raises(OptionError, match="ca_path"):
        Client(Connection("a-good-token", server.url, ca_path=str(tmp_path / "none.pem")))
