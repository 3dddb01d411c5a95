# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: a record for each term, options from everywhere they are documented to come from, and clear refusals."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import traceback
from typing import Any, Callable, Iterator

import pytest
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Hostile,
    answer,
    constantly,
    leaks,
)

TOKEN = 's3cr&t/+%"<é>tok\\en'

Serve = Callable[..., Hostile]


def look(*terms: Any, variables: dict[str, Any] | None = None, **given: Any) -> list[dict[str, Any]]:
    """Run the lookup as Ansible's template engine does."""
    plugin = lookup_loader.get("mailops.smtpeter.tag_stats", templar=Templar(DataLoader(), variables=variables))
    records: list[dict[str, Any]] = plugin.run(list(terms), variables=variables or {}, **given)
    return records


def refusal(*terms: Any, **given: Any) -> str:
    """The text that the lookup ends with, which begins with its name and shows no token anywhere."""
    with pytest.raises(AnsibleLookupError) as caught:
        look(*terms, **given)
    assert str(caught.value).startswith("mailops.smtpeter.tag_stats: ")
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, None))
    assert leaks(shown, TOKEN) == []
    return str(caught.value)


def test_a_record_for_each_term(hostile: Serve) -> None:
    """In the order of the terms, repeated ones repeated, though each is asked for once."""
    server = hostile(lambda target: [answer({**COUNTS, "opens": len(target.split("?")[0])})])
    records = look("bb", "a", "bb", "ccc", api_token=TOKEN, api_url=server.url)
    assert [record["tag"] for record in records] == ["bb", "a", "bb", "ccc"]
    assert [record["opens"] for record in records] == [12, 11, 12, 13]
    assert len(server.requests) == 3
    assert type(records[0]).__name__ == "dict"


@pytest.mark.parametrize("name", ["api_token", "access_token"])
def test_the_token_as_option(hostile: Serve, name: str) -> None:
    """Under its name and the service's own."""
    server = hostile(constantly(answer(COUNTS)))
    look("a", api_url=server.url, **{name: "a-good-token"})
    assert server.targets == ["/v1/stats/a?access_token=a-good-token"]


def test_where_options_come_from(hostile: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option goes before a variable, and that before the environment."""
    servers = [hostile(constantly(answer(COUNTS))) for _source in range(3)]
    monkeypatch.setenv("SMTPETER_API_TOKEN", "token-of-the-environment")
    monkeypatch.setenv("SMTPETER_API_URL", servers[0].url)
    look("a")
    variables = {"smtpeter_api_token": "token-of-variables", "smtpeter_api_url": servers[1].url}
    look("a", variables=variables)
    look("a", variables=variables, api_token="token-of-options", api_url=servers[2].url)
    asked = [server.targets for server in servers]
    assert asked == [
        [f"/v1/stats/a?access_token=token-of-{source}"] for source in ("the-environment", "variables", "options")
    ]


def test_the_configuration_file(hostile: Serve, tmp_path: pathlib.Path) -> None:
    """Token and address from the section smtpeter of ansible.cfg, read by a new process."""
    server = hostile(constantly(answer(COUNTS)))
    config = tmp_path / "ansible.cfg"
    config.write_text(f"[smtpeter]\napi_token = token-of-ini\napi_url = {server.url}\n", encoding="utf-8")
    code = (
        "from ansible.plugins import loader; loader.init_plugin_loader();"
        "print(loader.lookup_loader.get('mailops.smtpeter.tag_stats').run(['a'], variables={})[0]['messages'])"
    )
    environment = {**os.environ, "ANSIBLE_CONFIG": str(config)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout == "1000\n"
    assert server.targets == ["/v1/stats/a?access_token=token-of-ini"]


def test_every_option_arrives(hostile: Serve) -> None:
    """Endpoint, retries and missing do what they say."""
    server = hostile(constantly(answer(b"", "404 Not Found")))
    assert look("a", api_token=TOKEN, api_url=server.url, endpoint="tag")[0]["known"] is False
    assert server.targets[0].startswith("/v1/tag/a?")
    assert "spelling" in refusal("a", api_token=TOKEN, api_url=server.url, missing="error")
    broken = hostile(constantly(answer(b"", "500 Oops", "Retry-After: 0")))
    assert "(2 attempts)" in refusal("a", api_token=TOKEN, api_url=broken.url, retries="1")
    assert len(broken.requests) == 2


@pytest.mark.parametrize("name", ["tag", "tags", "token", "min_delivery_ratio", "wantlist_", "_terms", "_raw", "url"])
def test_an_unknown_option(name: str) -> None:
    """It is refused by its name, and the user learns which there are."""
    text = refusal("a", api_token=TOKEN, **{name: "x"})
    assert f"{name}: there is no such option" in text
    for known in (
        "api_token",
        "api_url",
        "ca_path",
        "endpoint",
        "missing",
        "parallel",
        "retries",
        "timeout",
        "validate_certs",
    ):
        assert known in text


@pytest.mark.parametrize("given", [{}, {"api_token": ""}, {"api_token": None}])
def test_no_token(given: dict[str, Any]) -> None:
    """The user learns where to put it."""
    text = refusal("a", **given)
    assert "api_token" in text
    assert "SMTPETER_API_TOKEN" in text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"api_token": "short"}, "api_token"),
        ({"api_url": "http://a.test/v1"}, "api_url"),
        ({"endpoint": "send"}, "endpoint"),
        ({"missing": "ignore"}, "missing"),
        ({"parallel": 0}, "parallel"),
        ({"parallel": "many"}, "parallel"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"retries": 101}, "retries"),
        ({"ca_path": "/no/such/file"}, "ca_path"),
    ],
)
def test_options_that_cannot_work(given: dict[str, Any], name: str) -> None:
    """Each is an error that names it, whether Ansible's own configuration refuses it or the collection."""
    with pytest.raises(AnsibleError, match=name) as caught:
        look("a", **{"api_token": TOKEN, **given})
    assert leaks(str(caught.value), TOKEN) == []


@pytest.mark.parametrize("term", [7, None, True, ["a"], {"a": 1}, b"a", 1.5, datetime.date(2026, 11, 26)], ids=repr)
def test_a_term_that_is_no_string(term: Any) -> None:
    """It is refused, since 007 and 7 are different tags but may be the same number."""
    text = refusal("a", term, api_token=TOKEN)
    assert "tags: " in text
    assert "is not a tag" in text


@pytest.mark.parametrize(
    ("terms", "tags"),
    [
        (["wave-1,wave-2"], ["wave-1", "wave-2"]),
        (["a", "b, c", "a"], ["a", "b", "c", "a"]),
        (['["wave-1", "wave,2"]', "b"], ["wave-1", "wave,2", "b"]),
    ],
)
@pytest.mark.parametrize("cache", [False, True])
def test_text_that_names_several_tags(
    hostile: Serve, tmp_path: pathlib.Path, terms: list[str], tags: list[str], cache: bool
) -> None:
    """It is read as the module reads its tags, also where the cache has a tag of such a name."""
    server = hostile(constantly(answer(COUNTS)))
    given = {"api_token": TOKEN, "api_url": server.url, "cache": cache, "cache_connection": str(tmp_path / "cache")}
    look('["wave-1,wave-2"]', **given)
    for _time in range(2):
        assert [record["tag"] for record in look(*terms, **given)] == tags


def test_the_option_of_a_loop(hostile: Serve) -> None:
    """An ansible-core before 2.19 passes `wantlist` to a lookup in `with_`."""
    server = hostile(constantly(answer(COUNTS)))
    assert look("a", api_token=TOKEN, api_url=server.url, wantlist=True)[0]["messages"] == 1000


@pytest.mark.parametrize("term", [f"{TOKEN},", f"[{TOKEN}]", f",{TOKEN}"])
def test_text_that_names_nothing(term: str) -> None:
    """It is refused without being shown, as it may hold the token."""
    assert "tags: " in refusal(term, api_token=TOKEN)


@pytest.mark.parametrize(
    "terms", [[], [""], ["a b"], ["a", ".."], [TOKEN], [f"a {TOKEN}"], [[TOKEN]], [{"token": TOKEN}]]
)
def test_terms_that_are_refused(terms: list[Any]) -> None:
    """What cannot be a tag is refused before anything is sent, and none of it shows the token."""
    assert "tags: " in refusal(*terms, api_token=TOKEN, api_url="https://127.0.0.1:9/v1", retries=0)


def test_failures_name_every_tag(hostile: Serve) -> None:
    """The error has each failed tag with its reason."""

    def script(target: str) -> list[bytes]:
        return [answer(COUNTS) if "good" in target else answer(b"no", "410 Gone")]

    text = refusal("bad-1", "good", "bad-2", api_token=TOKEN, api_url=hostile(script).url)
    assert "tag 'bad-1': " in text
    assert "tag 'bad-2': " in text
    assert "tag 'good'" not in text


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "401 Unauthorized", "500 Oops"])
def test_an_echo_of_the_token_is_not_shown(hostile: Serve, status: str) -> None:
    """On versions of Ansible that mask nothing for lookups, the text is silent by itself."""
    server = hostile(constantly(answer(f"{TOKEN} is bad".encode(), status)))
    assert "is bad" in refusal("a", api_token=TOKEN, api_url=server.url, retries=0)


def test_no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the user learns which, and where."""
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    text = refusal("a", api_token=TOKEN)
    assert how_to_install("requests") in text
    assert sys.executable in text


def test_a_long_pause(hostile: Serve) -> None:
    """The error says how long the service wants, and the other tags are not asked for."""
    server = hostile(constantly(answer(b"", "429 Busy", "Retry-After: 3600")))
    text = refusal("a", "b", "c", api_token=TOKEN, api_url=server.url, parallel=1)
    assert "answered 429 (Too Many Requests), and asks to wait 3600 s; try again after that" in text
    assert text.count("not tried, since the service asks to wait 3600 s") == 2
    assert len(server.requests) == 1


def test_a_socks_proxy_without_pysocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named, and how to install it."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://localhost:1080")
    assert how_to_install("PySocks") in refusal("a", api_token=TOKEN)


def test_connections_are_closed(hostile: Serve) -> None:
    """After the lookup the service sees the end of each connection."""
    server = hostile(constantly(answer(COUNTS)))
    look(*[f"tag-{number}" for number in range(30)], api_token=TOKEN, api_url=server.url)
    for thread in server.threads[1:]:
        thread.join(5)
    assert not any(thread.is_alive() for thread in server.threads[1:])


@pytest.fixture
def cached(tmp_path: pathlib.Path) -> dict[str, Any]:
    """The options of a cache of the test's own."""
    return {"api_token": TOKEN, "cache": True, "cache_connection": str(tmp_path / "cache")}


def test_the_cache_is_opt_in(hostile: Serve, tmp_path: pathlib.Path) -> None:
    """Without cache=true each lookup asks, whatever else is said of the cache."""
    server = hostile(constantly(answer(COUNTS)))
    for _time in range(2):
        look("a", api_token=TOKEN, api_url=server.url, cache_connection=str(tmp_path / "cache"))
    assert len(server.requests) == 2
    assert not (tmp_path / "cache").exists()


def test_a_hit(hostile: Serve, cached: dict[str, Any]) -> None:
    """A tag is asked for once; the record is the same, its age included, for each term that names it."""
    server = hostile(constantly(answer(COUNTS, "200 OK", "Date: Thu, 01 Jan 2026 00:00:00 GMT")))
    first = look("a", "b", api_url=server.url, **cached)
    assert look("b", "a", "b", api_url=server.url, **cached) == [first[1], first[0], first[1]]
    assert len(server.requests) == 2
    assert first[0]["fetched_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("given", [{"api_token": TOKEN}, {"access_token": TOKEN}, {}])
def test_a_hit_registers_the_token(
    hostile: Serve, cached: dict[str, Any], registered: list[str], given: dict[str, Any]
) -> None:
    """Where Ansible can be told of secrets, it masks what shows the token afterwards, whoever read the record."""
    server = hostile(constantly(answer(COUNTS)))
    look("a", api_url=server.url, **cached)
    registered.clear()
    del cached["api_token"]
    look("a", variables={} if given else {"smtpeter_api_token": TOKEN}, api_url=server.url, **cached, **given)
    assert set(registered) == {TOKEN}
    assert len(server.requests) == 1


def test_only_what_is_missing_is_asked_for(hostile: Serve, cached: dict[str, Any]) -> None:
    """Terms that are in the cache and terms that are not stand beside each other in their order."""
    server = hostile(lambda target: [answer({**COUNTS, "opens": len(target.split("?")[0])})])
    look("a", api_url=server.url, **cached)
    records = look("bb", "a", "ccc", api_url=server.url, **cached)
    assert [record["opens"] for record in records] == [12, 11, 13]
    assert len(server.requests) == 3


def test_what_was_read_before_a_failure_is_kept(hostile: Serve, cached: dict[str, Any]) -> None:
    """A failed tag fails the lookup and is not cached; the others need no second request."""

    def script(target: str) -> list[bytes]:
        return [answer(COUNTS) if "good" in target else answer(b"no", "410 Gone")]

    server = hostile(script)
    assert "tag 'bad': " in refusal("good-1", "bad", "good-2", api_url=server.url, **cached)
    look("good-1", "good-2", api_url=server.url, **cached)
    assert "tag 'bad': " in refusal("bad", api_url=server.url, **cached)
    asked = sorted(target.split("/")[3].split("?")[0] for target in server.targets)
    assert asked == ["bad", "bad", "good-1", "good-2"]


def test_an_unknown_tag_from_the_cache(hostile: Serve, cached: dict[str, Any]) -> None:
    """It is a record or an error as the lookup wants it, and asked for once, and so are the recent tags."""
    recent = answer(json.dumps([{**COUNTS, "tag": "wave-1"}]).encode())
    server = hostile(lambda target: [recent if "/stats?" in target else answer(b"", "404 Not Found")])
    meant = "did you mean 'wave-1'?"
    assert look("wave1", api_url=server.url, **cached)[0]["notes"][1:] == [meant]
    assert meant in refusal("wave1", api_url=server.url, missing="error", **cached)
    assert look("wave1", api_url=server.url, **cached)[0]["known"] is False
    assert len(server.requests) == 2


RECENT = [{**COUNTS, "tag": "wave-2", "messages": 2000}, {**COUNTS, "tag": "wave-1"}]


def test_recent_tags(hostile: Serve, cached: dict[str, Any]) -> None:
    """One record for each of the most recently active tags, in the order of the service; never from the cache."""
    server = hostile(constantly(answer(json.dumps(RECENT).encode())))
    for given in ({"api_token": TOKEN}, cached, cached):
        records = look(api_url=server.url, recent=True, **given)
        assert [(record["tag"], record["messages"]) for record in records] == [("wave-2", 2000), ("wave-1", 1000)]
    assert len(server.requests) == 3
    assert server.targets[0].startswith("/v1/stats?access_token=")


def test_recent_tags_and_terms(hostile: Serve) -> None:
    """There are either terms or recent, and an error of the service is one here."""
    server = hostile(constantly(answer(b"no", "410 Gone")))
    assert "recent: it reads the most recently active tags" in refusal("a", api_token=TOKEN, recent=True)
    assert "tags: it is empty" in refusal(api_token=TOKEN, recent=False)
    assert "recent tags: " in refusal(api_token=TOKEN, api_url=server.url, recent=True)
    assert len(server.requests) == 1


def test_an_entry_that_is_too_old(hostile: Serve, cached: dict[str, Any]) -> None:
    """It is read anew, and then serves again."""
    server = hostile(constantly(answer(COUNTS)))
    look("a", api_url=server.url, **cached)
    (file,) = pathlib.Path(cached["cache_connection"]).iterdir()
    os.utime(file, (time.time() - 61,) * 2)
    for _time in range(2):
        look("a", api_url=server.url, cache_timeout=60, **cached)
    assert len(server.requests) == 2


def test_a_hit_asks_for_nothing(hostile: Serve, cached: dict[str, Any]) -> None:
    """It imports nothing that asks a service, opens no connection, and works when the service is gone."""
    server = hostile(constantly(answer(COUNTS)))
    look("a", api_url=server.url, **cached)
    server.close()
    code = f"""
import sys
from ansible.plugins import loader
loader.init_plugin_loader()
given = {dict(api_url=server.url, **cached)!r}
print(loader.lookup_loader.get('mailops.smtpeter.tag_stats').run(['a'], variables={{}}, **given)[0]['messages'])
ours = [name.rpartition('.')[2] for name in sys.modules if name.startswith('ansible_collections.mailops.smtpeter')]
print([name for name in ('requests', 'urllib3', 'http.client') if name in sys.modules])
print([name for name in ours if name.startswith('_') and name not in ('_connection', '_cache')])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "1000\n[]\n[]\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cache_plugin": "memory"}, "cache_plugin: .*jsonfile"),
        ({"cache_plugin": "no.such.plugin"}, "cache_plugin: .*'no.such.plugin'; check"),
        ({"cache_timeout": -1}, "cache_timeout: -1 is negative"),
        ({"cache_connection": "/dev/null/cache"}, "cache_plugin: .*check cache_plugin and cache_connection"),
        ({"cache_timeout": "soon"}, "cache_timeout"),
    ],
    ids=str,
)
def test_a_cache_that_cannot_work(cached: dict[str, Any], given: dict[str, Any], expected: str) -> None:
    """It is refused by the option's name before anything is asked."""
    assert re.search(expected, refusal("a", api_url="https://127.0.0.1:9/v1", **{**cached, **given}), re.DOTALL)


def test_the_connection_of_a_cache_is_not_shown(cached: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a password."""

    def refuse(_name: str, **options: Any) -> None:
        raise AnsibleError(f"cannot connect to {options['_uri']}")

    monkeypatch.setattr("ansible.plugins.loader.cache_loader.get", refuse)
    text = refusal("a", **{**cached, "cache_plugin": "some.redis", "cache_connection": "127.0.0.1:1:0:a-password"})
    assert "cannot connect to cache_connection" in text


def test_a_directory_that_another_process_makes(
    hostile: Serve, cached: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ansible's jsonfile fails where it loses that race; the lookup does not."""
    makedirs = os.makedirs

    def lose_the_race(path: str) -> None:
        monkeypatch.setattr(os, "makedirs", makedirs)
        makedirs(path)
        raise FileExistsError(path)

    monkeypatch.setattr(os, "makedirs", lose_the_race)
    server = hostile(constantly(answer(COUNTS)))
    assert look("a", api_url=server.url, **{**cached, "cache_connection": f"{cached['cache_connection']}/new"})


def test_bad_terms_and_bad_options_beside_a_cache(cached: dict[str, Any]) -> None:
    """They are refused as without it."""
    assert "it is empty" in refusal(**cached)
    assert "white space" in refusal("a b", **cached)
    for term in (["a"], {"a": 1}, 7, None):
        assert "is not a tag" in refusal(term, **cached)
    assert "plain http" in refusal("a", api_url="http://a.test/v1", **cached)


FILL = """
import sys
from ansible.plugins import loader
loader.init_plugin_loader()
url, directory = sys.argv[1:]
given = dict(api_token='a-good-token', api_url=url, cache=True, cache_connection=directory)
print(loader.lookup_loader.get('mailops.smtpeter.tag_stats').run(['a'], variables={}, **given)[0]['messages'])
"""


def fillers(count: int, url: str, directory: pathlib.Path) -> list[subprocess.Popen[str]]:
    """Start processes that look up the same tag at the same time."""
    command = [sys.executable, "-c", FILL, url, str(directory)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return [subprocess.Popen(command, **pipes) for _process in range(count)]  # type: ignore[call-overload]


@pytest.mark.slow
def test_processes_that_miss_at_the_same_time(hostile: Serve, tmp_path: pathlib.Path) -> None:
    """One of them asks, and all have the record."""

    def slowly(_target: str) -> Iterator[bytes]:
        time.sleep(1)
        yield answer(COUNTS)

    server = hostile(slowly)
    running = fillers(5, server.url, tmp_path / "cache")
    assert [process.communicate(timeout=60)[0] for process in running] == ["1000\n"] * 5
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_fills(hostile: Serve, tmp_path: pathlib.Path) -> None:
    """The next one asks in its place, only that one, and no entry is damaged."""
    asked, killed = threading.Event(), threading.Event()

    def script(_target: str) -> Iterator[bytes]:
        if not asked.is_set():
            asked.set()
            killed.wait(30)
        time.sleep(0.5)
        yield answer(COUNTS)

    server = hostile(script)
    (first,) = fillers(1, server.url, tmp_path / "cache")
    assert asked.wait(30)
    others = fillers(3, server.url, tmp_path / "cache")
    time.sleep(1)
    first.kill()
    first.communicate()
    killed.set()
    assert [process.communicate(timeout=60)[0] for process in others] == ["1000\n"] * 3
    assert len(server.requests) == 2
