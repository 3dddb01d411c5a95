"""What the documentation prints works as printed: each plugin's EXAMPLES, the README's commands, the pages in docs.

The collection is the one of the artifact, as users have it, with all deleted but the directories that content may use.
In a document, the first comment of a playbook, or of another YAML file, is its name, and the commands that follow run
the playbooks, which include the files of tasks. A command whose comment has the word "fails" must fail. Lines of a
`text` block must be in what the last command printed.
"""

import ast
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
import time
from typing import NamedTuple

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import tls
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.control import stop_sandbox
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.mail import Mail
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.plan import Plan
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.server import Service
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_settings
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.store import Store
from ansible_collections.mailops.smtpeter.tests.integration import conftest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "only-for-examples"
# The tags that examples name. All their mail, 400 messages each, was delivered two hours ago.
TAGS = ("wave-1", "wave-2", "wave-3", "newsletter")
MESSAGES = 400

# Commands of the documents that are run here, and how those begin that are not, with the reason.
RUN = ("ansible", "ansible-playbook", "ansible-runner", "rm")
NOT_RUN = {
    "git": "the clone is the one under test",
    "cd": "the test chooses the directory",
    "ansible-builder": "it needs a container engine; test_execution_environment.py makes the context of the image",
    "ansible-galaxy": "it would install a second copy of the collection beside the one under test",
    "ansible-navigator": "it needs a container engine and the image",
    "ansible-runner run": "it needs one, too; test_execution_environment.py has a stand-in for podman",
    "ansible-playbook controller.yml": "test_controller.py looks at what it asks of AWX",
    "python3": "it would install packages, which the test's environments have",
    "ansible-vault": "it opens an editor; the test writes the same file by `ansible-vault encrypt`",
    ".": "the test reads the file and gives its variables to the commands that follow",
    "curl": "it would fetch a file of the repository, which test_controller.py tries",
    "read": "it asks at the terminal; the test gives the variable",
    "export": "the test gives the variables",
    "unset": "the test gives the variables",
}

MARKDOWN_BLOCK = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
RST_BLOCK = re.compile(r"^( *)\.\. code-block:: *(\S+)\n(?: +:.*\n)*((?:\n|\1 +\S.*\n)+)", re.MULTILINE)


class Fence(NamedTuple):
    """A block of code in a document."""

    language: str
    text: str


class Yaml(yaml.SafeLoader):
    """Reads Ansible's YAML, whatever its tags, such as !vault."""


Yaml.add_multi_constructor("!", lambda loader, _suffix, node: node.value)


def fences(document):
    """The blocks of code in a Markdown or reStructuredText document, in order."""
    pattern = RST_BLOCK if document.suffix == ".rst" else MARKDOWN_BLOCK
    found = pattern.findall(document.read_text(encoding="utf-8"))
    return [Fence(language, textwrap.dedent(text).strip("\n") + "\n") for _indent, language, text in found]


def kind(text):
    """What YAML text is: `playbook`, `tasks`, or `other`."""
    entries = yaml.load(text, Yaml)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return "other"
    plays = [entry for entry in entries if {"hosts", "import_playbook", "ansible.builtin.import_playbook"} & set(entry)]
    return "playbook" if plays else "tasks"


def as_playbook(text):
    """A list of tasks as a playbook of one play; a playbook as it is."""
    if kind(text) == "playbook":
        return text
    return "- hosts: localhost\n  gather_facts: false\n  tasks:\n" + textwrap.indent(text, "    ")


def plugins():
    """The files with the documentation of all public plugins; that of an action is in a module of its name."""
    found = ((ROOT / "plugins" / kind).glob("[!_]*.py") for kind in ("filter", "lookup", "modules", "test"))
    return sorted(itertools.chain.from_iterable(found))


def examples(plugin):
    """The EXAMPLES of a plugin's file."""
    body = ast.parse(plugin.read_text(encoding="utf-8")).body
    given = {ast.unparse(node.targets[0]): node.value for node in body if isinstance(node, ast.Assign)}
    return textwrap.dedent(ast.literal_eval(given["EXAMPLES"]))


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The sandbox's service in this process, with the mail of TAGS."""
    data = str(tmp_path_factory.mktemp("service") / "messages.sqlite")
    store = Store(data)
    for tag in TAGS:
        recipients = tuple(f"reader{number}@example.org" for number in range(MESSAGES))
        store.add(Mail(recipients, (tag,)), lambda _number, _recipient: Plan(0.0), time.time() - 7200)
    store.close()
    with Service(parse_settings({"api_token": TOKEN, "seed": 1}), data) as running:
        yield running


@pytest.fixture
def environment(service, bare, monkeypatch):
    """How a run finds the collection and the service, and a place for the sandboxes it starts; those are ended.

    Nothing on loopback may ask a proxy, so the one that is set does not answer.
    """
    # Not pytest's own, since ansible-core makes sockets in it, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="examples-") as temporary:
        access = {"SMTPETER_API_URL": service.api_url, "SMTPETER_API_TOKEN": TOKEN}
        yield {**conftest.only(bare), **access, **conftest.DEAD_PROXY, "TMPDIR": temporary}
        monkeypatch.setenv("TMPDIR", temporary)
        for name in sandboxes(temporary):
            stop_sandbox(name)


def sandboxes(temporary):
    """The names of the sandboxes that were started below a temporary directory and not stopped."""
    return sorted(path.name for path in pathlib.Path(temporary).glob("smtpeter-sandbox-*/[!.]*"))


@pytest.mark.parametrize("plugin", plugins(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_examples_of_plugin(plugin, play, environment):
    """The EXAMPLES run as printed, one after the other, use nothing deprecated and leave nothing running."""
    run = play(as_playbook(examples(plugin)), env=environment)

    assert any(entry["status"] == "ok" for entry in run.tasks), "it has no example that ran"
    assert "DEPRECAT" not in run.output
    assert sandboxes(environment["TMPDIR"]) == []


class Reader:
    """Does what a document says, in a directory of its own."""

    def __init__(self, core, directory, environment):
        self._directory = directory
        scripts = directory / "bin"
        scripts.mkdir()
        # The scripts of these names in the environment would name a Python whose path may have a space.
        for name, subcommand in {"ansible": "adhoc", "ansible-playbook": "playbook"}.items():
            script = scripts / name
            script.write_text(f'#!/bin/sh\nexec {core.python} -m ansible {subcommand} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
        path = os.pathsep.join([str(scripts), str(pathlib.Path(sys.prefix, "bin")), os.environ["PATH"]])
        self._environment = {**conftest.environment(directory), **environment, "PATH": path, "TASK_RESULTS": os.devnull}
        self._printed = ""
        self._unused = set()

    def read(self, fence):
        """Write a playbook, run commands, or compare what they printed."""
        if fence.language in ("yaml", "yaml+jinja"):
            self._yaml(fence.text)
        elif fence.language in ("bash", "shell"):
            for line in fence.text.replace("\\\n", " ").splitlines():
                self._command(line)
        elif fence.language == "console":
            # It takes Java or a container engine; tests/eda runs a rulebook.
            self._unused = {name for name in self._unused if name not in fence.text}
        elif fence.language == "text":
            for line in filter(None, map(squeezed, fence.text.splitlines())):
                assert line in self._printed, f"not printed: {line}\n{self._printed}"
        else:
            # test_ci_recipes.py looks at the Jenkinsfile.
            assert fence.language == "groovy", "nothing here checks such a block"

    def finish(self):
        """See that nothing is left over."""
        assert self._unused == set(), "playbooks that no command runs"
        assert sandboxes(self._environment["TMPDIR"]) == [], "sandboxes that nothing stops"

    def _yaml(self, text):
        found = kind(text)
        name = re.match(r"# (\S+\.ya?ml)$", text, re.MULTILINE)
        if name:
            path = self._directory / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self._unused |= {name[1]} if found != "other" else set()
        elif found != "other":
            (self._directory / "playbook.yml").write_text(as_playbook(text), encoding="utf-8")
            self._run("ansible-playbook playbook.yml")

    def _command(self, line):
        command, _hash, comment = line.partition(" #")
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        if not words:
            return
        if words[0] == "make":
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^#: make {re.escape(words[1])}\b", makefile, re.MULTILINE)
        elif not any(f"{' '.join(words)} ".startswith(f"{start} ") for start in NOT_RUN):
            assert words[0] in RUN, f"say how {words[0]} is run, or why not"
            # The first one is what it runs, which may include others.
            for name in [word for word in words[1:] if word in self._unused][:1]:
                text = (self._directory / name).read_text(encoding="utf-8")
                self._unused -= {name, *re.findall(r"\bfile: (\S+\.ya?ml)$", text, re.MULTILINE)}
            if "--ask-vault-pass" in words:
                command = self._vaulted(command)
            self._run(command, fails=bool(re.search(r"\bfails\b", comment)))

    def _run(self, command, fails=False):
        """Run it in a shell, in which the variables of sandbox.env are set while there is such a file."""
        script = f"if [ -f sandbox.env ]; then . ./sandbox.env; fi\n{command}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        self._printed = squeezed(done.stdout)

    def _vaulted(self, command):
        """Write vault.yml, encrypted; the command with the password's file, without the token in the environment."""
        vault, password = self._directory / "vault.yml", self._directory / "password"
        vault.write_text(f"smtpeter_api_token: {TOKEN}\n", encoding="utf-8")
        password.write_text("only-for-tests", encoding="utf-8")
        encrypt = [sys.executable, "-m", "ansible", "vault", "encrypt", "--vault-password-file", password, vault]
        subprocess.run(encrypt, check=True)
        return f"unset SMTPETER_API_TOKEN; {command.replace('--ask-vault-pass', '--vault-password-file password')}"


def squeezed(text):
    """Text with every run of white space as one blank, and the gate's waiting times, which vary, as 00:00."""
    return re.sub(r"(\] )\d+:\d\d\b", r"\g<1>00:00", " ".join(text.split()))


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = sorted((ROOT / "docs" / "docsite").rglob("*.rst"))


# Guides take a minute of a processor; what differs from version to version, README and plugins meet on each.
@pytest.mark.parametrize(
    "document",
    [*DOCUMENTS, *(pytest.param(guide, marks=pytest.mark.newest_core) for guide in GUIDES)],
    ids=lambda document: document.relative_to(ROOT).as_posix(),
)
def test_document(document, ansible_core, tmp_path, environment):
    """A reader who does what the document says, in its order, sees what it says."""
    reader = Reader(ansible_core, tmp_path, environment)

    for fence in fences(document):
        reader.read(fence)

    reader.finish()


def test_each_playbook_is_run_by_a_document_or_by_one_that_is():
    """So that all of them are tried as users have them."""
    blocks = [fence.text for page in (*DOCUMENTS, *GUIDES) for fence in fences(page) if fence.language != "yaml"]
    command = r"^ansible-(?:playbook|runner transmit \S+ -p) mailops\.smtpeter\.(\w+)"
    ran = set(re.findall(command, "".join(blocks), re.MULTILINE))
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")}
    # tests/eda runs the rulebooks.
    rulebooks = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("extensions/eda/rulebooks/*.yml"))
    ran |= set(re.findall(r"name: mailops\.smtpeter\.(\w+)$", rulebooks, re.MULTILINE))
    ran |= {name for outer in ran for name in re.findall(r"import_playbook: (\w+)\.yml$", files[outer], re.MULTILINE)}
    assert ran == set(files)


# A cache plugin that has lost its server.
BROKEN_CACHE = """
DOCUMENTATION = "{name: broken, short_description: Fails, description: For a test.}"

from ansible.plugins.cache import BaseCacheModule


class CacheModule(BaseCacheModule):
    def contains(self, key):
        raise ConnectionError

    get = set = keys = delete = flush = copy = contains
"""


def info(**options):
    """A task that reads a tag, with the token of the service unless another is given."""
    return {"mailops.smtpeter.tag_stats_info": {"tags": ["wave-1"], "api_token": TOKEN, **options}}


def gate(**options):
    """A task with a gate."""
    return {"mailops.smtpeter.campaign_gate": {"tags": ["wave-1"], "api_token": TOKEN, **options}}


def template(text, **variables):
    """A task that resolves a template."""
    return {"ansible.builtin.debug": {"msg": "{{ " + text + " }}"}, "vars": {"smtpeter_api_token": TOKEN, **variables}}


CACHED = "lookup('mailops.smtpeter.tag_stats', 'wave-1', cache=true, cache_plugin='{}')"
COUNTED = {"messages": 1, "deliveries": 1}
# By message, of which the troubleshooting page says more: a task that meets it, by failing or by a warning.
TROUBLES = {
    "api_token is not set": {"mailops.smtpeter.tag_stats_info": {"tags": ["wave-1"]}},
    "the Python library requests is not installed": {
        **info(), "vars": {"ansible_python_interpreter": "{{ bare_python }}"}
    },
    "connection refused": info(api_url="http://127.0.0.1:9/v1", retries=0),
    "answered 401": info(api_token="another-token"),
    "Unsupported parameters for": info(retris=5),
    "must be one of": gate(endpoint="x"),
    "is not a number; give seconds, such as 900": gate(timeout="soon"),
    "the service has nothing under this tag": info(tags=["wave_1"], missing="error"),
    "has no attribute 'wave'": template("result.stats.wave-1", result={"stats": {"wave-1": COUNTED}}),
    "this is a whole result": template(
        "result is mailops.smtpeter.healthy", result={"changed": False, "stats": {"wave-1": COUNTED}}
    ),
    "did you mean 0.95?": template("record is mailops.smtpeter.healthy(min_delivery_ratio=95)", record=COUNTED),
    "contains white space, which no tag has": info(tags="wave-1 wave-2"),
    "cannot be trusted": info(api_url="{{ tls_url }}"),
    "the cache fails, so the service is asked directly": template(CACHED.format("broken")),
    "Ansible's workers do not share memory": template(CACHED.format("memory")),
    "plain http would send the token in the clear": info(api_url="http://www.smtpeter.com/v1"),
}  # fmt: skip


def test_troubles(play, ansible_core, service, environment, tmp_path):
    """The messages that the troubleshooting page explains, as it shows them, are what users see."""
    page = squeezed((ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst").read_text(encoding="utf-8"))
    assert [message for message in TROUBLES if message not in page] == []

    subprocess.run([ansible_core.python, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    certificate = str(tmp_path / "certificate.pem")
    tls.ensure_certificate(str(tmp_path / "ca.pem"), certificate, "127.0.0.1")
    (tmp_path / "cache_plugins").mkdir()
    (tmp_path / "cache_plugins" / "broken.py").write_text(BROKEN_CACHE, encoding="utf-8")
    tasks = [{"name": message, **task, "ignore_errors": True} for message, task in TROUBLES.items()]
    settings = parse_settings({"api_token": TOKEN, "tls": True})
    env = {**environment, "ANSIBLE_CACHE_PLUGINS": str(tmp_path / "cache_plugins")}
    del env["SMTPETER_API_TOKEN"]
    with Service(settings, str(tmp_path / "messages.sqlite"), certificate) as secured:
        given = json.dumps({"bare_python": f"{tmp_path}/venv/bin/python", "tls_url": secured.api_url})
        run = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "-e", given, env=env)

    for message in TROUBLES:
        entry = next(entry for entry in run.tasks if entry["task"] == message)
        shown = entry["result"]["msg"] if entry["status"] == "failed" else squeezed(run.stderr)
        assert message in shown, entry
