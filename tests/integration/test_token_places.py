"""A token goes to no address that comes from a place that is not the task's, on every ansible-core."""

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import HERE
from ansible_collections.mailops.smtpeter.tests.integration.token_matrix import MIXES, PLACES
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, constantly

NAMES = {"info": "mailops.smtpeter.tag_stats_info", "gate": "mailops.smtpeter.campaign_gate"}
# The default address must not be asked by tests.
NO_WAY_OUT = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}


def content(mix, place, url):
    """What a place has: the names are those of options."""
    both = {"url": url, "token": f"token-of-the-{place}"}
    what = mix.given.get(place)
    return {f"api_{name}": text for name, text in both.items() if what in (name, "both")}


def variables(given):
    """The same as variables of an environment."""
    return {f"SMTPETER_{name.upper()}": text for name, text in given.items()}


def task(number, plugin, urls):
    """One use of a plugin on another host."""
    mix = MIXES[number]
    once = {"wait_timeout": 0, "max_consecutive_errors": 0} if plugin == "gate" else {}
    options = {"tags": [f"{plugin}-{number}"], "retries": 0, **once, **content(mix, "option", urls["option"])}
    host = {**variables(content(mix, "host", urls["host"])), **NO_WAY_OUT}
    return {
        "name": f"{plugin} {number}",
        NAMES[plugin]: options,
        "environment": variables(content(mix, "keyword", urls["keyword"])),
        "vars": {
            "ansible_connection": "another_host",
            "host_environment": " ".join(f"{name}={text}" for name, text in host.items()),
        },
    }


@pytest.mark.every_core
@pytest.mark.parametrize("shell", ["", "url", "token", "both"])
def test_which_token_goes_where(play, shell):
    """Module and gate alike ask what the page says, with the token that it says, or nothing."""
    numbers = [number for number, mix in enumerate(MIXES) if mix.given.get("shell", "") == shell]
    with contextlib.ExitStack() as stack:
        servers = {place: Hostile(constantly(answer(COUNTS))) for place in PLACES}
        for server in servers.values():
            stack.callback(server.close)
        urls = {place: server.url for place, server in servers.items()}
        tasks = [task(number, plugin, urls) for number in numbers for plugin in NAMES]
        plays = [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]
        env = {"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection")}
        done = play(plays, env={**env, **variables(content(MIXES[numbers[0]], "shell", urls["shell"]))})
    asked = {}
    for place, server in servers.items():
        for target in server.targets:
            parts = urlsplit(target)
            asked[parts.path.rsplit("/", 1)[-1]] = (place, parse_qs(parts.query)["access_token"][0])
    expected = {
        f"{plugin}-{number}": (MIXES[number].url, f"token-of-the-{MIXES[number].token}")
        for number in numbers
        for plugin in NAMES
        if MIXES[number].url and MIXES[number].token
    }
    assert asked == expected
    for number in numbers:
        if not MIXES[number].token:
            assert all("api_token" in done.result(f"{plugin} {number}")["msg"] for plugin in NAMES)
            assert "verdict" not in done.result(f"gate {number}")
        elif not MIXES[number].url:
            # The default address is beyond a proxy that is not there.
            errors = done.result(f"info {number}")["errors"], done.result(f"gate {number}")["last_errors"]
            assert [error["kind"] for error in (each for by_tag in errors for each in by_tag.values())] == [
                "connection"
            ] * 2
