"""Pages, pictures and tables of the project agree with each other and with the code, where no linter checks it."""

import ast
import pathlib
import re

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.tools import pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))


def text_of(path):
    """The text of a file."""
    return (ROOT / path).read_text(encoding="utf-8")


INDEX, README = text_of("docs/site/index.rst"), text_of("README.md")


def test_all_guides_are_in_both_indexes():
    """Ansible's documentation and the site have the same ones, in the same order, each with its label."""
    sections = yaml.safe_load(text_of("docs/docsite/extra-docs.yml"))["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert re.findall(r"^   reference/docsite/(\w+)$", INDEX, re.MULTILINE) == listed
    assert sorted(listed) == [path.stem for path in GUIDES]
    for path in GUIDES:
        label = f".. _ansible_collections.mailops.smtpeter.docsite.{path.stem}:\n"
        assert label in path.read_text(encoding="utf-8")


def test_the_readme():
    """It has what the site's index runs. Galaxy shows it without the repository, and ansible-core is there already."""
    commands = re.findall(r"^ +(ansible-playbook .*)$", INDEX, re.MULTILINE)
    assert commands
    assert set(commands) <= set(README.splitlines())
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert re.findall(r"\bpip3? install [^\n#]*\bansible\b", README) == []


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_is_not_stale(name):
    """`make docs` would draw the same."""
    assert text_of(f"docs/pictures/{name}") == pictures.DRAWN[name]()


def test_the_map_is_whole():
    """CONTRIBUTING has each file of plugins/ and extensions/ and each playbook, and no private file that is gone."""
    named = set(re.findall(r"[\w-]+", text_of("CONTRIBUTING.md").split("## Map")[1].split("\ntests/")[0]))
    there = {path.stem for path in (ROOT / "plugins").rglob("*")} - {"__init__", "__pycache__"}
    found = [path for place in ("plugins/**/*.py", "extensions/**/*.*", "playbooks/*.yml") for path in ROOT.glob(place)]
    files = {path.stem for path in found if "__pycache__" not in path.parts} - {"__init__"}
    assert files - named == set(), "the Map in CONTRIBUTING.md does not have them"
    assert {name for name in named if name.startswith("_")} - there == set()


def test_ansible_cores_are_those_of_the_noxfile():
    """The collection installs on the oldest, the README names each, and each has its job and its place in .ci/run."""
    assigned = [node for node in ast.parse(text_of("noxfile.py")).body if isinstance(node, ast.Assign)]
    (cores,) = (ast.literal_eval(node.value) for node in assigned if ast.unparse(node.targets[0]) == "CORES")
    oldest, *between, newest, pre_release = cores
    assert yaml.safe_load(text_of("meta/runtime.yml"))["requires_ansible"] == f">={oldest}.0"
    said = " ".join(README.split())
    assert f"ansible-core {', '.join([oldest, *between])}, {newest} and the newest pre-release" in said
    jobs = yaml.safe_load(text_of(".github/workflows/tests.yml"))["jobs"]["core"]["strategy"]["matrix"]["include"]
    assert {job["core"]: tuple(job["pythons"].split()[::-1]) for job in jobs} == cores
    sessions = text_of(".ci/run")
    assert all(f"'ansible_test({core})'" in sessions for core in (oldest, newest, pre_release))
    # The newest one is that of `test` itself.
    assert [core for core in cores if f"'units({core})'" not in sessions] == [newest]
