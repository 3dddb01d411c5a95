# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make fuzz` begins with, and whatever it found, holds in every run of the tests."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.mailops.smtpeter.tests.fuzz._inputs import TARGETS

CORPUS = pathlib.Path(__file__).parents[2] / "fuzz" / "corpus"
FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.name}" for path in FILES])
def test_an_input(path):
    """It is understood, or refused as it should be."""
    TARGETS[path.parent.name](path.read_bytes())


def test_each_target_has_inputs():
    """A corpus that went missing does not pass for one without findings."""
    assert {path.parent.name for path in FILES} == set(TARGETS)
