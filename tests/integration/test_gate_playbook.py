"""The ready CI gate as a CI service runs it: exit codes, reports, progress, and an end when it is told to end."""

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


CASES = {
    "good": ("pass", ["-e", "smtpeter_wait_timeout=30"], None),
    "good,poor": ("fail", ["-e", "smtpeter_wait_timeout=30"], None),
    "few": ("inconclusive", ["-e", "smtpeter_wait_timeout=0"], None),
    "away": ("error", ["-e", "smtpeter_retries=0", "-e", "smtpeter_max_consecutive_errors=1"], "http://127.0.0.1:9/v1"),
}


@pytest.mark.every_core
@pytest.mark.parametrize("tags", CASES)
def test_every_verdict(play, access, tmp_path, tags):
    """The exit code tells pass from not, the reports are there whatever the verdict, and the token is nowhere."""
    verdict, args, url = CASES[tags]
    log = tmp_path / "ansible.log"
    env = {**access, "ANSIBLE_LOG_PATH": str(log), **({"SMTPETER_API_URL": url} if url else {})}
    args = ["-e", f"smtpeter_tags={tags}", "-e", "smtpeter_reports=out/reports", *HURRY, *args, "-vvvv"]
    run = play("mailops.smtpeter.gate", *args, env=env, check=False)
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


def test_a_verdict_by_outcomes(play, access, tmp_path):
    """The causes are named, no address is, and no reading is left that would have a gate by counters judge all mail."""
    reports = stale(tmp_path / "reports")
    args = ["-e", "smtpeter_tags=good,poor smtpeter_judge_by=outcomes smtpeter_reports=reports", *HURRY]
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_wait_timeout=30", "-vvvv", env=access, check=False)
    assert run.returncode == 2, run.output
    assert sorted(path.name for path in reports.iterdir()) == sorted({*REPORTS, "notes.txt"} - {"stats.json"})
    result = json.loads((reports / "gate.json").read_text(encoding="utf-8"))
    assert (result["verdict"], result["stats"]) == ("fail", {})
    assert " by example.org with 550" in result["msg"]
    assert handed_out(run) == {key: result[key] for key in ("verdict", "msg", "reasons", "stats")}
    shown = run.output + json.dumps(run.tasks) + "".join(path.read_text(encoding="utf-8") for path in reports.iterdir())
    assert not re.search(r"reader\d|@example", shown)
    assert leaks(shown, TOKEN) == []


def test_since_a_moment(play, access):
    """Mail is judged from then on, and a zone counts."""
    moment = (datetime.now(timezone.utc) + timedelta(hours=1)).replace(microsecond=0)
    since = moment.astimezone(timezone(timedelta(hours=-5))).isoformat()
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_judge_by=outcomes", "-e", f"smtpeter_since={since}"]
    run = play("mailops.smtpeter.gate", *args, "-e", "smtpeter_wait_timeout=0", env=access, check=False)
    assert run.returncode == 2, run.output
    judged = run.result(GATE)["tags"]["good"]
    assert (judged["messages"], judged["outcome"]["since"]) == (0, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


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
        (
            ["-e", "smtpeter_tags=a", "-e", "smtpeter_judge_by=outcomes", "-e", "smtpeter_since_file=one/stats.json"],
            "smtpeter_since_file: the stats.json of an earlier gate is for smtpeter_judge_by=counters; give a moment",
        ),
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


def test_a_tag_that_is_not_text(play, access, tmp_path):
    """Whatever YAML made of a tag, another one is never judged in its place, and the remedy is named."""
    group = tmp_path / "group_vars" / "all.yml"
    group.parent.mkdir()
    group.write_text("smtpeter_tags: good\nsmtpeter_expected_messages: {good: 200, 010: 5}\n", encoding="utf-8")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {localhost: }}\n", encoding="utf-8")
    run = play("mailops.smtpeter.gate", "-i", "hosts.yml", env=access, check=False)
    assert run.returncode == 2
    shown = " ".join(run.output.split())
    assert "smtpeter_expected_messages: a number (8)" in shown
    assert "quote it" in shown
    assert "delivered" not in shown


def test_variables_of_an_ini_inventory(play, access, tmp_path):
    """Tags are text there too, and a team has variables of its own that begin with the same word."""
    line = """smtpeter_tags='["1.10", "good"]' smtpeter_environment=production smtpeter_max_age=60"""
    (tmp_path / "hosts.ini").write_text(f"localhost {line}\n", encoding="utf-8")
    args = ["-i", "hosts.ini", "-e", "smtpeter_wait_timeout=0"]
    found = play("mailops.smtpeter.gate", *args, env=access, check=False).result(GATE)
    assert list(found["tags"]) == ["1.10", "good"]


# Each runs other tags alone, or leaves some out.
SELECTIONS = {
    "--skip-tags": (["--skip-tags", "deploy,all"], {}, None),
    "imported with tags": (["--skip-tags", "slow"], {"ANSIBLE_RUN_TAGS": "deploy"}, ["ops"]),
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


def test_a_run_that_fails_leaves_no_old_reports(play, access, tmp_path):
    """Those of the run before would say pass of it; other files in the directory stay."""
    reports = stale(tmp_path / "reports")
    args = ["-e", "smtpeter_tags=good smtpeter_since_file=elsewhere/stats.json smtpeter_reports=reports"]
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == 2
    assert "smtpeter_since_file: there is no file" in " ".join(run.output.split())
    assert [path.name for path in reports.iterdir()] == ["notes.txt"]


def test_reports_where_none_can_be_written(play, access, tmp_path):
    """The variable and the file are named before the gate waits."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_reports=file/reports"]
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == 2
    assert f"smtpeter_reports: {tmp_path}/file/reports cannot be written" in " ".join(run.output.split())


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


def test_a_since_file_without_a_reading(play, access, tmp_path):
    """A gate that could never read leaves no figures, and the next wave must not be judged together with all before."""
    (tmp_path / "before.json").write_text("{}", encoding="utf-8")
    args = ["-e", "smtpeter_tags=good", "-e", "smtpeter_since_file=before.json"]
    run = play("mailops.smtpeter.gate", *args, env=access, check=False)
    assert run.returncode == 2
    assert "holds no reading" in " ".join(run.output.split())


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
        assert list(handed_out(run)["stats"]) == ["{{7*7}}", "[1]"]
        assert "{{7*7}}: the service has nothing under this tag" in handed_out(run)["reasons"][0]
        cases = next(iter(JUnitXml.fromfile(str(tmp_path / "reports" / "gate.junit.xml"))))
        assert {"{{7*7}}", "[1]"} <= {case.name for case in cases}
    else:
        assert "white space" in " ".join(run.output.split())
    assert not (tmp_path / "ran").exists()


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
