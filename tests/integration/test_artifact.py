"""What users install: it holds what they need and nothing else, and Galaxy takes it. test_examples.py uses it."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

from ansible_collections.mailops.smtpeter.tests.integration import test_examples as example
from ansible_collections.mailops.smtpeter.tests.integration.conftest import only

LISTED = pathlib.Path(__file__).with_name("artifact.txt")

# What the importer can check without a container, as strict as it can be. `make lint` runs ansible-lint, with more
# rules, and ruff, which has flake8's; the last test here runs ansible-doc.
IMPORTER = """
[galaxy-importer]
check_changelog = true
check_required_tags = true
require_v1_or_greater = true
run_ansible_doc = false
run_ansible_lint = false
run_ansible_test = false
run_flake8 = false
"""


def test_it_holds_what_users_need_and_nothing_else(artifact):
    """Each file is in the list, and each line of the list is there; none is large, a link or a program."""
    with tarfile.open(artifact) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    patterns = [f"/{line}" for line in lines if line and not line.startswith("#")]
    paths = [pathlib.PurePosixPath("/", member.name) for member in members]
    assert [path for path in paths if not any(map(path.match, patterns))] == [], "they are not in artifact.txt"
    assert [pattern for pattern in patterns if not any(path.match(pattern) for path in paths)] == []
    assert [member.name for member in members if not member.isreg() or member.mode & 0o111] == []
    assert max(member.size for member in members) < 100_000
    assert artifact.stat().st_size < 500_000


def test_galaxy_takes_it_as_it_is(artifact, tmp_path):
    """Its importer has nothing to say against it."""
    config = tmp_path / "importer.cfg"
    config.write_text(f"{IMPORTER}ansible_local_tmp = {tmp_path}/ansible\n", encoding="utf-8")
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    given["PATH"] = f"{pathlib.Path(sys.prefix, 'bin')}{os.pathsep}{given['PATH']}"
    given |= {"GALAXY_IMPORTER_CONFIG": str(config), "ANSIBLE_HOME": str(tmp_path / "home")}

    command = [sys.executable, "-m", "galaxy_importer.main", artifact]
    done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"^(WARNING|ERROR|CRITICAL)|Traceback", said, re.MULTILINE) is None, said
    result = json.loads((tmp_path / "importer_result.json").read_text(encoding="utf-8"))
    assert result["requires_ansible"] == ">=2.16.0"


def test_ansible_doc_knows_the_public_plugins_alone(bare, ansible_core):
    """Of every type of plugin, and of roles; each has its documentation."""
    command = [ansible_core.python, "-m", "ansible", "doc", "--metadata-dump", "mailops.smtpeter"]
    env = {**os.environ, **only(bare)}
    dump = json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)["all"]
    known = {(kind, name): entry for kind in dump for name, entry in dump[kind].items() if name.startswith("mailops.")}
    described = {key for key, entry in known.items() if entry["doc"]["description"]}
    public = {(path.parent.name, f"mailops.smtpeter.{path.stem}") for path in example.plugins()}
    assert described == set(known) == {(kind.replace("modules", "module"), name) for kind, name in public}
