# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Missing Python libraries, and how to install them. Private: names and behaviour may change."""

from __future__ import annotations

import platform
import shlex
import sys

from ._errors import SmtpeterError

_DEBIAN_PACKAGES = {
    "cryptography": "python3-cryptography",
    "pygal": "python3-pygal",
    "PySocks": "python3-socks",
    "requests": "python3-requests",
}


class LibraryMissing(SmtpeterError):
    """`library`, named as on PyPI, is not installed for this Python. `instead` continues with what works without it."""

    def __init__(self, library: str, instead: str = "") -> None:
        super().__init__(how_to_install(library) + instead)


def how_to_install(library: str) -> str:
    """Return the message about a missing library, named as on PyPI: where it is missing and how to install it."""
    return (
        f"the Python library {library} is not installed on {platform.node()} for {sys.executable}; install it with "
        f"'{shlex.quote(sys.executable)} -m pip install {library}' in a virtual environment, "
        f"'pipx inject ansible-core {library}' where pipx installed Ansible, or as the system's package, which is "
        f"{_DEBIAN_PACKAGES[library]} on Debian and Ubuntu"
    )


def is_missing(module: str) -> bool:
    """Return whether a module cannot be imported, without importing it."""
    from importlib.util import find_spec

    return find_spec(module) is None
