# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on GitHub may do little, and runs what was looked at."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Iterator

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.tools.cores import CORES

ROOT = pathlib.Path(__file__).resolve().parents[2]
READ = {"contents": "read"}
# The jobs that may do more than read the repository.
MAY = {
    ("docs.yml", "deploy"): {"pages": "write", "id-token": "write"},
    ("publish.yml", "release"): {"contents": "write"},
}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(path: pathlib.Path) -> dict[str, Any]:
    """What the file says."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def steps(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """Each step of each job."""
    for job in workflow(path)["jobs"].values():
        yield from job["steps"]


def test_the_tests_are_those_of_ci() -> None:
    """A change passes on GitHub what it passes anywhere, and each week what has come out since may break it."""
    tests = workflow(ROOT / ".github" / "workflows" / "tests.yml")
    assert set(tests["on"]) == {"push", "pull_request", "schedule"}
    assert tests["jobs"]["tests"]["steps"][-1]["run"] == ".ci/run"


def test_each_ansible_core_has_its_job() -> None:
    """With the oldest Python of a host, and the oldest and the newest of a controller, whichever fails first."""
    job = workflow(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["matrix"]
    assert job["strategy"]["fail-fast"] is False
    assert job["steps"][-1]["run"] == 'make matrix CORES="$CORE"'
    given = {each["core"]: each["pythons"].replace("-dev", "").split() for each in job["strategy"]["matrix"]["include"]}
    assert {series: set(pythons) for series, pythons in given.items()} == {
        series: {core.target, *core.ends} for series, core in CORES.items()
    }
    # The last is the default, with which .venv is made.
    assert all(pythons[-1] in CORES[series].ends for series, pythons in given.items())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_least_permissions(path: pathlib.Path) -> None:
    """It reads the repository, keeps no credentials, and ends in time; a job that may do more is listed."""
    content = workflow(path)
    assert content["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in content["on"]
    for name, job in content["jobs"].items():
        assert job.get("permissions", READ) == MAY.get((path.name, name), READ)
        assert job["timeout-minutes"] <= 60
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_who_may_do_more_is_there() -> None:
    """The list names no job that was renamed."""
    assert set(MAY) <= {(path.name, name) for path in WORKFLOWS for name in workflow(path)["jobs"]}


@pytest.mark.parametrize(("file", "name"), MAY)
def test_who_may_write_runs_nothing_of_ours(file: str, name: str) -> None:
    """No code of the repository or of its dependencies runs there, and no pull request starts it."""
    content = workflow(ROOT / ".github" / "workflows" / file)
    assert "pull_request" not in content["on"]
    for step in content["jobs"][name]["steps"]:
        assert not step.get("uses", "").startswith("actions/checkout@")
        assert re.match("gh release ", step.get("run", "gh release "))


def test_the_one_secret() -> None:
    """Galaxy's token is given to the one step that publishes, by its environment, where a maintainer is asked first."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS}
    assert {name: text.count("secrets.") for name, text in texts.items() if "secrets." in text} == {"publish.yml": 1}
    job = workflow(ROOT / ".github" / "workflows" / "publish.yml")["jobs"]["galaxy"]
    assert job["environment"] == "galaxy"
    assert job["needs"] == "build"
    assert job["steps"][-1]["env"] == {"GALAXY_TOKEN": "${{ secrets.GALAXY_TOKEN }}"}


def test_what_is_published_was_tested() -> None:
    """A tag alone publishes, and only what passed all that a change must pass."""
    content = workflow(ROOT / ".github" / "workflows" / "publish.yml")
    assert content["on"] == {"push": {"tags": ["v*"]}}
    assert content["jobs"]["build"]["steps"][-1]["run"].endswith(".ci/run")
    assert content["jobs"]["release"]["needs"] == "galaxy"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: pathlib.Path) -> None:
    """Each is GitHub's own, at a full release; none is a branch or a major version, which move."""
    for step in steps(path):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", step.get("uses", "actions/none@v0.0.0"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_that_others_write_is_run(path: pathlib.Path) -> None:
    """The text of an event, such as a branch's name, is in no command."""
    for step in steps(path):
        assert "${{" not in step.get("run", "")
