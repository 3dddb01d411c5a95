"""What every test shares: the collection is found, and nothing of the caller's own settings is."""

import importlib
import os
import pathlib
import re
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
OURS = "ansible_collections.mailops.smtpeter."
IMPORT = re.compile(r"^\s*(?:from|import)\s+([\w.]+)(?:\s+import\s+(\([^)]*\)|.*))?", re.MULTILINE)


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


@pytest.fixture(autouse=True)
def _measured_or_not(request, monkeypatch):
    """Leave slow tests out of the coverage, which makes them much slower, unless they are marked `measured`."""
    marked = request.node.get_closest_marker
    coverage = sys.modules.get("coverage")
    running = coverage.Coverage.current() if coverage and marked("slow") and not marked("measured") else None
    if running:
        monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
        running.stop()
    yield
    if running:
        running.start()


def imports_ansible(path):
    """Whether a file imports Ansible, by itself or through files of this collection."""
    waiting, seen = [path], set()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        for module, names in IMPORT.findall(path.read_text(encoding="utf-8")):
            if module.partition(".")[0] == "ansible":
                return True
            if module.startswith(OURS):
                inside = ROOT.joinpath(*module[len(OURS) :].split("."))
                waiting.append(inside.with_suffix(".py"))
                waiting += [inside / f"{name}.py" for name in re.findall(r"\w+", names)]
    return False


def pytest_collection_modifyitems(items):
    """Mark what touches Ansible, since it runs on each ansible-core; the rest runs on the oldest and newest Python."""
    found = {path: imports_ansible(path) for path in {item.path for item in items}}
    for item in items:
        if found[item.path]:
            item.add_marker("ansible")


def pytest_configure(config):
    """Name the marks here, since ansible-test does not read pyproject.toml."""
    for mark in (
        "ansible: touches Ansible, so that it runs on each ansible-core; set by itself where a file imports it",
        "every_core: `make test` runs it on the oldest ansible-core, too",
        "newest_core: not run on other ansible-cores than that of `make test`",
        "slow: not run by `make unit` unless its path is named",
        "measured: slow, and part of the coverage all the same",
    ):
        config.addinivalue_line("markers", mark)


def pytest_unconfigure():
    """Remove the private ANSIBLE_HOME."""
    shutil.rmtree(HOME, ignore_errors=True)
