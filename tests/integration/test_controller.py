"""What the guide sets up in AWX, and the jobs that come of it, run by ansible-runner as AWX does.

The tasks of its playbook are checked against the argument specs of awx.awx. What AWX does with them is taken from its
source, version 24; AWX itself is not here.
"""

import ast
import json
import re
import subprocess
import sys

import jinja2
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._values import seconds
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.integration import conftest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, TOKEN
from ansible_collections.mailops.smtpeter.tests.integration.jobs import Job, printed
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks

PLAYBOOK = ROOT / "docs" / "awx" / "controller.yml"
MODULES = conftest.COMMUNITY / "ansible_collections" / "awx" / "awx" / "plugins" / "modules"
TYPES = {"text": str, "integer": int, "float": float}
# What an administrator may put into a job template; here it shortens the test.
HURRY = {"smtpeter_sending_gap": 1, "smtpeter_wait_sleep": 0.5}


def argument_spec(module):
    """The argument spec of a module of awx.awx, as its source has it."""
    tree = ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8"))
    (spec,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "argument_spec"
    )
    constants = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)]
    names = {target.id: ast.literal_eval(node.value) for node in constants for target in node.targets}
    return eval(compile(ast.Expression(spec), module, "eval"), names)


class Objects:
    """What the guide's playbook asks awx.awx for: the options of each task, with its templates resolved."""

    def __init__(self, results):
        self._made = [entry["result"]["ansible_facts"] for entry in results]

    def of(self, module):
        """The options of all tasks with this module."""
        return [options for options in self._made if options["awx_module"] == module]

    def one(self, module, name):
        """Those of the one that makes the object of this name."""
        (found,) = (options for options in self.of(module) if options["name"] == name)
        return found

    def __iter__(self):
        """Yield each module with its options."""
        for options in self._made:
            yield options["awx_module"], {name: value for name, value in options.items() if name != "awx_module"}


@pytest.fixture(scope="module")
def awx(tmp_path_factory):
    """The options of the guide's tasks, resolved by a run in which each task only says what it was given."""
    directory = tmp_path_factory.mktemp("controller")
    said = r"\1ansible.builtin.set_fact:\n\1  awx_module: \2\n"
    text, count = re.subn(r"(?m)^( *)awx\.awx\.(\w+):\n", said, PLAYBOOK.read_text(encoding="utf-8"))
    (directory / "controller.yml").write_text(text, encoding="utf-8")
    results = directory / "results"
    env = {**conftest.environment(directory), "SMTPETER_API_TOKEN": TOKEN, "TASK_RESULTS": str(results)}
    command = [sys.executable, "-m", "ansible", "playbook", "controller.yml"]
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert len(entries) == count > 0
    return Objects(entries)


@pytest.fixture
def survey(awx):
    """The questions of the job template."""
    return awx.one("job_template", "Gate")["survey_spec"]["spec"]


def test_awx_awx_takes_each_task(awx):
    """Every option exists there and has the right type."""
    if not MODULES.is_dir():
        pytest.skip("no awx.awx: `make test` unpacks it")
    for module, options in awx:
        found = ArgumentSpecValidator(argument_spec(module)).validate(options)
        assert found.error_messages == [], module


def test_an_option_that_awx_awx_lacks_is_noticed():
    """So that the test before this one can fail."""
    if not MODULES.is_dir():
        pytest.skip("no awx.awx: `make test` unpacks it")
    for options in ({"name": "Gate", "play_book": "gate.yml"}, {"name": "Gate", "timeout": "long"}):
        assert ArgumentSpecValidator(argument_spec("job_template")).validate(options).error_messages


def test_what_awx_wants_of_a_survey(survey):
    """AWX refuses other questions: each has these keys, whole limits, and a default of its type or none."""
    for question in survey:
        assert {"question_name", "variable", "type", "required"} <= set(question)
        assert isinstance(question["required"], bool)
        assert isinstance(question.get("default", ""), TYPES[question["type"]]) or question["default"] == ""
        limits = [question.get(limit, 0) for limit in ("min", "max")]
        assert all(isinstance(limit, int) and not isinstance(limit, bool) for limit in limits)


def test_the_workflow_asks_the_same(awx, survey):
    """A workflow hands its own answers to its jobs."""
    assert awx.one("workflow_job_template", "Gate and deploy")["survey_spec"]["spec"] == survey


def test_the_survey_asks_what_the_gate_reads(survey):
    """Each variable is one of the playbook's, with the gate's own default."""
    playbook = (ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8")
    options = re.search(r"gate_options: >-\n(.*?)\| split", playbook, re.DOTALL).group(1)
    names = [question["variable"].removeprefix("smtpeter_") for question in survey]
    assert set(names) <= set(re.findall(r"\w+", options))
    assert {"tags", "min_delivery_ratio", "min_messages", "expected_messages", "wait_timeout", "grace_period"} == set(
        names
    )
    own = {**vars(Timing()), **vars(Policy()), "tags": None}
    assert {name: question.get("default") or None for name, question in zip(names, survey)} == {
        name: own[name] for name in names
    }


def test_the_survey_limits_what_the_gate_limits(survey):
    """The gate takes the least and the most that AWX takes, and less than the least it refuses as well."""
    for question in (question for question in survey if question["type"] != "text"):
        name = question["variable"].removeprefix("smtpeter_")
        assert takes(name, question["min"])
        assert not takes(name, question["min"] - 1)
        if "max" in question:
            assert takes(name, question["max"])
        if question["type"] == "float":
            assert not takes(name, question["max"] + 1)


def takes(name, value):
    """Whether the gate takes a value for an option."""
    try:
        if name == "wait_timeout":
            seconds(name, value)
        else:
            Policy.from_options({"min_messages": 1, name: value})
    except OptionError:
        return False
    return True


def test_who_launches_it_chooses_no_more(awx, survey):
    """No other variable can be given, such as another address, which would get the token."""
    asking = [options for _module, options in awx if any(options[key] for key in options if key.startswith("ask_"))]
    assert asking == []
    assert "smtpeter_api_url" not in {question["variable"] for question in survey}


def test_awx_waits_longer_than_the_gate(awx, survey):
    """A job that AWX kills says nothing."""
    (longest,) = (question["max"] for question in survey if question["variable"] == "smtpeter_wait_timeout")
    assert awx.one("job_template", "Gate")["timeout"] > longest + Policy.from_options({}).sending_gap


def test_the_token_is_in_the_credential_alone(awx):
    """It is a secret of its type, and in no other object."""
    (field,) = (entry for entry in awx.one("credential_type", "SMTPeter")["inputs"]["fields"] if entry.get("secret"))
    assert awx.one("credential", "SMTPeter")["inputs"][field["id"]] == TOKEN
    others = [options for module, options in awx if module != "credential"]
    assert leaks(json.dumps(others), TOKEN) == []


def test_only_a_pass_deploys(awx):
    """After a pass comes Deploy, and after anything else Tell."""
    nodes = awx.one("workflow_job_template", "Gate and deploy")["workflow_nodes"]
    names = {node["identifier"]: node["unified_job_template"]["name"] for node in nodes}
    assert names == {"gate": "Gate", "deploy": "Deploy", "tell": "Tell"}
    assert {node["identifier"]: node["related"] for node in nodes if "related" in node} == {
        "gate": {"success_nodes": [{"identifier": "deploy"}], "failure_nodes": [{"identifier": "tell"}]}
    }


class Unsafe(yaml.SafeDumper):
    """Marks all text, as AWX does with extra variables that are not the job template's own."""


Unsafe.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


class Launch:
    """A job of a job template with a survey's answers, as AWX 24 runs it in a container, but for the container."""

    def __init__(self, awx, directory, template, answers, artifacts=None, own=None):
        made = awx.one("job_template", template)
        survey = made.get("survey_spec", {"spec": []})["spec"]
        defaults = {
            question["variable"]: question["default"] for question in survey if question.get("default", "") != ""
        }
        given = {**defaults, **answers, **(artifacts or {}), "awx_job_id": 7}
        text = (yaml.safe_dump(own) if own else "") + yaml.dump(given, Dumper=Unsafe, allow_unicode=True)
        self._playbook = made["playbook"]
        self.job = Job(directory, text, {self._playbook: printed(f"# {self._playbook}")})
        self._env = {}
        for name in made.get("credentials", []):
            credential = awx.one("credential", name)
            injectors = awx.one("credential_type", credential["credential_type"])["injectors"]["env"]
            for variable, text in injectors.items():
                self._env[variable] = jinja2.Template(text).render(credential["inputs"])

    def run(self, **env):
        """Run it; its status."""
        return self.job.run(self._playbook, {**self._env, **env})


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        # Text is what questions of the type text give.
        ({"smtpeter_tags": "good, poor", "smtpeter_min_delivery_ratio": "0.97", "smtpeter_grace_period": 2}, "fail"),
        ({"smtpeter_tags": "good", "smtpeter_expected_messages": 200, "smtpeter_wait_timeout": 0}, "pass"),
    ],
)
def test_a_job_and_what_comes_after_it(awx, access, tmp_path, answers, verdict):
    """It has the token from the credential, and the next node the verdict, whatever it is."""
    gate = Launch(awx, tmp_path / "gate", "Gate", answers, own=HURRY)
    # The credential says where the real service is.
    assert gate.run(SMTPETER_API_URL=access["SMTPETER_API_URL"]) == ("successful" if verdict == "pass" else "failed")
    assert gate.job.handed_out["smtpeter_gate"]["verdict"] == verdict
    assert gate.job.leaking(TOKEN) == ["artifacts/job/command"]

    tell = Launch(awx, tmp_path / "tell", "Tell", answers, gate.job.handed_out)
    assert tell.run() == "successful"
    message = json.dumps(gate.job.handed_out["smtpeter_gate"]["msg"])
    assert message in " ".join(tell.job.read("stdout").split())


@pytest.mark.parametrize("answer", ["{{ lookup('ansible.builtin.pipe', 'touch RAN') }}", "{{7*7}},{%if%}"])
def test_an_answer_is_no_template(awx, access, tmp_path, answer):
    """Nothing runs, here nor in the next node, and what has no white space is a tag that the service does not know."""
    answers = {"smtpeter_tags": answer.replace("RAN", f"{tmp_path}/ran"), "smtpeter_wait_timeout": 0}
    gate = Launch(awx, tmp_path / "gate", "Gate", answers)
    assert gate.run(SMTPETER_API_URL=access["SMTPETER_API_URL"]) == "failed"
    assert not (tmp_path / "ran").exists()
    if "lookup" in answer:
        assert "white space" in gate.job.read("stdout")
        return
    handed_out = gate.job.handed_out["smtpeter_gate"]
    assert (handed_out["verdict"], list(handed_out["stats"])) == ("inconclusive", answer.split(","))
    tell = Launch(awx, tmp_path / "tell", "Tell", answers, gate.job.handed_out)
    assert tell.run() == "successful"
    assert answer.split(",")[0] in tell.job.read("stdout")


def test_a_second_gate_starts_where_the_first_ended(awx, access, tmp_path):
    """By the guide's line, it judges nothing of what the first one saw, and what a fleet handed out is no obstacle."""
    first = Launch(awx, tmp_path / "one", "Gate", {"smtpeter_tags": "good"}, own=HURRY)
    env = {"SMTPETER_API_URL": access["SMTPETER_API_URL"]}
    assert first.run(**env) == "successful"
    answers = {"smtpeter_tags": "good", "smtpeter_wait_timeout": 0}
    artifacts = {**first.job.handed_out, "smtpeter_fleet_0": []}
    second = Launch(awx, tmp_path / "two", "Gate", answers, artifacts, yaml.safe_load(printed("smtpeter_since")))
    assert second.run(**env) == "failed"
    assert second.job.handed_out["smtpeter_gate"]["msg"].startswith("inconclusive: good: 0 of at least 100 messages")


def test_reports_outlive_the_container(awx, access, tmp_path):
    """The directory of the guide's line is named after the job."""
    own = yaml.safe_load(printed("smtpeter_reports").replace("/reports/", f"{tmp_path}/reports/"))
    gate = Launch(awx, tmp_path / "gate", "Gate", {"smtpeter_tags": "good"}, own={**own, **HURRY})
    assert gate.run(SMTPETER_API_URL=access["SMTPETER_API_URL"]) == "successful"
    assert (tmp_path / "reports" / "7" / "gate.html").is_file()
