"""A cache plugin that fails or hangs costs a warning and a moment, and never the record."""

from __future__ import annotations

import pathlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import pytest
from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.plugins.loader import cache_loader
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache import guard
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._cache.guard import GuardedStore

OPTIONS = {"cache_plugin": "some.redis", "cache_connection": "127.0.0.1:6379:0:a-password"}
ENTRY = {"content": "{}", "seal": "x"}


class Plugin(dict[str, Any]):
    """Keeps entries, until it raises `problem` or waits for `gate`."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0

    def _called(self) -> None:
        self.calls += 1
        self.gate.wait(20)
        if self.problem:
            raise self.problem

    def contains(self, key: str) -> bool:
        """Whether a key is there."""
        self._called()
        return key in self

    def set(self, key: str, entry: Any) -> None:
        """Keep an entry."""
        self._called()
        self[key] = entry


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    """A plugin that works; nobody hangs in it after the test."""
    made = Plugin()
    yield made
    made.gate.set()


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> list[str]:
    """What the user is warned of; the run's directory is of the test alone."""
    shown: list[str] = []
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(guard.display, "warning", shown.append)
    return shown


def jsonfile(directory: pathlib.Path) -> GuardedStore:
    """A guarded store with Ansible's own plugin."""
    return GuardedStore(cache_loader.get("jsonfile", _uri=str(directory), _timeout=60, _prefix="p_"), OPTIONS)


def call(store: GuardedStore, operation: str) -> None:
    """Call a plugin that gives nothing."""
    assert (store.get("a") if operation == "get" else store.set("a", ENTRY)) is None  # type: ignore[func-returns-value]


def test_a_plugin_that_works(plugin: Plugin, warnings: list[str]) -> None:
    """What is set is got; what is not there is nothing."""
    store = GuardedStore(plugin, OPTIONS)
    assert store.get("a") is None
    store.set("a", ENTRY)
    assert store.get("a") == ENTRY
    assert not store.has_failed
    assert warnings == []


@pytest.mark.parametrize("operation", ["get", "set"])
def test_a_plugin_that_fails(plugin: Plugin, warnings: list[str], operation: str) -> None:
    """One warning without any detail of the connection, and it is asked no more: also not by other processes."""
    plugin.problem = ConnectionError("Error 111 connecting to 127.0.0.1:6379 with a-password")
    stores = [GuardedStore(plugin, OPTIONS) for _process in range(3)]
    for store in stores:
        call(store, operation)
        assert store.has_failed
    assert plugin.calls == 1
    assert len(warnings) == 1
    assert "127.0.0.1" not in warnings[0]
    assert "password" not in warnings[0]


def test_a_run_without_a_directory(plugin: Plugin, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others cannot be told, this process knows all the same."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", "/dev/null/nowhere")
    plugin.problem = ConnectionError()
    store = GuardedStore(plugin, OPTIONS)
    assert [store.get("a"), store.get("a")] == [None, None]
    assert (plugin.calls, len(warnings)) == (1, 1)


def test_another_cache_is_not_concerned(plugin: Plugin, warnings: list[str]) -> None:
    """A failure is that of one plugin with one connection."""
    plugin.problem = ConnectionError()
    GuardedStore(plugin, OPTIONS).get("a")
    assert not GuardedStore(plugin, {**OPTIONS, "cache_connection": "127.0.0.1:6380:0"}).has_failed
    assert len(warnings) == 1


@pytest.mark.parametrize("operation", ["get", "set"])
def test_a_plugin_that_hangs(plugin: Plugin, warnings: list[str], operation: str) -> None:
    """After the time limit it counts as failed."""
    plugin.gate.clear()
    store = GuardedStore(plugin, OPTIONS, timeout=0.2)
    start = time.monotonic()
    call(store, operation)
    assert store.get("a") is None
    assert time.monotonic() - start < 10
    assert store.has_failed
    assert len(warnings) == 1


def test_threads_take_turns(plugin: Plugin, warnings: list[str]) -> None:
    """A plugin never has two calls at a time, whatever it can bear."""
    busy, busiest = 0, 0

    def count(_key: str) -> bool:
        nonlocal busy, busiest
        busy += 1
        busiest = max(busy, busiest)
        time.sleep(0.01)
        busy -= 1
        return False

    plugin.contains = count  # type: ignore[method-assign]
    store = GuardedStore(plugin, OPTIONS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store.get, "abcdefgh"))
    assert busiest == 1
    assert warnings == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\0\0\0\0", '{"content": 7}', '"text"'], ids=repr)
def test_a_damaged_file(tmp_path: pathlib.Path, warnings: list[str], content: str) -> None:
    """What Ansible's jsonfile cannot read is nothing, and no failure; what is kept next is found."""
    directory = tmp_path / "cache"
    jsonfile(directory).set("a", ENTRY)
    (file,) = directory.iterdir()
    file.write_text(content, encoding="utf-8")
    store = jsonfile(directory)
    assert store.get("a") in (None, [], {"content": 7}, "text")
    assert not store.has_failed
    store.set("a", ENTRY)
    assert jsonfile(directory).get("a") == ENTRY
    # Ansible itself tells of a file that is not JSON.
    assert [text for text in warnings if "jsonfile" not in text] == []


def test_a_directory_that_goes(tmp_path: pathlib.Path, warnings: list[str]) -> None:
    """A jsonfile that cannot write any more is a failure like any other."""
    directory = tmp_path / "cache"
    store = jsonfile(directory)
    directory.rmdir()
    store.set("a", ENTRY)
    assert store.get("a") is None
    assert store.has_failed
    assert len(warnings) == 1
