# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit never calls it good when it could not look."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.tests.tools.audit import report

GOOD: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-0", "fix_versions": ["3"]}]}
SKIPPED: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([GOOD], 0, ["pins: 1 packages, nothing known"]),
        ([GOOD, BAD], 1, ["pins: b 2: PYSEC-0, mended in 3"]),
        ([GOOD, SKIPPED], 3, ["pins: NOT AUDITED: the service could not be asked about 1 of 2 packages"]),
        (None, 3, ["pins: NOT AUDITED: the service could not be asked about the packages"]),
        ([], 3, ["pins: NOT AUDITED: the service could not be asked about the packages"]),
    ],
)
def test_report(found: list[dict[str, Any]] | None, code: int, said: list[str]) -> None:
    """Exit code and text for each outcome."""
    assert report({"pins": found}) == (code, said)


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_known_outweighs_what_is_not(order: int) -> None:
    """A vulnerability is told by the exit code whichever file it is in."""
    assert report(dict([("x", [BAD]), ("y", None)][::order]))[0] == 1
