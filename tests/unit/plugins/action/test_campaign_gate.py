# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action at a service that fails three times in ten; tests/soak looks a thousand times."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, look_at, service


@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.9, "fail")])
def test_the_right_verdict_whatever_fails(rate: float, verdict: str) -> None:
    """After some fifty looks the verdict is that of the counters, and nothing that a look opened is left."""
    messages = 35 * STEP
    with service(seed=6, messages=messages, rate=rate) as url:
        outcome = look_at(url, messages, every=10)
    result = outcome.result
    assert (result["verdict"], result["failed"]) == (verdict, verdict != "pass")
    assert result["stats"]["wave-1"]["messages"] == messages
    assert result["looks"] >= 40
    assert result["errors"] >= 5
    assert {sample.threads for sample in outcome.samples} == {outcome.samples[0].threads}
    assert {sample.descriptors for sample in outcome.samples} == {outcome.samples[0].descriptors}
