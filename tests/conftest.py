"""What every test shares: the collection is found, and nothing of the caller's own settings is."""

import importlib
import os
import pathlib
import shutil
import sys
import tempfile

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
# It has its own loader in place already, and gives the tests of modules no ansible.plugins to have one from.
UNDER_ANSIBLE_TEST = "ansible_pytest_collections" in sys.modules
# An older Python is that of a host, which has ansible.module_utils alone.
ON_A_HOST = sys.version_info < (3, 10)
# Directories with tests of code that does not import Ansible. The exceptions in them are marked where they are.
PURE = {"module_utils", "_judging", "_gate", "_report"}


def collections_directory():
    """The directory on Python's path through which this checkout is ansible_collections.mailops.smtpeter."""
    given = [os.environ["ANSIBLE_COLLECTIONS_PATH"]] if UNDER_ANSIBLE_TEST else sys.path
    for entry in map(pathlib.Path, filter(None, given)):
        collection = entry / "ansible_collections" / "mailops" / "smtpeter"
        if collection.is_dir() and collection.resolve() == ROOT:
            return entry.absolute()
    raise pytest.UsageError("This checkout cannot be imported as a collection: run `make unit` once, it sees to that.")


def isolate():
    """Take the caller's Ansible and SMTPeter settings out of the environment; the new ANSIBLE_HOME."""
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "SMTPETER_"))]:
        if name != "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION":  # the workers of `ansible-test units` ask for it
            del os.environ[name]
    home = pathlib.Path(tempfile.mkdtemp(prefix="smtpeter-tests-"))
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "ansible.cfg")
    os.environ["ANSIBLE_HOME"] = str(home)
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    others = [os.environ["PYTHONPATH"]] if UNDER_ANSIBLE_TEST or ON_A_HOST else []
    os.environ["PYTHONPATH"] = os.pathsep.join([str(COLLECTIONS), *others])
    return home


def load_collections():
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
elif not ON_A_HOST:
    load_collections()

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _whole_imports():
    """Undo what a test's imports do to importing: pygal leaves a finder that Python 3.10 and later stumble over."""
    before = list(sys.meta_path)
    yield
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder in before or hasattr(finder, "find_spec")]


def directories(item):
    """The directories of a test's file, below the checkout's."""
    return set(item.nodeid.partition("::")[0].split("/")[:-1])


@pytest.fixture(autouse=True)
def _measured_or_not(request, monkeypatch):
    """Leave what coverage makes much slower out of it: integration tests, and slow ones that are not `measured`."""
    marked, coverage = request.node.get_closest_marker, sys.modules.get("coverage")
    left_out = "integration" in directories(request.node) or (marked("slow") and not marked("measured"))
    running = coverage.Coverage.current() if coverage and left_out else None
    if running:
        monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
        running.stop()
    yield
    if running:
        running.start()


def pytest_collection_modifyitems(items):
    """Mark what runs on each ansible-core; the rest runs on the oldest and the newest Python."""
    for item in items:
        if not PURE & directories(item):
            item.add_marker("ansible")


def pytest_configure(config):
    """Name the marks here, since ansible-test does not read pyproject.toml."""
    for mark in (
        "ansible: touches Ansible, so that it runs on each ansible-core",
        "every_core: `make test` runs it on the oldest ansible-core, too",
        "newest_core: not run on other ansible-cores than that of `make test`",
        "slow: not run by `make unit` unless its path is named",
        "measured: slow, and part of the coverage all the same",
    ):
        config.addinivalue_line("markers", mark)


def pytest_unconfigure():
    """Remove the private ANSIBLE_HOME."""
    shutil.rmtree(HOME, ignore_errors=True)
