"""A thousand looks of a gate at a service that fails three requests in ten, with all faults mixed."""

from __future__ import annotations

import time

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.looking import STEP, look_at, service

LOOKS = 1000
# Seven looks in ten are good ones, give or take; so many good ones take a thousand looks.
MESSAGES = 740 * STEP
GROWTH_LIMIT = 8 * 2**20


@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.94, "fail")])
def test_a_thousand_looks(capsys: pytest.CaptureFixture[str], rate: float, verdict: str) -> None:
    """They end in the right verdict, and in no more memory, file descriptors or threads than the first two hundred."""
    seed = time.time_ns()
    began = time.monotonic()
    with service(seed, MESSAGES, rate) as url:
        outcome = look_at(url, MESSAGES, every=100)
    result, samples = outcome.result, outcome.samples
    early, late = samples[1], samples[-1]
    growth = late.resident - early.resident
    with capsys.disabled():
        print(
            f"\n{result['looks']} looks (seed {seed}) in {time.monotonic() - began:.0f} s, {result['errors']} of them"
            f" failed: {result['verdict']}; {growth / 2**20:+.1f} MiB, {late.descriptors - early.descriptors:+d} file"
            f" descriptors, {late.threads - early.threads:+d} threads since look 200"
        )
    assert result["verdict"] == verdict, seed
    assert result["stats"]["wave-1"]["messages"] == MESSAGES
    assert result["looks"] >= LOOKS
    assert result["errors"] >= LOOKS / 4
    assert len(result["history"]) <= 60
    assert {(sample.descriptors, sample.threads) for sample in samples} == {(early.descriptors, early.threads)}
    assert growth < GROWTH_LIMIT
