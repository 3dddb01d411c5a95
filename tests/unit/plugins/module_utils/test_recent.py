"""The most recently active tags: each answer is records or an error, and a misspelt tag gets one hint at the most."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import ServiceReader, read_tags
from ansible_collections.mailops.smtpeter.plugins.module_utils._recent import Suggestions, read_recent
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly


def entries(*tags):
    """The answer with these tags."""
    return answer(json.dumps([{**COUNTS, "tag": tag} for tag in tags]).encode())


@pytest.mark.parametrize(
    ("reply", "tags"),
    [*((entries(*tags), [*tags]) for tags in ("ba", "0123456789")), *((answer(body), []) for body in (b"{}", b"null"))],
)
def test_what_is_understood(hostile, connect, reply, tags):
    """At most ten records, in the order of the service."""
    assert list(read_recent(connect(hostile(constantly(reply)).url))) == tags


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (entries(*map(str, range(11))), "more than 10 entries"),
        (entries("a", "b", "a"), "a tag is repeated"),
        *((entries(tag), "not about a tag") for tag in ("a b", "a-good-token-1", "\x1b[2J", None, 7)),
        (answer(b'[{"tag": "a", "messages": 1}]'), "deliveries is missing"),
        (answer(b'[{"tag": "a", "messages": 1e400}]'), "out of bounds"),
        (answer(b"[[]]"), "not about a tag"),
        (answer({"tag": "a", **COUNTS}), "not a JSON array"),
        (answer(b"<html>"), "not JSON"),
        (answer(b"", "404 Not Found"), "lists no recent tags"),
        (answer(b"", "410 Gone"), "answered 410"),
    ],
)
def test_what_is_not(hostile, connect, reply, says):
    """It is an error that says so, and nothing is hinted at."""
    client = connect(hostile(constantly(reply)).url)
    with pytest.raises(StatsError, match=f"^recent tags: .*{says}"):
        read_recent(client)
    assert Suggestions(client).for_tag("a") == ""


@pytest.mark.parametrize(
    ("tag", "name"),
    [("wave-l", "wave-1"), ("WAVE1", "wave-1"), ("newsleter", "Newsletter"), ("wave\u200b-1", "wave-1"),
     ("invoices", None), ("x" * 1000, None)],
)  # fmt: skip
def test_hints(hostile, connect, tag, name):
    """The closest, whatever the case; none where nothing is close."""
    suggestions = Suggestions(connect(hostile(constantly(entries("Newsletter", "wave-1", "other"))).url))
    assert suggestions.for_tag(tag) == (f"did you mean '{name}'?" if name else "")


@pytest.mark.parametrize("recent", [entries("wave-1"), answer(b"", "500 Oops"), answer(b"", "429 Slow down")])
def test_they_are_asked_for_once(hostile, connect, recent):
    """However many tags are unknown, and without a second attempt; where that fails, nothing is said of it."""
    server = hostile(lambda target: [recent if "/stats?" in target else answer(b"", "404 Not Found")])
    client = connect(server.url, retries=3)
    tags = [f"wave-{number}x" for number in range(9)]
    results = read_tags(ServiceReader(client), tags, 4, "zero", client.connection.api_token)
    assert results.errors == {}
    assert sum("/stats?" in target for target in server.targets) == 1
    hinted = ["did you mean 'wave-1'?" in record.notes for record in results.found.values()]
    assert hinted == [b"200 OK" in recent] * 9
