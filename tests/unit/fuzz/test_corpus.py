"""What `make fuzz` begins with, and whatever it found, holds in every run of the tests."""

import pathlib

import pytest
from ansible_collections.mailops.smtpeter.tests.fuzz._checks import TARGETS

CORPUS = pathlib.Path(__file__).parents[2] / "fuzz" / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_a_corpus(target):
    """Each input is understood, or refused as it should be."""
    paths = sorted((CORPUS / target).iterdir())
    assert paths
    for path in paths:
        TARGETS[target](path.read_bytes())
