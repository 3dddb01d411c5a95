# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ready CI gate as a CI service runs it: exit codes, reports, progress, and an end when it is told to end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.mailops.smtpeter.tests.integration.conftest import DEAD_PROXY, TOKEN, environment, written
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks
from junitparser import Failure, JUnitXml

HURRY = ["-e", "smtpeter_grace_period=2", "-e", "smtpeter_sending_gap=1", "-e", "smtpeter_wait_sleep=0.5"]
GATE = "Hold until the campaign is shown to be healthy"
REPORTS = ["gate.html", "gate.json", "gate.junit.xml", "gate.md", "gate.svg", "stats.json"]


@pytest.mark.every_core
@pytest.mark.parametrize(
    ("tags", "wait", "verdict", "code"),
    [
        ("good", "30", "pass", 0),
        ("good, poor", "30", "fail", 2),
        ("few", "0", "inconclusive", 2),
        ("good", "closed", "error", 2),
    ],
)
def test_every_verdict(play, access, tmp_path, tags, wait, verdict, code):
    """The exit code tells pass from not, and the reports are there whatever the verdict."""
    args = ["-e", f'{{"smtpeter_tags": "{tags}"}}', "-e", "smtpeter_reports=out/reports", *HURRY]
    if wait == "closed":
        access = {**access, "SMTPETER_API_URL": "http://127.0.0.1:9/v1"}
        args += ["-e", "smtpeter_retries=0", "-e", "smtpeter_max_consecutive_errors=1"]
    else:
        args += ["-e", f"smtpeter_wait_timeout={wait}"]
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == code, run.output
    reports = tmp_path / "out" / "reports"
    assert sorted(path.name for path in reports.iterdir()) == REPORTS
    result = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    assert result["verdict"] == verdict
    assert json.loads((reports / "stats.json").read_text(encoding="utf-8")) == result["stats"]
    handed_out = run.result("Hand the verdict out")["ansible_stats"]["data"]
    assert handed_out == {"smtpeter_gate": {key: result[key] for key in ("verdict", "msg", "reasons", "stats")}}
    suite = next(iter(JUnitXml.fromfile(str(reports / "gate.junit.xml"))))
    assert (suite.failures + suite.errors == 0) is (verdict == "pass")
    assert any(isinstance(outcome, Failure) for case in suite for outcome in case.result) is (
        verdict in ("fail", "inconclusive")
    )
    lines = [line for line in run.stderr.splitlines() if line.startswith("[localhost]")]
    assert lines[-1].endswith(result["msg"])
    assert not re.search(r"\[localhost\] \d\d:\d\d", run.stdout)
    assert TOKEN not in run.output


@pytest.mark.parametrize(
    ("tags", "wait", "verdict", "said"),
    [
        ("good,poor", "30", "fail", " by example.org with 550"),
        ("good", "closed", "error", "refused"),
    ],
)
def test_every_verdict_by_outcomes(play, access, tmp_path, tags, wait, verdict, said):
    """The causes are named, no address is, and no reading is left that would have a gate by counters judge all mail."""
    reports = stale(tmp_path / "reports")
    args = ["-e", f"smtpeter_tags={tags}", "-e", "smtpeter_judge_by=outcomes", "-e", "smtpeter_reports=reports"]
    if wait == "closed":
        access = {**access, "SMTPETER_API_URL": "http://127.0.0.1:9/v1"}
        args += ["-e", "smtpeter_retries=0", "-e", "smtpeter_max_consecutive_errors=1"]
        wait = "30"
    run = play(
        "mailops.smtpeter.gate", *args, *HURRY, "-e", f"smtpeter_wait_timeout={wait}", "-vvvv", env=access, check=False
    )
    assert run.returncode == (0 if verdict == "pass" else 2), run.output
    assert sorted(path.name for path in reports.iterdir()) == sorted({*REPORTS, "notes.txt"} - {"stats.json"})
    result = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    assert (result["verdict"], result["stats"]) == (verdict, {})
    assert said in result["msg"]
    handed_out = run.result("Hand the verdict out")["ansible_stats"]["data"]
    assert handed_out == {"smtpeter_gate": {key: result[key] for key in ("verdict", "msg", "reasons", "stats")}}
    shown = run.output + json.dumps(run.tasks) + "".join(path.read_text(encoding="utf-8") for path in reports.iterdir())
    assert not re.search(r"reader\d|@example", shown)
    assert leaks(shown, TOKEN) == []


@pytest.mark.parametrize(
    ("ago", "form", "messages"),
    [(3600, "unix", 200), (-3600, "iso", 0), (-3600, "local", 0)],
)
def test_since_a_moment(play, access, ago, form, messages):
    """Mail is judged from then on, and a zone counts."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=ago)
    since = {
        "unix": str(int(moment.timestamp())),
        "iso": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local": moment.astimezone(timezone(timedelta(hours=-5))).isoformat(timespec="seconds"),
    }[form]
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_judge_by=outcomes", "-e", f"smtpeter_since={since}"]
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_wait_timeout=0", env=access, check=False)
    assert run.returncode == (0 if messages else 2), run.output
    result = run.result(GATE)
    assert result["tags"]["good"]["messages"] == messages
    assert result["tags"]["good"]["outcome"]["since"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_next_wave(play, access):
    """The figures that one gate leaves are what the next one starts from."""
    play("mailops.smtpeter.gate", "-e", "smtpeter_tags=good", "-e", "smtpeter_reports=one", env=access)
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_wait_timeout=0"]
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_since_file=one/stats.json", env=access, check=False)
    assert run.returncode == 2
    result = run.result(GATE)
    assert (result["verdict"], result["tags"]["good"]["messages"]) == ("inconclusive", 0)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "smtpeter_tags: it is empty; give the tags to judge"),
        (["-e", "smtpeter_tags=good, bad"], "'bad' was left over, since Ansible splits extra variables at blanks"),
        (
            ["-e", "smtpeter_tags=a", "-e", "smtpeter_min_ratio=0.9"],
            "smtpeter_min_ratio: there is no such variable; did you mean smtpeter_min_delivery_ratio or",
        ),
        (["-e", "smtpeter_tags=a", "-e", "smtpeter_fail_on=never"], "smtpeter_fail_on"),
        (["-e", "smtpeter_tags=good", "-e", "smtpeter_min_delivery_ratio=97"], "did you mean 0.97?"),
        (
            ["-e", "smtpeter_tags=a", "-e", "smtpeter_judge_by=outcomes", "-e", "smtpeter_since_file=one/stats.json"],
            "smtpeter_since_file: the stats.json of an earlier gate is for smtpeter_judge_by=counters; give a moment",
        ),
        (["-e", '{"smtpeter_tags": "a", "smtpeter_since": {}}'], "smtpeter_since: it holds no reading"),
        (
            ["-e", "smtpeter_tags=a", "-e", "smtpeter_since_file=a.json", "-e", '{"smtpeter_since": {"a": {}}}'],
            "smtpeter_since_file: smtpeter_since is given, too",
        ),
    ],
)
def test_what_cannot_work(play, access, args, said):
    """Nothing is waited for, and the variable is named."""
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == 2
    assert said in " ".join(run.output.split())


NO_TEXT = {
    "smtpeter_tags: [wave-1, 010]": "smtpeter_tags: a number (8)",
    "smtpeter_tags: on": "smtpeter_tags: a boolean (true)",
    "smtpeter_tags: good\nsmtpeter_expected_messages: {good: 200, 010: 5}": "smtpeter_expected_messages: a number (8)",
    "smtpeter_tags: good\nsmtpeter_baseline_tag: 2_0": "smtpeter_baseline_tag: a number (20)",
    "smtpeter_tags: good\nsmtpeter_since: {no: {messages: 1, deliveries: 1}}": "smtpeter_since: a boolean (false)",
}


@pytest.mark.parametrize(("variables", "said"), NO_TEXT.items())
def test_a_tag_that_is_not_text(play, access, tmp_path, variables, said):
    """Whatever YAML made of a tag, another one is never judged in its place, and the remedy is named."""
    group = tmp_path / "group_vars" / "all.yml"
    group.parent.mkdir()
    group.write_text(f"{variables}\n", encoding="utf-8")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {localhost: }}\n", encoding="utf-8")
    run = play("mailops.smtpeter.gate", "-i", "hosts.yml", "-e", "smtpeter_wait_timeout=0", env=access, check=False)
    assert run.returncode == 2
    shown = " ".join(run.output.split())
    assert said in shown
    assert "quote it" in shown
    assert "delivered" not in shown


@pytest.mark.parametrize(
    ("line", "judged"),
    [
        ("smtpeter_tags=010,few", ["010", "few"]),
        ("""smtpeter_tags='["1.10", "good"]'""", ["1.10", "good"]),
    ],
)
def test_tags_of_an_ini_inventory(play, access, tmp_path, line, judged):
    """Text is text there too, and is split at commas."""
    (tmp_path / "hosts.ini").write_text(f"localhost {line}\n", encoding="utf-8")
    args = ["-i", "hosts.ini", "-e", "smtpeter_wait_timeout=0"]
    assert list(play("mailops.smtpeter.gate", *args, env=access, check=False).result(GATE)["tags"]) == judged


def test_other_variables_are_left_alone(play, access, tmp_path):
    """A team has variables of its own that begin with the same word."""
    own = {"smtpeter_environment": "production", "smtpeter_account": "news", "smtpeter_max_age": 60}
    args = ["-e", json.dumps(own), "-e", "smtpeter_tags=good", "-e", "smtpeter_wait_timeout=0"]
    play("mailops.smtpeter.gate", *args, env=access)


# Each runs other tags alone, or leaves some out.
SELECTIONS = {
    "ANSIBLE_RUN_TAGS": ([], {"ANSIBLE_RUN_TAGS": "deploy"}, None),
    "--skip-tags": (["--skip-tags", "deploy,all"], {}, None),
    "untagged": (["--tags", "untagged"], {}, None),
    "imported with tags": (["--tags", "deploy", "--skip-tags", "slow"], {}, ["ops"]),
}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_no_selection_of_tags_skips_it(play, access, tmp_path, selection):
    """The gate runs, its reports are written, and the run fails: the deployment does not go on."""
    args, env, tags = SELECTIONS[selection]
    playbook = "mailops.smtpeter.gate"
    if tags:
        deploy = {
            "hosts": "localhost",
            "gather_facts": False,
            "tags": "deploy",
            "tasks": [{"debug": {"msg": "DEPLOYED"}}],
        }
        playbook = [{"ansible.builtin.import_playbook": playbook, "tags": tags}, deploy]
    given = ["-e", "smtpeter_tags=few", "-e", "smtpeter_wait_timeout=0", "-e", "smtpeter_reports=reports"]
    run = play(playbook, *given, *args, env={**access, **env}, check=False)
    assert run.returncode == 2, run.output
    assert "inconclusive: few: 20 of at least 100 messages" in " ".join(run.output.split())
    assert "DEPLOYED" not in run.output
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == REPORTS


def stale(directory):
    """Reports of an earlier run, and a file that is none."""
    directory.mkdir()
    for name in (*REPORTS, "notes.txt"):
        (directory / name).write_text("✔ pass", encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    "args",
    [
        ["-e", "smtpeter_tags=good", "-e", "smtpeter_min_delivery_ration=0.9"],
        ["-e", "smtpeter_tags=good", "-e", "smtpeter_since_file=elsewhere/stats.json"],
    ],
)
def test_a_run_that_fails_leaves_no_old_reports(play, access, tmp_path, args):
    """Those of the run before would say pass of it; other files in the directory stay."""
    reports = stale(tmp_path / "reports")
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_reports=reports", env=access, check=False)
    assert run.returncode == 2
    assert [path.name for path in reports.iterdir()] == ["notes.txt"]


def test_check_mode_removes_nothing(play, access, tmp_path):
    """It changes nothing."""
    reports = stale(tmp_path / "reports")
    given = ["-e", "smtpeter_tags=few", "-e", "smtpeter_reports=reports"]
    play("mailops.smtpeter.gate", *given, "--check", env=access)
    assert {path.read_text(encoding="utf-8") for path in reports.iterdir()} == {"✔ pass"}
    assert sorted(path.name for path in reports.iterdir()) == sorted([*REPORTS, "notes.txt"])


@pytest.mark.parametrize(
    ("links", "since"),
    [
        ({}, "reports/../reports/gate.json"),
        ({"latest.json": "reports/stats.json"}, "latest.json"),
        ({"reports/stats.json": "../kept.json"}, "kept.json"),
    ],
)
def test_since_may_be_no_report_of_this_run(play, access, tmp_path, links, since):
    """It is refused before anything is removed, by whatever way it is named."""
    reports = stale(tmp_path / "reports")
    (tmp_path / "kept.json").write_text("kept", encoding="utf-8")
    for link, target in links.items():
        (tmp_path / link).unlink(missing_ok=True)
        (tmp_path / link).symlink_to(target)
    given = ["-e", "smtpeter_tags=good", "-e", "smtpeter_reports=reports", "-e", f"smtpeter_since_file={since}"]
    run = play("mailops.smtpeter.gate", *given, env=access, check=False)
    assert run.returncode == 2
    assert "is what this gate will write; give each wave a directory of its own" in " ".join(run.output.split())
    assert sorted(path.name for path in reports.iterdir()) == sorted([*REPORTS, "notes.txt"])


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "holds no reading"), ('{"verdict": "pass", "stats": {}}', "give its stats")],
)
def test_what_cannot_be_since(play, access, tmp_path, content, said):
    """A gate that could never read leaves no figures, and the next wave must not be judged together with all before."""
    (tmp_path / "before.json").write_text(content, encoding="utf-8")
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_since_file=before.json"]
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == 2
    assert said in " ".join(run.output.split())


@pytest.mark.parametrize("tag", ["{{ lookup('pipe', 'touch RAN') }}", "{{7*7}},[1]"])
def test_a_tag_that_others_choose(play, access, tmp_path, tag):
    """From the environment, a tag is no template and no more extra variables, also on its way into the reports."""
    args = ["-e", "smtpeter_wait_timeout=0", "-e", "smtpeter_reports=reports"]
    chosen = tag.replace("RAN", f"{tmp_path}/ran")
    run = play("mailops.smtpeter.gate", *args, env={**access, "SMTPETER_TAGS": chosen}, check=False)
    assert run.returncode == 2
    if "{{7" in tag:
        result = json.loads((tmp_path / "reports" / "gate.json").read_text(encoding="utf-8"))
        assert list(result["tags"]) == ["{{7*7}}", "[1]"]
        handed_out = run.result("Hand the verdict out")["ansible_stats"]["data"]["smtpeter_gate"]
        assert list(handed_out["stats"]) == ["{{7*7}}", "[1]"]
        assert "{{7*7}}: the service has nothing under this tag" in handed_out["reasons"][0]
        cases = next(iter(JUnitXml.fromfile(str(tmp_path / "reports" / "gate.junit.xml"))))
        assert {"{{7*7}}", "[1]"} <= {case.name for case in cases}
    else:
        assert "white space" in " ".join(run.output.split())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9/v1"])
def test_the_token_is_not_told(play, access, tmp_path, url):
    """With -vvvv, on success and on error, no spelling of it is in the output, the log or the reports."""
    log = tmp_path / "ansible.log"
    env = {**access, "ANSIBLE_LOG_PATH": str(log), **({"SMTPETER_API_URL": url} if url else {})}
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_reports=reports", "-e", "smtpeter_wait_timeout=0", "-vvvv"]
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_retries=0", env=env, check=False)
    assert run.returncode == (2 if url else 0)
    reports = sorted((tmp_path / "reports").iterdir())
    assert [path.name for path in reports] == REPORTS
    places = {"output": run.output, "results": json.dumps(run.tasks)}
    places.update({path.name: path.read_text(encoding="utf-8") for path in (log, *reports)})
    assert {place: leaks(text, TOKEN) for place, text in places.items() if leaks(text, TOKEN)} == {}


@pytest.mark.newest_core
def test_the_rehearsal(play, tmp_path):
    """By any HOME and proxy, four campaigns get their verdicts and a page each, and nothing goes on behind."""
    play("mailops.smtpeter.gate_demo", "-e", "demo_reports=pages", env={"HOME": str(tmp_path), **DEAD_PROXY})
    pages = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert pages == ["greylisted.html", "refused.html", "stream.html", "too-few.html"]
    assert not [path for path in (tmp_path / ".ansible_async").iterdir() if path.is_file()]


def gate_task(**keywords):
    """A play with a gate that waits long."""
    options = {"tags": ["few"], "wait_timeout": 600, "wait_sleep": 300}
    return [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"mailops.smtpeter.campaign_gate": options, **keywords}],
        }
    ]


def test_the_timeout_keyword_ends_it(play, access):
    """Promptly, in the midst of a sleep."""
    began = time.monotonic()
    run = play(gate_task(timeout=6), env=access, check=False)
    assert run.returncode == 2
    assert time.monotonic() - began < 120
    assert "Traceback" not in run.output


def test_no_log_shows_no_progress(play, access):
    """What may not be logged is not told either."""
    tasks = [{"mailops.smtpeter.campaign_gate": {"tags": ["good"]}, "no_log": True}]
    run = play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], env=access)
    assert "good" not in run.output


def test_an_interrupt_ends_it(ansible_core, access, tmp_path):
    """Ctrl-C reaches a gate that sleeps."""
    command = [ansible_core.python, "-m", "ansible", "playbook", written(gate_task(), tmp_path)]
    # Tests that a shell started in the background ignore it, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(
        command, cwd=tmp_path, env={**environment(tmp_path), **access, "TASK_RESULTS": os.devnull}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    shown = running.stderr.readline()
    while shown and "few  waiting  20 of 20" not in shown:
        shown = running.stderr.readline()
    assert "few  waiting  20 of 20" in shown
    time.sleep(2)
    os.killpg(running.pid, signal.SIGINT)
    try:
        output = "".join(running.communicate(timeout=60))
    finally:
        running.kill()
    assert running.returncode != 0
    assert "Traceback" not in output
