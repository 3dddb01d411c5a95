"""The first command of a newcomer works in odd surroundings, or says what is missing, and leaves nothing running."""

import os
import shutil
import subprocess
import sys
import uuid

import psutil
import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import copy_tracked

MARK = "FIRST_CONTACT_MARK"


@pytest.fixture
def clone(tmp_path):
    """The files of this checkout, below a path with a space."""
    copy_tracked(tmp_path / "a clone")
    return tmp_path / "a clone"


def make(clone, *words, **env):
    """Run make there; None takes a variable out of the environment."""
    # Words for the make that runs this test are not for that one.
    given = {**os.environ, **dict.fromkeys(("ARGS", "MAKEFLAGS", "TESTS")), **env}
    given = {name: value for name, value in given.items() if value is not None}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run(["make", *words], cwd=clone, env=given, stdin=subprocess.DEVNULL, **output, check=False)


def leftovers(mark):
    """The command lines of living processes that inherited `mark` in their environment."""
    running = [process.info for process in psutil.process_iter(["cmdline", "environ"])]
    return [info["cmdline"] for info in running if (info["environ"] or {}).get(MARK) == mark]


@pytest.mark.slow
def test_the_demo(clone, tmp_path):
    """The first test runs with foreign settings and a `.venv` that leads nowhere, the demos without HOME or network."""
    (clone / ".venv").symlink_to(tmp_path / "gone")
    nowhere = tmp_path / "no home"
    nowhere.write_text("", encoding="utf-8")
    odd = {"LANG": "en_US.UTF-8", "LC_ALL": "xx_XX.UTF-8", "PIP_USER": "1", "PYTHONPATH": "gone", "VIRTUAL_ENV": "gone"}
    tests = "TESTS=tests/unit/plugins/module_utils/test_values.py"
    done = make(clone, "unit", tests, HOME=str(nowhere), UV_CACHE_DIR=None, XDG_CACHE_HOME=None, **odd)
    assert done.returncode == 0, done.stdout
    dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"), "http://127.0.0.1:1")
    mark = {MARK: uuid.uuid4().hex}
    foreign = {"HOME": None, "SMTPETER_API_TOKEN": "another", "ANSIBLE_STDOUT_CALLBACK": "gone"}
    # The test of the README runs all of it. In check mode there is no sandbox, and the real service must not be asked.
    done = make(clone, "demo", "ARGS=--check", **mark, **foreign, **dead)
    assert "Run it without --check." in done.stdout
    assert "failed=1" in done.stdout
    done = make(clone, "gate-demo", "ARGS=-e demo_reports=pages -e demo_speed=120", **mark, **foreign, **dead)
    assert done.returncode == 0, done.stdout
    pages = sorted(path.name for path in (clone / "pages").iterdir())
    assert pages == ["greylisted.html", "refused.html", "stream.html", "too-few.html"]
    assert leftovers(mark[MARK]) == []


def pretend(directory, version, ensurepip):
    """A PATH on which each python is of a version, with or without ensurepip, and what else the script needs."""
    directory.mkdir()
    for name in ("sh", "make", "cmp", "mkdir", "touch", "ls", "cat", "rm", "ln", "cp", "grep"):
        (directory / name).symlink_to(str(shutil.which(name)))
    code = (
        "import platform, sys; version = sys.argv.pop(1); code = sys.argv[2];"
        " sys.version_info = tuple(map(int, version.split('.'))); platform.python_version = lambda: version;"
        f" sys.modules.update({{}} if {ensurepip} else {{'ensurepip': None}}); exec(code)"
    )
    for name in ("python3", "python3.10", "python3.12", "python3.13"):
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{code}" {version} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return {"PATH": str(directory), "HOME": str(directory)}


@pytest.mark.parametrize(
    ("version", "ensurepip", "words", "said"),
    [
        ("3.9.2", True, [], "python3 is 3.9.2; 3.10 or later is needed."),
        ("3.11.2", False, [], "python3 is 3.11.2, but lacks the module ensurepip (Debian: apt install python3-venv)."),
        ("3.12.1", True, ["PYTHON=/gone/python3"], "/gone/python3 was not found or does not run; Python 3.10 or later"),
    ],
)
def test_a_python_that_will_not_do(clone, tmp_path, version, ensurepip, words, said):
    """What is wrong with it, and what to do; nothing is made."""
    done = make(clone, "demo", *words, PYENV_ROOT=None, **pretend(tmp_path / "bin", version, ensurepip))
    assert done.returncode != 0
    assert said in done.stdout
    assert "make PYTHON=" in done.stdout
    assert not (clone / ".venv" / "bin").exists()
