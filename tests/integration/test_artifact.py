# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users install: it holds what they need and nothing else, Galaxy takes it, and it works from anywhere."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
from typing import Any

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration import test_examples as example
from ansible_collections.mailops.smtpeter.tests.integration.conftest import copy_tracked

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTED = pathlib.Path(__file__).with_name("artifact.txt")
COLLECTION = pathlib.PurePath("ansible_collections", "mailops", "smtpeter")

# Whoever asks Galaxy fails.
OFFLINE = {"ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:1"}

# All that the importer can check without a container, as strict as it can be; ruff has flake8's rules.
IMPORTER = """
[galaxy-importer]
check_changelog = true
check_required_tags = true
require_v1_or_greater = true
run_ansible_doc = true
run_ansible_lint = true
offline_ansible_lint = true
run_ansible_test = false
run_flake8 = false
"""
LINTED = "Linting collection via ansible-lint "

service = example.service
environment = example.environment


def only(collections: pathlib.Path) -> dict[str, str]:
    """The environment of a run that finds no collection but those in a directory."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "PYTHONPATH": "",
    }


def galaxy(*words: Any, cwd: pathlib.Path, home: pathlib.Path) -> None:
    """Run `ansible-galaxy collection` where nothing is installed, without Galaxy."""
    command = [sys.executable, "-m", "ansible", "galaxy", "collection", *words]
    given = {**os.environ, **only(home), **OFFLINE, "ANSIBLE_HOME": str(home)}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The file that would be published, built from what git tracks."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("artifact")
    copy_tracked(source)
    galaxy("build", "--output-path", target, cwd=source, home=tmp_path_factory.mktemp("home"))
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="session")
def installed(artifact: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory for collections in which it was installed as users without a network do it."""
    target, home = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("home")
    galaxy("install", artifact, "--offline", "--collections-path", target, cwd=home, home=home)
    return target


@pytest.fixture(scope="session")
def bare(installed: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The same, with all deleted but the four directories that content may use."""
    target = tmp_path_factory.mktemp("bare")
    for name in ("meta", "plugins", "roles", "playbooks"):
        if (installed / COLLECTION / name).is_dir():
            shutil.copytree(installed / COLLECTION / name, target / COLLECTION / name)
    return target


def patterns() -> list[str]:
    """The lines of the list."""
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def fits(name: str, pattern: str) -> bool:
    """Whether a file's name is meant by a line of the list."""
    return re.fullmatch("[^/]*".join(map(re.escape, pattern.split("*"))), name) is not None


def test_it_holds_what_users_need_and_nothing_else(artifact: pathlib.Path) -> None:
    """Each file is in the list, and each line of the list is there; none is large, a link or a program."""
    with tarfile.open(artifact) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    names = [member.name for member in members]
    assert [name for name in names if not any(fits(name, pattern) for pattern in patterns())] == []
    assert [pattern for pattern in patterns() if not any(fits(name, pattern) for name in names)] == []
    assert [member.name for member in members if not member.isreg() or member.mode & 0o111] == []
    assert max(member.size for member in members) < 100_000
    assert artifact.stat().st_size < 500_000


def test_its_name_and_metadata_are_those_of_galaxy_yml(artifact: pathlib.Path) -> None:
    """The version above all."""
    wanted = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert artifact.name == f"mailops-smtpeter-{wanted['version']}.tar.gz"
    with tarfile.open(artifact) as archive:
        manifest = json.load(archive.extractfile("MANIFEST.json"))["collection_info"]
    del wanted["build_ignore"]
    assert {name: manifest[name] for name in wanted} == wanted


def test_galaxy_takes_it_as_it_is(artifact: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its importer, which also runs ansible-lint and ansible-doc, has nothing to say against it."""
    config = tmp_path / "importer.cfg"
    config.write_text(f"{IMPORTER}ansible_local_tmp = {tmp_path}/ansible\n", encoding="utf-8")
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    given["PATH"] = f"{pathlib.Path(sys.prefix, 'bin')}{os.pathsep}{given['PATH']}"
    given |= {"GALAXY_IMPORTER_CONFIG": str(config), "ANSIBLE_HOME": str(tmp_path / "home")}

    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", artifact],
        cwd=tmp_path,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"^(WARNING|ERROR|CRITICAL)|Traceback", said, re.MULTILINE) is None, said
    assert LINTED in said
    result = json.loads((tmp_path / "importer_result.json").read_text(encoding="utf-8"))
    documented = {entry["content_name"] for entry in result["docs_blob"]["contents"] if entry["doc_strings"]}
    assert documented == {path.stem for path in example.plugins()}
    assert result["requires_ansible"] == ">=2.16.0"


def test_it_works_where_it_was_installed(installed: pathlib.Path, play: Any, environment: dict[str, str]) -> None:
    """A playbook that lies elsewhere uses it."""
    text = example.as_playbook(example.examples(ROOT / "plugins" / "modules" / "tag_stats_info.py"))
    run = play(text, env={**environment, **only(installed)})
    assert any("stats" in entry["result"] for entry in run.tasks)


def test_plugins_need_the_four_directories_alone(bare: pathlib.Path, play: Any, environment: dict[str, str]) -> None:
    """With all else deleted, all examples of all plugins run."""
    texts = [example.as_playbook(example.examples(plugin)) for plugin in example.plugins()]
    run = play("\n".join(texts), env={**environment, **only(bare)})
    assert {entry["status"] for entry in run.tasks} >= {"ok"}
    assert example.sandboxes(environment["TMPDIR"]) == []


def test_playbooks_need_the_four_directories_alone(
    bare: pathlib.Path, play: Any, environment: dict[str, str], tmp_path: pathlib.Path
) -> None:
    """With all else deleted, each playbook runs; the demo runs that of the gate, too."""
    given = {**environment, **only(bare)}
    demo = play("mailops.smtpeter.demo", env=given)
    assert "Rehearse the gate" in demo.stdout

    play("mailops.smtpeter.gate", "-e", "smtpeter_tags=wave-1", "-e", f"smtpeter_reports={tmp_path}/gate", env=given)
    assert (tmp_path / "gate" / "gate.html").is_file()

    hosts = {"wave": {"smtpeter_tags": ["wave-1", "wave-2"]}, "news": {"smtpeter_tags": ["newsletter"]}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    fleet = play("mailops.smtpeter.fleet", "-i", "hosts.json", env=given)
    handed_out = fleet.result("Read the tags of this slice and hand the records out")["ansible_stats"]["data"]
    # As AWX hands it on.
    (tmp_path / "handed-out.json").write_text(json.dumps(handed_out), encoding="utf-8")
    play("mailops.smtpeter.fleet_merge", "-i", "hosts.json", "-e", "@handed-out.json", env=given)
    ran = {"demo", "gate", "gate_demo", "fleet", "fleet_merge"}
    assert {path.stem for path in (bare / COLLECTION / "playbooks").glob("*.yml")} == ran


def test_ansible_doc_lists_the_public_plugins_alone(bare: pathlib.Path, ansible_core: Any) -> None:
    """For each type of plugin that the collection has a directory for, and for roles."""
    documented = {"modules": "module", "roles": "role"}
    directories = sorted(path.name for path in (bare / COLLECTION / "plugins").iterdir())
    listed = set()
    for name in [*directories, "roles"]:
        if name in ("action", "doc_fragments", "module_utils", "plugin_utils"):
            continue
        words = ["doc", "--list", "--json", "--type", documented.get(name, name), "mailops.smtpeter"]
        command = [ansible_core.python, "-m", "ansible", *words]
        done = subprocess.run(command, env={**os.environ, **only(bare)}, check=True, capture_output=True, text=True)
        listed |= {(name, plugin) for plugin in json.loads(done.stdout)}
    assert listed == {(path.parent.name, f"mailops.smtpeter.{path.stem}") for path in example.plugins()}
