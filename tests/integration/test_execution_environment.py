"""Execution environments: what ansible-builder makes of the collection, and the gate as ansible-runner runs it.

No image is built here, since that needs a container engine; a stand-in for podman says what it would be given.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, TOKEN
from ansible_collections.mailops.smtpeter.tests.integration.jobs import Job, printed

BUILDER = [sys.executable, "-m", "ansible_builder"]
COLLECTIONS = "/usr/share/ansible/collections"
HURRY = {"smtpeter_grace_period": 2, "smtpeter_sending_gap": 1, "smtpeter_wait_sleep": 0.5, "smtpeter_wait_timeout": 30}
NEEDED = {"python": ["requests>=2.25.0  # from collection mailops.smtpeter"], "system": []}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory with the collection as ansible-galaxy installs its artifact, and with nothing else."""
    directory = tmp_path_factory.mktemp("installed")
    # The checkout on Python's path would count as installed.
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(directory), "PYTHONPATH": ""}
    galaxy = [sys.executable, "-m", "ansible", "galaxy", "collection"]
    subprocess.run([*galaxy, "build", "--output-path", directory, ROOT], env=env, check=True, capture_output=True)
    (artifact,) = directory.glob("*.tar.gz")
    install = [*galaxy, "install", "--offline", "--collections-path", directory, artifact]
    subprocess.run(install, env=env, check=True, capture_output=True)
    return directory


def test_what_is_found_in_the_collection(installed):
    """Of the artifact's tree, ansible-builder reads requests for Python, and no system package."""
    done = subprocess.run([*BUILDER, "introspect", installed], capture_output=True, text=True, check=True)
    assert yaml.safe_load(done.stdout) == NEEDED
    tree = installed / "ansible_collections" / "mailops" / "smtpeter"
    named = yaml.safe_load((tree / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert [(tree / name).is_file() for name in named.values()] == [True, True]


def test_the_context_of_the_guides_image(installed, tmp_path):
    """The guide's definition gives a context that installs the collection and, by its own steps, what that needs."""
    (tmp_path / "execution-environment.yml").write_text(printed("# execution-environment.yml"), encoding="utf-8")
    subprocess.run([*BUILDER, "create", "--output-filename", "Containerfile"], cwd=tmp_path, check=True)

    build = tmp_path / "context" / "_build"
    wanted = yaml.safe_load((build / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": "mailops.smtpeter"}]}
    steps = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG ANSIBLE_INSTALL_REFS=\"ansible-core>=2\.16 ansible-runner\"$", steps, re.MULTILINE)
    (installing,) = re.findall(r"^RUN .*ansible-galaxy collection install .*$", steps, re.MULTILINE)
    assert shlex.split(installing)[-4:] == ["-r", "requirements.yml", "--collections-path", COLLECTIONS]

    (step,) = re.findall(r"^RUN \$PYCMD /output/scripts/(introspect.py .*)$", steps, re.MULTILINE)
    words = [word.replace("/tmp/src", str(tmp_path / "src")) for word in shlex.split(step)]
    assert words[:2] == ["introspect.py", "introspect"]
    command = [sys.executable, build / "scripts" / words[0], words[1], installed, *words[2:]]
    subprocess.run(command, cwd=build, check=True, capture_output=True)
    assert (tmp_path / "src" / "requirements.txt").read_text(encoding="utf-8").split("\n") == [
        *NEEDED["python"],
        "pygal>=3  # from collection user",
        "",
    ]
    assert not (tmp_path / "src" / "bindep.txt").exists()


def test_a_job(tmp_path, access):
    """The status tells fail from pass, progress is in the output, and the artifacts have the verdict and no token."""
    job = Job(tmp_path / "job", yaml.safe_dump({"smtpeter_tags": "good,poor", **HURRY}))
    assert job.run("mailops.smtpeter.gate", access) == "failed"
    gate = job.handed_out["smtpeter_gate"]
    assert (gate["verdict"], list(gate["stats"])) == ("fail", ["good", "poor"])
    lines = [line for line in job.read("stdout").splitlines() if "[localhost] 00:" in line]
    assert gate["msg"] in lines[-1]
    # Which is why the guide says so: ansible-runner notes the environment of what it runs.
    assert job.leaking(TOKEN) == ["artifacts/job/command"]


def test_the_token_from_a_vault(tmp_path, access):
    """As the guide says, with all extra variables encrypted, no file has the token, the job's own included."""
    password = tmp_path / "password"
    password.write_text("only-for-tests", encoding="utf-8")
    job = Job(
        tmp_path / "job", yaml.safe_dump({"smtpeter_api_token": TOKEN, "smtpeter_tags": "good"}, allow_unicode=True)
    )
    assert job.leaking(TOKEN) == ["env/extravars"]
    vault = [sys.executable, "-m", "ansible", "vault", "encrypt", "--vault-password-file", password]
    subprocess.run([*vault, job.directory / "env" / "extravars"], check=True, capture_output=True)
    env = {"SMTPETER_API_URL": access["SMTPETER_API_URL"]}
    status = job.run("mailops.smtpeter.gate", env, "--cmdline", f"--vault-password-file {shlex.quote(str(password))}")
    assert (status, job.handed_out["smtpeter_gate"]["verdict"]) == ("successful", "pass")
    assert job.leaking(TOKEN) == []


@pytest.fixture
def podman(tmp_path):
    """The directory of a stand-in that notes its arguments and whether it has the token, and runs nothing."""
    directory = tmp_path / "engine"
    directory.mkdir()
    stand_in = directory / "podman"
    stand_in.write_text('#!/bin/sh\necho "$SMTPETER_API_TOKEN" "$@" >>"$0.log"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    return directory


def test_the_token_with_a_container(tmp_path, podman):
    """By the guide's command the engine is told the variable's name and has its value; no file has it."""
    words = shlex.split(printed("ansible-runner run gate"))
    assert words[:7] == ["ansible-runner", "run", "gate", "-p", "mailops.smtpeter.gate", "--ident", "wave-1"]
    job = Job(tmp_path / "gate")
    job.run(words[4], {"SMTPETER_API_TOKEN": TOKEN}, *words[7:], path=str(podman))
    started = (podman / "podman.log").read_text(encoding="utf-8").splitlines()[-1]
    assert started.startswith(f"{TOKEN} run ")
    arguments = started[len(TOKEN) :].split()
    assert "--env=SMTPETER_API_TOKEN" in arguments
    assert arguments[arguments.index("registry.example.com/smtpeter-ee") :][1] == "ansible-playbook"
    assert "smtpeter_tags=wave-1" in arguments
    assert arguments[-1] == "mailops.smtpeter.gate"
    assert job.leaking(TOKEN) == []


def test_why_not_envvars(tmp_path, podman):
    """With a container, what stands in env/envvars is written down twice more."""
    job = Job(tmp_path / "gate")
    (job.directory / "env" / "envvars").write_text(
        yaml.safe_dump({"SMTPETER_API_TOKEN": TOKEN}, allow_unicode=True), encoding="utf-8"
    )
    job.run("mailops.smtpeter.gate", {}, "--process-isolation", "--container-image", "image", path=str(podman))
    assert job.leaking(TOKEN) == ["artifacts/job/command", "artifacts/job/env.list", "env/envvars"]
