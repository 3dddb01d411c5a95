# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work behind the filter `since`. Private: names and behaviour may change."""

from __future__ import annotations

from typing import Any, Callable

from ..module_utils._record import Record, difference
from ..module_utils._values import seconds
from ._forms import TagInput, earlier_records
from ._judging.policy import Policy

NOTHING_IN_COMMON = "the two entries have no tag in common, so all mail counts as new; check the tags"


def since(after: Any, before: Any, grace_period: Any, warn: Callable[[str], None]) -> Any:
    """Return what happened between two entries, in the form of `after`.

    `grace_period` is in seconds, null for the policy's default; `warn` takes what the user should know. Raises
    OptionError.
    """
    grace = Policy.grace_period if grace_period is None else seconds("grace_period", grace_period)
    given = TagInput.read("the input of since", after)
    records = records_since("before", given, before, grace, warn)
    return given.like([record.as_dict() for record in records], records)


def records_since(
    option: str, given: TagInput, earlier: Any, grace_period: float, warn: Callable[[str], None]
) -> list[Record]:
    """Return what happened since `earlier` for each of the records in `given`; `option` names it in errors."""
    records = given.records(option)
    before = earlier_records(option, given, earlier)
    if not any(before):
        warn(NOTHING_IN_COMMON)
    return [difference(record, then, grace_period) for record, then in zip(records, before)]
