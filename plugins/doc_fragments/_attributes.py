# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents the attributes of plugins. Private: names and behaviour may change."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and returns what it would return, without changing anything.
    support: full
  diff_mode:
    description: Returns details of what changed, or would change, in diff mode.
    support: none
  async:
    description: Supports being run with the C(async) keyword.
    support: full
  platform:
    description: The platforms that it runs on.
    support: full
    platforms: posix
"""

    FLOW = r"""
options: {}
attributes:
  run_once:
    description: Works with the C(run_once) keyword.
    support: full
  delegation:
    description: Works with C(delegate_to), which names the host where each look runs.
    support: full
  loop:
    description: Works with C(loop), one item after the other.
    support: full
  rescue:
    description: Returns the same structure whether it passes or fails, so that C(rescue) can read it.
    support: full
  no_log:
    description: With the C(no_log) keyword, it shows no progress either.
    support: full
"""
