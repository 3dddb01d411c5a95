# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python libraries that are missing, and how to install them. Private: names and behaviour may change."""

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
    """`library`, by its name on PyPI, is not there for this Python; `instead` says what works without it."""

    def __init__(self, library: str, instead: str = "") -> None:
        super().__init__(how_to_install(library) + instead)


def how_to_install(library: str) -> str:
    """Return the sentence that names a missing library of PyPI, this machine and its Python, and each way to get it."""
    return (
        f"the Python library {library} is not installed on {platform.node()} for {sys.executable}; install it with "
        f"'{shlex.quote(sys.executable)} -m pip install {library}' in a virtual environment, "
        f"'pipx inject ansible-core {library}' where pipx installed Ansible, or as the system's package, which is "
        f"{_DEBIAN_PACKAGES[library]} on Debian and Ubuntu"
    )


def is_missing(module: str) -> bool:
    """Return whether a module cannot be imported, without the cost of importing it."""
    from importlib.util import find_spec

    return find_spec(module) is None
