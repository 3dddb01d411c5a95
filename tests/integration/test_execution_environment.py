"""Execution and decision environments: what ansible-builder makes of them, and the gate as ansible-runner runs it.

No image is built here, since that needs a container engine; a stand-in for podman says what it would be given.
"""

import os
import re
import shlex
import subprocess
import sys
import tarfile

import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import COLLECTION, ROOT, TOKEN
from ansible_collections.mailops.smtpeter.tests.integration.jobs import Job, printed

COLLECTIONS = "/usr/share/ansible/collections"


def context(directory, *args):
    """Have ansible-builder make an image's context; its directory `_build`, and the Containerfile."""
    create = [sys.executable, "-m", "ansible_builder", "create", "--output-filename", "Containerfile", *args]
    subprocess.run(create, cwd=directory, check=True, capture_output=True)
    build = directory / "context" / "_build"
    wanted = yaml.safe_load((build / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": "mailops.smtpeter"}]}
    steps = (directory / "context" / "Containerfile").read_text(encoding="utf-8")
    (installing,) = re.findall(r"^RUN .*ansible-galaxy collection install .*$", steps, re.MULTILINE)
    assert shlex.split(installing)[-4:] == ["-r", "requirements.yml", "--collections-path", COLLECTIONS]
    return build, steps


def test_the_context_of_the_guides_image(artifact, tmp_path):
    """By its own steps, it installs the collection and what that needs: requests, and no system package."""
    (tmp_path / "execution-environment.yml").write_text(printed("# execution-environment.yml"), encoding="utf-8")
    build, steps = context(tmp_path)
    assert 'ARG ANSIBLE_INSTALL_REFS="ansible-core>=2.16 ansible-runner"\n' in steps

    installed = tmp_path / "installed"
    with tarfile.open(artifact) as archive:
        archive.extractall(installed / COLLECTION, filter="data")
    (step,) = re.findall(r"^RUN \$PYCMD /output/scripts/introspect.py (.*)$", steps, re.MULTILINE)
    action, *words = shlex.split(step.replace("/tmp/src", shlex.quote(str(tmp_path / "src"))))
    command = [sys.executable, build / "scripts" / "introspect.py", action, installed, *words]
    subprocess.run(command, cwd=build, check=True, capture_output=True)
    assert (tmp_path / "src" / "requirements.txt").read_text(encoding="utf-8").splitlines() == [
        "requests>=2.25.0  # from collection mailops.smtpeter",
        "pygal>=3  # from collection user",
    ]
    assert not (tmp_path / "src" / "bindep.txt").exists()


def test_the_context_of_the_decision_environment(tmp_path):
    """From the base image that has Java and ansible-rulebook, it installs the collection and what the source needs."""
    build, steps = context(tmp_path, "--file", ROOT / "extensions" / "eda" / "decision-environment.yml")
    assert (build / "requirements.txt").read_text(encoding="utf-8").split() == ["requests>=2.25.0"]
    assert 'ARG EE_BASE_IMAGE="quay.io/ansible/ansible-rulebook:main"' in steps
    assert 'ARG PKGMGR="/usr/bin/dnf"' in steps


def test_the_token_from_a_vault(tmp_path, access):
    """As the guide says, with all extra variables encrypted, no file has the token, the job's own included."""
    password = tmp_path / "password"
    password.write_text("only-for-tests", encoding="utf-8")
    variables = yaml.safe_dump({"smtpeter_api_token": TOKEN, "smtpeter_tags": "good"}, allow_unicode=True)
    job = Job(tmp_path / "job", variables)
    assert job.leaking(TOKEN) == ["env/extravars"]
    vault = [sys.executable, "-m", "ansible", "vault", "encrypt", "--vault-password-file", password]
    subprocess.run([*vault, job.directory / "env" / "extravars"], check=True, capture_output=True)
    env = {"SMTPETER_API_URL": access["SMTPETER_API_URL"]}
    status = job.run("mailops.smtpeter.gate", env, "--cmdline", f"--vault-password-file {shlex.quote(str(password))}")
    assert (status, job.handed_out["smtpeter_gate"]["verdict"]) == ("successful", "pass")
    assert job.leaking(TOKEN) == []


def test_the_token_with_a_container(tmp_path):
    """By the guide's command the engine is told the variable's name and has its value; no file has it."""
    # A stand-in that notes its arguments and whether it has the token, and runs nothing.
    podman = tmp_path / "podman"
    podman.write_text('#!/bin/sh\necho "$SMTPETER_API_TOKEN" "$@" >>"$0.log"\n', encoding="utf-8")
    podman.chmod(0o755)
    words = shlex.split(printed("ansible-runner run gate"))
    assert words[:7] == ["ansible-runner", "run", "gate", "-p", "mailops.smtpeter.gate", "--ident", "wave-1"]
    job = Job(tmp_path / "gate")
    env = {"SMTPETER_API_TOKEN": TOKEN, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    job.run(words[4], env, *words[7:])
    started = (tmp_path / "podman.log").read_text(encoding="utf-8").splitlines()[-1]
    assert started.startswith(f"{TOKEN} run ")
    arguments = started[len(TOKEN) :].split()
    assert "--env=SMTPETER_API_TOKEN" in arguments
    assert arguments[arguments.index("registry.example.com/smtpeter-ee") :][1] == "ansible-playbook"
    assert "smtpeter_tags=wave-1" in arguments
    assert arguments[-1] == "mailops.smtpeter.gate"
    assert job.leaking(TOKEN) == []
