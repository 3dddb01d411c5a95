# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test shares: the collection is found, and nothing of the caller's own settings is."""

from __future__ import annotations

import importlib
import os
import pathlib
import shutil
import sys
import tempfile
from typing import Iterator

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
# It has its own loader in place already, and gives the tests of modules no ansible.plugins to have one from.
UNDER_ANSIBLE_TEST = "ansible_pytest_collections" in sys.modules


def collections_directory() -> pathlib.Path:
    """The directory on Python's path through which this checkout is ansible_collections.mailops.smtpeter."""
    given = [os.environ["ANSIBLE_COLLECTIONS_PATH"]] if UNDER_ANSIBLE_TEST else sys.path
    for entry in map(pathlib.Path, filter(None, given)):
        collection = entry / "ansible_collections" / "mailops" / "smtpeter"
        if collection.is_dir() and collection.resolve() == ROOT:
            return entry.absolute()
    raise pytest.UsageError("This checkout cannot be imported as a collection: run `make test` once, it sees to that.")


def isolate() -> pathlib.Path:
    """Take the caller's Ansible and SMTPeter settings out of the environment; the new ANSIBLE_HOME."""
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "SMTPETER_"))]:
        if name != "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION":  # the workers of `ansible-test units` ask for it
            del os.environ[name]
    home = pathlib.Path(tempfile.mkdtemp(prefix="smtpeter-tests-"))
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "ansible.cfg")
    os.environ["ANSIBLE_HOME"] = str(home)
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    paths = [str(COLLECTIONS), os.environ["PYTHONPATH"]] if UNDER_ANSIBLE_TEST else [str(COLLECTIONS)]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    return home


def load_collections() -> None:
    """Have Ansible's own loader import the collection before a test does: it finds plugins only in what it imported."""
    from ansible.plugins import loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig

    if AnsibleCollectionConfig.collection_finder is None:
        loader.init_plugin_loader()


# At import, since ansible-core reads its settings when it is imported first.
COLLECTIONS = collections_directory()
HOME = isolate()
if UNDER_ANSIBLE_TEST:
    # Each test is a fork there, and would import for itself what nearly all of them need.
    importlib.import_module("requests")
else:
    load_collections()

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _whole_imports() -> Iterator[None]:
    """Undo what a test's imports do to importing: pygal leaves a finder that Python 3.10 and later stumble over."""
    before = list(sys.meta_path)
    yield
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder in before or hasattr(finder, "find_spec")]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks here, since ansible-test does not read pyproject.toml."""
    for mark in (
        "arithmetic: takes long and has nothing of Ansible in it, so that CI runs it with two ansible-cores alone",
        "ends: on the oldest and the newest ansible-core alone, in CI on the newest",
        "every_core: not only on the oldest and the newest ansible-core, but also on those between and a pre-release",
        "slow: not run by `make unit` unless its path is named",
        "measured: what it starts is measured as well; other integration tests hardly reach more, and are faster so",
    ):
        config.addinivalue_line("markers", mark)


def pytest_unconfigure() -> None:
    """Remove the private ANSIBLE_HOME."""
    shutil.rmtree(HOME, ignore_errors=True)
