"""Tests of the picture's axes."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._report._scale import ratio_scale, time_scale
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("ratios", "labels"),
    [
        ([], "0% 20% 40% 60% 80% 100%"),
        ([0.0, 1.0], "0% 20% 40% 60% 80% 100%"),
        ([0.6], "50% 60% 70% 80% 90% 100%"),
        ([0.84, 0.95], "80% 85% 90% 95% 100%"),
        ([0.999, 0.995], "99% 99.2% 99.4% 99.6% 99.8% 100%"),
    ],
)
def test_ratios(ratios, labels):
    """The axis shows the smallest share with some room below."""
    assert [label for _tick, label in ratio_scale(ratios).ticks] == labels.split()


@pytest.mark.parametrize(
    ("seconds", "name", "labels"),
    [
        (0, "seconds", "0 1"),
        (8, "seconds", "0 2 4 6 8"),
        (90, "seconds", "0 15 30 45 60 75 90"),
        (660, "minutes", "0 2 4 6 8 10 12"),
        (1800, "minutes", "0 5 10 15 20 25 30"),
        (14400, "hours", "0 1 2 3 4"),
        (10 * 86400, "hours", "0 60 120 180 240"),
        (100 * 86400, "hours", "0 408 816 1224 1632 2040 2448"),
    ],
)
def test_times(seconds, name, labels):
    """The axis has at most six steps of a size that people count in."""
    scale = time_scale(seconds)
    assert (scale.name, [label for _tick, label in scale.ticks]) == (name, labels.split())


@given(seconds=st.floats(0, 1e9))
def test_any_time(seconds):
    """Everything fits on the axis, with room for every label."""
    scale = time_scale(seconds)
    assert seconds / scale.unit <= scale.high == scale.ticks[-1][0]
    assert 2 <= len(scale.ticks) <= 7
