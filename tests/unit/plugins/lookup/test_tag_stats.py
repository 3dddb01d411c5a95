"""The lookup: a record for each term, options from everywhere they are documented to come from, and clear refusals."""

import datetime
import json
import os
import re
import subprocess
import sys
import traceback

import pytest
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly, leaks

TOKEN = 's3cr&t/+%"<é>tok\\en'
NOWHERE = "https://127.0.0.1:9/v1"


def look(*terms, variables=None, **given):
    """Run the lookup as Ansible's template engine does."""
    plugin = lookup_loader.get("mailops.smtpeter.tag_stats", templar=Templar(DataLoader(), variables=variables))
    return plugin.run(list(terms), variables=variables or {}, **given)


def refusal(*terms, **given):
    """The text that the lookup ends with, which begins with its name and shows no token anywhere."""
    with pytest.raises(AnsibleLookupError) as caught:
        look(*terms, **{"api_token": TOKEN, **given})
    assert str(caught.value).startswith("mailops.smtpeter.tag_stats: ")
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, None))
    assert leaks(shown, TOKEN) == []
    return str(caught.value)


def long_names_open_more(target):
    """Answer with a number of opens that tells the tag, and with a date."""
    tag = target.partition("?")[0].rpartition("/")[2]
    return [answer({**COUNTS, "opens": len(tag)}, "200 OK", "Date: Thu, 01 Jan 2026 00:00:00 GMT")]


@pytest.fixture
def service(hostile):
    """A service with the same counters for every tag."""
    return hostile(constantly(answer(COUNTS)))


@pytest.fixture
def cached(service, tmp_path):
    """The options that lead to the service, with a cache of the test's own."""
    cache = {"cache": True, "cache_connection": str(tmp_path / "cache")}
    return {"api_token": TOKEN, "api_url": service.url, **cache}


def test_where_options_come_from(hostile, monkeypatch):
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


def test_every_option_arrives(hostile):
    """Endpoint, retries and missing do what they say."""
    server = hostile(constantly(answer(b"", "404 Not Found")))
    assert look("a", api_token=TOKEN, api_url=server.url, endpoint="tag")[0]["known"] is False
    assert server.targets[0].startswith("/v1/tag/a?")
    assert "spelling" in refusal("a", api_url=server.url, missing="error")
    broken = hostile(constantly(answer(b"", "500 Oops", "Retry-After: 0")))
    assert "(2 attempts)" in refusal("a", api_url=broken.url, retries="1")
    assert len(broken.requests) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_token": None}, "api_token.*SMTPETER_API_TOKEN"), ({"api_token": ""}, "api_token.*SMTPETER_API_TOKEN"),
        ({"api_url": "http://a.test/v1"}, "api_url: plain http"), ({"ca_path": "/no/such/file"}, "ca_path"),
        ({"endpoint": "send"}, "endpoint"), ({"missing": "ignore"}, "missing"), ({"parallel": 0}, "parallel"),
        ({"parallel": "many"}, "parallel"), ({"timeout": -1}, "timeout"), ({"retries": 101}, "retries"),
        ({"token": "x"}, "token: there is no such option; give one of api_token, api_url, .*, validate_certs"),
        ({"_terms": "x"}, "_terms: there is no such option"),
        ({"cache": True, "cache_plugin": "ansible.builtin.memory"}, "cache_plugin: .*do not share.*jsonfile"),
        ({"cache": True, "cache_plugin": "no.such.plugin"}, "cache_plugin: .*'no.such.plugin'; check"),
        ({"cache": True, "cache_connection": "/dev/null/x"}, "check cache_plugin and cache_connection"),
        ({"cache": True, "cache_timeout": -1}, "cache_timeout: -1 is negative"),
        ({"cache": True, "api_url": "http://a.test/v1"}, "api_url: plain http"),
    ],
)  # fmt: skip
def test_options_that_cannot_work(registered, given, said):
    """Each is an error that names it, whether Ansible or the collection refuses it, and the token is registered."""
    assert re.search(said, refusal("a", **{"api_url": NOWHERE, **given}), re.DOTALL)
    assert TOKEN in registered or "api_token" in given


@pytest.mark.parametrize(
    "terms",
    [
        [], [""], ["a", ".."], [TOKEN], [f"a {TOKEN}"], [[TOKEN]], [{"token": TOKEN}], [f"{TOKEN},"], [f"[{TOKEN}]"],
        # 007 and 7 are different tags but may be the same number.
        ["a", 7], [None], [True], [["a"]], [b"a"], [datetime.date(2026, 11, 26)],
    ],
    ids=repr,
)  # fmt: skip
def test_terms_that_are_refused(cached, terms):
    """What cannot be a tag is refused before anything is sent, beside a cache too, and none of it shows the token."""
    for given in ({}, cached):
        assert "tags: " in refusal(*terms, **{**given, "api_url": NOWHERE, "retries": 0})


@pytest.mark.parametrize("cache", [False, True])
def test_text_that_names_several_tags(cached, cache):
    """It is read as the module reads its tags, also where the cache has a tag of such a name."""
    cached["cache"] = cache
    look('["wave-1,wave-2"]', **cached)
    for _time in range(2):
        assert [record["tag"] for record in look("wave-1,wave-2", **cached)] == ["wave-1", "wave-2"]
        records = look("a", "b, c", "a", '["wave-1", "wave,2"]', **cached)
        assert [record["tag"] for record in records] == ["a", "b", "c", "a", "wave-1", "wave,2"]


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized"])
def test_an_echo_of_the_token_is_not_shown(hostile, status):
    """On versions of Ansible that mask nothing for lookups, the text is silent by itself."""
    server = hostile(constantly(answer(f"{TOKEN} is bad".encode(), status)))
    assert "is bad" in refusal("a", api_url=server.url, retries=0)


def test_a_library_that_is_missing(monkeypatch):
    """The user learns which, how to install it, and where."""
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    text = refusal("a")
    assert how_to_install("requests") in text
    assert sys.executable in text


def test_hits_and_misses(hostile, cached):
    """Records come in the order of the terms, repeated ones repeated, though each tag is asked for once.

    From the cache a record is the same, its age included. Without cache=true each lookup asks, whatever else is said of
    the cache. After each lookup the service sees the end of each connection.
    """
    server = hostile(long_names_open_more)
    cached["api_url"] = server.url
    # An ansible-core before 2.19 passes `wantlist` to a lookup in `with_`.
    records = look("bb", "a", "bb", "ccc", **{**cached, "cache": False}, wantlist=True)
    assert [(record["tag"], record["opens"]) for record in records] == [("bb", 2), ("a", 1), ("bb", 2), ("ccc", 3)]
    assert type(records[0]) is dict
    assert len(server.requests) == 3
    assert not os.path.exists(cached["cache_connection"])
    first = look("a", "bb", **cached)
    assert len(server.requests) == 5
    assert look("bb", "a", "bb", **cached) == [first[1], first[0], first[1]]
    assert [record["opens"] for record in look("ccc", "a", "dddd", **cached)] == [3, 1, 4]
    assert len(server.requests) == 7
    assert first[0]["fetched_at"] == "2026-01-01T00:00:00Z"
    for thread in server.threads[1:]:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("source", ["api_token", "access_token", "smtpeter_api_token"])
def test_a_hit_registers_the_token(service, cached, registered, source):
    """Where Ansible can be told of secrets, it masks the token afterwards, also after a record from the cache."""
    look("a", **cached)
    registered.clear()
    token = {source: cached.pop("api_token")}
    look("a", **cached, **({"variables": token} if source.startswith("smtpeter") else token))
    assert set(registered) == {TOKEN}
    assert len(service.requests) == 1


def test_an_unknown_tag_from_the_cache(hostile, cached):
    """It is a record or an error as the lookup wants it, and asked for once, and so are the recent tags."""
    recent = answer(json.dumps([{**COUNTS, "tag": "wave-1"}]).encode())
    server = hostile(lambda target: [recent if "/stats?" in target else answer(b"", "404 Not Found")])
    cached["api_url"] = server.url
    meant = "did you mean 'wave-1'?"
    assert look("wave1", **cached)[0]["notes"][1:] == [meant]
    assert meant in refusal("wave1", missing="error", **cached)
    assert look("wave1", **cached)[0]["known"] is False
    assert len(server.requests) == 2


def test_recent_tags(hostile, cached):
    """One record for each of the most recently active tags, in the order of the service; never from the cache.

    There are either terms or recent, whatever is cached, and an error of the service is one here.
    """
    recent = [{**COUNTS, "tag": "wave-2", "messages": 2000}, {**COUNTS, "tag": "wave-1"}]
    server = hostile(constantly(answer(json.dumps(recent).encode())))
    look("a", **cached)
    for cache in (False, True, True):
        records = look(recent=True, **{**cached, "api_url": server.url, "cache": cache})
        assert [(record["tag"], record["messages"]) for record in records] == [("wave-2", 2000), ("wave-1", 1000)]
    assert len(server.requests) == 3
    assert server.targets[0].startswith("/v1/stats?access_token=")
    assert "recent: it reads the most recently active tags" in refusal("a", recent=True, **cached)
    broken = hostile(constantly(answer(b"no", "410 Gone")))
    assert "recent tags: " in refusal(api_url=broken.url, recent=True)


def test_a_hit_asks_for_nothing(service, cached):
    """It imports nothing that asks a service, opens no connection, and works when the service is gone."""
    look("a", **cached)
    service.close()
    code = """
import sys
from ansible.plugins import loader
loader.init_plugin_loader()
print(loader.lookup_loader.get('mailops.smtpeter.tag_stats').run(['a'], {}, **eval(sys.argv[1]))[0]['messages'])
ours = [name.rpartition('.')[2] for name in sys.modules if name.startswith('ansible_collections.mailops.smtpeter')]
print([name for name in ('requests', 'urllib3', 'http.client') if name in sys.modules])
print([name for name in ours if name.startswith('_') and name not in ('_connection', '_cache')])
"""
    command = [sys.executable, "-c", code, repr(cached)]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout == "1000\n[]\n[]\n"


def test_the_connection_of_a_cache_is_not_shown(cached, monkeypatch):
    """It may hold a password; the text names the options instead."""

    def refuse(_name, **options):
        raise AnsibleError(f"cannot connect to {options['_uri']}.")

    monkeypatch.setattr("ansible.plugins.loader.cache_loader.get", refuse)
    text = refusal("a", **{**cached, "cache_plugin": "some.redis", "cache_connection": "127.0.0.1:1:0:a-password"})
    assert text.endswith("cannot connect to cache_connection; check cache_plugin and cache_connection")


def test_a_directory_that_another_process_makes(cached, monkeypatch):
    """Ansible's jsonfile fails where it loses that race; the lookup does not."""
    makedirs = os.makedirs

    def lose_the_race(path):
        monkeypatch.setattr(os, "makedirs", makedirs)
        makedirs(path)
        raise FileExistsError(path)

    monkeypatch.setattr(os, "makedirs", lose_the_race)
    assert look("a", **{**cached, "cache_connection": f"{cached['cache_connection']}/new"})
