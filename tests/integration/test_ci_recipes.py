# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CI recipes are well-formed, run the playbook with variables that it has, and pick up what it writes."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = sorted(path for path in (ROOT / "docs" / "ci").iterdir() if path.name != "README.md")
PLAYBOOK = (ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8")
WRITTEN = set(re.findall(r"file: (\w+(?:\.\w+)+)", (ROOT / "playbooks/tasks/reports.yml").read_text(encoding="utf-8")))


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


def text_of(recipe):
    """The words of a recipe, from its parsed form where it is YAML."""
    text = recipe.read_text(encoding="utf-8")
    return "\n".join(strings(yaml.safe_load(text))) if recipe.suffix == ".yml" else text


def test_there_is_a_recipe_for_each_service():
    """Four services, each named in the README beside them."""
    names = [recipe.name for recipe in RECIPES]
    assert names == ["Jenkinsfile", "azure-pipelines.yml", "github-actions.yml", "gitlab-ci.yml"]
    readme = (ROOT / "docs" / "ci" / "README.md").read_text(encoding="utf-8")
    assert all(f"({name})" in readme for name in names)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_it_runs_the_playbook_with_variables_that_it_has(recipe):
    """Each extra variable is one that the playbook names, and none of them is the token."""
    text = text_of(recipe)
    assert "ansible-playbook mailops.smtpeter.gate" in text
    given = set(re.findall(r"-e smtpeter_(\w+)=", text))
    assert {"min_delivery_ratio", "reports"} <= given
    options = re.search(r"gate_options: >-\n(.*?)\| split", PLAYBOOK, re.DOTALL).group(1)
    assert given <= set(re.findall(r"\w+", options))
    assert "api_token" not in given
    assert "SMTPETER_API_TOKEN" in recipe.read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_what_others_choose_is_no_extra_variable(recipe):
    """Extra variables are templates: a parameter among them could run commands, or change the policy."""
    text = text_of(recipe)
    assert "SMTPETER_TAGS" in text
    assert not re.search(r"-e \S*\$", text)
    assert "lookup('ansible.builtin.env', 'SMTPETER_TAGS')" in PLAYBOOK


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_it_picks_up_what_the_playbook_writes(recipe):
    """Every file that it names below the reports is written by the playbook."""
    named = set(re.findall(r"reports/(\w+(?:\.\w+)+)", text_of(recipe)))
    assert named
    assert named <= WRITTEN


def test_reports_are_kept_whatever_the_verdict():
    """Each service's own way to run a step after a failure."""
    recipes = {recipe.name: recipe.read_text(encoding="utf-8") for recipe in RECIPES}
    github = yaml.safe_load(recipes["github-actions.yml"])["jobs"]["gate"]["steps"]
    assert [step["if"] for step in github[-2:]] == ["always()", "always()"]
    assert yaml.safe_load(recipes["gitlab-ci.yml"])["campaign-gate"]["artifacts"]["when"] == "always"
    azure = yaml.safe_load(recipes["azure-pipelines.yml"])["steps"]
    assert [step["condition"] for step in azure[-2:]] == ["always()", "always()"]
    assert re.search(r"post \{\s+always \{\s+junit 'reports/gate.junit.xml'", recipes["Jenkinsfile"])


def test_the_jenkinsfile_is_balanced():
    """What no parser here reads has at least its brackets in order."""
    text = next(recipe for recipe in RECIPES if recipe.name == "Jenkinsfile").read_text(encoding="utf-8")
    for opening, closing in ("{}", "()"):
        assert text.count(opening) == text.count(closing) > 0
    assert text.count("'''") == 2


@pytest.mark.parametrize("action", re.findall(r"uses: (\S+)", (ROOT / "docs/ci/github-actions.yml").read_text()))
def test_actions_are_pinned_to_a_release(action):
    """A branch could change under the job."""
    assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action)
