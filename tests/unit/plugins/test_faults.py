# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of the hostile services, and the page about them."""

from __future__ import annotations

import pathlib

from ansible_collections.mailops.smtpeter.tests.tools.faults import PLUGINS, row
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import BOMB, FAULTS, MEBIBYTE

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "faults.md"


def test_no_two_faults_are_alike():
    """Each has a name and a tag of its own, and none of its tags holds what a tag must not hold."""
    assert len({(fault.family, fault.name) for fault in FAULTS}) == len(FAULTS)
    assert len({fault.tag for fault in FAULTS}) == len(FAULTS)


def test_the_bomb_is_small():
    """It is below the limit of an answer, so that it is what inflating it gives that matters."""
    assert len(BOMB) < MEBIBYTE


def test_the_page_names_each_fault():
    """Each fault of the suite has its line, in which it held with every plugin on every version, and no other has."""
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [f"{len(PLUGINS)} of {len(PLUGINS)}"] * (lines[0].count("|") - 4)
    assert len(cells) >= 4
    assert lines[1:] == [row(fault, cells) for fault in FAULTS]
    assert f"{len(FAULTS) * len(PLUGINS) * len(cells):,} cases, all held" in " ".join(text.split())
