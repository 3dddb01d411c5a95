"""The lookup's cache: what is stored is found again and nothing else ever is, and one that fails costs no record."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.plugins.loader import cache_loader
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache import guard, plugin, reader
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.entry import EntrySeal, read_entry
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.guard import GuardedStore
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
OPTIONS = {
    "api_token": TOKEN, "api_url": "https://a.test/v1", "endpoint": "stats", "validate_certs": True, "timeout": 1,
    "retries": 0, "cache_plugin": "jsonfile", "cache_connection": None, "cache_prefix": "some_", "cache_timeout": 60,
}  # fmt: skip
REDIS = {"cache_plugin": "some.redis", "cache_connection": "127.0.0.1:6379:0:a-password"}
RECORD = Record("wave-1", 1000, 980, 490, 98, notes=("é",))
KEY = EntrySeal(OPTIONS).key("wave-1")
ENTRY = json.loads(json.dumps(EntrySeal(OPTIONS).close(KEY, RECORD.as_dict(), 1000)))


def find(entries, tag="wave-1", now=1000, **options):
    """What a cache over these entries finds at a time in seconds."""
    return plugin.RecordCache(EntrySeal({**OPTIONS, **options}), None, entries.get, lambda: now).find(tag)


@pytest.mark.parametrize(
    "other",
    [{"api_token": "another-token"}, {"api_url": "https://a.test/v2"}, {"endpoint": "tag"}, {"validate_certs": False},
     {"tag": "wave-2"}],
    ids=str,
)  # fmt: skip
def test_all_that_changes_the_answer_is_in_the_key(other):
    """A record of another service, endpoint, token or tag is never found, nor under another's key."""
    assert find({KEY: ENTRY}) == find({KEY: ENTRY}, api_url="https://a.test/v1/") == RECORD.as_dict()
    key = EntrySeal({**OPTIONS, **other}).key(other.get("tag", "wave-1"))
    assert find({KEY: ENTRY, key: ENTRY}, **other) is None
    assert key != KEY


def test_no_secret_is_shown():
    """Neither key nor entry holds the token, in any spelling; the key does not even show the tag."""
    assert leaks(json.dumps({KEY: ENTRY}), TOKEN) == []
    assert set(KEY) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("age", "timeout", "is_found"),
    [
        (60, 60, True), (60.1, 60, False),
        (1e9, 0, True),  # as Ansible's cache plugins have it
        (-59, 60, True), (-61, 60, False), (-61, 0, False),  # clocks of several controllers differ, but not by years
    ],
)  # fmt: skip
def test_age(age, timeout, is_found):
    """An entry is valid for so many seconds, whichever process wrote it; 0 means forever."""
    assert (find({KEY: ENTRY}, now=1000 + age, cache_timeout=timeout) is not None) is is_found


@pytest.mark.parametrize(
    "entry",
    [
        None, "text", b"bytes", ["content", "seal"], {}, {"content": "{}"}, {"seal": "x"}, {"content": 7, "seal": 7},
        {"content": "{}", "seal": "é\ud800"}, {"content": "\ud800", "seal": "0" * 64},
        {"content": {"record": {}, "kept_at": 1000.0}, "seal": "0" * 64},
    ],
    ids=repr,
)  # fmt: skip
def test_foreign_entries_are_not_found(entry):
    """Whatever stands under the key, only what was sealed with the token is a record."""
    assert find({KEY: entry}) is None


@settings(max_examples=50)
@given(st.sampled_from(["content", "seal"]), st.data())
def test_damaged_entries_are_not_found(field, data):
    """A few characters more, fewer or changed, in content or seal, and the entry is none."""
    text = ENTRY[field]
    place = data.draw(st.integers(0, len(text)))
    damaged = text[:place] + data.draw(st.text(max_size=3)) + text[place + data.draw(st.integers(0, 3)) :]
    assert find({KEY: {**ENTRY, field: damaged}}) == (RECORD.as_dict() if damaged == text else None)


@pytest.mark.parametrize("raised", [KeyError, ValueError, TypeError])
def test_what_a_plugin_cannot_read_is_nothing(raised):
    """A damaged entry, and one that went between two calls, are as if they were not there."""
    assert read_entry(Mock(**{"get.side_effect": raised}), "key") is None


@pytest.fixture(autouse=True)
def warnings(monkeypatch, tmp_path):
    """What the user is warned of; what the collection writes is below a directory of the test."""
    shown = []
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    for module in (plugin, reader):
        monkeypatch.setattr(module, "data_directory", lambda: str(tmp_path / "home"))
    monkeypatch.setattr(guard.display, "warning", shown.append)
    return shown


@pytest.mark.parametrize("call", [lambda store: store.get("a"), lambda store: store.set("a", ENTRY)])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_plugin_that_fails(warnings, call, hangs):
    """One warning without any detail of the connection, and it is asked no more: also not by other processes.

    One that hangs counts as failed after the time limit. A failure is that of one plugin with one connection.
    """

    def fail(*_args):
        time.sleep(2 * hangs)
        raise ConnectionError("Error 111 connecting to 127.0.0.1:6379 with a-password")

    made = Mock(**{"contains.side_effect": fail, "set.side_effect": fail})
    for _process in range(3):
        store = GuardedStore(made, REDIS, timeout=0.2 if hangs else 30)
        assert call(store) is None
        assert store.has_failed
    assert len(made.mock_calls) == 1
    (warning,) = warnings
    assert "127.0.0.1" not in warning
    assert "password" not in warning
    assert not GuardedStore(made, {**REDIS, "cache_connection": "127.0.0.1:6380:0"}).has_failed


def test_a_run_without_a_directory(warnings, monkeypatch):
    """Where others cannot be told, this process knows all the same."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", "/dev/null/nowhere")
    made = Mock(**{"contains.side_effect": ConnectionError})
    store = GuardedStore(made, REDIS)
    assert [store.get("a"), store.get("a")] == [None, None]
    assert (made.contains.call_count, len(warnings)) == (1, 1)


def test_threads_take_turns(warnings):
    """A plugin never has two calls at a time, whatever it can bear."""
    lock = threading.Lock()

    def alone(_key):
        assert lock.acquire(blocking=False)
        time.sleep(0.01)
        lock.release()
        return False

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(GuardedStore(Mock(contains=alone), REDIS).get, "abcdefgh"))
    assert warnings == []


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0\0\0", '{"content": 7}', '"text"'], ids=repr)
def test_a_damaged_file(tmp_path, warnings, content):
    """What Ansible's jsonfile cannot read is nothing, and no failure; what is kept next is found."""

    def jsonfile():
        made = cache_loader.get("jsonfile", _uri=str(tmp_path / "cache"), _timeout=60, _prefix="p_")
        return GuardedStore(made, OPTIONS)

    jsonfile().set("a", ENTRY)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text(content, encoding="utf-8")
    store = jsonfile()
    assert store.get("a") in (None, [], {"content": 7}, "text")
    assert not store.has_failed
    store.set("a", ENTRY)
    assert jsonfile().get("a") == ENTRY
    # Ansible itself tells of a file that is not JSON.
    assert [text for text in warnings if "jsonfile" not in text] == []


@pytest.mark.parametrize(
    ("name", "connection", "expected"),
    [
        ("jsonfile", "/somewhere", "/somewhere"), ("ansible.builtin.jsonfile", None, "HOME/cache"),
        ("community.general.redis", "127.0.0.1:6379:0", "127.0.0.1:6379:0"), ("community.general.redis", None, None),
    ],
)  # fmt: skip
def test_loading(monkeypatch, tmp_path, name, connection, expected):
    """By a full name, with the lookup's options and a set of keys of its own; a directory only where one is needed."""
    get = Mock()
    monkeypatch.setattr(plugin.cache_loader, "get", get)
    plugin.open_cache({**OPTIONS, "cache_plugin": name, "cache_connection": connection})
    uri = {"_uri": expected.replace("HOME", str(tmp_path / "home"))} if expected else {}
    full_name = name if "." in name else f"ansible.builtin.{name}"
    get.assert_called_once_with(full_name, _timeout=60, _prefix="some_", _keyset_name="some_keys", **uri)


def test_a_plugin_that_is_not_there(monkeypatch):
    """An ansible-core that only returns nothing for it gives an error all the same."""
    monkeypatch.setattr(plugin.cache_loader, "get", lambda _name, **_given: None)
    with pytest.raises(OptionError, match="^cache_plugin: there is no cache plugin 'some.redis'; check cache_plugin"):
        reader.usable_cache(None, {**OPTIONS, **REDIS})


def cached(*results, found=None):
    """A reader with the cache of the test, of another reader with these results."""
    return reader.CacheReader(plugin.open_cache(OPTIONS), found or {}, Mock(**{"read.side_effect": results}), OPTIONS)


def test_what_is_read_is_stored():
    """It is not read again, by the same reader or by another process. An error is raised, and the next one reads."""
    with cached(StatsError("service", "wave-1", "it fails"), RECORD) as first:
        with pytest.raises(StatsError):
            first.read("wave-1")
        assert [first.read("wave-1"), first.read("wave-1")] == [RECORD, RECORD]
    with cached() as second:
        assert second.read("wave-1") == RECORD
    assert plugin.open_cache(OPTIONS).find("wave-1") == RECORD.as_dict()


def test_nobody_waits_in_vain(monkeypatch):
    """What was found before is neither read nor locked, and a cache that fails has no place to wait for."""
    with cached(RECORD, RECORD, found={"wave-2": RECORD.as_dict()}) as failing:
        monkeypatch.setattr(failing._store._plugin, "set", lambda _key, _entry: 1 / 0)
        assert failing.read("wave-1") == RECORD
        monkeypatch.setattr("fcntl.lockf", lambda *_args: pytest.fail("it locks"))
        assert failing.read("wave-1") == RECORD
        assert failing.read("wave-2") == RECORD
