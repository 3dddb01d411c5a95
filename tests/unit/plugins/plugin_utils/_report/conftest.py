# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the reports share: the results of gates, by name, and what a hostile tag may hold."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any, Callable

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
GATES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("gates/*.json"))}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that takes `gate_name` every fixture."""
    if "gate_name" in metafunc.fixturenames:
        metafunc.parametrize("gate_name", list(GATES))


@pytest.fixture
def gate() -> Callable[..., dict[str, Any]]:
    """A gate's result by name, with other values for some of its keys."""
    return lambda name, **changes: {**copy.deepcopy(GATES[name]), **changes}


@pytest.fixture
def report() -> Callable[[str, str], str]:
    """The report of a gate's result by name."""
    return lambda name, form: gate_report(GATES[name], form)


@pytest.fixture
def named() -> Callable[[str], dict[str, Any]]:
    """A failed gate whose only tag is the text given, which is also in its sentences, errors and policy."""

    def result(text: str) -> dict[str, Any]:
        given = copy.deepcopy(GATES["instant"])
        judgement = given["tags"].pop("quick")
        judgement.update(verdict="fail", reasons=[text, f"{text}: few", f"see {text}"])
        given["tags"][text] = judgement
        for look in given["history"]:
            look["tags"] = {text: look["tags"]["quick"]}
        given["history"].append({"at": "2026-03-02T09:01:00Z", "error": text})
        given.update(verdict="fail", msg=text, reasons=[f"because {text}"])
        given["last_errors"] = {text: {"kind": "answer", "status": None, "msg": text}}
        given["policy"].update(baseline_tag=text, expected_messages={text: 500})
        return given

    return result
