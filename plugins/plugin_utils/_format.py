# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ratios as people read them. Private: names and behaviour may change."""

from __future__ import annotations


def percent(ratio: float) -> str:
    """Return a ratio as people read it: `95%`, `99.5%`."""
    return f"{ratio * 100:.6g}%"


def share(part: int, whole: int) -> str:
    """Return a share in percent, rounded down to two digits, so that 94.999% never reads as 95%."""
    hundredths = part * 10000 // whole
    return f"{hundredths / 100:.6g}%"
