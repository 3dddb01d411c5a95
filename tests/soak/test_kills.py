"""The sandbox killed in the middle of thousands of sends, a gate in the middle of its looks, and the event source."""

import random
import time

import pytest
from ansible_collections.mailops.smtpeter.tests.unit.plugins import killing, restarting
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import sandboxes
from ansible_collections.mailops.smtpeter.tests.unit.plugins.watching import SCENARIO, VERDICTS, Watched

KILLS = 100


def test_a_hundred_kills(tmp_path):
    """Every acknowledged message is counted after each start, none twice, and no send in part."""
    data, seed = tmp_path / "mail.sqlite", time.time_ns()
    with sandboxes(tmp_path) as sandbox:
        ledger = killing.kill_in_the_middle(sandbox, data, KILLS, seed)
    killing.compare(data, ledger)
    assert ledger.sends >= 1000, seed


@pytest.mark.parametrize(("rate", "verdict"), [(0.97, "pass"), (0.5, "fail")])
def test_a_gate_killed_a_hundred_times(tmp_path, rate, verdict):
    """With `state`, the verdict is that of a run that nobody disturbs, and the file is never unreadable."""
    campaign, seed = restarting.Campaign(rate), time.time_ns()
    with restarting.serving(campaign) as url:
        result = restarting.kill_again_and_again(url, campaign, tmp_path / "gate.state", KILLS, seed)
    assert (result["verdict"], result["errors"]) == (verdict, 0), seed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("judge_by", ["counters", "outcomes"])
def test_a_source_killed_again_and_again(tmp_path, judge_by):
    """It tells what a source tells that nobody disturbs, each event once, and its file is always whole."""
    seed, told = time.time_ns(), []
    for kills in (0, KILLS // 2):
        directory = tmp_path / str(kills)
        directory.mkdir()
        with sandboxes(directory) as service:
            sandbox = service.run(scenario={"default": SCENARIO}, idle_timeout=300)
            watched = Watched(sandbox, directory, judge_by, chance=random.Random(seed))
            watched.run(kills)
        assert watched.kills == kills
        told.append(watched.told())
    undisturbed, killed = told
    assert undisturbed == VERDICTS
    # An event is kept before it is put, so a kill in between loses it. It is never told twice.
    assert [event for event in VERDICTS if event in killed] == killed, seed
    assert killed
