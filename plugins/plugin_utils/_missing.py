# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python library that the controller lacks. Private: names and behaviour may change."""

from __future__ import annotations

import sys

from ..module_utils._errors import SmtpeterError


class LibraryMissing(SmtpeterError):
    """C(library) is not there for the Python that runs Ansible; C(instead) says what goes without it."""

    def __init__(self, library: str, instead: str = "") -> None:
        super().__init__(
            f"the Python library {library} is not installed for the Python that runs Ansible ({sys.executable}); "
            f"install it with '{sys.executable} -m pip install {library}'{instead}"
        )
