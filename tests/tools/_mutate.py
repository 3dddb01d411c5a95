# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutate the judging layers in a copy of the tree and run their tests on each mutant; mutants.py starts it there.

cosmic-ray makes the mutants. Its own way to test one starts a Python each time; here a process that has imported
pytest and Hypothesis already forks for each, which takes a third of the time. Usage: _mutate.py RESULTS, in the copy.
"""

from __future__ import annotations

import ast
import datetime
import difflib
import gc
import json
import os
import pathlib
import platform
import resource
import signal
import sys
from importlib import metadata
from typing import Any, Iterator, NamedTuple

import hypothesis
import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

# The tests of each file below plugins/, the quickest and nearest first; a file is opened when those before it passed.
TESTS = {
    "module_utils/_record.py": [
        "module_utils/test_record.py", "module_utils/test_record_properties.py", "plugin_utils/test_forms.py",
        "module_utils/test_health.py", "plugin_utils/test_gate.py",
    ],
    "module_utils/_policy.py": [
        "module_utils/test_policy.py", "module_utils/test_policy_properties.py", "module_utils/test_health.py",
        "plugin_utils/test_gate_options.py",
    ],
    "module_utils/_health.py": [
        "module_utils/test_health.py", "module_utils/test_reasons.py", "plugin_utils/test_gate.py",
    ],
    "module_utils/_evidence.py": [
        "module_utils/test_reasons.py", "module_utils/test_health.py", "module_utils/test_evidence.py",
    ],
    "module_utils/_reasons.py": [
        "module_utils/test_reasons.py", "module_utils/test_health.py", "plugin_utils/test_progress.py",
    ],
    "plugin_utils/_gate.py": [
        "plugin_utils/test_gate.py", "plugin_utils/test_gate_result.py", "plugin_utils/test_gate_options.py",
    ],
    "plugin_utils/_watch.py": ["plugin_utils/test_watch.py", "plugin_utils/test_gate.py"],
    "plugin_utils/_history.py": ["plugin_utils/test_history.py", "plugin_utils/test_gate.py"],
}  # fmt: skip
# Of cosmic-ray's replacements of an operator of arithmetic, those that only a good test tells apart: nearly any notices
# `**` or `<<` for `+`, which would raise the score alone.
NEAR = {
    "Add_Sub",
    "Sub_Add",
    "Mul_Div",
    "Div_Mul",
    "Div_FloorDiv",
    "FloorDiv_Div",
    "FloorDiv_Mul",
    "Mod_FloorDiv",
    "Pow_Mul",
}
# Whether equal numbers or texts are one and the same is up to the interpreter, so identity is only turned round.
IDENTITY = {"Is_IsNot", "IsNot_Is"}
# One measures memory, the other takes chances; both take longer than all others together.
LEFT_OUT = "ten_thousand_looks or looking_often_costs_nothing"
UNUSED = ("cacheprovider", "capture", "doctest", "faulthandler", "junitxml", "logging", "unraisableexception")
OPTIONS = ["-x", "-q", "--noconftest", "--tb=no", "--rootdir=.", "-k", f"not ({LEFT_OUT})"]
OPTIONS += [word for name in UNUSED for word in ("-p", f"no:{name}")]
MEMORY_LIMIT = 4 * 2**30
# pytest's exit codes that say nothing of the mutant: it was called wrongly, or found no test.
USELESS = (4, 5)


class Mutant(NamedTuple):
    """A changed file: what it holds, and what a reader sees of the change."""

    code: str
    function: str
    was: str
    became: str


def hidden(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where it begins and ends what only a type checker reads; lines from 1, columns from 0."""
    for node in ast.walk(tree):
        found = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.append(node)
        for part in filter(None, found):
            yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def function_at(tree: ast.Module, line: int) -> str:
    """The dotted name of the class or function around a line; empty for the module itself."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= (node.end_lineno or 0):
                names.append(node.name)
    return ".".join(names)


def changed(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    one, other = before.splitlines(), after.splitlines()
    was, became = [], []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "equal":
            was += one[i1:i2]
            became += other[j1:j2]
    return "\n".join(line.strip() for line in was), "\n".join(line.strip() for line in became)


def operators() -> Iterator[Any]:
    """The operators of cosmic-ray that are used; those with arguments replace a variable by a random number."""
    for name in plugins.operator_names():
        kind, _underscore, change = name.partition("_")
        if kind == "core/ReplaceBinaryOperator" and change not in NEAR:
            continue
        if kind == "core/ReplaceComparisonOperator" and "Is" in change and change not in IDENTITY:
            continue
        operator_class = plugins.get_operator(name)
        if not operator_class.arguments():
            yield operator_class()


def mutants(code: str) -> Iterator[Mutant]:
    """Each mutant of a file, in order of lines; the same change by two operators is one."""
    tree, nodes = ast.parse(code), list(ast_nodes(get_ast(code)))
    unread = list(hidden(tree))
    found: dict[str, tuple[tuple[int, int], Mutant]] = {}
    for operator in operators():
        positions = [start for node in nodes for start, _end in operator.mutation_positions(node)]
        for occurrence, start in enumerate(positions):
            if any(first <= start < last for first, last in unread):
                continue
            mutated = mutate_code(code, operator, occurrence)
            if mutated not in (None, code):
                found.setdefault(
                    mutated, (start, Mutant(mutated, function_at(tree, start[0]), *changed(code, mutated)))
                )
    return (mutant for _start, mutant in sorted(found.values(), key=lambda pair: (pair[0], pair[1].became)))


def prepare() -> None:
    """Let tests end soon, without shrinking what they found, and alike each time, without chance in the examples."""
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutants")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    gc.freeze()


def run(tests: list[str], seconds: int, log: pathlib.Path) -> tuple[int, float]:
    """Run tests in a fork with so many seconds of processor time; how it ended, as wait tells it, and its seconds."""
    pid = os.fork()
    if not pid:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        for test in tests:
            code = int(pytest.main([*OPTIONS, test]))
            if code:
                os._exit(code)
        os._exit(0)
    _pid, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def outcome(code: int, log: pathlib.Path) -> str:
    """What became of a mutant."""
    if code in USELESS:
        raise SystemExit(f"pytest ran no test:\n{log.read_text(encoding='utf-8')}")
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timed out"
    return "killed" if code else "survived"


def judge(file: str, log: pathlib.Path) -> Iterator[dict[str, str]]:
    """Test each mutant of a file below plugins/."""
    path = pathlib.Path("plugins") / file
    tests = [f"tests/unit/plugins/{name}" for name in TESTS[file]]
    code = path.read_text(encoding="utf-8")
    sys.dont_write_bytecode = False
    run(tests, 600, log)
    status, took = run(tests, 600, log)
    if status:
        raise SystemExit(f"without any mutant, the tests fail:\n{log.read_text(encoding='utf-8')}")
    # A compiled mutant would be taken for the next one, which is as long and as old.
    sys.dont_write_bytecode = True
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    found = list(mutants(code))
    print(f"{file}: {len(found)} mutants; without any, the tests take {took:.1f} s", flush=True)
    for number, mutant in enumerate(found, 1):
        path.write_text(mutant.code, encoding="utf-8")
        end = outcome(run(tests, int(took * 2) + 3, log)[0], log)
        if end != "killed":
            print(f"{number}: {end}: {mutant.function}: {mutant.was}  ->  {mutant.became}", flush=True)
        elif number % 50 == 0:
            print(f"{number} of {len(found)}", flush=True)
        yield {"function": mutant.function, "was": mutant.was, "became": mutant.became, "outcome": end}
    path.write_text(code, encoding="utf-8")


def main(results: str, *files: str) -> int:
    """Test the mutants of all files, or of those named beside what is known of the others; write how each ended."""
    prepare()
    path = pathlib.Path(results)
    known = json.loads(path.read_text(encoding="utf-8"))["files"] if files and path.exists() else {}
    used = 0.0
    for file in files or TESTS:
        mutants_of_file = list(judge(file, path.with_suffix(".log")))
        before, used = used, sum(os.times()[2:4])
        known[file] = {"seconds": used - before, "mutants": mutants_of_file}
        found = {
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "versions": {
                "python": platform.python_version(),
                **{name.replace("-", "_"): metadata.version(name) for name in ("cosmic-ray", "hypothesis", "pytest")},
            },
            "files": {name: known[name] for name in TESTS if name in known},
        }
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
