# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text in the sources that a user may meet as a message, for the test of the troubleshooting page.

A text is kept by its fixed fragments: what stands between them differs from case to case.
"""

from __future__ import annotations

import ast
import pathlib
import re
from dataclasses import dataclass
from typing import Any, Iterator

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORD = re.compile(r"[A-Za-z]{2,}")
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")

# The errors that build their text themselves: what of their arguments is the text, by position or name. Where a second
# one is given, it stands in front, with a colon.
TEXT_OF: dict[str, tuple[tuple[int, str] | None, tuple[int, str] | None]] = {
    "OptionError": ((1, "problem"), (0, "option")),
    "SettingError": ((1, "problem"), (0, "where")),
    "FieldError": ((1, "problem"), (0, "field")),
    "StatsError": ((2, "problem"), None),
    "TransportError": ((1, "problem"), None),
    "ProxyRefusedError": ((0, "problem"), None),
    "LibraryMissing": ((1, "instead"), None),
    "LibraryMissingError": (None, None),
}
# What tells its arguments to a user, beside errors.
TELLS = re.compile(
    r"(Error|Exception|Fail|Failed|Missing)$|^_NotUnderstood$|^(warn|warning|deprecated|fail_json|fail)$"
)


@dataclass(frozen=True)
class Text:
    """A text in the sources: its fixed fragments, where it stands, and whether it is told to users for sure."""

    fragments: tuple[str, ...]
    place: str
    told: bool = False

    @property
    def words(self) -> list[str]:
        """The words of its fragments."""
        return WORD.findall(" ".join(self.fragments))

    @property
    def is_prose(self) -> bool:
        """Whether it can be a message: a word, and beside it, after a blank, another one or a hole."""
        several = len(self.words) > 1 or len(self.fragments) > 1
        return bool(self.words) and (self.told or (several and any(" " in part for part in self.fragments)))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds it in a quoted message; each group is a hole."""
        return re.compile("(.*?)".join(re.escape(part) for part in self.fragments if part))

    @property
    def shown(self) -> str:
        """The text with braces for its holes."""
        return "{}".join(self.fragments)


def joined(fragments: list[str]) -> tuple[str, ...]:
    """Fragments with every run of white space as one blank, and none at the end of a line."""
    return tuple(re.sub(r"\s+", " ", re.sub(r"\n\Z", "", part)) for part in fragments)


def texts_of_python(source: str, place: str) -> list[Text]:
    """The texts of a Python file, documentation apart."""
    tree = ast.parse(source)
    silent = {id(node) for root in _silent(tree) for node in ast.walk(root)}
    told: dict[int, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for text, front in _told(node):
                told[id(text)] = front
        elif isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values if isinstance(part, ast.Constant)}
    found = []
    for node in ast.walk(tree):
        if id(node) not in silent and (isinstance(node, ast.JoinedStr) or _is_text(node)):
            fragments = _fragments(node)
            if id(node) in told:
                front = told[id(node)]
                fragments = [*front[:-1], front[-1] + fragments[0], *fragments[1:]]
            found.append(Text(joined(fragments), f"{place}:{getattr(node, 'lineno', 0)}", id(node) in told))
    return found


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _fragments(node: ast.AST) -> list[str]:
    """The fixed parts of an expression: of text its own, of anything else two empty ones around a hole."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if not isinstance(node, ast.JoinedStr):
        return ["", ""]
    fragments = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            fragments[-1] += str(part.value)
        else:
            fragments.append("")
    return fragments


def _silent(tree: ast.Module) -> Iterator[ast.AST]:
    """What no user meets: docstrings, the documentation, and how a figure is formatted."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.Expr) and _is_text(node.value)) or (
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION
        ):
            yield node
        elif isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            yield node.format_spec


def _told(call: ast.Call) -> Iterator[tuple[ast.AST, list[str]]]:
    """The arguments of a call that tell a user something, each with the fragments in front of it."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in TEXT_OF:
        text, front = (None if which is None else _argument(call, *which) for which in TEXT_OF[name])
        before = [""] if front is None else _fragments(front)
        before[-1] += ": " if front is not None else ""
        if text is not None:
            yield from ((part, before) for part in _alternatives(text))
    elif TELLS.search(name):
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            yield from ((part, [""]) for part in _alternatives(argument))


def _argument(call: ast.Call, position: int, name: str) -> ast.AST | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return named[0] if named else call.args[position] if len(call.args) > position else None


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """The texts that an expression may be."""
    if isinstance(node, ast.IfExp):
        yield from (*_alternatives(node.body), *_alternatives(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_alternatives(node.left), *_alternatives(node.right))
    else:
        yield node


def own_errors(source: str) -> Iterator[tuple[str, bool]]:
    """The exceptions that a Python file defines, and whether each builds its text of its arguments itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any(re.search(r"(Error|Exception)$", ast.unparse(b)) for b in node.bases):
            builds = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
            yield node.name, "__init__" in builds


class _Yaml(yaml.SafeLoader):
    """Reads Ansible's YAML, whatever its tags."""


_Yaml.add_multi_constructor("!", lambda loader, _suffix, node: node.value)

# Names of tasks are no messages, nor is what a task hands to a program, a file or a service.
_SILENT_KEYS = ("name", "argv", "content", "body", "that", "when", "until", "loop", "label", "contains")


def texts_of_playbook(source: str, place: str) -> list[Text]:
    """The texts of a playbook, or of another of Ansible's YAML files."""
    return [
        Text(joined(fragments), f"{place} ({key})", told and key in ("msg", "fail_msg"))
        for key, value in _scalars(yaml.load(source, _Yaml), "")
        for fragments, told in _of_template(value)
    ]


def _scalars(node: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, list):
        for entry in node:
            yield from _scalars(entry, key)
    elif isinstance(node, dict):
        for name, entry in node.items():
            if name not in _SILENT_KEYS:
                yield from _scalars(entry, str(name))


def _of_template(template: str) -> Iterator[tuple[list[str], bool]]:
    """The fragments of each text in a template, and of the texts within its expressions; true for the former."""
    for text in re.split(r"\{%.*?%\}", template, flags=re.DOTALL):
        yield re.split(r"\{\{.*?\}\}", text.strip(), flags=re.DOTALL), True
    for expression in re.findall(r"\{\{.*?\}\}", template, flags=re.DOTALL):
        yield from (([quoted], False) for quoted in re.findall(r"'([^']*)'", expression))


def texts() -> list[Text]:
    """All texts of the plugins and the playbooks."""
    found: list[Text] = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        if path.parent.name != "doc_fragments":
            found += texts_of_python(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    for path in sorted((ROOT / "playbooks").rglob("*.yml")):
        found += texts_of_playbook(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    return found
