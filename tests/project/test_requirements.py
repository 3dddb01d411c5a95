"""What Ansible's collection requirements ask for and no linter checks."""

import ast
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# The directories that ansible-core and the requirements know, as far as we use them.
KNOWN = {"action", "doc_fragments", "filter", "lookup", "module_utils", "modules", "plugin_utils", "test"}


def test_private_files_say_so():
    """Each private file says that it may change, unless it is empty."""
    files = [path for path in (ROOT / "plugins").rglob("*.py") if path.name != "__init__.py"]
    private = [path for path in files if "/_" in path.relative_to(ROOT).as_posix()]
    assert private
    docs = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in private}
    assert [path for path, doc in docs.items() if "Private: " not in (doc or "")] == []


def test_known_directories_alone():
    """Others may mean something else to a later ansible-core."""
    tops = {path.relative_to(ROOT / "plugins").parts[0] for path in (ROOT / "plugins").rglob("*.py")}
    assert tops <= KNOWN
    # What hosts or controllers share is private, or of a public name.
    for kind in ("doc_fragments", "module_utils", "plugin_utils"):
        names = [path.name for path in (ROOT / "plugins" / kind).iterdir() if path.name != "__pycache__"]
        assert [name for name in names if not name.startswith("_")] == []


@pytest.mark.parametrize("kind", ["modules", "lookup", "filter", "test"])
def test_what_is_returned_is_documented(kind):
    """Each value has a description and a type."""
    for path in (ROOT / "plugins" / kind).glob("[!_]*.py"):
        nodes = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)]
        (text,) = [node.value.value for node in nodes if node.targets[0].id == "RETURN"]
        values = yaml.safe_load(text)
        assert values, path.name
        assert [name for name, value in values.items() if not value.get("description") or not value.get("type")] == []


def test_no_sanity_test_is_ignored():
    """Nor is one skipped by name."""
    assert not (ROOT / "tests" / "sanity").exists()
    assert set(yaml.safe_load((ROOT / "tests" / "config.yml").read_text(encoding="utf-8"))) == {"modules"}


def test_lint_skips_nothing():
    """No rule, no warning instead of an error, no file, and no line."""
    settings = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    # Modules of a collection that is not installed there; all else of their playbook is checked.
    assert {name.rpartition(".")[0] for name in settings.pop("mock_modules")} == {"awx.awx"}
    assert settings == {"profile": "production", "offline": True}
    assert not (ROOT / ".ansible-lint-ignore").exists()
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").rglob("*.yml")}
    assert texts
    assert [path for path, text in texts.items() if "noqa" in text] == []


def test_the_readme_can_be_read_anywhere():
    """Galaxy and Automation Hub show it without the repository, and bring ansible-core themselves."""
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert re.findall(r"\bpip3? install [^\n#]*\bansible\b", README) == []


def test_requirements_leave_room():
    """Several collections share an environment, and it brings ansible-core."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted
    for line in wanted:
        assert re.fullmatch(r"[a-z]+(>=[\d.]+)?", line)
        assert not line.startswith("ansible")


def test_the_map_is_whole():
    """CONTRIBUTING has each file of plugins/, and no private one that is gone."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Map")[1].split("```")[1]
    named = set(re.findall(r"\w+", text.partition("\ntests/")[0]))
    there = {path.stem for path in (ROOT / "plugins").rglob("*") if path.name not in ("__init__.py", "__pycache__")}
    files = {path.stem for path in (ROOT / "plugins").rglob("*.py") if path.name != "__init__.py"}
    assert files - named == set()
    assert {name for name in named if name.startswith("_")} - there == set()
