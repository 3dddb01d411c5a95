# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox killed a hundred times in the middle of thousands of sends."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.killing import compare, kill_in_the_middle
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes

KILLS = 100


def test_a_hundred_kills(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every acknowledged message is counted after each start, none twice, and no send in part."""
    (tmp_path / "tmp").mkdir()
    data = tmp_path / "mail.sqlite"
    seed = time.time_ns()
    with sandboxes(tmp_path / "tmp") as sandbox:
        ledger = kill_in_the_middle(sandbox, data, KILLS, seed)
    compare(data, ledger)
    assert ledger.sends >= 1000
    with capsys.disabled():
        print(
            f"\n{KILLS} kills (seed {seed}): {ledger.sends} sends answered, {len(ledger.acknowledged)} messages "
            f"acknowledged, all counted once; {len(ledger.unanswered)} sends without an answer"
        )
