# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the mutants of the judging layers, and write docs/mutation.md from what became of them.

Run by .venv's Python from the repository's root. Names of files, such as module_utils/_health.py, narrow it; the
results of the others stay as they are, and no page is written. `--keep` takes all results of the run before. It fails
where fewer than nine of ten mutants of a file are noticed, and where mutants.yml does not say why just those survive
that do.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
from typing import Any, Iterator, NamedTuple, Sequence

import yaml
from ansible_collections.mailops.smtpeter.tests.tools.heading import heading

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv" / "mutants"
RESULTS = HOME / "results.json"
PAGE = ROOT / "docs" / "mutation.md"
ARGUMENTS = pathlib.Path(__file__).with_name("mutants.yml")
LEAST = 90.0
COPIED = ("plugins", "tests", "pyproject.toml")
TITLE = heading("Would the tests notice?", "tests/tools/mutants.py", "that or mutants.yml beside it")
INTRODUCTION = """
A mutant is the code with one small mistake in it: `<` for `<=`, `or` for `and`, 25 for 24, a condition turned round, a
decorator left out. A test suite that holds the code notices each of them. [cosmic-ray] makes one wherever it can in the
layers that judge, and the unit tests of that layer run on each.

[cosmic-ray]: https://cosmic-ray.readthedocs.io/
"""
METHOD = """
A mutant is killed when a test fails, or when the tests take more than twice the processor time that they need
otherwise and three seconds, which the table counts apart. Three things are left out. Annotations mean nothing at run
time. Texts are not changed by cosmic-ray, so wording is not judged here, while the figures and limits within the
sentences are. And of the ways to replace an operator, those that would raise the score alone: nearly any test notices
`**` or `<<` where `+` belongs, and `is` for `==` is up to the interpreter; so `+` becomes `-`, `//` becomes `/` or
`*`, an order becomes each other order, and an identity is turned round. The same change by two ways is one mutant.
"""
TESTS = """
The tests are those of the layer and of its neighbours, without the state machine, the simulations and what measures
memory at length: these find more, but take too long to run a thousand times. Hypothesis draws the same examples each
time, so that a run can be repeated.
"""
REPEAT = """
`make mutants` does it again and writes this page; `ARGS=module_utils/_health.py` does one file again and writes none,
and `ARGS=--keep` writes the page from what is known. It works in a copy below `.venv/mutants`. It fails when a file's
score is below {least:g} %, when a mutant survives that `tests/tools/mutants.yml` does not explain, and when that file
explains one that does not survive.
"""
RUN = """
The run of {date}: cosmic-ray {cosmic_ray}, Hypothesis {hypothesis}, pytest {pytest} and Python {python}; {minutes}
minutes of one processor.
"""
SURVIVORS = """
Each survivor is here with the reason: *equivalent* means that no test can tell the mutant from the code, and *open*
that one could, and why there is none. The score counts both as survivors.
"""


class Survivor(NamedTuple):
    """A mutant by its content: file below plugins/, function, line as it was, line as it became."""

    file: str
    function: str
    was: str
    became: str


def arguments() -> list[dict[str, Any]]:
    """What mutants.yml says of survivors; an entry may hold several changes of a line."""
    found: list[dict[str, Any]] = yaml.safe_load(ARGUMENTS.read_text(encoding="utf-8"))
    return found


def explained(entries: Sequence[dict[str, Any]]) -> Iterator[Survivor]:
    """The mutants that entries explain."""
    for entry in entries:
        for became in entry["became"]:
            yield Survivor(entry["file"], entry["function"], entry["was"], became)


def survivors(files: dict[str, list[dict[str, str]]]) -> list[Survivor]:
    """The mutants of a run that no test noticed."""
    return [
        Survivor(file, mutant["function"], mutant["was"], mutant["became"])
        for file, mutants in files.items()
        for mutant in mutants
        if mutant["outcome"] == "survived"
    ]


def score(mutants: Sequence[dict[str, str]]) -> float:
    """The share of mutants that were noticed, in percent."""
    return 100 * sum(mutant["outcome"] != "survived" for mutant in mutants) / len(mutants)


def complaints(files: dict[str, list[dict[str, str]]], entries: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with a run: scores, survivors that nothing explains, and explanations of what does not survive."""
    known = {mutant for mutant in explained(entries) if mutant.file in files}
    found = survivors(files)
    low = [f"{file}: the score is {score(mutants):.1f} %" for file, mutants in files.items() if score(mutants) < LEAST]
    new = [f"not explained: {' | '.join(mutant)}" for mutant in found if mutant not in known]
    gone = [f"explained, but it does not survive: {' | '.join(mutant)}" for mutant in sorted(known - set(found))]
    return low + new + gone


def table(files: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    """The lines of the table of files."""
    yield "| file | mutants | killed | timed out | survived | score |"
    yield "|---|---|---|---|---|---|"
    together = [mutant for mutants in files.values() for mutant in mutants]
    for name, mutants in [*((f"`plugins/{file}`", mutants) for file, mutants in files.items()), ("all", together)]:
        outcomes = [mutant["outcome"] for mutant in mutants]
        counts = " | ".join(f"{outcomes.count(outcome):,}" for outcome in ("killed", "timed out", "survived"))
        yield f"| {name} | {len(mutants):,} | {counts} | {score(mutants):.1f} % |"


def paragraph(text: str) -> str:
    """A text as a paragraph of the page."""
    return "\n" + textwrap.fill(text.strip(), 120, break_on_hyphens=False, break_long_words=False) + "\n"


def listed(entry: dict[str, Any]) -> str:
    """An entry of mutants.yml: its argument, and the change as a diff."""
    kind = "equivalent" if "equivalent" in entry else "open"
    where = f"In `{entry['function']}`, *{kind}*" if entry["function"] else f"*{kind.capitalize()}*"
    lines = [f"- {line}" for line in entry["was"].splitlines()]
    lines += [f"+ {line}" for became in entry["became"] for line in became.splitlines()]
    return paragraph(f"{where}: {entry[kind]}") + "\n" + "".join(f"    {line}\n" for line in lines)


def page(run: dict[str, Any], entries: Sequence[dict[str, Any]]) -> str:
    """The page in Markdown."""
    files = {file: found["mutants"] for file, found in run["files"].items()}
    minutes = round(sum(found["seconds"] for found in run["files"].values()) / 60)
    text = TITLE + INTRODUCTION + paragraph(METHOD) + paragraph(TESTS) + paragraph(REPEAT.format(least=LEAST))
    text += paragraph(RUN.format(**run["versions"], date=run["date"], minutes=minutes))
    text += "\n" + "\n".join(table(files)) + "\n\n## Survivors\n" + paragraph(SURVIVORS)
    for file in files:
        of_file = [entry for entry in entries if entry["file"] == file]
        text += f"\n### `plugins/{file}`\n" + ("".join(map(listed, of_file)) or "\nNone.\n")
    return text


def copy() -> pathlib.Path:
    """A copy of the tree for the mutants, importable as a collection."""
    tree = HOME / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    collections = tree / ".venv" / "collections" / "ansible_collections" / "mailops"
    collections.mkdir(parents=True)
    (collections / "smtpeter").symlink_to(pathlib.Path("..", "..", "..", ".."))
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    return tree


def main(args: Sequence[str]) -> int:
    """Run the mutants unless told not to, write the page, and say what is wrong; 1 where something is."""
    named = [argument for argument in args if argument != "--keep"]
    if "--keep" not in args:
        tree = copy()
        env = {**os.environ, "PYTHONPATH": str(tree / ".venv" / "collections")}
        command = [sys.executable, tree / "tests" / "tools" / "_mutate.py", RESULTS, *named]
        subprocess.run(command, cwd=tree, env=env, check=True)
        shutil.rmtree(tree)
    run = json.loads(RESULTS.read_text(encoding="utf-8"))
    entries = arguments()
    if not named:
        PAGE.write_text(page(run, entries), encoding="utf-8")
    files = {file: found["mutants"] for file, found in run["files"].items() if file in named or not named}
    wrong = complaints(files, entries)
    print("\n".join([*table(files), *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
