# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each claim of the threat model is held by tests that are there."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`([\w/.-]+\.py)::(\w+)`")
CLAIMS = [
    row
    for section in MODEL.split("\n## ")
    if "| held by |" in section
    for row in section.splitlines()
    if row.startswith("| ") and not row.startswith("| threat |")
]


def test_there_are_claims() -> None:
    """The tables were found."""
    assert len(CLAIMS) > 20


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[2:40])
def test_each_claim_is_held_by_tests_that_exist(claim: str) -> None:
    """It names one at least, and each is a test function of that file."""
    _threat, _said, held_by = claim.strip("| ").split(" | ")
    if held_by == "`make lint`":
        return
    assert re.sub(r"[, ]", "", REFERENCE.sub("", held_by)) == ""
    references = REFERENCE.findall(held_by)
    assert references
    for file, name in references:
        assert file.startswith("tests/")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
        assert name.startswith("test_")
