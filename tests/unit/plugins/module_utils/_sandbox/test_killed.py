# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox killed while it takes mail: what it acknowledged is there. tests/soak does it a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.killing import compare, kill_in_the_middle
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes


@pytest.mark.slow
def test_killed_in_the_middle_of_sends(tmp_path: Path) -> None:
    """After five kills every acknowledged message is counted, none twice, and no send in part."""
    (tmp_path / "tmp").mkdir()
    data = tmp_path / "mail.sqlite"
    with sandboxes(tmp_path / "tmp") as sandbox:
        ledger = kill_in_the_middle(sandbox, data, kills=5, seed=1)
    assert ledger.unanswered
    compare(data, ledger)
