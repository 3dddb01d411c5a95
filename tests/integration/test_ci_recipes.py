"""The guide's CI recipes are well-formed, run the playbook with variables that it has, and pick up what it writes."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT
from ansible_collections.mailops.smtpeter.tests.integration.test_examples import fences

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_ci.rst"
# By the name of its file, which is its first comment.
RECIPES = {
    fence.text.partition("\n")[0].split()[-1]: fence.text
    for fence in fences(GUIDE)
    if fence.language in ("yaml", "groovy")
}
GITHUB, GITLAB, JENKINS, AZURE = RECIPES
PARSED = {name: yaml.safe_load(text) for name, text in RECIPES.items() if name != JENKINS}
SCHEMAS = {
    GITHUB: ["vendor.github-workflows"],
    GITLAB: ["vendor.gitlab-ci"],
    # Its patterns are not those of ECMAScript's Unicode mode, and its expressions stand where the schema has keys.
    AZURE: ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"],
}
VARIABLES = yaml.safe_load((ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8"))[0]["vars"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_service_would_take_it(name, tmp_path):
    """It keeps to the schema of the service's own files."""
    recipe = tmp_path / "recipe.yml"
    recipe.write_text(RECIPES[name], encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[name], recipe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", RECIPES)
def test_what_it_gives_and_what_it_picks_up(name):
    """Extra variables are the playbook's own, and no template, which could run commands; files are what it writes."""
    text = json.dumps(PARSED[name]) if name in PARSED else RECIPES[name]
    assert "ansible-playbook mailops.smtpeter.gate" in text
    assert "SMTPETER_API_TOKEN" in RECIPES[name]
    assert "SMTPETER_TAGS" in text

    given = set(re.findall(r"-e smtpeter_(\w+)=", text))
    assert {"min_delivery_ratio", "reports"} <= given <= set(re.findall(r"\w+", VARIABLES["gate_options"]))
    assert "api_token" not in given
    assert not re.search(r"-e \S*\$", text)

    picked_up = set(re.findall(r"reports/(\w+(?:\.\w+)+)", text))
    assert picked_up
    assert picked_up <= set(VARIABLES["gate_files"])


def test_the_guide_names_what_the_playbook_writes():
    """Its table has every file, and no other."""
    named = re.findall(r"^``(\w+(?:\.\w+)+)``  ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) == set(VARIABLES["gate_files"])


def test_reports_are_kept_whatever_the_verdict():
    """Each service's own way to run a step after a failure."""
    github = PARSED[GITHUB]["jobs"]["gate"]["steps"]
    assert [step["if"] for step in github[-2:]] == ["always()", "always()"]
    assert github[-1]["with"]["if-no-files-found"] == "ignore"
    assert PARSED[GITLAB]["campaign-gate"]["artifacts"]["when"] == "always"
    azure = PARSED[AZURE]["steps"]
    assert [step["condition"] for step in azure[-3:]] == ["always()", "always()", "always()"]
    assert azure[-3]["inputs"]["failTaskOnMissingResultsFile"] is False
    always = r"post \{\s+always \{\s+junit testResults: 'reports/gate.junit.xml', allowEmptyResults: true\s"
    assert re.search(always, RECIPES[JENKINS])
    assert "allowEmptyArchive: true" in RECIPES[JENKINS]


@pytest.mark.parametrize("there", [True, False])
def test_steps_after_the_gate_do_without_reports(there, tmp_path):
    """A run that fails before there are any must not fail once more, by another message."""
    if there:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "gate.md").write_text("### Campaign gate", encoding="utf-8")
    for script in (PARSED[GITHUB]["jobs"]["gate"]["steps"][-2]["run"], PARSED[AZURE]["steps"][-2]["script"]):
        # As the services run it: GitHub by `bash -e`, Azure by bash.
        env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "PATH": os.environ["PATH"]}
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "summary").exists() is there
    assert (tmp_path / "reports").is_dir()
