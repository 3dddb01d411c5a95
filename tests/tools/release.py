# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a release: changelog, version, commit, tag and artifact. It publishes nothing.

Run by .venv's Python from the repository's root: `release.py VERSION`. All is prepared in a git worktree of its own, so
that a release that does not come about leaves the repository as it was.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Iterator, Sequence

import yaml
from semantic_version import Version

BRANCH = "main"
CHECK = (".ci/run",)

# What a fragment's section asks of the version, beyond a patch.
MAJOR = {"breaking_changes", "removed_features"}
MINOR = {"major_changes", "minor_changes", "deprecated_features"}


class Refused(Exception):
    """Why there is no release."""


def git(root: pathlib.Path, *words: str) -> str:
    """What a git command prints."""
    done = subprocess.run(["git", *words], cwd=root, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"git {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def python(root: pathlib.Path, *words: str) -> None:
    """Run a program of .venv in a worktree, without the caller's Ansible settings."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    programs = pathlib.Path(sys.prefix, "bin")
    given["PATH"] = f"{programs}{os.pathsep}{given['PATH']}"
    done = subprocess.run([sys.executable, *words], cwd=root, env=given, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"{words[0]}: {done.stdout}{done.stderr}")


def program(name: str) -> str:
    """A console script of .venv."""
    return str(pathlib.Path(sys.prefix, "bin", name))


def yaml_of(path: pathlib.Path) -> Any:
    """What a file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def last_release(root: pathlib.Path) -> Version | None:
    """The highest version in the changelog."""
    releases = yaml_of(root / "changelogs" / "changelog.yaml")["releases"]
    return max(map(Version, releases), default=None)


def sections(root: pathlib.Path) -> set[str]:
    """The sections of the changelog that the fragments fill."""
    fragments = [yaml_of(path) for path in (root / "changelogs" / "fragments").glob("*.y*ml")]
    return {section for fragment in fragments for section in fragment}


def newest_content(root: pathlib.Path) -> Version:
    """The highest version that a plugin or an option says it came with."""
    texts = [path.read_text(encoding="utf-8") for path in (root / "plugins").rglob("*.py")]
    said = [version for text in texts for version in re.findall(r"version_added: ['\"]?([\d.]+)", text)]
    return max(map(Version, said))


def wanted(text: str) -> Version:
    """The version that was asked for."""
    try:
        version = Version(text)
    except ValueError:
        raise Refused(f"VERSION={text}: give three numbers, such as VERSION=1.2.3") from None
    if version.prerelease or version.build:
        raise Refused(f"VERSION={text}: a pre-release is no release; give three numbers")
    return version


def check_version(root: pathlib.Path, version: Version) -> None:
    """Refuse one that does not follow the last release, or that promises less than what changed."""
    filled, last, newest = sections(root), last_release(root), newest_content(root)
    if not filled - {"trivial"}:
        raise Refused("changelogs/fragments has nothing to tell users")
    if newest > version:
        raise Refused(f"{version}: a plugin or an option says that it came with {newest}")
    if last is None:
        return
    following = [last.next_major(), last.next_minor(), last.next_patch()]
    if version not in following:
        raise Refused(f"{version}: after {last} comes {', '.join(map(str, following))}")
    if filled & MAJOR and version != following[0]:
        raise Refused(f"{version}: {', '.join(sorted(filled & MAJOR))} need {following[0]}")
    if filled & MINOR and version == following[2]:
        raise Refused(f"{version}: {', '.join(sorted(filled & MINOR))} need {following[1]}")


def check_repository(root: pathlib.Path, tag: str) -> str:
    """Refuse a state that a release cannot be made from; the commit."""
    branch = git(root, "rev-parse", "--abbrev-ref", "HEAD")
    if branch != BRANCH:
        raise Refused(f"this is the branch {branch}, and releases are made from {BRANCH}")
    changes = git(root, "status", "--porcelain")
    if changes:
        raise Refused(f"the working tree has changes:\n{changes}")
    if git(root, "tag", "--list", tag):
        raise Refused(f"the tag {tag} exists")
    return git(root, "rev-parse", "HEAD")


@contextlib.contextmanager
def worktree(root: pathlib.Path, commit: str) -> Iterator[pathlib.Path]:
    """A second working tree at the commit, on no branch, for a while."""
    with tempfile.TemporaryDirectory(prefix="release-") as directory:
        path = pathlib.Path(directory) / "smtpeter"
        git(root, "worktree", "add", "--quiet", "--detach", str(path), commit)
        try:
            yield path
        finally:
            git(root, "worktree", "remove", "--force", str(path))


def prepare(tree: pathlib.Path, version: Version, target: pathlib.Path) -> tuple[str, pathlib.Path]:
    """Make the commit in a worktree, and the artifact of it in `target`."""
    galaxy = tree / "galaxy.yml"
    text, count = re.subn(r"(?m)^version: .*$", f"version: {version}", galaxy.read_text(encoding="utf-8"))
    if count != 1:
        raise Refused("galaxy.yml must have one version")
    galaxy.write_text(text, encoding="utf-8")
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    python(tree, program("antsibull-changelog"), "release", "--date", today)
    python(tree, program("antsibull-changelog"), "lint")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", f"Release {version}")
    python(tree, "-m", "ansible", "galaxy", "collection", "build", "--output-path", str(target))
    return git(tree, "rev-parse", "HEAD"), target / f"mailops-smtpeter-{version}.tar.gz"


def release(root: pathlib.Path, text: str, check: Sequence[str] = CHECK) -> pathlib.Path:
    """Do all of it; the artifact. `check` is a command that must succeed."""
    version = wanted(text)
    tag = f"v{version}"
    commit = check_repository(root, tag)
    check_version(root, version)
    if subprocess.run(check, cwd=root, check=False).returncode:
        raise Refused(f"{' '.join(check)} failed")
    if check_repository(root, tag) != commit:
        raise Refused(f"{' '.join(check)} changed the branch")
    with tempfile.TemporaryDirectory(prefix="artifact-") as directory, worktree(root, commit) as tree:
        made, built = prepare(tree, version, pathlib.Path(directory))
        git(root, "tag", "--annotate", "--message", f"Release {version}", tag, made)
        try:
            git(root, "merge", "--quiet", "--ff-only", made)
        except Refused:
            git(root, "tag", "--delete", tag)
            raise
        return pathlib.Path(shutil.move(built, root / built.name))


def main() -> int:
    """Release, and say how to publish it."""
    (text,) = sys.argv[1:]
    root = pathlib.Path.cwd()
    try:
        artifact = release(root, text)
    except Refused as error:
        print(f"No release: {error}", file=sys.stderr)
        return 1
    print(f"{hashlib.sha256(artifact.read_bytes()).hexdigest()}  {artifact.name}")
    print(f"{BRANCH} has a commit and a tag for it. Nothing is published. To publish, push both:")
    print(f"  git push --atomic origin {BRANCH} v{wanted(text)}")
    print("The workflow Publish then builds, tests and publishes what is tagged.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
