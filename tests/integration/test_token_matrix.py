"""The token's matrix, by real runs: each way in has a token of its own, so that a leak names its way.

A cell is a plugin, a way in and a way out. The token stays inside, but for UNAVOIDABLE.
"""

import contextlib
import http.client
import json
import re
import threading
from urllib.parse import parse_qs, quote, urlsplit

import psutil
import pytest
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, Hostile, answer, leaks, spellings
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes

GATES = ("gate", "outcome-gate")
MODULES = ("info", "outcomes", *GATES)
NAMES = {
    "lookup": "mailops.smtpeter.tag_stats",
    "info": "mailops.smtpeter.tag_stats_info",
    "outcomes": "mailops.smtpeter.tag_outcomes_info",
    **dict.fromkeys(GATES, "mailops.smtpeter.campaign_gate"),
}
# Modules read neither variables nor ansible.cfg, and a lookup has no task on a host.
WAYS_IN = {
    "lookup": ("option", "alias", "vault", "environment", "variable", "ini"),
    **dict.fromkeys(MODULES, ("option", "alias", "vault", "environment", "module_defaults", "keyword")),
}
# Where Ansible itself lets a module's token out, by way in and way out: the arguments are in the file that is sent, and
# the keyword `environment` is on the command line that starts the module.
UNAVOIDABLE = {
    *((way, "kept files") for way in ("option", "alias", "vault", "module_defaults")),
    *(("keyword", out) for out in ("output", "log", "processes")),
}
# The ways out that a plugin need not have: only a gate always warns.
OPTIONAL = {
    "lookup": {"warnings", "reports", "kept files"},
    "info": {"warnings", "reports", "cache"},
    "outcomes": {"warnings", "reports", "cache"},
    "gate": {"cache"},
    "outcome-gate": {"cache"},
}
# The others return by the same code.
ON_EVERY_CORE = [pytest.param(plugin, marks=pytest.mark.every_core) for plugin in ("lookup", "info", "gate")]
# What is done with each way in, and the tags that are asked for.
GOOD = ["good", "echoed"]
ALL = [*GOOD, "broken", "garbage", "number", "moved", "protocol"]
MODES = {"works": GOOD, "works from the cache": GOOD, "fails": ALL, "no_log": ALL}
FORMATS = ("markdown", "junit", "svg", "html")
PERSON = "jane.doe+news@example.com"
# How a receiver, or the service, may repeat an address.
REPEATED = (
    PERSON.upper(),
    f"<{PERSON}>",
    f'"Jane Doe" <{PERSON}>',
    quote(PERSON, safe=""),
    quote(quote(f"<{PERSON}>", safe=""), safe=""),
    PERSON.replace("@", "&#64;"),
    PERSON.replace("@", "\\u0040"),
    f"user {PERSON.partition('@')[0]} is unknown",
)
# What must never be seen of somebody; a word of four letters may stand in any file in Base64.
PRIVATE = re.compile(r"jane.{0,9}doe|doe.{0,9}news|7f3a-verp", re.IGNORECASE)


@pytest.fixture
def tokens(ansible_core, plugin):
    """A token for each way in, of this test alone, since the command lines of others are seen, too."""
    return {way: f's3cr&t/+%"<é>{way}-{plugin}-{ansible_core.series}-tok\\en' for way in WAYS_IN[plugin]}


@pytest.fixture
def sandbox(tmp_path, tokens):
    """The port of a sandbox below the test's directory, a process of its own that knows one of the tokens."""
    (tmp_path / "sandbox").mkdir()
    with sandboxes(tmp_path / "sandbox") as runner:
        yield runner.run(api_token=tokens["option"])["port"]


def events_of(words):
    """The events of messages that failed with these words, and with each way to repeat the recipient."""
    given = {"recipient": PERSON, "tags": ...}
    events = [attempt(0, number, **given) for number in range(len(REPEATED))]
    events += [
        failure(9, number, **given, description=f"{address} {words}", state=words, status=words)
        for number, address in enumerate(REPEATED)
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
        echo = " | ".join([*spellings(token).values(), *REPEATED]).encode()
        headers = [f"X-Echo: {token}", "X-No-Colon"]
        if tag == "good":
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._sandbox, timeout=10)) as sandbox:
                sandbox.request("GET", target)
                sandbox.getresponse().read()
            yield answer(events_of("nothing to echo") if is_events else COUNTS)
        elif only_events and not is_events:
            yield answer(COUNTS)
        elif tag == "echoed":
            yield answer(
                events_of(token) if is_events else {**COUNTS, "first": token, token: token}, "200 OK", *headers
            )
        elif tag == "garbage":
            yield answer(echo)
        elif tag == "number":
            yield answer({**COUNTS, "opens": token})
        elif tag == "moved":
            yield answer(echo, "302 Found", f"Location: https://elsewhere.test/?{token}")
        elif tag == "protocol":
            yield echo + b"\r\n\r\n"
            raise EOFError
        else:
            yield answer(echo, "500 Oops")


@contextlib.contextmanager
def sampled_commands():
    """Every command line of the machine meanwhile, looked for several times a second."""
    seen, over = set(), threading.Event()

    def work():
        while not over.wait(0.1):
            seen.update(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def prepare(directory, tokens):
    """Write what the user keeps: variables, one of them vaulted, its password, and a configuration with the token."""
    directory.mkdir()
    plain = {f"token_{way}": token for way, token in tokens.items() if way not in ("environment", "ini", "vault")}
    (directory / "variables.json").write_text(json.dumps(plain), encoding="utf-8")
    (directory / "password").write_text("a password of the test", encoding="utf-8")
    vault = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(b"a password of the test"))])
    sealed = vault.encrypt(tokens["vault"].encode()).decode().replace("\n", "\n  ")
    (directory / "vaulted.yml").write_text(f"token_vault: !vault |\n  {sealed}\n", encoding="utf-8")
    ini = f"[smtpeter]\napi_token = {tokens.get('ini', 'unread')}\n"
    (directory / "ansible.cfg").write_text(ini, encoding="utf-8")
    (directory / "empty.cfg").write_text("[defaults]\n", encoding="utf-8")


def modes_of(plugin, way):
    """What is done with a way in. A module that fails returns what it could read, so that one success is enough."""
    if plugin == "lookup":
        return list(MODES)
    return ["works", "fails", "no_log"] if way == "option" else ["fails", "no_log"]


def task(plugin, way, mode, url, directory):
    """One use of a plugin, with the token from one way in."""
    option = {"option": "api_token", "vault": "api_token", "alias": "access_token"}.get(way)
    token = "{{ token_" + way + " }}"
    made = {"name": f"{way} {mode}", "no_log": mode == "no_log"}
    options = {"api_url": url, "retries": 0}
    if plugin == "lookup":
        options.update(cache=True, cache_connection=str(directory / "cache"))
        given = "".join(f", {key}={value!r}" for key, value in options.items())
        given += f", {option}=token_{way}" if option and way != "vault" else ""
        made["ansible.builtin.debug"] = {"msg": f"{{{{ query('{NAMES[plugin]}', *{MODES[mode]}{given}) }}}}"}
        if way in ("variable", "vault"):
            made["vars"] = {"smtpeter_api_token": token}
        return made
    options["tags"] = MODES[mode]
    if plugin in GATES:
        options.update(wait_timeout=0, max_consecutive_errors=0)
    if plugin == "outcome-gate":
        # All mail of the tags that can be read failed, which the reasons tell. The counters of the others are fine.
        options.update(judge_by="outcomes", min_messages=1, fail_on=[] if mode == "works" else ["fail"])
        options["tags"] = [tag if tag in GOOD else f"{tag}-events" for tag in MODES[mode]]
    if way == "module_defaults":
        made["module_defaults"] = {"group/mailops.smtpeter.smtpeter": {"api_token": token}}
    elif way == "keyword":
        made["environment"] = {"SMTPETER_API_TOKEN": token}
    elif option:
        options[option] = token
    return {**made, NAMES[plugin]: options}


def playbook(plugin, ways, url, directory):
    """Each way in, with success, with failure and with `no_log`; then all results and reports are shown."""
    tasks = [task(plugin, way, mode, url, directory) for way in ways for mode in modes_of(plugin, way)]
    for number, each in enumerate(tasks):
        each["register"] = f"result_{number}"
    reports = [
        f"{{{{ {each['register']} | mailops.smtpeter.gate_report('{form}') }}}}"
        for each in tasks
        for form in FORMATS
        if plugin in GATES and each["name"].endswith("fails")
    ]
    results = {each["name"]: f"{{{{ {each['register']} }}}}" for each in tasks}
    tasks.append({"name": "show", "ansible.builtin.debug": {"msg": {"results": results, "reports": reports}}})
    return [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]


def under(value, key):
    """What results have under a key, at any depth, as text."""
    if isinstance(value, dict):
        here = [json.dumps(value[key], ensure_ascii=False)] if value.get(key) else []
        return here + [found for item in value.values() for found in under(item, key)]
    return [found for item in value for found in under(item, key)] if isinstance(value, list) else []


def contents(directory, without=()):
    """The names and contents of the files below a directory, less what `without` names there."""
    texts = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.relative_to(directory).parts[0] not in without:
            texts += [str(path), path.read_bytes().decode("utf-8", "replace")]
    return "\n".join(texts)


@pytest.mark.parametrize("plugin", [*ON_EVERY_CORE, "outcomes", "outcome-gate"])
def test_every_cell(play, ansible_core, sandbox, tokens, tmp_path, plugin):
    """The token is seen where Ansible cannot avoid it, which the matrix names; an address is seen nowhere."""
    service = Service(sandbox)
    given = tmp_path / "given"
    prepare(given, tokens)
    env = {
        "ANSIBLE_CALLBACKS_ENABLED": "task_results,one_line_too,junit",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        # By default, 2.21 no longer adds the arguments to results.
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_KEEP_REMOTE_FILES": "true",
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(given / "password"),
        "JUNIT_OUTPUT_DIR": str(tmp_path / "junit"),
        "ONE_LINE": str(tmp_path / "one-line.txt"),
    }
    with_token = {"ANSIBLE_CONFIG": str(given / "empty.cfg"), "SMTPETER_API_TOKEN": tokens["environment"]}
    # A token of the environment goes before that of the configuration.
    runs = [([way for way in tokens if way != "ini"], with_token)]
    if "ini" in tokens:
        runs.append((["ini"], {"ANSIBLE_CONFIG": str(given / "ansible.cfg")}))
    arguments = ["-vvvv", "-e", f"@{given / 'variables.json'}", "-e", f"@{given / 'vaulted.yml'}"]
    tasks, results, reports, stdout, stderr = [], {}, [], "", ""
    with contextlib.closing(service.server), sampled_commands() as commands:
        for ways, more in runs:
            book = playbook(plugin, ways, service.server.url, tmp_path)
            done = play(book, *arguments, env={**env, **more}, timeout=600)
            stdout, stderr = stdout + done.stdout, stderr + done.stderr
            tasks += done.tasks
            shown = done.result("show")["msg"]
            results.update(shown["results"])
            reports += shown["reports"]

    assert service.asked_with == set(tokens.values())
    ended = {entry["task"]: entry for entry in tasks}
    for way in tokens:
        for mode in modes_of(plugin, way):
            assert ended[f"{way} {mode}"]["status"] == ("ok" if "works" in mode else "failed"), (way, mode)
        assert "censored" in ended[f"{way} no_log"]["result"]
    assert re.search(r"\*{8}", json.dumps(ended["option fails"]["result"]))

    places = {
        "output": stdout + stderr,
        "log": (tmp_path / "ansible.log").read_text(encoding="utf-8"),
        "one line": (tmp_path / "one-line.txt").read_text(encoding="utf-8"),
        "JSON": json.dumps(tasks),
        "junit": contents(tmp_path / "junit"),
        "register": json.dumps({name: result for name, result in results.items() if not name.endswith("no_log")}),
        "no_log": json.dumps({name: result for name, result in results.items() if name.endswith("no_log")}),
        "exceptions": "\n".join(under([tasks, results], "exception")),
        "warnings": "\n".join([stderr, *under([tasks, results], "warnings")]),
        "cache": contents(tmp_path / "cache"),
        "reports": "\n".join(reports),
        "sandbox": contents(tmp_path / "sandbox"),
        "processes": "\n".join(commands),
        "kept files": contents(tmp_path / "remote"),
        "other files": contents(tmp_path, ("given", "remote", "ansible.log")),
    }
    # Before 2.19, no traceback is kept of a module that fails.
    optional = OPTIONAL[plugin] | ({"exceptions"} if ansible_core.series == "2.16" else set())
    assert {out for out in places if len(places[out]) < 100} <= optional
    leaking = {(way, out) for out, text in places.items() for way, token in tokens.items() if leaks(text, token)}
    assert [out for out, text in places.items() if PRIVATE.search(text)] == []
    assert leaking == (set() if plugin == "lookup" else UNAVOIDABLE)
