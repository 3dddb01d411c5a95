"""The kinds of errors: those of the code are those of the documentation."""

from __future__ import annotations

import ast
import pathlib
import re
from typing import Iterator

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import KINDS, StatsError
from ansible_collections.mailops.smtpeter.plugins.modules import campaign_gate, tag_stats_info

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"


def constants(node: ast.AST) -> Iterator[str]:
    """The values that an expression may have, as far as they are written down."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant):
        yield node.value


def made(source: str) -> Iterator[str]:
    """The kinds that a Python file gives to an error, or to a dict in the form of one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("StatsError", "TransportError"):
            named = [keyword.value for keyword in node.keywords if keyword.arg == "kind"]
            for value in (*node.args[:1], *named):
                yield from constants(value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                if isinstance(key, ast.Constant) and key.value == "kind":
                    yield from constants(value)


def test_the_kinds_are_those_that_the_code_makes() -> None:
    """No kind is made that is not in the list, and none is there that nothing makes."""
    found = {kind for path in PLUGINS.rglob("_*.py") for kind in made(path.read_text(encoding="utf-8"))}
    assert found == set(KINDS)


def test_a_kind_of_another_name_is_refused() -> None:
    """A slip is seen by the first test that comes along."""
    with pytest.raises(ValueError, match="conection"):
        raise StatsError("conection", "tag", "it is odd")


@pytest.mark.parametrize(("module", "key"), [(tag_stats_info, "errors"), (campaign_gate, "last_errors")])
def test_each_kind_is_documented(module: object, key: str) -> None:
    """The module's and the gate's documentation name each, and no other."""
    described = yaml.safe_load(module.RETURN)[key]["contains"]["TAG"]["contains"]["kind"]["description"]  # type: ignore[attr-defined]
    assert sorted(set(re.findall(r"\bV\(([a-z_]+)\)", " ".join(described)))) == sorted(KINDS)


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ('StatsError("a", tag, "b")', ["a"]),
        ('StatsError(kind="a" if x else "b" if y else "c", tag=tag)', ["a", "b", "c"]),
        ('{"kind": "a", "status": None}', ["a"]),
        ("StatsError(error.kind, tag)", []),
    ],
)
def test_finder(source: str, kinds: list[str]) -> None:
    """Each way to make a kind is found."""
    assert sorted(made(source)) == kinds
