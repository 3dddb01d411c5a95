"""The pictures of the documentation are what the collection draws now. tests/soak has what they are drawn of."""

import pytest
from ansible_collections.mailops.smtpeter.tests.tools import pictures


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_it_is_not_stale(name):
    """`make docs` would draw the same."""
    assert (pictures.PICTURES / name).read_text(encoding="utf-8") == pictures.DRAWN[name]()


def test_every_picture_is_drawn():
    """None is left over, and none is made by hand."""
    assert {path.name for path in pictures.PICTURES.glob("*.svg")} == set(pictures.DRAWN)
