"""Filling the cache: with what it is opened, and what becomes of what is read."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, StatsError
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache import guard, plugin, reader
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.plugin import open_cache
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.reader import CacheReader, usable_cache

RECORD = Record("wave-1", 1000, 980, 490, 98)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Keep what the collection writes below a directory of the test, and its warnings to itself."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    for module in (plugin, reader):
        monkeypatch.setattr(module, "data_directory", lambda: str(tmp_path / "home"))
    monkeypatch.setattr(guard.display, "warning", lambda _text: None)


def options(**given: Any) -> dict[str, Any]:
    """The options of a lookup with a cache."""
    return {
        "api_token": "a-good-token", "api_url": "https://a.test/v1", "endpoint": "stats", "validate_certs": True,
        "cache_plugin": "jsonfile", "cache_connection": None, "cache_prefix": "some_", "cache_timeout": 60,
        "timeout": 1, "retries": 0, **given,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "connection", "expected"),
    [
        ("jsonfile", "/somewhere", "/somewhere"),
        ("ansible.builtin.jsonfile", None, "HOME/cache"),
        ("community.general.redis", "127.0.0.1:6379:0", "127.0.0.1:6379:0"),
        ("community.general.redis", None, None),
    ],
)
def test_what_a_plugin_is_loaded_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, name: str, connection: str | None, expected: str | None
) -> None:
    """The options of the lookup, and a set of keys of its own; a directory by default only where one is needed."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(plugin.cache_loader, "get", lambda _name, **given: seen.update(given) or object())
    open_cache(options(cache_plugin=name, cache_connection=connection))
    assert seen.pop("_uri", None) == (expected and expected.replace("HOME", str(tmp_path / "home")))
    assert seen == {"_timeout": 60, "_prefix": "some_", "_keyset_name": "some_keys"}


def test_a_plugin_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ansible-core that only returns nothing for it gives an error all the same."""
    monkeypatch.setattr(plugin.cache_loader, "get", lambda _name, **_given: None)
    with pytest.raises(OptionError, match="^cache_plugin: there is no cache plugin 'some.redis'; check cache_plugin"):
        usable_cache(None, options(cache_plugin="some.redis"))


class Reader:
    """Reads what it is given, in turn, and raises what is an exception."""

    def __init__(self, *results: Record | Exception) -> None:
        self._results = iter(results)

    def read(self, _tag: str) -> Record:
        """Return the next record."""
        result = next(self._results)
        if isinstance(result, Exception):
            raise result
        return result


def cached(*results: Record | Exception, found: dict[str, Any] | None = None) -> CacheReader:
    """A reader with the cache of the test, of another reader with these results."""
    return CacheReader(open_cache(options()), found or {}, Reader(*results), options())


def test_what_is_read_is_stored() -> None:
    """And then not read again, by the same reader or by another process."""
    with cached(RECORD) as first:
        assert [first.read("wave-1"), first.read("wave-1")] == [RECORD, RECORD]
    with cached() as second:
        assert second.read("wave-1") == RECORD
    assert open_cache(options()).find("wave-1") == RECORD.as_dict()


def test_what_was_found_before_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither read nor locked again."""
    monkeypatch.setattr("fcntl.lockf", lambda *_args: pytest.fail("it locks"))
    with cached(found={"wave-1": RECORD.as_dict()}) as reader_of_found:
        assert reader_of_found.read("wave-1") == RECORD


def test_an_error_is_not_stored() -> None:
    """It is raised, and the next one reads again."""
    with cached(StatsError("service", "wave-1", "it fails"), RECORD) as failing:
        with pytest.raises(StatsError):
            failing.read("wave-1")
        assert failing.read("wave-1") == RECORD


def test_a_cache_that_fails_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place for the record there is nothing to wait for."""
    with cached(RECORD, RECORD) as failing:
        monkeypatch.setattr(failing._store._plugin, "set", lambda _key, _entry: 1 / 0)
        assert failing.read("wave-1") == RECORD
        monkeypatch.setattr("fcntl.lockf", lambda *_args: pytest.fail("it locks"))
        assert failing.read("wave-1") == RECORD
