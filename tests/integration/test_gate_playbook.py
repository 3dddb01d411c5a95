"""The ready CI gate as a CI service runs it: exit codes, reports, progress, and an end when it is told to end."""

import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from ansible.parsing.splitter import parse_kv
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, TOKEN, environment, written
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from junitparser import Failure, JUnitXml

PLAYBOOK = "mailops.smtpeter.gate"
HURRY = "smtpeter_grace_period=2 smtpeter_sending_gap=1 smtpeter_wait_sleep=0.5"
REPORTS = ["gate.html", "gate.json", "gate.junit.xml", "gate.md", "gate.svg", "stats.json"]

# The verdict, arguments, and the address of the service. No selection of Ansible's tags skips the gate.
CASES = {
    "good": ("pass", ["-e", "smtpeter_wait_timeout=30"], {}),
    "good,poor": ("fail", ["-e", "smtpeter_wait_timeout=30"], {}),
    "few": ("inconclusive", ["-e", "smtpeter_wait_timeout=0", "--skip-tags", "deploy,all"], {}),
    "away": (
        "error",
        ["-e", "smtpeter_retries=0 smtpeter_max_consecutive_errors=1"],
        {"SMTPETER_API_URL": "http://127.0.0.1:9/v1"},
    ),
}


@pytest.mark.every_core
@pytest.mark.parametrize("tags", CASES)
def test_every_verdict(play, access, tmp_path, tags):
    """The exit code tells pass from not, the reports are there whatever the verdict, and the token is nowhere."""
    verdict, args, url = CASES[tags]
    log = tmp_path / "ansible.log"
    args = ["-e", f"smtpeter_tags={tags} smtpeter_reports=out/reports {HURRY}", *args, "-vvvv"]
    run = play(PLAYBOOK, *args, env={**access, "ANSIBLE_LOG_PATH": str(log), **url}, check=False)
    assert run.returncode == (0 if verdict == "pass" else 2), run.output
    reports = tmp_path / "out" / "reports"
    assert sorted(path.name for path in reports.iterdir()) == REPORTS
    assert {path.stat().st_mode & 0o777 for path in reports.iterdir()} == {0o644}
    result = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    assert result["verdict"] == verdict
    assert json.loads((reports / "stats.json").read_text(encoding="utf-8")) == result["stats"]
    assert handed_out(run) == {key: result[key] for key in ("verdict", "msg", "reasons", "stats")}
    suite = next(iter(JUnitXml.fromfile(str(reports / "gate.junit.xml"))))
    assert (suite.failures + suite.errors == 0) is (verdict == "pass")
    failed = any(isinstance(outcome, Failure) for case in suite for outcome in case.result)
    assert failed is (verdict in ("fail", "inconclusive"))
    lines = [line for line in run.stderr.splitlines() if line.startswith("[localhost]")]
    assert lines[-1].endswith(result["msg"])
    assert not re.search(r"\[localhost\] \d\d:\d\d", run.stdout)
    places = {"output": run.output, "results": json.dumps(run.tasks)}
    places.update({path.name: path.read_text(encoding="utf-8") for path in (log, *reports.iterdir())})
    assert {place: leaks(text, TOKEN) for place, text in places.items() if leaks(text, TOKEN)} == {}


def handed_out(run):
    """What the playbook gives to the jobs after it."""
    return run.result("Hand the verdict out")["ansible_stats"]["data"]["smtpeter_gate"]


def stale(directory):
    """Reports of an earlier run, and a file that is none."""
    directory.mkdir()
    for name in (*REPORTS, "notes.txt"):
        (directory / name).write_text("✔ pass", encoding="utf-8")
    return directory


def test_a_verdict_by_outcomes(play, access, tmp_path):
    """The causes are named, no address is, and no reading is left that would have a gate by counters judge all mail.

    Mail is judged from a moment on, whose zone counts.
    """
    reports = stale(tmp_path / "reports")
    since = (datetime.now(timezone.utc) - timedelta(hours=1)).replace(microsecond=0)
    written_since = since.astimezone(timezone(timedelta(hours=-5))).isoformat()
    given = (
        f"smtpeter_tags=good,poor smtpeter_judge_by=outcomes smtpeter_reports=reports smtpeter_since={written_since}"
    )
    args = ["-e", f"{given} smtpeter_wait_timeout=30 {HURRY}", "-vvvv"]
    run = play(PLAYBOOK, *args, env=access, check=False)
    assert run.returncode == 2, run.output
    assert sorted(path.name for path in reports.iterdir()) == sorted({*REPORTS, "notes.txt"} - {"stats.json"})
    result = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    assert (result["verdict"], result["stats"]) == ("fail", {})
    assert result["tags"]["good"]["outcome"]["since"] == since.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert " by example.org with 550" in result["msg"]
    assert handed_out(run) == {key: result[key] for key in ("verdict", "msg", "reasons", "stats")}
    shown = run.output + json.dumps(run.tasks) + "".join(path.read_text(encoding="utf-8") for path in reports.iterdir())
    assert not re.search(r"reader\d|@example", shown)
    assert leaks(shown, TOKEN) == []


# The variables, and what is said of them.
PROBLEMS = [
    ({}, "smtpeter_tags: it is empty; give the tags to judge"),
    (parse_kv("smtpeter_tags=good, bad"), "'bad' was left over, since Ansible splits extra variables at blanks"),
    (
        {"smtpeter_tags": "a", "smtpeter_min_ratio": "0.9"},
        "smtpeter_min_ratio: there is no such variable; did you mean smtpeter_min_delivery_ratio or",
    ),
    # What YAML makes of 010.
    ({"smtpeter_tags": "a", "smtpeter_expected_messages": {8: 5}}, "smtpeter_expected_messages: a number (8)"),
    ({"smtpeter_tags": "a", "smtpeter_fail_on": "never"}, "smtpeter_fail_on: 'never' is unknown"),
    (
        {"smtpeter_tags": "a", "smtpeter_judge_by": "outcomes", "smtpeter_since_file": "one/stats.json"},
        "smtpeter_since_file: the stats.json of an earlier gate is for smtpeter_judge_by=counters; give a moment",
    ),
    (
        {"smtpeter_tags": "a", "smtpeter_since_file": "a.json", "smtpeter_since": {"a": {}}},
        "smtpeter_since_file: smtpeter_since is given, too",
    ),
    # A gate that could never read leaves no figures, and all mail before would be judged, too.
    ({"smtpeter_tags": "a", "smtpeter_since_file": "empty.json"}, "holds no reading"),
    ({"smtpeter_tags": "a", "smtpeter_reports": "empty.json/reports"}, "/empty.json/reports cannot be written"),
    # The reports of the run before would say pass of this one.
    (
        {"smtpeter_tags": "a", "smtpeter_reports": "removed", "smtpeter_since_file": "elsewhere/stats.json"},
        "smtpeter_since_file: there is no file",
    ),
    # The file is a report of this run, by a link to a link.
    (
        {"smtpeter_tags": "a", "smtpeter_reports": "kept", "smtpeter_since_file": "latest.json"},
        "is what this gate will write; give each wave a directory of its own",
    ),
]


def test_what_cannot_work(play, tmp_path):
    """Before the gate waits, the variable is named; no report of an earlier run stays, unless it is the one to read."""
    (tmp_path / "empty.json").write_text("{}", encoding="utf-8")
    removed, kept = stale(tmp_path / "removed"), stale(tmp_path / "kept")
    (tmp_path / "first.json").write_text("kept", encoding="utf-8")
    (kept / "stats.json").unlink()
    (kept / "stats.json").symlink_to("../first.json")
    (tmp_path / "latest.json").symlink_to("kept/stats.json")

    (gate,) = yaml.safe_load((ROOT / "playbooks" / "gate.yml").read_text(encoding="utf-8"))
    names = [task["name"] for task in gate["tasks"]]
    before = gate["tasks"][: names.index("Hold until the campaign is shown to be healthy")]
    blocks = [{"block": before, "vars": variables} for variables, _said in PROBLEMS]
    run = play([{**gate, "tasks": blocks, "ignore_errors": True}])
    failures = [entry["result"]["msg"] for entry in run.tasks if entry["status"] == "failed"]
    assert len(failures) == len(PROBLEMS)
    assert [said for (_given, said), told in zip(PROBLEMS, failures) if said not in " ".join(told.split())] == []
    assert [path.name for path in removed.iterdir()] == ["notes.txt"]
    assert sorted(path.name for path in kept.iterdir()) == sorted([*REPORTS, "notes.txt"])


def test_no_selection_of_tags_skips_it(play, access, tmp_path):
    """The run fails, and the deployment does not go on. Tags are text in an INI inventory, too.

    A team has variables of its own that begin with the same word.
    """
    line = """smtpeter_tags='["1.10", "few"]' smtpeter_environment=production smtpeter_max_age=60"""
    (tmp_path / "hosts.ini").write_text(f"localhost {line}\n", encoding="utf-8")
    tasks = [{"name": "deploy", "ansible.builtin.debug": {"msg": "DEPLOYED"}}]
    deploy = {"hosts": "localhost", "gather_facts": False, "tags": "deploy", "tasks": tasks}
    args = ["-i", "hosts.ini", "-e", "smtpeter_wait_timeout=0", "--skip-tags", "slow", "--tags", "deploy"]
    run = play([{"ansible.builtin.import_playbook": PLAYBOOK, "tags": ["ops"]}, deploy], *args, env=access, check=False)
    assert run.returncode == 2, run.output
    assert "few: 20 of at least 100 messages" in "".join(handed_out(run)["reasons"])
    assert list(handed_out(run)["stats"]) == ["1.10", "few"]
    assert "DEPLOYED" not in run.output


def test_check_mode_removes_nothing(play, access, tmp_path):
    """It changes nothing."""
    reports = stale(tmp_path / "reports")
    play(PLAYBOOK, "-e", "smtpeter_tags=few smtpeter_reports=reports", "--check", env=access)
    assert {path.read_text(encoding="utf-8") for path in reports.iterdir()} == {"✔ pass"}
    assert sorted(path.name for path in reports.iterdir()) == sorted([*REPORTS, "notes.txt"])


def test_a_tag_that_others_choose(play, access, tmp_path):
    """From the environment, a tag is no template and no more extra variables, also on its way into the reports."""
    tags = ["{{lookup('pipe','touch${IFS}RAN')}}".replace("RAN", f"{tmp_path}/ran"), "{{7*7}}", "[1]"]
    args = ["-e", "smtpeter_wait_timeout=0 smtpeter_reports=reports"]
    run = play(PLAYBOOK, *args, env={**access, "SMTPETER_TAGS": json.dumps(tags)}, check=False)
    assert run.returncode == 2
    result = json.loads((tmp_path / "reports" / "gate.json").read_text(encoding="utf-8"))
    assert list(result["tags"]) == list(handed_out(run)["stats"]) == tags
    assert "{{7*7}}: the service has nothing under this tag" in "".join(handed_out(run)["reasons"])
    cases = next(iter(JUnitXml.fromfile(str(tmp_path / "reports" / "gate.junit.xml"))))
    assert {*tags} <= {case.name for case in cases}
    assert not (tmp_path / "ran").exists()


LONG = {"mailops.smtpeter.campaign_gate": {"tags": ["few"], "wait_timeout": 600, "wait_sleep": 300}}


def test_keywords_of_a_task(play, access):
    """With `no_log`, nothing is told of the progress either; `timeout` ends it promptly, in the midst of a sleep."""
    hidden = {"mailops.smtpeter.campaign_gate": {"tags": ["good"]}, "no_log": True}
    began = time.monotonic()
    # A play each, since an error shows the lines around its task.
    plays = [
        {"hosts": "localhost", "gather_facts": False, "tasks": [task]} for task in (hidden, {**LONG, "timeout": 6})
    ]
    run = play(plays, env=access, check=False)
    assert run.returncode == 2
    assert time.monotonic() - began < 120
    assert "good" not in run.output
    assert "Traceback" not in run.output


def test_an_interrupt_ends_it(ansible_core, access, tmp_path):
    """Ctrl-C reaches a gate that sleeps."""
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [LONG]}]
    # Tests that a shell started in the background ignore it, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(
        [ansible_core.python, "-m", "ansible", "playbook", written(plays, tmp_path)],
        cwd=tmp_path,
        env={**environment(tmp_path), **access, "TASK_RESULTS": os.devnull},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    assert any("few  waiting  20 of 20" in line for line in running.stderr)
    time.sleep(2)
    os.killpg(running.pid, signal.SIGINT)
    try:
        output = "".join(running.communicate(timeout=60))
    finally:
        running.kill()
    assert running.returncode != 0
    assert "Traceback" not in output
