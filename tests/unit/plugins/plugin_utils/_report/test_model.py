"""Tests of what is taken for a gate's result, and of what is said of anything else."""

import math

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._model import GateResult

RECORD = {"tag": "wave-1", "messages": 1, "deliveries": 1}
OUTCOME = "tags receipts outcome"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "null came where a gate's result belongs"),
        ({}, "this dict has no verdict"),
        ({"wave-1": RECORD}, "this is only the stats of a result"),
        ({"wave-1": {**RECORD, "verdict": "pass"}}, "this is only the tags of a result"),
        ({"wave-1": {**RECORD, "failed": 0}}, "this is only outcomes; give what campaign_gate returned"),
        ({"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}, "'gate is not skipped'"),
        ({"changed": False, "failed": True, "msg": "missing api_token"}, "failed before it looked (missing api_token)"),
        ({"changed": False, "results": [{"verdict": "pass"}]}, "report each of its results"),
    ],
)
def test_refused(given, said):
    """What is no gate's result is refused with what it seems to be, and what to give."""
    with pytest.raises(OptionError, match="^the input: .*as it was registered") as error:
        gate_report(given, "markdown")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("verdict", "passed", "verdict of GATE is not one of fail, error, inconclusive, pass"),
        *((key, ..., f"{key} of GATE is missing") for key in ("msg", "waited", "looks", "errors", "history_dropped")),
        *(("looks", looks, "looks of GATE is not a whole number of 0 or more") for looks in (1.5, True)),
        *(("waited", waited, "waited of GATE is not a number of 0 or more") for waited in (math.nan, -1)),
        ("msg", None, "msg of GATE is not text"), ("reasons", "because", "reasons of GATE is not a list"),
        ("tags", ["a"], "tags of GATE is not a dict"), ("tags a", 1, "tags of GATE has something else than a dict"),
        ("history 0", 1, "history of GATE has something else than a dict at position 0"),
        ("history 0 at", "yesterday", "at of history entry 0 of GATE is not a moment"),
        ("history 0 tags receipts failed", -1, "failed of tags 'receipts' of history entry 0 of GATE is not"),
        (f"{OUTCOME} failed", 999, "messages of outcome of tags 'receipts' of GATE is less than"),
        (f"{OUTCOME} failures 0 description", 5, "description of failures entry 0 of outcome"),
        (f"{OUTCOME} domains 0 deliveries", 999, "messages of domains entry 0 of outcome"),
        (f"{OUTCOME} timeline 0 at", "soon", "at of timeline entry 0 of outcome"),
        (f"{OUTCOME} timeline 0 seconds", None, "seconds of timeline entry 0 of outcome"),
    ],
)  # fmt: skip
def test_wrong_values(gate, place, value, said):
    """A value that a gate never returns, or one that is missing, is refused by its name and place."""
    given = part = gate("refused")
    *path, last = (int(key) if key.isdigit() else key for key in place.split())
    for key in path:
        part = part[key]
    part[last] = value
    if value is ...:
        del part[last]
    with pytest.raises(OptionError) as error:
        gate_report(given, "junit")
    assert said.replace("GATE", "the gate's result") in str(error.value)


@pytest.mark.parametrize("form", [None, "Markdown", ["svg"]])
def test_unknown_format(gate, form):
    """An unknown format is refused, and the four are named."""
    with pytest.raises(OptionError, match="^format: .* unknown; give one of markdown, junit, svg, html$"):
        gate_report(gate("pass"), form)


def test_texts_are_made_fit_to_show(gate):
    """Controls, half characters and what turns text around are replaced, white space becomes one blank."""
    read = GateResult.read(gate("pass", msg="a\x00\x1b[31m\n\tb\u202egpj\ud800\ufffe\u2028c \U0001f600é "))
    assert read.msg == "a\ufffd\ufffd[31m b\ufffdgpj\ufffd\ufffd c \U0001f600é"


@pytest.mark.parametrize(
    ("waited", "said"),
    [(0.214, "0.214 s"), (59.9, "59 s"), (60, "1 min"), (754, "12 min 34 s"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_effort(gate, waited, said):
    """How often and how long the gate looked is said in words."""
    assert GateResult.read(gate("pass", waited=waited, looks=1, history=[])).effort == f"Looked 1 time in {said}"
