"""The figures of the documentation's pictures are what the guide's rehearsal still gives."""

import json

import pytest
from ansible_collections.mailops.smtpeter.tests.tools import pictures

# Faster, a busy machine takes longer for a look than there is time.
SPEED = 50
# What the playbook divides by the speed.
SECONDS = ("grace_period", "sending_gap")


def outcome(gate, speed):
    """What does not depend on the moments of the looks."""
    return {
        "verdict": gate["verdict"],
        "keys": sorted(gate),
        "tags": {
            tag: {**{key: judged[key] for key in ("verdict", "messages", "delivered_at_most")}, "keys": sorted(judged)}
            for tag, judged in gate["tags"].items()
        },
        "policy": {
            name: pytest.approx(value * speed) if name in SECONDS else value for name, value in gate["policy"].items()
        },
    }


def test_the_rehearsal_still_gives_it():
    """The guide's playbook comes to the same verdicts, counts and policy, only faster."""
    kept = pictures.figures("gate-report.json")

    gate = json.loads(pictures.rehearse(SPEED))

    assert outcome(gate, SPEED) == outcome(kept, 1)
