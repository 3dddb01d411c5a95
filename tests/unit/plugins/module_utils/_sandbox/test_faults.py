# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what is read from the option, and in which order requests meet them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import (
    Fault,
    FaultOptions,
    FaultQueue,
    StatusFault,
    parse_faults,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, FaultOptions()),
        ({"slow_count": None, "latency": "0.5"}, FaultOptions(latency=0.5)),
        ({"statuses": [503, "429"]}, FaultOptions(statuses=(StatusFault(503), StatusFault(429)))),
        (
            {"statuses": [{"status": 429, "count": 2, "retry_after": 1}, 500]},
            FaultOptions(statuses=(StatusFault(429, 1), StatusFault(429, 1), StatusFault(500))),
        ),
        ({"unknown_tag": "null"}, FaultOptions(unknown_tag="null")),
    ],
)
def test_faults_read(value: object, expected: FaultOptions) -> None:
    """Codes alone, or with how often and how long to wait."""
    assert parse_faults("faults", value) == expected


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ([], "faults"),
        ({"dorp": 1}, "faults.dorp"),
        ({"drop": -1}, "faults.drop"),
        ({"drop": True}, "faults.drop"),
        ({"latency": float("nan")}, "faults.latency"),
        ({"slow_bytes": 3601}, "faults.slow_bytes"),
        ({"slow_count": 0.5}, "faults.slow_count"),
        ({"statuses": 503}, "faults.statuses"),
        ({"statuses": [99]}, "faults.statuses[0]"),
        ({"statuses": [503, {"count": 1}]}, "faults.statuses[1]"),
        ({"statuses": [{"status": 503, "count": 0}]}, "faults.statuses[0].count"),
        ({"statuses": [{"status": 503, "times": 1}]}, "faults.statuses[0].times"),
        ({"unknown_tag": "nothing"}, "faults.unknown_tag"),
    ],
)
def test_faults_refused(value: Any, where: str) -> None:
    """A fault that means nothing is refused with the path to the key."""
    with pytest.raises(OptionError) as caught:
        parse_faults("faults", value)
    assert caught.value.option == where


def test_faults_are_dealt_in_order() -> None:
    """Requests meet the drops first, then the statuses, then the slow answers, then none."""
    queue = FaultQueue(
        parse_faults("faults", {"drop": 1, "statuses": [503], "slow_bytes": 2, "slow_count": 1, "latency": 3})
    )
    assert [queue.next_fault() for _each in range(4)] == [
        Fault(3.0, drop=True),
        Fault(3.0, status=StatusFault(503)),
        Fault(3.0, slow_bytes=2.0),
        Fault(3.0),
    ]


def test_slow_without_a_count_is_for_all() -> None:
    """Slow bytes without a count are for every request."""
    queue = FaultQueue(parse_faults("faults", {"slow_bytes": 2}))
    assert {queue.next_fault().slow_bytes for _each in range(5)} == {2.0}
