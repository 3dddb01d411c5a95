"""What the collection needs at run time is requests, and nothing else that is not named here."""

from __future__ import annotations

import ast
import pathlib
import re
import sys
from typing import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
OWN = "ansible_collections.mailops.smtpeter.plugins"

# Who imports what is neither Python's nor Ansible's own.
NEEDED = {
    "requests": {
        "module_utils/_body.py",
        "module_utils/_certificates.py",
        "module_utils/_http.py",
        "module_utils/_proxy.py",
        "module_utils/_request_error.py",
    },
    # It comes with requests, which is made of it.
    "urllib3": {"module_utils/_http.py", "module_utils/_proxy.py", "module_utils/_request_error.py"},
    # It comes with ansible-core, which is made of it.
    "jinja2": {"plugin_utils/_report/html.py"},
}
OPTIONAL = {
    "cryptography": {"module_utils/_sandbox/tls.py"},
    "pygal": {"plugin_utils/_report/_chart.py"},
    "socks": {"module_utils/_proxy.py"},
}
# Where the name of the package is another.
PACKAGES = {"socks": "PySocks"}


def imports(path: pathlib.Path) -> Iterator[tuple[str, bool]]:
    """The full name of each absolute import, and whether it happens only when a function is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and re.search(r"\b(import_module|__import__)$", ast.unparse(node.func)):
            named = node.args[0]
            assert isinstance(named, ast.Constant), f"{path}:{node.lineno}: who can tell what this imports?"
            names = [named.value]
        for name in names:
            yield name, id(node) in late


def test_nothing_else_is_imported() -> None:
    """Beside Python's own modules, Ansible's and the collection's there are those of the lists, where they say."""
    found: dict[str, set[str]] = {}
    for path in PLUGINS:
        for name, _late in imports(path):
            top = name.split(".")[0]
            ours = f"{name}.".startswith(f"{OWN}.")
            if not (top in sys.stdlib_module_names or top in ("ansible", "__future__") or ours):
                found.setdefault(top, set()).add(path.relative_to(ROOT / "plugins").as_posix())
    assert found == {**NEEDED, **OPTIONAL}


def test_optional_ones_wait_until_they_are_needed() -> None:
    """Nothing but what needs them fails without them."""
    seen = [(name.split(".")[0], late) for path in PLUGINS for name, late in imports(path)]
    assert {late for top, late in seen if top in OPTIONAL} == {True}


def test_requirements() -> None:
    """What is installed for users is requests alone."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["requests>=2.25.0"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_optional_ones_say_so(name: str) -> None:
    """The README's requirements have each with what it is for."""
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    (optional,) = re.findall(r"Optional are (.*?)\.", text)
    assert f"`{PACKAGES.get(name, name)}` for " in optional
