# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page of docs begins with that a program writes."""

from __future__ import annotations

# REUSE-IgnoreStart
_LICENCE = """<!--
Copyright: (c) 2026, the mailops.smtpeter contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
# REUSE-IgnoreEnd


def heading(title: str, writer: str, change: str = "that") -> str:
    """The licence, the program that writes the page, what to change instead, and the page's title."""
    return f"{_LICENCE}<!-- Written by {writer}; change {change}, not this page. -->\n\n# {title}\n"
