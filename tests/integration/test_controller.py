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
HURRY = "smtpeter_sending_gap: 1\nsmtpeter_wait_sleep: 0.5\n"


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


@pytest.fixture(scope="module")
def awx(tmp_path_factory):
    """The options of the guide's tasks by module and name, resolved by a run in which each task only says them."""
    directory = tmp_path_factory.mktemp("controller")
    said = r"\1ansible.builtin.set_fact:\n\1  awx_module: \2\n"
    text, count = re.subn(r"(?m)^( *)awx\.awx\.(\w+):\n", said, PLAYBOOK.read_text(encoding="utf-8"))
    (directory / "controller.yml").write_text(text, encoding="utf-8")
    results = directory / "results"
    env = {**conftest.environment(directory), "SMTPETER_API_TOKEN": TOKEN, "TASK_RESULTS": str(results)}
    command = [sys.executable, "-m", "ansible", "playbook", "controller.yml"]
    subprocess.run(command, cwd=directory, env=env, check=True)
    made = [json.loads(line)["result"]["ansible_facts"] for line in results.read_text(encoding="utf-8").splitlines()]
    found = {(options.pop("awx_module"), options["name"]): options for options in made}
    assert len(found) == count > 0
    return found


@pytest.fixture
def survey(awx):
    """The questions of the job template, by what their variables have after `smtpeter_`."""
    spec = awx["job_template", "Gate"]["survey_spec"]["spec"]
    return {question["variable"].removeprefix("smtpeter_"): question for question in spec}


def test_awx_awx_takes_each_task(awx):
    """Every option exists there and has the right type."""
    if not MODULES.is_dir():
        pytest.skip("no awx.awx: `make test` unpacks it")
    for (module, _name), options in awx.items():
        found = ArgumentSpecValidator(argument_spec(module)).validate(options)
        assert found.error_messages == [], module


def test_what_awx_wants_of_a_survey(awx, survey):
    """AWX refuses other questions; a workflow hands its own answers to its jobs, so it asks the same."""
    for question in survey.values():
        assert {"question_name", "variable", "type", "required"} <= set(question)
        assert isinstance(question["required"], bool)
        assert isinstance(question.get("default", ""), TYPES[question["type"]]) or question["default"] == ""
        assert {type(question.get(limit, 0)) for limit in ("min", "max")} == {int}
    workflow = awx["workflow_job_template", "Gate and deploy"]
    assert workflow["survey_spec"]["spec"] == list(survey.values())


def test_the_survey_asks_what_the_gate_reads(survey):
    """Each variable is an option, with the gate's default and limits; none is an address, which would get the token."""
    own = {**vars(Timing()), **vars(Policy()), "tags": None}
    names = {"tags", "min_delivery_ratio", "min_messages", "expected_messages", "wait_timeout", "grace_period"}
    defaults = {name: question.get("default") or None for name, question in survey.items()}
    assert defaults == {name: own[name] for name in names}
    for name, question in survey.items():
        if question["type"] != "text":
            assert takes(name, question["min"])
            assert not takes(name, question["min"] - 1)
            assert takes(name, question.get("max", 1))
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


def test_what_a_launch_can_do(awx, survey):
    """Who launches it gives no other variable, and AWX waits longer than the gate: a job that it kills says nothing."""
    assert [name for name, options in awx.items() for key in options if key.startswith("ask_") and options[key]] == []
    assert awx["job_template", "Gate"]["timeout"] > survey["wait_timeout"]["max"] + Policy().sending_gap


def test_the_token_is_in_the_credential_alone(awx):
    """It is a secret of its type, and in no other object."""
    (field,) = (entry for entry in awx["credential_type", "SMTPeter"]["inputs"]["fields"] if entry.get("secret"))
    assert awx["credential", "SMTPeter"]["inputs"][field["id"]] == TOKEN
    others = [options for (module, _name), options in awx.items() if module != "credential"]
    assert leaks(json.dumps(others), TOKEN) == []


def test_only_a_pass_deploys(awx):
    """After a pass comes Deploy, and after anything else Tell."""
    nodes = awx["workflow_job_template", "Gate and deploy"]["workflow_nodes"]
    names = {node["identifier"]: node["unified_job_template"]["name"] for node in nodes}
    assert names == {"gate": "Gate", "deploy": "Deploy", "tell": "Tell"}
    assert {node["identifier"]: node["related"] for node in nodes if "related" in node} == {
        "gate": {"success_nodes": [{"identifier": "deploy"}], "failure_nodes": [{"identifier": "tell"}]}
    }


class Unsafe(yaml.SafeDumper):
    """Marks all text, as AWX does with extra variables that are not the job template's own."""


Unsafe.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def launch(awx, directory, template, answers, own="", env=None):
    """Run a job template with a survey's answers, as AWX 24 does, but for the container; the job and its status.

    Of `own`, the text of the template's own extra variables, nothing is unsafe.
    """
    made = awx["job_template", template]
    playbook, questions = made["playbook"], made.get("survey_spec", {"spec": []})["spec"]
    defaults = {asked["variable"]: asked["default"] for asked in questions if asked.get("default", "") != ""}
    text = own + yaml.dump({**defaults, **answers, "awx_job_id": 7}, Dumper=Unsafe, allow_unicode=True)
    job = Job(directory, text, {playbook: printed(f"# {playbook}")})
    injected = {}
    for name in made.get("credentials", []):
        credential = awx["credential", name]
        injectors = awx["credential_type", credential["credential_type"]]["injectors"]["env"]
        for variable, template_text in injectors.items():
            injected[variable] = jinja2.Template(template_text).render(credential["inputs"])
    return job, job.run(playbook, {**injected, **(env or {})})


@pytest.fixture
def real(access):
    """Where the service is, of which the credential says another place."""
    return {"SMTPETER_API_URL": access["SMTPETER_API_URL"]}


def test_a_fail_and_what_comes_after_it(awx, real, tmp_path):
    """The job has the token from the credential, and the next node the verdict; the progress is in the output."""
    # Text is what questions of the type text give.
    answers = {"smtpeter_tags": "good, poor", "smtpeter_min_delivery_ratio": "0.97", "smtpeter_grace_period": 2}
    gate, status = launch(awx, tmp_path / "gate", "Gate", answers, HURRY, real)
    handed_out = gate.handed_out["smtpeter_gate"]
    assert (status, handed_out["verdict"], list(handed_out["stats"])) == ("failed", "fail", ["good", "poor"])
    lines = [line for line in gate.read("stdout").splitlines() if "[localhost] 00:" in line]
    assert handed_out["msg"] in lines[-1]
    # Which is why the guide says so: ansible-runner notes the environment of what it runs.
    assert gate.leaking(TOKEN) == ["artifacts/job/command"]

    tell, status = launch(awx, tmp_path / "tell", "Tell", {**answers, **gate.handed_out})
    assert status == "successful"
    assert json.dumps(handed_out["msg"]) in " ".join(tell.read("stdout").split())


def test_a_pass_and_a_second_gate(awx, real, tmp_path):
    """Reports are in the directory of the guide's line, and by another one the second gate judges only what is new."""
    reports = printed("smtpeter_reports").replace("/reports/", f"{tmp_path}/reports/")
    answers = {"smtpeter_tags": "good", "smtpeter_expected_messages": 200, "smtpeter_wait_timeout": 0}
    first, status = launch(awx, tmp_path / "one", "Gate", answers, reports, real)
    assert (status, first.handed_out["smtpeter_gate"]["verdict"]) == ("successful", "pass")
    assert (tmp_path / "reports" / "7" / "gate.html").is_file()

    # What a fleet handed out is no obstacle.
    answers = {**first.handed_out, "smtpeter_fleet_0": [], "smtpeter_tags": "good", "smtpeter_wait_timeout": 0}
    second, status = launch(awx, tmp_path / "two", "Gate", answers, printed("smtpeter_since"), real)
    assert status == "failed"
    assert second.handed_out["smtpeter_gate"]["msg"].startswith("inconclusive: good: 0 of at least 100 messages")


def test_an_answer_is_no_template(awx, real, tmp_path):
    """Nothing runs, here nor in the next node; it is a tag that the service does not know."""
    tags = [f"{{{{lookup('ansible.builtin.pipe','touch${{IFS}}{tmp_path}/ran')}}}}", "{{7*7}}", "{%if%}"]
    answers = {"smtpeter_tags": json.dumps(tags), "smtpeter_wait_timeout": 0}
    gate, status = launch(awx, tmp_path / "gate", "Gate", answers, env=real)
    handed_out = gate.handed_out["smtpeter_gate"]
    assert (status, handed_out["verdict"], list(handed_out["stats"])) == ("failed", "inconclusive", tags)
    tell, status = launch(awx, tmp_path / "tell", "Tell", {**answers, **gate.handed_out})
    assert status == "successful"
    assert tags[0] in tell.read("stdout")
    assert not (tmp_path / "ran").exists()
