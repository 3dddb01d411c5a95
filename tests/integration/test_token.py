"""Which token goes to which address, and that Ansible is told what to mask."""

import contextlib
import json
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import DEAD_PROXY, HERE, TOKEN
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, constantly, leaks

NAMES = {"info": "mailops.smtpeter.tag_stats_info", "gate": "mailops.smtpeter.campaign_gate"}
# Where a token and an address can be for a module or the gate on another host. In the controller's environment, the
# shell, are always both, and neither is ever read.
PLACES = ("shell", "host", "keyword", "option")


class Mix(NamedTuple):
    """What is in the host's environment, the keyword `environment` and the options: `url`, `token`, `both` or nothing.

    And from which place each of the two is used. Without one for the url, the default address is asked; without one for
    the token, nothing is.
    """

    host: str
    keyword: str
    option: str
    url: str
    token: str


MIXES = (
    Mix("", "", "", "", ""),
    Mix("", "both", "", "keyword", "keyword"),
    Mix("", "url", "", "", ""),
    Mix("", "token", "", "", "keyword"),
    Mix("both", "", "", "host", "host"),
    Mix("url", "", "", "", ""),
    Mix("token", "", "", "", "host"),
    Mix("token", "url", "", "keyword", "host"),
    Mix("both", "both", "", "keyword", "keyword"),
    Mix("", "", "both", "option", "option"),
    Mix("", "", "url", "", ""),
    Mix("", "", "token", "", "option"),
    Mix("url", "", "token", "host", "option"),
    Mix("both", "both", "both", "option", "option"),
)


def content(place, what, url):
    """What a place has: the names are those of options."""
    both = {"api_url": url, "api_token": f"token-of-the-{place}"}
    return {name: text for name, text in both.items() if what in (name[4:], "both")}


def variables(place, what, url):
    """The same as variables of an environment."""
    return {f"SMTPETER_{name.upper()}": text for name, text in content(place, what, url).items()}


def use(plugin, number, mix, urls):
    """A task with the plugin on another host, which must not ask the default address."""
    once = {"wait_timeout": 0, "max_consecutive_errors": 0} if plugin == "gate" else {}
    options = {"tags": [f"{plugin}-{number}"], "retries": 0, **once, **content("option", mix.option, urls["option"])}
    host = {**variables("host", mix.host, urls["host"]), **DEAD_PROXY}
    return {
        "name": f"{plugin} {number}",
        NAMES[plugin]: options,
        "environment": variables("keyword", mix.keyword, urls["keyword"]),
        "vars": {
            "ansible_connection": "another_host",
            "host_environment": " ".join(f"{name}={text}" for name, text in host.items()),
        },
    }


def test_which_token_goes_where(play):
    """Module and gate alike ask where the token belongs, or nothing; the controller's environment is not theirs."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for place in PLACES:
            servers[place] = stack.enter_context(contextlib.closing(Hostile(constantly(answer(COUNTS)))))
        urls = {place: server.url for place, server in servers.items()}
        tasks = [use(plugin, number, mix, urls) for number, mix in enumerate(MIXES) for plugin in NAMES]
        plays = [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]
        shell = variables("shell", "both", urls["shell"])
        env = {"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"), **shell}
        done = play(plays, env=env, timeout=600)
    asked = {}
    for place, server in servers.items():
        for target in map(urlsplit, server.targets):
            asked[target.path.rsplit("/", 1)[-1]] = (place, parse_qs(target.query)["access_token"][0])
    assert asked == {
        f"{plugin}-{number}": (mix.url, f"token-of-the-{mix.token}")
        for number, mix in enumerate(MIXES)
        for plugin in NAMES
        if mix.url and mix.token
    }
    for number, mix in enumerate(MIXES):
        info, gate = done.result(f"info {number}"), done.result(f"gate {number}")
        if not mix.token:
            assert "api_token" in info["msg"]
            assert "api_token" in gate["msg"]
            assert "verdict" not in gate
        elif not mix.url:
            # The default address is beyond a proxy that is not there.
            errors = [*info["errors"].values(), *gate["last_errors"].values()]
            assert [error["kind"] for error in errors] == ["connection"] * 2


# The token of each is in a variable of its own.
USES = {
    name: {"ansible.builtin.debug": {"msg": f"{{{{ lookup('mailops.smtpeter.tag_stats', 'a', {options}) }}}}"}}
    for name, options in (("lookup", "api_token=token_lookup"), ("cached", "api_token=token_cached, cache=true"))
}
USES["info"] = {NAMES["info"]: {"tags": ["a"], "api_token": "{{ token_info }}"}}
USES["gate"] = {NAMES["gate"]: {"tags": ["a"], "api_token": "{{ token_gate }}", "wait_timeout": 0, "fail_on": []}}


@pytest.mark.every_core
def test_ansible_knows_the_secret(play, ansible_core, tmp_path):
    """Since 2.22, ansible-core masks the user's own variable, too, once a plugin was given what it holds."""
    tokens = {f"token_{name}": f"{TOKEN}-{name}" for name in USES}
    (tmp_path / "variables.json").write_text(json.dumps(tokens), encoding="utf-8")
    show = {"name": "show", "ansible.builtin.debug": {"msg": [f"it is {{{{ {name} }}}}" for name in tokens]}}
    play_of = {"hosts": "localhost", "gather_facts": False}
    args = ["-e", "@variables.json"]
    with contextlib.closing(Hostile(constantly(answer(COUNTS)))) as service:
        env = {"SMTPETER_API_URL": service.url}
        # Then a record is in the cache.
        play([{**play_of, "tasks": [USES["cached"]]}], *args, env=env)
        done = play([{**play_of, "tasks": [*USES.values(), show]}], *args, env=env)
    masks = tuple(map(int, ansible_core.series.split("."))) >= (2, 22)
    assert done.stdout.count("it is ") == len(USES)
    assert [name for name, token in tokens.items() if (leaks(done.output, token) == []) is not masks] == []
