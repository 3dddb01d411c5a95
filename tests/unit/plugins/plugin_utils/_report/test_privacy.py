"""Privacy: whatever a receiver repeats of an address, none of the four reports of a gate by outcomes has it."""

from __future__ import annotations

import html
from urllib.parse import unquote

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._outcomes import OutcomeCollector
from ansible_collections.mailops.smtpeter.plugins.module_utils._privacy import DescriptionMask
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import START, attempt, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from ansible_collections.mailops.smtpeter.tests.unit.plugins.module_utils.test_privacy import (
    PRIVATE,
    RECIPIENT,
    TOKEN,
    WAYS,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import FORMATS

TAG = "wave-1"
MESSAGES, FAILED = 200, 60


def gate_of(words):
    """The result of a gate that saw a receiver refuse mail with these words, in each field that it fills in."""
    collector = OutcomeCollector(TAG, DescriptionMask(TOKEN))
    for number in range(MESSAGES):
        collector.add([attempt(number, number, recipient=RECIPIENT)])
        if number < FAILED:
            fields = {"description": words, "state": words, "status": words, "code": words} if number % 2 else {}
            more = {"description": words, **fields}
            collector.add([failure(number + 1, number, recipient=RECIPIENT, **more)])
        else:
            collector.add([delivery(number + 1, number, recipient=RECIPIENT)])
    outcome = collector.outcome(None, START, 10, 0.1).as_dict()
    policy = Policy.from_options({"confidence": 0.95})
    gate = Gate(outcome_trackers_of([TAG], policy, False), policy, Timing())
    record = Record(TAG, MESSAGES, MESSAGES - FAILED, 0, 0, last_at=START, fetched_at=START)
    gate.look(Look(0.0, 1.0, START, {TAG: record}, {}, {TAG: Outcome.from_dict(outcome)}))
    return gate.result()


@pytest.fixture(scope="module", params=WAYS)
def refused(request):
    """The result of a gate that saw an address written in one of the ways, beside the token."""
    return gate_of(f"{WAYS[request.param](RECIPIENT)} {TOKEN}")


@pytest.mark.parametrize("form", FORMATS)
def test_no_address_in_a_report(refused, form):
    """No local part, no envelope and no token, also once the reader's program has decoded the report."""
    assert refused["verdict"] == "fail"
    text = gate_report(refused, form)
    assert f"{FAILED // 2}" in text
    for seen in (text, html.unescape(text), unquote(html.unescape(text))):
        assert PRIVATE.findall(seen) == []
        assert leaks(seen, TOKEN) == []


@pytest.mark.parametrize("form", FORMATS)
def test_an_address_would_be_noticed(form):
    """The test above sees what is not masked."""
    result = gate_of("mailbox full")
    result["tags"][TAG]["outcome"]["failures"][0]["description"] = f"mailbox {RECIPIENT} is full"
    result["msg"] += RECIPIENT
    assert PRIVATE.findall(gate_report(result, form))
