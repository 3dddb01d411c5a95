"""The sandbox killed a hundred times in the middle of thousands of sends, and a gate in the middle of its looks."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins.killing import compare, kill_in_the_middle
from ansible_collections.mailops.smtpeter.tests.unit.plugins.restarting import Campaign, kill_again_and_again, serving
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes

KILLS = 100


def test_a_hundred_kills(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every acknowledged message is counted after each start, none twice, and no send in part."""
    (tmp_path / "tmp").mkdir()
    data = tmp_path / "mail.sqlite"
    seed = time.time_ns()
    with sandboxes(tmp_path / "tmp") as sandbox:
        ledger = kill_in_the_middle(sandbox, data, KILLS, seed)
    compare(data, ledger)
    assert ledger.sends >= 1000
    with capsys.disabled():
        print(
            f"\n{KILLS} kills (seed {seed}): {ledger.sends} sends answered, {len(ledger.acknowledged)} messages "
            f"acknowledged, all counted once; {len(ledger.unanswered)} sends without an answer"
        )


@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.5, "fail")])
def test_a_gate_killed_a_hundred_times(tmp_path: pathlib.Path, rate: float, verdict: str) -> None:
    """With `state`, the verdict is that of a run that nobody disturbs, and the file is never unreadable."""
    campaign, seed = Campaign(rate), time.time_ns()
    with serving(campaign) as url:
        result = kill_again_and_again(url, campaign, tmp_path / "gate.state", KILLS, seed)
    assert (result["verdict"], result["errors"]) == (verdict, 0), seed
    assert list(tmp_path.iterdir()) == []
