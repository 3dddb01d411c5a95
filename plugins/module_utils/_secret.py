# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers the token with Ansible, which masks it. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any


def register_secret(token: Any) -> None:
    """Have Ansible mask the token in all that it shows, if this ansible-core can."""
    try:
        from ansible.module_utils import secrets
    except ImportError:
        return
    if isinstance(token, str) and token:
        secrets.register_secret(token)
