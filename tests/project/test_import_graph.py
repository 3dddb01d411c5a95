"""Which file of plugins/ imports which: no circles, and each layer imports only those before it.

Imports inside functions and those for type checkers count, too.
"""

from __future__ import annotations

import ast
import pathlib
import re
from typing import Dict, Iterator, Set, Tuple

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OWN = "ansible_collections.mailops.smtpeter.plugins"
Graph = Dict[str, Set[str]]

# The first match is the layer of a file. A file imports files of its own layer and of those listed before it. A new
# file that has no layer fails the test below, and belongs here.
LAYERS = {
    "values": r"module_utils\._(errors|values|fields|moment|missing|secret|redact|privacy)",
    "sandbox": r"module_utils\._sandbox(\..*)?",
    # What the client returns, so it knows them and not the reverse.
    "records": r"module_utils\._(record|answer|events|tally|outcomes)",
    "client": r"module_utils\._(connection|limits|body|certificates|pacer|request_error|http|proxy|client)",
    "readers": r"module_utils\._(reader|recent|outcome_reader|options)",
    "judging": r"plugin_utils\._(judging(\..*)?|format)",
    "gate": r"plugin_utils\._gate(\..*)?",
    "reports": r"plugin_utils\._report(\..*)?",
    "work": r"plugin_utils\..*",
    "documentation": r"doc_fragments\..*",
    "shells": r"(action|filter|lookup|modules|test)\..*",
}
# Layers that a file may not import though they are before its own.
APART = {
    "records": {"sandbox"},
    "client": {"sandbox"},
    "readers": {"sandbox"},
    "judging": {"sandbox", "client", "readers"},
    "gate": {"sandbox", "client", "readers"},
    "reports": {"sandbox", "client", "readers"},
    "work": {"sandbox"},
    "documentation": set(LAYERS) - {"documentation"},
}
# No Ansible, clock, sleep or network, neither here nor in what these import.
PURE = (
    r"module_utils\._(errors|values|fields|moment|record|answer|events|tally|outcomes)"
    r"|module_utils\._sandbox\.(settings|scenario|plan|failures|message|mail|events|faults)"
    r"|plugin_utils\._(judging|gate|report)\..*|plugin_utils\._(format|progress|forms|since|tag_health)"
)
IMPURE_MODULES = (
    "ansible", "time", "sched", "asyncio", "select", "selectors", "signal", "socket", "socketserver", "ssl", "requests",
    "urllib3", "urllib.request", "http.client", "http.server", "subprocess", "multiprocessing", "ftplib", "smtplib",
)  # fmt: skip
IMPURE_CALLS = {"now", "utcnow", "today", "sleep", "monotonic", "getaddrinfo"}
# What is still to be untangled. An entry that is done fails a test, so that it is removed.
LEFT: Set[Tuple[str, str]] = set()
# Who imports Ansible: `module_utils` runs where only `ansible.module_utils` is.
ANSIBLE = {
    "module_utils": r"module_utils\._(options|secret)",
    "plugin_utils": r"plugin_utils\._(gate_options|cache.*|look|tag_stats)",
}


def files(plugins: pathlib.Path) -> dict[str, pathlib.Path]:
    """The files below a directory by the names of their modules; that of a package is the package's."""
    result = {}
    for path in sorted(plugins.rglob("*.py")):
        parts = path.relative_to(plugins).with_suffix("").parts
        result[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return result


def imported(name: str, path: pathlib.Path) -> Iterator[str]:
    """The full name of all that a file imports; what comes from a module has the module's name in front of it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [OWN, *package[: len(package) - node.level + 1]] if node.level else []
            front = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            yield from (f"{front}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and re.search(r"\b(import_module|__import__)$", ast.unparse(node.func)):
            yield from (part.value for part in node.args[:1] if isinstance(part, ast.Constant))


def graph(plugins: pathlib.Path) -> Graph:
    """Which file imports which others."""
    known = files(plugins)

    def own(full: str) -> str | None:
        """The file that an import is about, by the longest part of its name that is one."""
        parts = full[len(OWN) + 1 :].split(".") if full.startswith(f"{OWN}.") else []
        return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in known), None)

    return {
        name: {other for other in map(own, imported(name, path)) if other not in (None, name)}
        for name, path in known.items()
    }


def reached(edges: Graph, name: str) -> set[str]:
    """All that a file imports, also by way of others; itself only in a circle."""
    found: set[str] = set()
    waiting = list(edges[name])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += edges[other]
    return found


def circles(edges: Graph) -> set[frozenset[str]]:
    """The groups of files that import each other."""
    closure = {name: reached(edges, name) for name in edges}
    return {
        frozenset(other for other in closure[name] if name in closure[other]) for name in edges if name in closure[name]
    }


def layer_of(name: str) -> str | None:
    """The layer of a file."""
    return next((layer for layer, pattern in LAYERS.items() if re.fullmatch(pattern, name)), None)


def out_of_order(edges: Graph) -> set[tuple[str, str]]:
    """Each import of a file from a later layer, or from one that its own is kept apart from."""
    order = list(LAYERS)
    result = set()
    for name, others in edges.items():
        mine = layer_of(name) or "values"
        for other in others:
            theirs = layer_of(other) or "shells"
            if order.index(theirs) > order.index(mine) or theirs in APART.get(mine, ()):
                result.add((name, other))
    return result


def impurities(name: str, path: pathlib.Path) -> set[str]:
    """What a file imports or calls that makes its results depend on more than its input."""
    found = {
        full
        for full in imported(name, path)
        if any(full == module or full.startswith(f"{module}.") for module in IMPURE_MODULES)
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_CALLS:
            found.add(f"{ast.unparse(node.func)}()")
    return found


PLUGINS = files(ROOT / "plugins")
ALL_EDGES = graph(ROOT / "plugins")
EDGES = {name: {other for other in others if (name, other) not in LEFT} for name, others in ALL_EDGES.items()}


def test_nothing_is_left_that_is_done() -> None:
    """Each entry of `LEFT` is still an import."""
    assert [edge for edge in LEFT if edge[1] not in ALL_EDGES.get(edge[0], ())] == []


def test_there_are_no_circles() -> None:
    """No two files need each other, not even for types."""
    assert circles(EDGES) == set()


def test_every_file_has_a_layer() -> None:
    """A new one is put into `LAYERS`, and a layer without files is removed."""
    layers = {name: layer_of(name) for name, path in PLUGINS.items() if path.stat().st_size}
    assert [name for name, layer in layers.items() if layer is None] == []
    assert set(layers.values()) == set(LAYERS)


def test_layers_are_in_order() -> None:
    """Data flows one way: each layer knows only those before it."""
    assert out_of_order(EDGES) == set()


def test_shells_do_not_know_each_other() -> None:
    """What two plugins share is below both."""
    shells = [name for name in EDGES if layer_of(name) == "shells"]
    assert [(name, other) for name in shells for other in EDGES[name] if other in shells] == []


@pytest.mark.parametrize("name", [name for name in PLUGINS if re.fullmatch(PURE, name)])
def test_pure_files(name: str) -> None:
    """Without Ansible, clock, sleep and network, so that they are tested without any of these."""
    assert impurities(name, PLUGINS[name]) == set()
    needed = {other for other in reached(EDGES, name) if not re.fullmatch(PURE, other)}
    assert {other for other in needed if impurities(other, PLUGINS[other])} == set()


def test_who_imports_ansible() -> None:
    """Few files below the shells, and on a task's host nothing but `ansible.module_utils`."""
    for name, path in PLUGINS.items():
        theirs = {full for full in imported(name, path) if re.match(r"ansible\b(?!_)", full)}
        room = name.split(".")[0]
        if room in ANSIBLE:
            assert not theirs or re.fullmatch(ANSIBLE[room], name), (name, theirs)
        if room in ("module_utils", "modules"):
            assert {full for full in theirs if not full.startswith("ansible.module_utils.")} == set(), name


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a": "import sys", "b": "from .a import x"}, set()),
        ({"a": "from .b import x", "b": "from . import a"}, {frozenset("ab")}),
        ({"a": "def f():\n from .b import x", "b": f"import {OWN}.module_utils.a"}, {frozenset("ab")}),
        ({"a": "if TYPE_CHECKING:\n from . import b", "b": "from .a import x"}, {frozenset("ab")}),
        ({"a": "from .b import x", "b": "from .c import x", "c": "from .a import x"}, {frozenset("abc")}),
        ({"a": f"from importlib import import_module\nimport_module('{OWN}.module_utils.b')", "b": "from .a import x"},
         {frozenset("ab")}),
    ],
)  # fmt: skip
def test_circles_are_found(tmp_path: pathlib.Path, sources: dict[str, str], expected: set[frozenset[str]]) -> None:
    """However a file is imported."""
    (tmp_path / "module_utils").mkdir()
    for name, text in sources.items():
        (tmp_path / "module_utils" / f"{name}.py").write_text(text, encoding="utf-8")
    found = circles(graph(tmp_path))
    assert {frozenset(name.split(".")[-1] for name in group) for group in found} == expected


@pytest.mark.parametrize(
    ("name", "other", "allowed"),
    [
        ("module_utils._record", "module_utils._errors", True),
        ("module_utils._errors", "module_utils._record", False),
        ("module_utils._options", "plugin_utils._judging.policy", False),
        ("plugin_utils._judging.policy", "module_utils._values", True),
        ("plugin_utils._judging.decision", "module_utils._client", False),
        ("plugin_utils._gate.gate", "plugin_utils._judging.policy", True),
        ("plugin_utils._judging.policy", "plugin_utils._gate.gate", False),
        ("plugin_utils._look", "modules.tag_stats_info", False),
        ("modules.sandbox", "module_utils._sandbox.control", True),
        ("module_utils._client", "module_utils._sandbox.routes", False),
        ("module_utils._sandbox.routes", "module_utils._client", False),
    ],
)
def test_the_order_is_seen(name: str, other: str, allowed: bool) -> None:
    """What the rule lets through, and what it does not."""
    assert (out_of_order({name: {other}}) == set()) is allowed


@pytest.mark.parametrize(
    ("text", "pure"),
    [
        ("from datetime import datetime, timezone", True),
        ("from datetime import datetime\ndatetime.now()", False),
        ("import time", False),
        ("from time import sleep", False),
        ("def f():\n import requests", False),
        ("from ansible.module_utils.basic import AnsibleModule", False),
        ("from http import HTTPStatus", True),
        ("import http.client", False),
        ("from urllib.parse import quote", True),
        ("import ansible_collections.a", True),
    ],
)
def test_what_is_not_pure_is_seen(tmp_path: pathlib.Path, text: str, pure: bool) -> None:
    """By import or by call."""
    path = tmp_path / "x.py"
    path.write_text(text, encoding="utf-8")
    assert (impurities("module_utils.x", path) == set()) is pure
