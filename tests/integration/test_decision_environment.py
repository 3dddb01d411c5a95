"""The decision environment for the event source: what ansible-builder makes of it. No image is built here, either."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT

pytestmark = pytest.mark.newest_core
DEFINITION = ROOT / "extensions" / "eda" / "decision-environment.yml"


def test_its_context(tmp_path):
    """From the base image that has Java and ansible-rulebook, it installs the collection and what the source needs."""
    create = [sys.executable, "-m", "ansible_builder", "create", "--file", DEFINITION]
    subprocess.run([*create, "--output-filename", "Containerfile"], cwd=tmp_path, check=True, capture_output=True)
    build = tmp_path / "context" / "_build"
    wanted = yaml.safe_load((build / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": "mailops.smtpeter"}]}
    assert (build / "requirements.txt").read_text(encoding="utf-8").split() == ["requests>=2.25.0"]
    steps = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    assert 'ARG EE_BASE_IMAGE="quay.io/ansible/ansible-rulebook:main"' in steps
    assert 'ARG PKGMGR="/usr/bin/dnf"' in steps
    (installing,) = re.findall(r"^RUN .*ansible-galaxy collection install .*$", steps, re.MULTILINE)
    assert shlex.split(installing)[-2:] == ["--collections-path", "/usr/share/ansible/collections"]
