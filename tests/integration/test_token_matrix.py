"""Every cell of the token's matrix, by real runs: each way in has a token of its own, so that a leak names its way."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from ansible_collections.mailops.smtpeter.tests.integration import token_matrix as matrix
from ansible_collections.mailops.smtpeter.tests.integration.conftest import environment
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks, spellings

NAMES = {
    "lookup": "mailops.smtpeter.tag_stats",
    "info": "mailops.smtpeter.tag_stats_info",
    "outcomes": "mailops.smtpeter.tag_outcomes_info",
    "gate": "mailops.smtpeter.campaign_gate",
    "outcome-gate": "mailops.smtpeter.campaign_gate",
}
# What is done with each way in, and the tags that are asked for.
MODES = {"works": ["good", "echoed"], "fails": ["broken", "garbage"], "no_log": ["broken"]}
# The counters of these are fine.
ONLY_EVENTS = {"broken": "broken-events", "garbage": "garbage-events"}
FORMATS = ("markdown", "junit", "svg", "html")
SANDBOX = """
import json, sys
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import control
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
if sys.argv[1] == "start":
    settings = parse_settings({"api_token": sys.stdin.read(), "idle_timeout": 300})
    print(control.start_sandbox("token", settings).port)
else:
    control.stop_sandbox("token")
"""


@pytest.fixture
def tokens(ansible_core, plugin):
    """A token for each way in, of this test alone, since the command lines of others are seen, too."""
    return {way: f's3cr&t/+%"<é>{way}-{plugin}-{ansible_core.series}-tok\\en' for way in matrix.WAYS_IN}


PERSON = "jane.doe+news@example.com"
# How a receiver, or the service, may repeat an address.
WAYS = (
    lambda address: address.upper(),
    lambda address: f"<{address}>",
    lambda address: f'"Jane Doe" <{address}>',
    lambda address: quote(address, safe=""),
    lambda address: quote(quote(f"<{address}>", safe=""), safe=""),
    lambda address: address.replace("@", "&#64;"),
    lambda address: address.replace("@", "\\u0040"),
    lambda address: f"user {address.partition('@')[0]} is unknown",
)
# What must never be seen of somebody; a word of four letters may stand in any file in Base64.
PRIVATE = re.compile(r"jane.{0,9}doe|doe.{0,9}news|7f3a-verp", re.IGNORECASE)


def events_of(words):
    """The events of messages that failed with these words, and with each way to repeat the recipient."""
    given = {"recipient": PERSON, "tags": ...}
    events = [attempt(0, number, **given) for number in range(len(WAYS))]
    events += [
        failure(9, number, **given, description=f"{way(PERSON)} {words}", state=words, status=words)
        for number, way in enumerate(WAYS)
    ]
    return body(*events)


class Service:
    """Says the token that it was given in every spelling, and passes on to a sandbox what it is asked for."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self.asked_with = set()
        self.server = Hostile(self._reply)

    def _reply(self, target):
        parts = urlsplit(target)
        token = parse_qs(parts.query)["access_token"][0]
        self.asked_with.add(token)
        tag, _dash, only_events = parts.path.rsplit("/", 1)[-1].partition("-")
        is_events = "/events/" in parts.path
        echo = " | ".join([*spellings(token).values(), *(way(PERSON) for way in WAYS)]).encode()
        if tag == "good":
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._sandbox, timeout=10)) as sandbox:
                sandbox.request("GET", target)
                sandbox.getresponse().read()
            yield answer(events_of("nothing to echo") if is_events else COUNTS)
        elif only_events and not is_events:
            yield answer(COUNTS)
        elif tag == "echoed" and is_events:
            yield answer(events_of(token), "200 OK", f"X-Echo: {token}", "X-No-Colon")
        elif tag == "echoed":
            yield answer({**COUNTS, "first": token, token: token}, "200 OK", f"X-Echo: {token}", "X-No-Colon")
        elif tag == "garbage":
            yield answer(echo)
        else:
            yield answer(echo, "500 Oops")


class Sampler:
    """Keeps every command line of the machine, several times a second."""

    def __init__(self):
        self.seen = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._over.set()
        self._thread.join()

    def _work(self):
        while not self._over.wait(0.05):
            for name in os.listdir("/proc"):
                if name.isdigit():
                    with contextlib.suppress(OSError):
                        self.seen.add(pathlib.Path("/proc", name, "cmdline").read_bytes())

    @property
    def text(self):
        """All of them."""
        return "\n".join(line.replace(b"\0", b" ").decode("utf-8", "replace") for line in self.seen)


@pytest.fixture
def sandbox(tmp_path, tokens):
    """The port of a sandbox below the test's directory, a process of its own that knows one of the tokens."""
    (tmp_path / "sandbox").mkdir()
    env = {**os.environ, "TMPDIR": str(tmp_path / "sandbox")}

    def control(what):
        done = subprocess.run(
            [sys.executable, "-c", SANDBOX, what],
            env=env, input=tokens["option"], capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        return done.stdout

    yield int(control("start"))
    control("stop")


def prepare(directory, plugin, tokens):
    """Write what the user keeps: variables, a vaulted one, its password, and the configuration."""
    from ansible.constants import DEFAULT_VAULT_ID_MATCH
    from ansible.parsing.vault import VaultLib, VaultSecret

    given = directory / "given"
    given.mkdir()
    plain = {f"token_{way}": token for way, token in tokens.items() if way not in ("environment", "ini", "vault")}
    (given / "variables.json").write_text(json.dumps(plain), encoding="utf-8")
    (given / "password").write_text("a password of the test", encoding="utf-8")
    vault = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(b"a password of the test"))])
    sealed = vault.encrypt(tokens["vault"].encode()).decode()
    indented = "".join(f"  {line}\n" for line in sealed.splitlines())
    (given / "vaulted.yml").write_text(f"token_vault: !vault |\n{indented}", encoding="utf-8")
    ini = f"[smtpeter]\napi_token = {tokens['ini']}\n" if plugin == "lookup" else ""
    (given / "ansible.cfg").write_text("[defaults]\n" + ini, encoding="utf-8")
    (given / "empty.cfg").write_text("[defaults]\n", encoding="utf-8")
    return {path.name: path for path in given.iterdir()}


def task(plugin, way, mode, url, directory):
    """One use of a plugin, with the token from one way in."""
    given = {"option": "api_token", "vault": "api_token", "alias": "access_token"}.get(way)
    token = "{{ token_" + way + " }}"
    name = f"{way} {mode.split(',', maxsplit=1)[0]}"
    made = {"name": f"{name}{mode.partition(',')[2]}", "no_log": mode == "no_log"}
    tags = MODES[mode.split(",", maxsplit=1)[0]]
    if plugin == "lookup":
        wanted = {"api_url": url, "retries": 0, "cache": True, "cache_connection": str(directory / "cache")}
        options = "".join(f", {key}={value!r}" for key, value in wanted.items())
        options += f", {given}=token_{way}" if given and way != "vault" else ""
        made["ansible.builtin.debug"] = {"msg": "{{ query('" + NAMES[plugin] + f"', *{tags}{options})" + " }}"}
        if way in ("variable", "vault"):
            made["vars"] = {"smtpeter_api_token": token}
        return made
    options = {"tags": tags, "api_url": url, "retries": 0}
    if plugin in matrix.GATES:
        options.update(wait_timeout=0, max_consecutive_errors=0)
    if plugin == "outcome-gate":
        # All mail of the tags that can be read failed, which the reasons tell.
        options.update(judge_by="outcomes", min_messages=1, fail_on=["error"])
        options["tags"] = [ONLY_EVENTS.get(tag, tag) for tag in tags]
    if way == "module_defaults":
        made["module_defaults"] = {"group/mailops.smtpeter.smtpeter": {"api_token": token}}
    elif way == "keyword":
        made["environment"] = {"SMTPETER_API_TOKEN": token}
    elif given:
        options[given] = token
    return {**made, NAMES[plugin]: options}


def playbook(plugin, ways, url, directory):
    """Each way in, with success, with failure and with `no_log`; then all that is registered is shown and written."""
    modes = [*MODES, "works, from the cache"] if plugin == "lookup" else [*MODES]
    tasks = [task(plugin, way, mode, url, directory) for way in ways for mode in modes]
    for number, each in enumerate(tasks):
        each["register"] = f"result_{number}"
    registered = {each["name"]: "{{ " + each["register"] + " }}" for each in tasks}
    shown = {"name": "show", "ansible.builtin.debug": {"msg": registered}, "register": "shown"}
    files = {"registered.json": "{{ shown.msg | to_nice_json }}"}
    if plugin in matrix.GATES:
        reports = [
            f"{{{{ {each['register']} | mailops.smtpeter.gate_report('{form}') }}}}"
            for each in tasks
            for form in FORMATS
        ]
        files["reports.txt"] = "\n".join(reports)
    for name, content in files.items():
        copy = {"content": content, "dest": f"{directory}/{name}", "mode": "0600"}
        tasks.append({"name": f"write {name}", "ansible.builtin.copy": copy})
    tasks.insert(len(tasks) - len(files), shown)
    return [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]


def exceptions(value, key):
    """What results have under a key, at any depth, as text."""
    if isinstance(value, dict):
        here = [json.dumps(value[key], ensure_ascii=False)] if value.get(key) else []
        return here + [found for item in value.values() for found in exceptions(item, key)]
    return [found for item in value for found in exceptions(item, key)] if isinstance(value, list) else []


def contents(directory, without=()):
    """The names and contents of the files below a directory, less what `without` names there."""
    texts = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.relative_to(directory).parts[0] not in without:
            texts += [str(path), path.read_bytes().decode("utf-8", "replace")]
    return "\n".join(texts)


@pytest.mark.every_core
@pytest.mark.parametrize("plugin", matrix.PLUGINS)
def test_every_cell(play, ansible_core, sandbox, tokens, tmp_path, plugin):
    """The token is seen where Ansible cannot avoid it, which the matrix names; an address is seen nowhere."""
    version = tuple(map(int, ansible_core.series.split(".")))
    service = Service(sandbox)
    given = prepare(tmp_path, plugin, tokens)
    output = {"stdout": "", "stderr": "", "one line": ""}
    tasks = []
    registered = {}
    # Where the environment has a token, it comes before the configuration.
    runs = {"environment": ["environment"], "rest": [way for way in matrix.ways_in(plugin) if way != "environment"]}
    with contextlib.closing(service.server), Sampler() as processes:
        for run, ways in runs.items():
            env = {
                "ANSIBLE_CALLBACKS_ENABLED": "task_results,one_line_too,junit",
                "ANSIBLE_CONFIG": str(given["empty.cfg" if run == "environment" else "ansible.cfg"]),
                "ANSIBLE_DISPLAY_TRACEBACK": "always",
                "ANSIBLE_KEEP_REMOTE_FILES": "true",
                "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
                "ANSIBLE_VAULT_PASSWORD_FILE": str(given["password"]),
                "JUNIT_OUTPUT_DIR": str(tmp_path / "junit"),
                "ONE_LINE": str(tmp_path / "one-line.txt"),
                **({"SMTPETER_API_TOKEN": tokens["environment"]} if run == "environment" else {}),
            }
            variables = ["-e", f"@{given['variables.json']}", "-e", f"@{given['vaulted.yml']}"]
            book = playbook(plugin, ways, service.server.url, tmp_path)
            done = play(book, "-vvvv", *variables, env=env)
            output["stdout"] += done.stdout
            output["stderr"] += done.stderr
            tasks += done.tasks
            registered.update(json.loads((tmp_path / "registered.json").read_text(encoding="utf-8")))
            if plugin in matrix.GATES:
                (tmp_path / "reports").mkdir(exist_ok=True)
                (tmp_path / "reports.txt").rename(tmp_path / "reports" / run)
        output["one line"] = one_line(plugin, service.server.url, ansible_core.python, tmp_path, env, variables)

    assert service.asked_with == {tokens[way] for way in matrix.ways_in(plugin)}
    ended = {entry["task"]: entry for entry in tasks}
    for way in matrix.ways_in(plugin):
        states = [ended[f"{way} {mode}"]["status"] for mode in MODES]
        assert states == ["ok", "failed", "failed"], way
        assert "censored" in ended[f"{way} no_log"]["result"]
    assert re.search(r"\*{8}", json.dumps(ended["option fails"]["result"]))

    hidden = {name: result for name, result in registered.items() if name.endswith("no_log")}
    places = {
        "output": output["stdout"] + output["stderr"],
        "log": (tmp_path / "ansible.log").read_text(encoding="utf-8"),
        "one line": (tmp_path / "one-line.txt").read_text(encoding="utf-8") + output["one line"],
        "JSON": json.dumps(tasks) + contents(tmp_path / "tree"),
        "junit": contents(tmp_path / "junit"),
        "register": json.dumps({name: result for name, result in registered.items() if name not in hidden}),
        "no_log": json.dumps(hidden),
        "exceptions": "\n".join(exceptions([tasks, registered], "exception")),
        "warnings": "\n".join([output["stderr"], *exceptions([tasks, registered], "warnings")]),
        "cache": contents(tmp_path / "cache"),
        "reports": contents(tmp_path / "reports"),
        "sandbox": contents(tmp_path / "sandbox"),
        "processes": processes.text,
        "kept files": contents(tmp_path / "remote"),
        "other files": contents(tmp_path, ("given", "remote", "ansible.log")),
    }
    assert list(places) == list(matrix.WAYS_OUT)
    # Only a gate always warns, and older ones keep no traceback of a module that fails.
    optional = {"warnings" if plugin not in matrix.GATES else "", "exceptions" if version < (2, 19) else ""}
    assert {out for out in matrix.ways_out(plugin) if len(places[out]) < 100} <= optional
    leaking = {(way, out) for out, text in places.items() for way, token in tokens.items() if leaks(text, token)}
    assert [out for out, text in places.items() if PRIVATE.search(text)] == []
    assert leaking == {(way, out) for seen, way, out in matrix.UNAVOIDABLE if seen == plugin}


def one_line(plugin, url, python, directory, env, variables):
    """What `ansible -o` prints of a use that fails; its results go to the directory `tree`, too."""
    made = task(plugin, "option", "fails", url, directory)
    env = {**environment(directory), **env}
    del env["ANSIBLE_CALLBACKS_ENABLED"]
    module = "ansible.builtin.debug" if plugin == "lookup" else NAMES[plugin]
    done = subprocess.run(
        [
            python, "-m", "ansible", "adhoc", "localhost", "-o", "-t", str(directory / "tree"), "-m", module,
            "-a", json.dumps(made[module]), *variables,
        ],
        env=env, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "localhost | FAILED! => {" in done.stdout
    return done.stdout + done.stderr
