"""One GET: what is read of odd answers, what is sent, and its own time; the faults of a service are in test_reader."""

import dataclasses
import gzip
import json
import re
import socket
import time
import tracemalloc
import zlib

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._body import BODY_LIMIT
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import StatsError
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly

GOOD = json.dumps(COUNTS).encode()


def drip(data):
    """Give one byte at a time."""
    for byte in data:
        yield bytes([byte])
        time.sleep(0.05)


def test_a_bomb_is_not_inflated(hostile, connect):
    """64 MiB in 64 KiB are refused, and are never in memory; the hostile services have another of gzip."""
    bomb = zlib.compress(b"\0" * (64 * BODY_LIMIT))
    assert len(bomb) < BODY_LIMIT
    client = connect(hostile(constantly(answer(bomb, "200 OK", "Content-Encoding: deflate"))).url, timeout=10)
    tracemalloc.start()
    with pytest.raises(StatsError, match="more than 1048576 bytes"):
        client.fetch("t")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * BODY_LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate", "identity", ""])
def test_a_small_compressed_body_is_read(hostile, connect, encoding):
    """A service that compresses though nobody asked it to is understood."""
    squeeze = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}.get(encoding.lower(), bytes)
    server = hostile(constantly(answer(squeeze(GOOD), "200 OK", f"Content-Encoding: {encoding}")))
    assert connect(server.url).fetch("t").body == GOOD
    assert "Accept-Encoding: identity" in server.requests[0]


def test_a_length_that_is_too_short_does_not_move_bytes_to_the_next_answer(hostile, connect):
    """What came beyond the promised length is never taken for the answer to the next request."""
    stray = answer({**COUNTS, "messages": 666})
    client = connect(hostile(constantly(answer(GOOD + stray, "200 OK", f"Content-Length: {len(GOOD)}"))).url)
    assert [client.fetch("t").body for _time in range(3)] == [GOOD] * 3


def test_no_cookie_and_no_password_is_sent(hostile, connect, monkeypatch, tmp_path):
    """The service cannot mark who asks, and what the user keeps for the host in .netrc stays there."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    server = hostile(constantly(answer(GOOD, "200 OK", "Set-Cookie: me=1; Path=/")))
    client = connect(server.url)
    for _time in range(2):
        client.fetch("t")
    assert len(server.requests) == 2
    assert not re.search("cookie|authorization", "".join(server.requests), re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.measured
def test_a_slow_connect_leaves_less_time_for_the_handshake(hostile, connect, monkeypatch, within):
    """The timeout covers both together, also where each byte of the handshake comes in time."""
    # It is called twice.
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: time.sleep(1.5) or resolve(*args, **more))
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + b"\x03" * 900
    server = hostile(lambda _target: drip(record), impatient=True)
    with within(5.9), pytest.raises(StatsError) as caught:
        connect(server.url.replace("http:", "https:"), timeout=4.5).fetch("t")
    assert caught.value.kind == "timeout"
    assert server.connections == 1


@pytest.mark.slow
@pytest.mark.measured
def test_each_request_has_its_own_deadline(hostile, connect, within):
    """A connection that is used again has the new request's; once it has passed, nothing more is read."""
    replies = iter([[answer(COUNTS)], [answer(COUNTS)], drip(b"HTTP/1.1 200 " + b"O" * 300), [answer(COUNTS)]])
    server = hostile(lambda _target: next(replies))
    client = connect(server.url, timeout=0.8)
    client.fetch("t")
    time.sleep(1)
    client.fetch("t")
    assert server.connections == 1
    for seconds in (0.5, 1e-9):
        client.connection = dataclasses.replace(client.connection, timeout=seconds)
        with within(3), pytest.raises(StatsError) as caught:
            client.fetch("t")
        assert caught.value.kind == "timeout"
    assert server.connections <= 2
