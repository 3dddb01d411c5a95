# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written down of surviving mutants fits the code, and a run that does not fit it fails."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.tests.tools.mutants import PAGE, ROOT, arguments, complaints, explained, page

FILE = "module_utils/_health.py"
ENTRY = {"file": FILE, "function": "f", "was": "a < b", "became": ["a <= b", "a != b"], "equivalent": "they never meet"}


def mutants(killed: int, *survived: str) -> dict[str, list[dict[str, str]]]:
    """What became of the mutants of one line."""
    mutant = {"function": "f", "was": "a < b"}
    gone = [{**mutant, "became": "a > b", "outcome": outcome} for outcome in ("killed", "timed out")] * (killed // 2)
    return {FILE: gone + [{**mutant, "became": became, "outcome": "survived"} for became in survived]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (mutants(18, "a <= b", "a != b"), []),
        (mutants(16, "a <= b", "a != b"), [f"{FILE}: the score is 88.9 %"]),
        (mutants(98, "a <= b", "a != b", "a == b"), [f"not explained: {FILE} | f | a < b | a == b"]),
        (mutants(98, "a <= b"), [f"explained, but it does not survive: {FILE} | f | a < b | a != b"]),
        ({"plugin_utils/_gate.py": mutants(10)[FILE]}, []),
    ],
)
def test_what_is_wrong_with_a_run(found: dict[str, list[dict[str, str]]], said: list[str]) -> None:
    """Too low a score, a survivor that nothing explains, and an explanation that is no longer needed."""
    assert complaints(found, [ENTRY]) == said


def test_the_page_has_each_file_and_survivor() -> None:
    """Figures and arguments."""
    names = ("python", "cosmic_ray", "hypothesis", "pytest")
    found = {FILE: {"seconds": 61, "mutants": mutants(18, "a <= b")[FILE]}}
    run = {"date": "2026-01-01", "versions": dict.fromkeys(names, "1"), "files": found}
    text = page(run, [ENTRY])
    assert f"| `plugins/{FILE}` | 19 | 9 | 9 | 1 | 94.7 % |\n| all | 19 | 9 | 9 | 1 | 94.7 % |\n" in text
    assert "\nIn `f`, *equivalent*: they never meet\n\n    - a < b\n    + a <= b\n    + a != b\n" in text


@pytest.mark.parametrize("entry", arguments(), ids=lambda entry: f"{entry['function']} {entry['was'][:30]}")
def test_each_explanation_is_of_a_line_that_is_there(entry: dict[str, Any]) -> None:
    """Whoever changes the line looks at what was said of it."""
    assert sorted(entry) == sorted(
        ["file", "function", "was", "became", "equivalent" if "equivalent" in entry else "open"]
    )
    code = (ROOT / "plugins" / entry["file"]).read_text(encoding="utf-8")
    scope: Any = ast.parse(code)
    first, last = 1, len(code.splitlines())
    for name in filter(None, entry["function"].split(".")):
        scope = next(node for node in scope.body if getattr(node, "name", None) == name)
        first = min([scope.lineno, *(decorator.lineno for decorator in scope.decorator_list)])
        last = scope.end_lineno
    lines = [line.strip() for line in code.splitlines()[first - 1 : last]]
    assert f"\n{entry['was']}\n" in "\n".join(["", *lines, ""])


def test_each_mutant_is_explained_once() -> None:
    """And each file's survivors are on the page."""
    found = list(explained(arguments()))
    assert len(found) == len(set(found))
    text = PAGE.read_text(encoding="utf-8")
    for mutant in found:
        assert all(f"    + {line}\n" in text for line in mutant.became.splitlines())
