# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release is made whole or not at all, and says no more than what changed."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
from typing import Any, Callable

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, copy_tracked
from ansible_collections.mailops.smtpeter.tests.tools import release

PASSES = [sys.executable, "-c", ""]
FAILS = [sys.executable, "-c", "import sys; sys.exit(1)"]
MESSES = [sys.executable, "-c", "open('stray', 'w').close()"]


def git(root: pathlib.Path, *words: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: pathlib.Path) -> None:
    """Commit all that was changed."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A change")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A repository with the files of this one, as they may have been before the first release."""
    root = tmp_path_factory.mktemp("template")
    copy_tracked(root)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "user.name", "A maintainer")
    git(root, "config", "user.email", "maintainer@example.com")
    (root / "changelogs" / "changelog.yaml").write_text("ancestor: null\nreleases: {}\n", encoding="utf-8")
    for path in [root / "galaxy.yml", *(root / "plugins").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^( *version(?:_added)?: )[\d.]+$", r"\g<1>1.0.0", text), encoding="utf-8")
    fragments(root, minor_changes=["gate - something new."])
    commit(root)
    return root


@pytest.fixture
def repository(template: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """One of its own."""
    return pathlib.Path(shutil.copytree(template, tmp_path / "a clone", symlinks=True))


def fragments(root: pathlib.Path, **sections: list[str]) -> None:
    """Let these be the changes since the last release."""
    directory = root / "changelogs" / "fragments"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    if sections:
        (directory / "change.yml").write_text(yaml.safe_dump(sections), encoding="utf-8")


def released(root: pathlib.Path, **sections: list[str]) -> None:
    """Let 1.0.0 be released, and these be the changes since."""
    changelog = {"ancestor": None, "releases": {"1.0.0": {"release_date": "2026-01-01"}}}
    (root / "changelogs" / "changelog.yaml").write_text(yaml.safe_dump(changelog), encoding="utf-8")
    fragments(root, **sections)
    commit(root)


def state(root: pathlib.Path) -> list[Any]:
    """All that a release could leave behind."""
    worktrees = git(root, "worktree", "list", "--porcelain").count("worktree ")
    files = sorted(path.name for path in root.iterdir())
    return [git(root, "rev-parse", "HEAD", "--abbrev-ref"), git(root, "tag", "--list"), worktrees, files]


def on_another_branch(root: pathlib.Path) -> None:
    """As somebody who forgot to go back."""
    git(root, "switch", "--quiet", "--create", "topic")


def with_a_hook_that_fails(root: pathlib.Path) -> None:
    """The commit is refused, after the changelog was written."""
    hook = root / ".git" / "hooks" / "commit-msg"
    hook.write_text("#!/bin/sh\necho not this one\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)


def with_something_new(root: pathlib.Path) -> None:
    """An option that comes with 1.1.0, and a fragment that calls it a repair."""
    path = root / "plugins" / "doc_fragments" / "_policy.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("version_added: 1.0.0", "version_added: 1.1.0", 1), encoding="utf-8")
    released(root, bugfixes=["gate - a repair."])


@pytest.mark.parametrize(
    ("version", "prepare", "check", "reason"),
    [
        ("", None, PASSES, "three numbers"),
        ("1.0", None, PASSES, "three numbers"),
        ("v1.0.0", None, PASSES, "three numbers"),
        ("1.0.0-rc.1", None, PASSES, "a pre-release is no release"),
        ("1.0.0", on_another_branch, PASSES, "this is the branch topic"),
        ("1.0.0", lambda root: (root / "stray").touch(), PASSES, "the working tree has changes"),
        ("1.0.0", lambda root: (root / "README.md").unlink(), PASSES, "the working tree has changes"),
        ("1.0.0", lambda root: git(root, "tag", "v1.0.0"), PASSES, "the tag v1.0.0 exists"),
        ("1.0.1", released, PASSES, "nothing to tell users"),
        ("1.0.1", lambda root: released(root, trivial=["tests"]), PASSES, "nothing to tell users"),
        ("0.9.0", lambda root: released(root, bugfixes=["a"]), PASSES, "came with 1.0.0"),
        ("1.0.0", lambda root: released(root, bugfixes=["a"]), PASSES, "after 1.0.0 comes 2.0.0, 1.1.0, 1.0.1"),
        ("1.2.0", lambda root: released(root, bugfixes=["a"]), PASSES, "after 1.0.0 comes 2.0.0, 1.1.0, 1.0.1"),
        ("1.0.1", lambda root: released(root, minor_changes=["a"]), PASSES, "minor_changes need 1.1.0"),
        ("1.0.1", lambda root: released(root, deprecated_features=["a"]), PASSES, "deprecated_features need 1.1.0"),
        ("1.1.0", lambda root: released(root, removed_features=["a"]), PASSES, "removed_features need 2.0.0"),
        ("1.0.1", with_something_new, PASSES, "says that it came with 1.1.0"),
        ("1.0.0", None, FAILS, "failed"),
        ("1.0.0", with_a_hook_that_fails, PASSES, "not this one"),
    ],
)
def test_refused(
    repository: pathlib.Path,
    version: str,
    prepare: Callable[[pathlib.Path], Any] | None,
    check: list[str],
    reason: str,
) -> None:
    """What is not fit for a release is said, and nothing is left behind."""
    if prepare:
        prepare(repository)
    before = state(repository)
    with pytest.raises(release.Refused, match=re.escape(reason)):
        release.release(repository, version, check)
    assert state(repository) == before


def test_checks_that_leave_something_are_refused(repository: pathlib.Path) -> None:
    """It would not be what was checked."""
    with pytest.raises(release.Refused, match="the working tree has changes"):
        release.release(repository, "1.0.0", MESSES)
    assert git(repository, "tag", "--list") == ""


@pytest.mark.parametrize(
    ("version", "section"),
    [
        ("1.0.1", "bugfixes"),
        ("1.0.1", "security_fixes"),
        ("1.1.0", "bugfixes"),
        ("1.1.0", "minor_changes"),
        ("1.1.0", "deprecated_features"),
        ("2.0.0", "minor_changes"),
        ("2.0.0", "breaking_changes"),
    ],
)
def test_a_version_that_promises_enough(repository: pathlib.Path, version: str, section: str) -> None:
    """More than a change asks for is allowed."""
    released(repository, **{section: ["gate - a change."]})
    release.check_version(repository, release.wanted(version))


@pytest.mark.parametrize(
    ("version", "prepare"),
    [("1.0.0", None), ("1.0.1", lambda root: released(root, bugfixes=["gate - a repair."], trivial=["tests"]))],
    ids=["the first", "a repair"],
)
def test_released(repository: pathlib.Path, version: str, prepare: Callable[[pathlib.Path], Any] | None) -> None:
    """One commit on top, an annotated tag at it, an artifact of it; the tree is clean, and nothing else is new."""
    if prepare:
        prepare(repository)
    before, files = git(repository, "rev-parse", "HEAD"), {path.name for path in repository.iterdir()}

    artifact = release.release(repository, version, PASSES)

    assert git(repository, "rev-parse", "main^") == before
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "cat-file", "-t", f"v{version}") == "tag"
    assert git(repository, "rev-parse", f"v{version}^{{commit}}") == git(repository, "rev-parse", "main")
    changed = git(repository, "diff", "--name-only", "--no-renames", "main^").splitlines()
    metadata = ["galaxy.yml"] if version != "1.0.0" else []
    assert changed == ["CHANGELOG.md", "changelogs/changelog.yaml", "changelogs/fragments/change.yml", *metadata]

    assert {path.name for path in repository.iterdir()} - files == {artifact.name}
    assert artifact.name == f"mailops-smtpeter-{version}.tar.gz"
    with tarfile.open(artifact) as archive:
        assert json.load(archive.extractfile("MANIFEST.json"))["collection_info"]["version"] == version
        notes = archive.extractfile("CHANGELOG.md").read().decode()
        assert version in yaml.safe_load(archive.extractfile("changelogs/changelog.yaml"))["releases"]
    assert "v" + version.replace(".", "\\.") in notes


def test_nothing_is_published(repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """After .ci/run, it says what was made and how to publish it; the remote repository has nothing new."""
    ci, origin = repository / ".ci" / "run", tmp_path / "origin"
    ci.write_text("#!/bin/sh\necho checked with .ci/run\n", encoding="utf-8")
    commit(repository)
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(repository, "remote", "add", "origin", str(origin))
    git(repository, "push", "--quiet", "origin", "main")
    before = git(origin, "show-ref")

    tool = ROOT / "tests" / "tools" / "release.py"
    done = subprocess.run([sys.executable, tool, "1.0.0"], cwd=repository, check=True, capture_output=True, text=True)

    digest = hashlib.sha256((repository / "mailops-smtpeter-1.0.0.tar.gz").read_bytes()).hexdigest()
    said = done.stdout.splitlines()
    assert said[:2] == ["checked with .ci/run", f"{digest}  mailops-smtpeter-1.0.0.tar.gz"]
    assert "  git push --atomic origin main v1.0.0" in said
    assert git(origin, "show-ref") == before
    git(repository, *said[-2].split()[1:])
    assert git(origin, "rev-parse", "v1.0.0^{commit}") == git(origin, "rev-parse", "main")


def test_make_release_says_why_not() -> None:
    """The command of the Makefile reaches the tool, which refuses without touching anything."""
    done = subprocess.run(["make", "release", "VERSION=one"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "No release: VERSION=one: give three numbers" in done.stderr
