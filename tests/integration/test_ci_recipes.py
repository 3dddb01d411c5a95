"""The guide's CI recipes are well-formed, run the playbook with variables that it has, and pick up what it writes."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.test_examples import fences

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_ci.rst"
# By the name of its file, which is its first comment.
RECIPES = {
    fence.text.partition("\n")[0].split()[-1]: fence.text
    for fence in fences(GUIDE)
    if fence.language in ("yaml", "groovy")
}
GITHUB, GITLAB, JENKINS, AZURE = SERVICES = (
    ".github/workflows/campaign-gate.yml",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
)
SCHEMAS = {GITHUB: "vendor.github-workflows", GITLAB: "vendor.gitlab-ci", AZURE: "vendor.azure-pipelines"}
# Its patterns are not those of ECMAScript's Unicode mode, and its expressions stand where the schema has keys.
AZURES = ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode")
PLAYBOOK = (ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8")
WRITTEN = set(yaml.safe_load(PLAYBOOK)[0]["vars"]["gate_files"])


def strings(node):
    """Yield every string in parsed YAML."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def text_of(name):
    """The words of a recipe, from its parsed form where it is YAML."""
    text = RECIPES[name]
    return "\n".join(strings(yaml.safe_load(text))) if name.endswith(".yml") else text


def test_there_is_a_recipe_for_each_service():
    """Four services, and nothing else that nobody looks at."""
    assert tuple(RECIPES) == SERVICES


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_service_would_take_it(name, tmp_path):
    """It keeps to the schema of the service's own files."""
    recipe = tmp_path / "recipe.yml"
    recipe.write_text(RECIPES[name], encoding="utf-8")
    options = ["--builtin-schema", SCHEMAS[name], *(AZURES if name == AZURE else ())]
    command = [sys.executable, "-m", "check_jsonschema", *options, recipe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_the_playbook_with_variables_that_it_has(name):
    """Each extra variable is one that the playbook names, and none of them is the token."""
    text = text_of(name)
    assert "ansible-playbook mailops.smtpeter.gate" in text
    given = set(re.findall(r"-e smtpeter_(\w+)=", text))
    assert {"min_delivery_ratio", "reports"} <= given
    options = re.search(r"gate_options: >-\n(.*?)\| split", PLAYBOOK, re.DOTALL).group(1)
    assert given <= set(re.findall(r"\w+", options))
    assert "api_token" not in given
    assert "SMTPETER_API_TOKEN" in RECIPES[name]


@pytest.mark.parametrize("name", SERVICES)
def test_what_others_choose_is_no_extra_variable(name):
    """Extra variables are templates: a parameter among them could run commands, or change the policy."""
    text = text_of(name)
    assert "SMTPETER_TAGS" in text
    assert not re.search(r"-e \S*\$", text)
    # Run by test_gate_playbook.py: nothing in it is a template.
    assert "SMTPETER_TAGS" in PLAYBOOK


@pytest.mark.parametrize("name", SERVICES)
def test_it_picks_up_what_the_playbook_writes(name):
    """Every file that it names below the reports is written by the playbook."""
    named = set(re.findall(r"reports/(\w+(?:\.\w+)+)", text_of(name)))
    assert named
    assert named <= WRITTEN


def test_the_guide_names_what_the_playbook_writes():
    """Its table has every file, and no other."""
    assert set(re.findall(r"^``(\w+(?:\.\w+)+)``  ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)) == WRITTEN


def test_reports_are_kept_whatever_the_verdict():
    """Each service's own way to run a step after a failure."""
    github = yaml.safe_load(RECIPES[GITHUB])["jobs"]["gate"]["steps"]
    assert [step["if"] for step in github[-2:]] == ["always()", "always()"]
    assert github[-1]["with"]["if-no-files-found"] == "ignore"
    assert yaml.safe_load(RECIPES[GITLAB])["campaign-gate"]["artifacts"]["when"] == "always"
    azure = yaml.safe_load(RECIPES[AZURE])["steps"]
    assert [step["condition"] for step in azure[-3:]] == ["always()", "always()", "always()"]
    assert azure[-3]["inputs"]["failTaskOnMissingResultsFile"] is False
    assert re.search(
        r"post \{\s+always \{\s+junit testResults: 'reports/gate.junit.xml', allowEmptyResults: true\s",
        RECIPES[JENKINS],
    )
    assert "allowEmptyArchive: true" in RECIPES[JENKINS]


@pytest.mark.parametrize("there", [True, False])
def test_steps_after_the_gate_do_without_reports(there, tmp_path):
    """A run that fails before there are any must not fail once more, by another message."""
    github = yaml.safe_load(RECIPES[GITHUB])["jobs"]["gate"]["steps"]
    azure = yaml.safe_load(RECIPES[AZURE])["steps"]
    if there:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "gate.md").write_text("### Campaign gate", encoding="utf-8")
    for script in (github[-2]["run"], azure[-2]["script"]):
        # As the services run it: GitHub by `bash -e`, Azure by bash.
        env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "PATH": os.environ["PATH"]}
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "summary").exists() is there
    assert (tmp_path / "reports").is_dir()


def test_the_jenkinsfile_is_balanced():
    """What no parser here reads has at least its brackets in order."""
    text = RECIPES[JENKINS]
    for opening, closing in ("{}", "()"):
        assert text.count(opening) == text.count(closing) > 0
    assert text.count("'''") == 2


@pytest.mark.parametrize("action", re.findall(r"uses: (\S+)", RECIPES[GITHUB]))
def test_actions_are_pinned_to_a_release(action):
    """A branch could change under the job."""
    assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action)
