# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ansible-cores says what they themselves, the collection's metadata and the pins say."""

from __future__ import annotations

import pathlib
from typing import Any

import ansible.release
import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.tools.cores import CORES

ROOT = pathlib.Path(__file__).resolve().parents[2]
OWN = ".".join(ansible.release.__version__.split(".")[:2])


def numbers(version: str) -> list[int]:
    """A version as what can be compared."""
    return [int(part) for part in version.split(".")]


def test_its_pythons() -> None:
    """Those of this ansible-core are in the table, and the oldest one that it and we support on a host."""
    if OWN not in CORES:
        pytest.skip(f"ansible-core {OWN} is not in the table")
    package = pathlib.Path(ansible.release.__file__).resolve().parents[1]
    path = package / "ansible_test" / "_util" / "target" / "common" / "constants.py"
    theirs: dict[str, Any] = {}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), theirs)
    ours = yaml.safe_load((ROOT / "tests" / "config.yml").read_text(encoding="utf-8"))["modules"]["python_requires"]
    all_of_them = theirs["REMOTE_ONLY_PYTHON_VERSIONS"] + theirs["CONTROLLER_PYTHON_VERSIONS"]
    supported = [version for version in all_of_them if numbers(version) >= numbers(ours[len(">=") :])]
    assert CORES[OWN].pythons == theirs["CONTROLLER_PYTHON_VERSIONS"]
    assert CORES[OWN].target == supported[0]


def test_the_oldest() -> None:
    """The first of the table is the oldest that the collection installs on."""
    requires = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert requires == f">={next(iter(CORES))}.0"


def test_each_is_pinned() -> None:
    """Each series has its pins, which are of that series, and nothing else has."""
    pins = (ROOT / "tests" / "requirements").glob("core-*.txt")
    assert {path.stem for path in pins} == {f"core-{series}" for series in CORES}
    for series in CORES:
        text = (ROOT / "tests" / "requirements" / f"core-{series}.txt").read_text(encoding="utf-8")
        assert f"ansible-core=={series}." in text


def test_users_are_told() -> None:
    """The README names each, and the last as what it is."""
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    *named, last, _pre_release = CORES
    assert f"ansible-core {', '.join(named)}, {last} and the newest pre-release" in said
