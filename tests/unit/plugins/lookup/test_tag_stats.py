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
NOWHERE = "https://127.0.0.1:9/v1"
OPTIONS = ("api_token", "api_url", "ca_path", "endpoint", "missing", "parallel", "retries", "timeout", "validate_certs")

Serve = Callable[..., Hostile]
Given = dict[str, Any]


def look(*terms: Any, variables: Given | None = None, **given: Any) -> list[dict[str, Any]]:
    """Run the lookup as Ansible's template engine does."""
    plugin = lookup_loader.get("mailops.smtpeter.tag_stats", templar=Templar(DataLoader(), variables=variables))
    records: list[dict[str, Any]] = plugin.run(list(terms), variables=variables or {}, **given)
    return records


def refusal(*terms: Any, **given: Any) -> str:
    """The text that the lookup ends with, which begins with its name and shows no token anywhere."""
    with pytest.raises(AnsibleLookupError) as caught:
        look(*terms, **{"api_token": TOKEN, **given})
    assert str(caught.value).startswith("mailops.smtpeter.tag_stats: ")
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, None))
    assert leaks(shown, TOKEN) == []
    return str(caught.value)


def name_of(target: str) -> str:
    """The tag in the target of a request."""
    return target.partition("?")[0].rpartition("/")[2]


def long_names_open_more(target: str) -> list[bytes]:
    """Answer with a number of opens that tells the tag."""
    return [answer({**COUNTS, "opens": len(name_of(target))})]


def bad_ones_are_gone(target: str) -> list[bytes]:
    """Know only tags with `good` in their name."""
    return [answer(COUNTS) if "good" in target else answer(b"no", "410 Gone")]


@pytest.fixture
def service(hostile: Serve) -> Hostile:
    """A service with the same counters for every tag."""
    return hostile(constantly(answer(COUNTS)))


@pytest.fixture
def given(service: Hostile) -> Given:
    """The options that lead to the service."""
    return {"api_token": TOKEN, "api_url": service.url}


@pytest.fixture
def cached(given: Given, tmp_path: pathlib.Path) -> Given:
    """The same with a cache of the test's own."""
    return {**given, "cache": True, "cache_connection": str(tmp_path / "cache")}


def test_a_record_for_each_term(hostile: Serve) -> None:
    """In the order of the terms, repeated ones repeated, though each is asked for once."""
    server = hostile(long_names_open_more)
    records = look("bb", "a", "bb", "ccc", api_token=TOKEN, api_url=server.url)
    assert [(record["tag"], record["opens"]) for record in records] == [("bb", 2), ("a", 1), ("bb", 2), ("ccc", 3)]
    assert len(server.requests) == 3
    assert type(records[0]).__name__ == "dict"


@pytest.mark.parametrize("name", ["api_token", "access_token"])
def test_the_token_as_option(service: Hostile, name: str) -> None:
    """Under its name and the service's own."""
    look("a", api_url=service.url, **{name: "a-good-token"})
    assert service.targets == ["/v1/stats/a?access_token=a-good-token"]


def test_where_options_come_from(hostile: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option goes before a variable, and that before the environment."""
    servers = [hostile(constantly(answer(COUNTS))) for _source in range(3)]
    monkeypatch.setenv("SMTPETER_API_TOKEN", "token-of-the-environment")
    monkeypatch.setenv("SMTPETER_API_URL", servers[0].url)
    look("a")
    variables = {"smtpeter_api_token": "token-of-variables", "smtpeter_api_url": servers[1].url}
    look("a", variables=variables)
    look("a", variables=variables, api_token="token-of-options", api_url=servers[2].url)
    sources = ("the-environment", "variables", "options")
    asked = [f"/v1/stats/a?access_token=token-of-{source}" for source in sources]
    assert [server.targets for server in servers] == [[target] for target in asked]


def run(code: str, *words: str, **environment: str) -> str:
    """What a new process prints that looks up the tag `a` and then runs the code; `messages` is what was found."""
    begin = """
import sys
from ansible.plugins import loader
loader.init_plugin_loader()
given = eval(sys.argv[1])
messages = loader.lookup_loader.get('mailops.smtpeter.tag_stats').run(['a'], variables={}, **given)[0]['messages']
"""
    command = [sys.executable, "-c", begin + code, *words]
    env = {**os.environ, **environment}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


@pytest.mark.slow
def test_the_configuration_file(service: Hostile, tmp_path: pathlib.Path) -> None:
    """Token and address from the section smtpeter of ansible.cfg, read by a new process."""
    config = tmp_path / "ansible.cfg"
    config.write_text(f"[smtpeter]\napi_token = token-of-ini\napi_url = {service.url}\n", encoding="utf-8")
    assert run("print(messages)", "{}", ANSIBLE_CONFIG=str(config)) == "1000\n"
    assert service.targets == ["/v1/stats/a?access_token=token-of-ini"]


def test_every_option_arrives(hostile: Serve) -> None:
    """Endpoint, retries and missing do what they say."""
    server = hostile(constantly(answer(b"", "404 Not Found")))
    assert look("a", api_token=TOKEN, api_url=server.url, endpoint="tag")[0]["known"] is False
    assert server.targets[0].startswith("/v1/tag/a?")
    assert "spelling" in refusal("a", api_url=server.url, missing="error")
    broken = hostile(constantly(answer(b"", "500 Oops", "Retry-After: 0")))
    assert "(2 attempts)" in refusal("a", api_url=broken.url, retries="1")
    assert len(broken.requests) == 2


@pytest.mark.parametrize("name", ["tags", "token", "min_delivery_ratio", "wantlist_", "_terms", "_raw", "url"])
def test_an_unknown_option(name: str) -> None:
    """It is refused by its name, and the user learns which there are."""
    text = refusal("a", **{name: "x"})
    assert f"{name}: there is no such option" in text
    assert [known for known in OPTIONS if known not in text] == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"api_token": "short"}, "api_token"),
        ({"api_token": ""}, "api_token.*SMTPETER_API_TOKEN"),
        ({"api_token": None}, "api_token.*SMTPETER_API_TOKEN"),
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
def test_options_that_cannot_work(given: Given, name: str) -> None:
    """Each is an error that names it, whether Ansible's own configuration refuses it or the collection."""
    with pytest.raises(AnsibleError, match=name) as caught:
        look("a", **{"api_token": TOKEN, **given})
    assert leaks(str(caught.value), TOKEN) == []


def test_no_token() -> None:
    """The user learns where to put it."""
    with pytest.raises(AnsibleLookupError, match="api_token.*SMTPETER_API_TOKEN"):
        look("a")


@pytest.mark.parametrize("term", [7, None, True, ["a"], {"a": 1}, b"a", 1.5, datetime.date(2026, 11, 26)], ids=repr)
def test_a_term_that_is_no_string(term: Any) -> None:
    """It is refused, since 007 and 7 are different tags but may be the same number."""
    assert re.search("tags: .*is not a tag", refusal("a", term))


@pytest.mark.parametrize(
    "terms",
    [
        [], [""], ["a b"], ["a", ".."], [TOKEN], [f"a {TOKEN}"], [[TOKEN]], [{"token": TOKEN}],
        [f"{TOKEN},"], [f"[{TOKEN}]"], [f",{TOKEN}"],
    ],
)  # fmt: skip
def test_terms_that_are_refused(terms: list[Any]) -> None:
    """What cannot be a tag is refused before anything is sent, and none of it shows the token."""
    assert "tags: " in refusal(*terms, api_url=NOWHERE, retries=0)


@pytest.mark.parametrize(
    ("terms", "tags"),
    [
        (["wave-1,wave-2"], ["wave-1", "wave-2"]),
        (["a", "b, c", "a"], ["a", "b", "c", "a"]),
        (['["wave-1", "wave,2"]', "b"], ["wave-1", "wave,2", "b"]),
    ],
)
@pytest.mark.parametrize("cache", [False, True])
def test_text_that_names_several_tags(cached: Given, terms: list[str], tags: list[str], cache: bool) -> None:
    """It is read as the module reads its tags, also where the cache has a tag of such a name."""
    look('["wave-1,wave-2"]', **{**cached, "cache": cache})
    for _time in range(2):
        assert [record["tag"] for record in look(*terms, **{**cached, "cache": cache})] == tags


def test_the_option_of_a_loop(given: Given) -> None:
    """An ansible-core before 2.19 passes `wantlist` to a lookup in `with_`."""
    assert look("a", wantlist=True, **given)[0]["messages"] == 1000


def test_failures_name_every_tag(hostile: Serve) -> None:
    """The error has each failed tag with its reason."""
    text = refusal("bad-1", "good", "bad-2", api_url=hostile(bad_ones_are_gone).url)
    assert re.findall("tag '([a-z0-9-]+)': ", text) == ["bad-1", "bad-2"]


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "401 Unauthorized", "500 Oops"])
def test_an_echo_of_the_token_is_not_shown(hostile: Serve, status: str) -> None:
    """On versions of Ansible that mask nothing for lookups, the text is silent by itself."""
    server = hostile(constantly(answer(f"{TOKEN} is bad".encode(), status)))
    assert "is bad" in refusal("a", api_url=server.url, retries=0)


@pytest.mark.parametrize("package", ["requests", "PySocks"])
def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """The user learns which, how to install it, and where."""
    if package == "requests":
        monkeypatch.setattr(options, "missing_requests", lambda: True)
    else:
        monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
        monkeypatch.setenv("HTTPS_PROXY", "socks5h://localhost:1080")
    text = refusal("a")
    assert how_to_install(package) in text
    assert sys.executable in text


def test_a_long_pause(hostile: Serve) -> None:
    """The error says how long the service wants, and the other tags are not asked for."""
    server = hostile(constantly(answer(b"", "429 Busy", "Retry-After: 3600")))
    text = refusal("a", "b", "c", api_url=server.url, parallel=1)
    assert "answered 429 (Too Many Requests), and asks to wait 3600 s; try again after that" in text
    assert text.count("not tried, since the service asks to wait 3600 s") == 2
    assert len(server.requests) == 1


def test_connections_are_closed(service: Hostile, given: Given) -> None:
    """After the lookup the service sees the end of each connection."""
    look(*[f"tag-{number}" for number in range(30)], **given)
    for thread in service.threads[1:]:
        thread.join(5)
    assert not any(thread.is_alive() for thread in service.threads[1:])


def test_the_cache_is_opt_in(service: Hostile, cached: Given) -> None:
    """Without cache=true each lookup asks, whatever else is said of the cache."""
    del cached["cache"]
    for _time in range(2):
        look("a", **cached)
    assert len(service.requests) == 2
    assert not os.path.exists(cached["cache_connection"])


def test_a_hit(hostile: Serve, cached: Given) -> None:
    """A tag is asked for once; the record is the same, its age included, for each term that names it."""
    server = hostile(constantly(answer(COUNTS, "200 OK", "Date: Thu, 01 Jan 2026 00:00:00 GMT")))
    cached["api_url"] = server.url
    first = look("a", "b", **cached)
    assert look("b", "a", "b", **cached) == [first[1], first[0], first[1]]
    assert len(server.requests) == 2
    assert first[0]["fetched_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("source", ["api_token", "access_token", "smtpeter_api_token"])
def test_a_hit_registers_the_token(service: Hostile, cached: Given, registered: list[str], source: str) -> None:
    """Where Ansible can be told of secrets, it masks the token afterwards, also after a record from the cache."""
    look("a", **cached)
    registered.clear()
    del cached["api_token"]
    token = {source: TOKEN}
    if source.startswith("smtpeter"):
        look("a", variables=token, **cached)
    else:
        look("a", **cached, **token)
    assert set(registered) == {TOKEN}
    assert len(service.requests) == 1


def test_only_what_is_missing_is_asked_for(hostile: Serve, cached: Given) -> None:
    """Terms that are in the cache and terms that are not stand beside each other in their order."""
    server = hostile(long_names_open_more)
    cached["api_url"] = server.url
    look("a", **cached)
    assert [record["opens"] for record in look("bb", "a", "ccc", **cached)] == [2, 1, 3]
    assert len(server.requests) == 3


def test_what_was_read_before_a_failure_is_kept(hostile: Serve, cached: Given) -> None:
    """A failed tag fails the lookup and is not cached; the others need no second request."""
    server = hostile(bad_ones_are_gone)
    cached["api_url"] = server.url
    assert "tag 'bad': " in refusal("good-1", "bad", "good-2", **cached)
    look("good-1", "good-2", **cached)
    assert "tag 'bad': " in refusal("bad", **cached)
    assert sorted(map(name_of, server.targets)) == ["bad", "bad", "good-1", "good-2"]


def test_an_unknown_tag_from_the_cache(hostile: Serve, cached: Given) -> None:
    """It is a record or an error as the lookup wants it, and asked for once, and so are the recent tags."""
    recent = answer(json.dumps([{**COUNTS, "tag": "wave-1"}]).encode())
    server = hostile(lambda target: [recent if "/stats?" in target else answer(b"", "404 Not Found")])
    cached["api_url"] = server.url
    meant = "did you mean 'wave-1'?"
    assert look("wave1", **cached)[0]["notes"][1:] == [meant]
    assert meant in refusal("wave1", missing="error", **cached)
    assert look("wave1", **cached)[0]["known"] is False
    assert len(server.requests) == 2


def test_recent_tags(hostile: Serve, cached: Given) -> None:
    """One record for each of the most recently active tags, in the order of the service; never from the cache."""
    recent = [{**COUNTS, "tag": "wave-2", "messages": 2000}, {**COUNTS, "tag": "wave-1"}]
    server = hostile(constantly(answer(json.dumps(recent).encode())))
    for cache in (False, True, True):
        records = look(recent=True, **{**cached, "api_url": server.url, "cache": cache})
        assert [(record["tag"], record["messages"]) for record in records] == [("wave-2", 2000), ("wave-1", 1000)]
    assert len(server.requests) == 3
    assert server.targets[0].startswith("/v1/stats?access_token=")


def test_recent_tags_and_terms(hostile: Serve) -> None:
    """There are either terms or recent, and an error of the service is one here."""
    server = hostile(constantly(answer(b"no", "410 Gone")))
    assert "recent: it reads the most recently active tags" in refusal("a", recent=True)
    assert "tags: it is empty" in refusal(recent=False)
    assert "recent tags: " in refusal(api_url=server.url, recent=True)
    assert len(server.requests) == 1


def test_an_entry_that_is_too_old(service: Hostile, cached: Given) -> None:
    """It is read again, and then serves again."""
    look("a", **cached)
    (file,) = pathlib.Path(cached["cache_connection"]).iterdir()
    os.utime(file, (time.time() - 61,) * 2)
    for _time in range(2):
        look("a", cache_timeout=60, **cached)
    assert len(service.requests) == 2


def test_a_hit_asks_for_nothing(service: Hostile, cached: Given) -> None:
    """It imports nothing that asks a service, opens no connection, and works when the service is gone."""
    look("a", **cached)
    service.close()
    code = """
ours = [name.rpartition('.')[2] for name in sys.modules if name.startswith('ansible_collections.mailops.smtpeter')]
print(messages)
print([name for name in ('requests', 'urllib3', 'http.client') if name in sys.modules])
print([name for name in ours if name.startswith('_') and name not in ('_connection', '_cache')])
"""
    assert run(code, repr(cached)) == "1000\n[]\n[]\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cache_plugin": "memory"}, "cache_plugin: .*do not share.*jsonfile"),
        ({"cache_plugin": "ansible.builtin.memory"}, "cache_plugin: .*do not share.*jsonfile"),
        ({"cache_plugin": "no.such.plugin"}, "cache_plugin: .*'no.such.plugin'; check"),
        ({"cache_timeout": -1}, "cache_timeout: -1 is negative"),
        ({"cache_connection": "/dev/null/cache"}, "cache_plugin: .*check cache_plugin and cache_connection"),
        ({"cache_timeout": "soon"}, "cache_timeout"),
    ],
    ids=str,
)
def test_a_cache_that_cannot_work(cached: Given, given: Given, expected: str) -> None:
    """It is refused by the option's name before anything is asked."""
    assert re.search(expected, refusal("a", **{**cached, "api_url": NOWHERE, **given}), re.DOTALL)


def test_the_connection_of_a_cache_is_not_shown(cached: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a password; the text names the options instead."""

    def refuse(_name: str, **options: Any) -> None:
        raise AnsibleError(f"cannot connect to {options['_uri']}.")

    monkeypatch.setattr("ansible.plugins.loader.cache_loader.get", refuse)
    text = refusal("a", **{**cached, "cache_plugin": "some.redis", "cache_connection": "127.0.0.1:1:0:a-password"})
    assert text.endswith("cannot connect to cache_connection; check cache_plugin and cache_connection")


def test_a_directory_that_another_process_makes(cached: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's jsonfile fails where it loses that race; the lookup does not."""
    makedirs = os.makedirs

    def lose_the_race(path: str) -> None:
        monkeypatch.setattr(os, "makedirs", makedirs)
        makedirs(path)
        raise FileExistsError(path)

    monkeypatch.setattr(os, "makedirs", lose_the_race)
    assert look("a", **{**cached, "cache_connection": f"{cached['cache_connection']}/new"})


def test_bad_terms_and_bad_options_beside_a_cache(cached: Given) -> None:
    """They are refused as without it."""
    assert "it is empty" in refusal(**cached)
    assert "white space" in refusal("a b", **cached)
    for term in (["a"], {"a": 1}, 7, None):
        assert "is not a tag" in refusal(term, **cached)
    assert "plain http" in refusal("a", **{**cached, "api_url": "http://a.test/v1"})


# Forks as Ansible does: so many processes for each line of input, which all look up the same tag.
FILL = """
import os, sys
from ansible.plugins import loader
loader.init_plugin_loader()
lookup = loader.lookup_loader.get('mailops.smtpeter.tag_stats')
for line in sys.stdin:
    for _process in range(int(line)):
        pid = os.fork()
        if not pid:
            os.write(1, b'%d\\n' % lookup.run(['a'], variables={}, **eval(sys.argv[1]))[0]['messages'])
            os._exit(0)
        os.write(1, b'pid %d\\n' % pid)
"""


@pytest.fixture
def fillers() -> Iterator[Callable[[Given], subprocess.Popen[str]]]:
    """Start a process that forks."""
    started: list[subprocess.Popen[str]] = []

    def start(given: Given) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", FILL, repr(given)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_processes_that_miss_at_the_same_time(hostile: Serve, cached: Given, fillers: Any) -> None:
    """One of them asks, and all have the record."""

    def slowly(_target: str) -> Iterator[bytes]:
        time.sleep(0.5)
        yield answer(COUNTS)

    server = hostile(slowly)
    written, _errors = fillers({**cached, "api_url": server.url}).communicate("5\n", timeout=60)
    assert written.splitlines().count("1000") == 5
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_fills(hostile: Serve, cached: Given, fillers: Any) -> None:
    """The next one asks in its place, only that one, and no entry is damaged."""
    asked, killed = threading.Event(), threading.Event()

    def script(_target: str) -> Iterator[bytes]:
        if not asked.is_set():
            asked.set()
            killed.wait(30)
        time.sleep(0.3)
        yield answer(COUNTS)

    server = hostile(script)
    running = fillers({**cached, "api_url": server.url})
    running.stdin.write("1\n")
    first = int(running.stdout.readline().split()[1])
    assert asked.wait(30)
    running.stdin.write("3\n")
    for _process in range(3):
        assert running.stdout.readline().startswith("pid")
    time.sleep(0.3)
    os.kill(first, 9)
    killed.set()
    assert running.communicate(timeout=60)[0] == "1000\n" * 3
    assert len(server.requests) == 2
