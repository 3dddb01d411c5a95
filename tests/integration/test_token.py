"""The token is in nothing that a real ansible-playbook prints, logs, returns or writes, whatever the service does."""

import json
import socket

import pytest
from ansible.plugins import loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# Before the collection is imported for the first time, as in the unit tests' conftest.
if AnsibleCollectionConfig.collection_finder is None:
    loader.init_plugin_loader()

from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    constantly,
    leaks,
    spellings,
)

TOKEN = 's3cr&t/+%"<é>tok\\en'
ECHO = " | ".join(spellings(TOKEN).values()).encode()

# What the service does, by tag, and the kind of error that comes of it; null for a success.
REPLIES = {
    "good": ([answer(COUNTS)], None),
    "odd-headers": ([answer(COUNTS, "200 OK", f"X-Echo: {TOKEN}", "X-No-Colon")], None),
    "unknown": ([answer(ECHO, "404 Not Found")], None),
    "gone": ([answer(ECHO, "410 Gone")], "refused"),
    "broken": ([answer(ECHO, "500 Oops")], "service"),
    "moved": ([answer(ECHO, "302 Found", f"Location: https://elsewhere.test/?{TOKEN}")], "answer"),
    "garbage": ([answer(ECHO)], "answer"),
    "odd-number": ([answer({**COUNTS, "opens": TOKEN})], "answer"),
    "too-large": ([answer(TOKEN.encode() * 60000)], "answer"),
    "not-http": ([ECHO + b"\r\n\r\n"], "connection"),
}


class Ways:
    """The hostile services, and the cases: an api_url, and the kind of error of each tag there, if any."""

    def __init__(self, directory):
        authority = Authority(directory)
        self.service = Hostile(self._reply)
        self.untrusted = Hostile(constantly(answer(COUNTS)), authority.context())
        self.plain = Hostile(constantly(answer(b"", "400 Bad Request")), impatient=True)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            gone = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        url = self.service.url
        kinds = {tag: kind for tag, (_reply, kind) in REPLIES.items()}
        # By api_url, and in one task of the module as far as the tags get along.
        self.cases = [
            (url, {**kinds, "cut": "connection", "silent": "timeout"}),
            (url, {"refused": "refused"}),
            (gone, {"a": "connection"}),
            (self.untrusted.url, {"a": "certificate"}),
            (self.plain.url.replace("http:", "https:"), {"a": "connection"}),
            (url, {"a b": "option"}),
            ("http://192.0.2.1/v1", {"a": "option"}),
        ]

    @staticmethod
    def _reply(target):
        tag = target.partition("?")[0].rsplit("/", 1)[-1]
        if tag == "cut":
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + ECHO
            raise EOFError
        if tag == "refused":
            yield answer(ECHO, "401 Unauthorized")
        yield from REPLIES.get(tag, ([], None))[0]
        if tag == "not-http":
            raise EOFError

    def close(self):
        """Stop the services."""
        for server in (self.service, self.untrusted, self.plain):
            server.close()


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """The services, for all tests of this file."""
    started = Ways(tmp_path_factory.mktemp("authority"))
    yield started
    started.close()


def looking(name, given):
    """A task that shows what the lookup gives."""
    return {"name": name, "ansible.builtin.debug": {"msg": "{{ lookup('mailops.smtpeter.tag_stats', " + given + ") }}"}}


def playbook(cases):
    """Read every case with the module and with the lookup, show what came, and write it to a file."""
    tasks = []
    for number, (url, tags) in enumerate(cases):
        given = {"tags": list(tags), "api_url": url, "timeout": 1, "retries": 1, "api_token": "{{ token }}"}
        task = {"name": f"module {number}", "mailops.smtpeter.tag_stats_info": given, "register": f"module_{number}"}
        tasks.append(task)
        for tag in tags:
            given_here = f"'{tag}', api_url='{url}', timeout=1, retries=0, api_token=token"
            tasks.append({**looking(f"lookup {number} {tag}", given_here), "register": f"seen_{len(tasks)}"})
    for number, term in enumerate(["token", "token ~ ' x'", "[token]"]):
        tasks.append(looking(f"lookup of the token {number}", f"{term}, api_token=token"))
    shown = {task["register"]: "{{ " + task["register"] + " }}" for task in tasks if "register" in task}
    tasks.append({"name": "show", "ansible.builtin.debug": {"msg": shown}, "register": "shown"})
    copy = {"content": "{{ shown | to_nice_json }}", "dest": "{{ playbook_dir }}/results.json", "mode": "0600"}
    tasks.append({"name": "write", "ansible.builtin.copy": copy})
    return [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]


def test_the_token_gets_nowhere(play, ways, tmp_path):
    """With `-vvvv` and a log, on success and on every kind of error, by module and lookup, no spelling of it shows."""
    log = tmp_path / "ansible.log"
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"token": TOKEN}), encoding="utf-8")
    env = {"ANSIBLE_LOG_PATH": str(log)}
    done = play(playbook(ways.cases), "-vvvv", "-e", f"@{variables}", env=env, timeout=120)

    ended = {entry["task"]: entry for entry in done.tasks}
    for number, (_url, tags) in enumerate(ways.cases):
        module = ended[f"module {number}"]
        expected = {tag: kind for tag, kind in tags.items() if kind not in (None, "option")}
        errors = module["result"].get("errors", {})
        assert {tag: error["kind"] for tag, error in errors.items()} == expected
        assert (module["status"] == "failed") is any(tags.values())
        for tag, kind in tags.items():
            assert (ended[f"lookup {number} {tag}"]["status"] == "failed") is (kind is not None), (number, tag)
    assert [ended[f"lookup of the token {number}"]["status"] for number in range(3)] == ["failed"] * 3
    assert "****" in ended["module 0"]["result"]["errors"]["garbage"]["msg"]

    written = (tmp_path / "results.json").read_text(encoding="utf-8")
    places = {"stdout": done.stdout, "stderr": done.stderr, "log": log.read_text(encoding="utf-8"), "file": written}
    places["results"] = json.dumps(done.tasks)
    assert leaks(json.dumps(TOKEN), TOKEN) == ["JSON"]
    assert all(len(text) > 1000 for place, text in places.items() if place != "stderr")
    assert {place: leaks(text, TOKEN) for place, text in places.items()} == {place: [] for place in places}


USES = {
    "lookup": {"ansible.builtin.debug": {"msg": "{{ lookup('mailops.smtpeter.tag_stats', 'good', api_token=token) }}"}},
    "cached lookup": {
        "ansible.builtin.debug": {
            "msg": "{{ lookup('mailops.smtpeter.tag_stats', 'good', api_token=token, cache=true) }}"
        }
    },
    "module": {"mailops.smtpeter.tag_stats_info": {"tags": ["good"], "api_token": "{{ token }}"}},
    "gate": {
        "mailops.smtpeter.campaign_gate": {
            "tags": ["good"],
            "api_token": "{{ token }}",
            "wait_timeout": 0,
            "fail_on": [],
        }
    },
}


@pytest.mark.every_core
@pytest.mark.parametrize("use", USES)
def test_ansible_knows_the_secret(play, ansible_core, ways, tmp_path, use):
    """Since 2.22, ansible-core masks the user's own variable, too, once a plugin was given what it holds."""
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"token": TOKEN}), encoding="utf-8")
    show = {"name": "show", "ansible.builtin.debug": {"msg": "the token is {{ token }}"}}
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [USES[use], show]}]
    env = {"SMTPETER_API_URL": ways.service.url, "ANSIBLE_INVENTORY_CACHE_CONNECTION": str(tmp_path / "cache")}
    for _time in range(2 if use == "cached lookup" else 1):
        done = play(plays, "-e", f"@{variables}", env=env)
    masked = tuple(map(int, ansible_core.series.split("."))) >= (2, 22)
    assert "the token is " in done.stdout
    assert (leaks(done.output, TOKEN) == []) is masked
