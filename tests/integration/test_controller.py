# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide sets up in AWX, and the jobs that come of it, run by ansible-runner as AWX does.

What AWX does is taken from its source, version 24; AWX itself is not here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import jinja2
import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._policy import Policy
from ansible_collections.mailops.smtpeter.plugins.module_utils._values import seconds
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Timing
from ansible_collections.mailops.smtpeter.tests.integration import conftest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, TOKEN
from ansible_collections.mailops.smtpeter.tests.integration.jobs import Job, printed
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks

TYPES = {"text": str, "integer": int, "float": float}
# What an administrator may put into a job template; here it shortens the test.
HURRY = {"smtpeter_sending_gap": 1, "smtpeter_wait_sleep": 0.5}


@pytest.fixture(scope="module")
def awx(tmp_path_factory):
    """The stand-in after the guide's playbook ran."""
    directory = tmp_path_factory.mktemp("controller")
    (directory / "controller.yml").write_text(printed("# controller.yml"), encoding="utf-8")
    with conftest.started_controller() as controller:
        env = {**conftest.environment(directory), **controller.settings, "SMTPETER_API_TOKEN": TOKEN}
        env.update(
            ANSIBLE_COLLECTIONS_PATH=conftest.community_paths(os.environ), TASK_RESULTS=str(directory / "results")
        )
        command = [sys.executable, "-m", "ansible", "playbook", "controller.yml", "-vvvv"]
        done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        controller.said = done.stdout + done.stderr
        yield controller


@pytest.fixture
def survey(awx):
    """The questions of the job template."""
    return awx.related[f"job_templates/{awx.one('job_templates', 'Gate')['id']}/survey_spec/"]["spec"]


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
    workflow = awx.one("workflow_job_templates", "Gate and deploy")
    assert awx.related[f"workflow_job_templates/{workflow['id']}/survey_spec/"]["spec"] == survey


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
    for name in ("job_templates", "workflow_job_templates"):
        assert [
            entry for entry in awx.lists[name] if any(entry.get(key) for key in entry if key.startswith("ask_"))
        ] == []
    assert "smtpeter_api_url" not in {question["variable"] for question in survey}


def test_awx_waits_longer_than_the_gate(awx, survey):
    """A job that AWX kills says nothing."""
    (longest,) = (question["max"] for question in survey if question["variable"] == "smtpeter_wait_timeout")
    assert awx.one("job_templates", "Gate")["timeout"] > longest + Policy.from_options({}).sending_gap


def test_the_token_is_in_the_credential_alone(awx):
    """It is a secret of its type, in no other object, and not in what the playbook prints."""
    (field,) = (entry for entry in awx.one("credential_types", "SMTPeter")["inputs"]["fields"] if entry.get("secret"))
    assert awx.one("credentials", "SMTPeter")["inputs"][field["id"]] == TOKEN
    others = {name: entries for name, entries in awx.lists.items() if name != "credentials"}
    assert leaks(json.dumps([others, awx.related]), TOKEN) == []
    assert leaks(awx.said, TOKEN) == []


def test_only_a_pass_deploys(awx):
    """After a pass comes Deploy, and after anything else Tell."""
    nodes = awx.lists["workflow_job_template_nodes"]
    names = {node["identifier"]: awx.by_id(node["unified_job_template"])["name"] for node in nodes}
    assert names == {"gate": "Gate", "deploy": "Deploy", "tell": "Tell"}
    edges = {
        path.partition("/")[2]: [awx.by_id(number)["identifier"] for number in numbers]
        for path, numbers in awx.related.items()
        if path.startswith("workflow_job_template_nodes/")
    }
    gate = awx.one("workflow_job_template_nodes", "gate")["id"]
    assert edges == {f"{gate}/success_nodes/": ["deploy"], f"{gate}/failure_nodes/": ["tell"]}


class Unsafe(yaml.SafeDumper):
    """Marks all text, as AWX does with extra variables that are not the job template's own."""


Unsafe.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


class Launch:
    """A job of a job template with a survey's answers, as AWX 24 runs it in a container, but for the container."""

    def __init__(self, awx, directory, template, answers, artifacts=None, own=None):
        made = awx.one("job_templates", template)
        survey = awx.related.get(f"job_templates/{made['id']}/survey_spec/", {"spec": []})["spec"]
        defaults = {
            question["variable"]: question["default"] for question in survey if question.get("default", "") != ""
        }
        given = {**defaults, **answers, **(artifacts or {}), "awx_job_id": 7}
        text = (yaml.safe_dump(own) if own else "") + yaml.dump(given, Dumper=Unsafe, allow_unicode=True)
        self._playbook = made["playbook"]
        self.job = Job(directory, text, {self._playbook: printed(f"# {self._playbook}")})
        self._env = {}
        for number in awx.related.get(f"job_templates/{made['id']}/credentials/", []):
            credential = awx.by_id(number)
            for name, text in awx.by_id(credential["credential_type"])["injectors"]["env"].items():
                self._env[name] = jinja2.Template(text).render(credential["inputs"])

    def run(self, **env):
        """Run it; its status."""
        return self.job.run(self._playbook, {**self._env, **env})


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"smtpeter_tags": "good"}, "pass"),
        # Text is what questions of the type text give.
        ({"smtpeter_tags": "good, poor", "smtpeter_min_delivery_ratio": "0.97", "smtpeter_grace_period": 2}, "fail"),
        ({"smtpeter_tags": "few", "smtpeter_wait_timeout": 0}, "inconclusive"),
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


@pytest.mark.parametrize("answer", ["{{ lookup('ansible.builtin.pipe', 'touch RAN') }}", "{{7*7}},[1]", "{%if%}"])
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
