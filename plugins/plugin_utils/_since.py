# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work behind the filter C(since). Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Callable

from ..module_utils._policy import Policy, seconds
from ..module_utils._record import difference
from ._forms import Given, earlier_records


def since(after: Any, before: Any, grace_period: Any, warn: Callable[[str], None]) -> Any:
    """Return what happened between two readings, in the form of C(after).

    C(grace_period) is in seconds, null for the policy's default; C(warn) takes what the user should know. Raises
    OptionError.
    """
    grace = Policy.grace_period if grace_period is None else seconds("grace_period", grace_period)
    given = Given.read("the input of since", after)
    earlier = earlier_records("before", given, before)
    if not any(earlier):
        warn(NOTHING_IN_COMMON)
    records = [difference(record, then, grace) for record, then in zip(given.records, earlier)]
    return given.like([record.as_dict() for record in records], records)


NOTHING_IN_COMMON = "the two readings have no tag in common, so all mail counts as new; check the tags"
