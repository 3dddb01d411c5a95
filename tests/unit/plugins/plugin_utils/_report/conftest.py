"""What the tests of the reports share: the results of gates and their reports, by name."""

import copy

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report import gate_report
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.reading import READERS
from ansible_collections.mailops.smtpeter.tests.unit.plugins.plugin_utils._report.results import GATES


@pytest.fixture(params=GATES)
def gate_name(request):
    """Every result, one after the other."""
    return request.param


@pytest.fixture
def gate():
    """A gate's result by name, with other values for some of its keys."""
    return lambda name, **changes: {**copy.deepcopy(GATES[name]), **changes}


@pytest.fixture
def report():
    """The report of a gate's result by name."""
    return lambda name, form: gate_report(GATES[name], form)


@pytest.fixture
def read(gate):
    """The same with other values for some keys of the result, as the program of its readers has it."""
    return lambda name, form, **changes: READERS[form](gate_report(gate(name, **changes), form))
