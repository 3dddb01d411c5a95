"""The cache of records: what is stored is found again, and nothing else ever is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.entry import EntrySeal, read_entry
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.plugin import RecordCache
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
OPTIONS = {
    "api_token": TOKEN, "api_url": "https://a.test/v1", "endpoint": "stats", "validate_certs": True,
    "cache_timeout": 60,
}  # fmt: skip
RECORD = {"tag": "wave-1", "messages": 1000, "deliveries": 980, "known": True, "notes": ["é"]}


class Entries(dict[str, Any]):
    """What a cache keeps, as JSON; `now` is its clock."""

    now = 1000.0

    def cache(self, **options: Any) -> RecordCache:
        """A cache over these entries, with the options of the case."""
        return RecordCache(EntrySeal({**OPTIONS, **options}), None, self.get, lambda: self.now)

    def keep(self, **options: Any) -> str:
        """Keep RECORD, and return its key."""
        cache = self.cache(**options)
        key = cache.seal.key("wave-1")
        self[key] = json.loads(json.dumps(cache.seal.close(key, RECORD, self.now)))
        return key


@pytest.fixture
def entries() -> Entries:
    """A store with RECORD in it."""
    found = Entries()
    found.keep()
    return found


def test_what_was_kept_is_found(entries: Entries) -> None:
    """It comes back as it was, under its own tag alone."""
    cache = entries.cache()
    assert [cache.find(tag) for tag in ("wave-1", "wave-2", "wave-1")] == [RECORD, None, RECORD]


@pytest.mark.parametrize(
    "other",
    [
        {"api_token": "another-token"},
        {"api_url": "https://b.test/v1"},
        {"api_url": "https://a.test/v2"},
        {"endpoint": "tag"},
        {"validate_certs": False},
    ],
    ids=str,
)
def test_all_that_changes_the_answer_is_in_the_key(entries: Entries, other: dict[str, Any]) -> None:
    """A record of another service, endpoint or token is never found, nor under another's key."""
    cache = entries.cache(**other)
    assert cache.find("wave-1") is None
    entries[cache.seal.key("wave-1")] = next(iter(entries.values()))
    assert cache.find("wave-1") is None


def test_a_slash_at_the_end_changes_nothing(entries: Entries) -> None:
    """It is the same service."""
    assert entries.cache(api_url="https://a.test/v1/").find("wave-1") == RECORD


def test_no_secret_is_shown(entries: Entries) -> None:
    """Neither key nor entry holds the token, in any spelling; the key does not even show the tag."""
    key, entry = next(iter(entries.items()))
    assert leaks(json.dumps({key: entry}), TOKEN) == []
    assert "wave" not in key
    assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("age", "timeout", "is_found"),
    [
        (0, 60, True), (60, 60, True), (60.1, 60, False), (1e6, 60, False),
        (1e9, 0, True),  # as Ansible's cache plugins have it
        (-59, 60, True), (-61, 60, False), (-61, 0, False),  # clocks of several controllers differ, but not by years
    ],
)  # fmt: skip
def test_age(entries: Entries, age: float, timeout: int, is_found: bool) -> None:
    """An entry is valid for so many seconds, whichever process wrote it; 0 means forever."""
    entries.now += age
    assert bool(entries.cache(cache_timeout=timeout).find("wave-1")) is is_found


@pytest.mark.parametrize(
    "entry",
    [
        None, "", "text", b"bytes", 0, 7.5, True, [], ["content", "seal"], {}, {"content": "{}"}, {"seal": "x"},
        {"content": None, "seal": None}, {"content": 7, "seal": 7}, {"content": "{}", "seal": ""},
        {"content": "{}", "seal": "é\ud800"}, {"content": "\ud800", "seal": "0" * 64},
        {"content": {"record": RECORD, "kept_at": 1000.0}, "seal": "0" * 64}, RECORD,
    ],
    ids=repr,
)  # fmt: skip
def test_foreign_entries_are_not_found(entries: Entries, entry: Any) -> None:
    """Whatever stands under the key, only what was sealed with the token is a record."""
    for key in entries:
        entries[key] = entry
    assert entries.cache().find("wave-1") is None


@settings(max_examples=50)
@given(st.data())
def test_damaged_entries_are_not_found(data: st.DataObject) -> None:
    """One character more, fewer or changed, in content or seal, and the entry is none."""
    entries = Entries()
    key = entries.keep()
    field = data.draw(st.sampled_from(["content", "seal"]))
    text = entries[key][field]
    place = data.draw(st.integers(0, len(text)))
    damaged = text[:place] + data.draw(st.text(max_size=3)) + text[place + data.draw(st.integers(0, 3)) :]
    entries[key][field] = damaged
    assert entries.cache().find("wave-1") == (RECORD if damaged == text else None)


def test_an_entry_under_another_key_is_not_found(entries: Entries) -> None:
    """Swapped entries, of the same service and token, do not give one tag the figures of another."""
    cache = entries.cache()
    entries[cache.seal.key("wave-2")] = next(iter(entries.values()))
    assert cache.find("wave-2") is None


@pytest.mark.parametrize("raised", [KeyError("gone"), ValueError("not JSON"), TypeError("not a dict")], ids=repr)
def test_what_a_plugin_cannot_read_is_nothing(raised: Exception) -> None:
    """A damaged entry, and one that went between two calls, are as if they were not there."""

    class Plugin:
        def contains(self, _key: str) -> bool:
            return True

        def get(self, _key: str) -> None:
            raise raised

    assert read_entry(Plugin(), "key") is None
