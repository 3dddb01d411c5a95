# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of the hostile services."""

from __future__ import annotations

from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import BOMB, FAULTS, MEBIBYTE


def test_no_two_faults_are_alike():
    """Each has a name and a tag of its own, and none of its tags holds what a tag must not hold."""
    assert len({(fault.family, fault.name) for fault in FAULTS}) == len(FAULTS)
    assert len({fault.tag for fault in FAULTS}) == len(FAULTS)


def test_the_bomb_is_small():
    """It is below the limit of an answer, so that it is what inflating it gives that matters."""
    assert len(BOMB) < MEBIBYTE
