# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries that are missing: one sentence for all, with each way to install them."""

from __future__ import annotations

import platform
import shlex
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import (
    LibraryMissing,
    how_to_install,
    is_missing,
)


@pytest.mark.parametrize(
    ("library", "package"),
    [("requests", "python3-requests"), ("pygal", "python3-pygal"), ("PySocks", "python3-socks"),
     ("cryptography", "python3-cryptography")],
)  # fmt: skip
def test_each_way_to_install_is_named(library: str, package: str) -> None:
    """A virtual environment's pip, pipx, and the package of the systems that refuse pip; and where it is missing."""
    text = how_to_install(library)
    for part in (
        f"the Python library {library} is not installed on {platform.node()} for {sys.executable}",
        f"'{shlex.quote(sys.executable)} -m pip install {library}' in a virtual environment",
        f"'pipx inject ansible-core {library}'",
        f"{package} on Debian and Ubuntu",
    ):
        assert part in text
    error = LibraryMissing(library, ", or do without")
    assert isinstance(error, SmtpeterError)
    assert str(error) == f"{text}, or do without"


def test_a_path_with_a_blank_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is quoted for a shell."""
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python")
    assert "''/opt/my python/bin/python' -m pip install requests'" in how_to_install("requests")


def test_what_is_missing() -> None:
    """A module that is there is not missing."""
    assert not is_missing("json")
    assert is_missing("no_such_module_of_ours")
