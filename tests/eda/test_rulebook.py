"""The real ansible-rulebook on the sandbox: what the source tells, and how soon a stream that turns bad is paused."""

import ast
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests
from ansible_collections.mailops.smtpeter.tests.tools import eda_demo
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, quiet_port, sandboxes, send

RATE = {"delivery_rate": 0.98, "delay": 0, "open_rate": 0}
# The first event is minutes away where the machine is busy: Java has to start.
TIMEOUT_SECONDS = 240
RULEBOOK = """
- name: Write down what happens
  hosts: localhost
  sources:
    - mailops.smtpeter.campaign:
        {tags: [wave], api_url: "{{ api_url }}", judge_by: outcomes, window: 15, interval: 0.5, timeout: 2, retries: 0,
         grace_period: 10, sending_gap: 1, max_consecutive_errors: 2, state: "{{ state }}"}
  rules:
    - name: Any event
      condition: event.campaign is defined
      action: {print_event: {pretty: false}}
"""


@contextlib.contextmanager
def stream(work):
    """Send all the time; nobody minds where the service is away."""
    over = threading.Event()

    def go_on():
        while not over.wait(0.3):
            with contextlib.suppress(Exception):
                work()

    sender = threading.Thread(target=go_on)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join(20)


def wait_for(condition, output, process):
    """Wait until something is so."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert process.poll() is None, output.read_text(encoding="utf-8")[-3000:]
        assert time.monotonic() < give_up, output.read_text(encoding="utf-8")[-3000:]
        time.sleep(0.1)


class Rulebook:
    """ansible-rulebook in a directory, and the verdicts that its source told."""

    def __init__(self, directory, api_url):
        self._directory, self.output = directory, directory / "output"
        (directory / "rulebook.yml").write_text(RULEBOOK, encoding="utf-8")
        variables = {"api_url": api_url, "state": str(directory / "source.state")}
        (directory / "vars.yml").write_text(json.dumps(variables), encoding="utf-8")

    def start(self):
        """Start it."""
        program = Path(sys.executable).with_name("ansible-rulebook")
        command = [str(program), "--rulebook", "rulebook.yml", "--vars", "vars.yml"]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env.update(SMTPETER_API_TOKEN=TOKEN, PATH=f"{program.parent}{os.pathsep}{env['PATH']}")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(command, cwd=self._directory, env=env, stdout=output, stderr=output)

    def stop(self):
        """End it with SIGTERM, which does not take long."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        assert time.monotonic() - began < 10

    def verdicts(self):
        """The verdict before and after each event that it printed."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0].splitlines()
        events = [ast.literal_eval(line) for line in lines if line.startswith("{'") and "'campaign': {" in line]
        return [(event["campaign"]["previous"], event["campaign"]["verdict"]) for event in events]

    def wait_for(self, verdict):
        """Wait until this is the last verdict told."""
        wait_for(lambda: [now for _before, now in self.verdicts()][-1:] == [verdict], self.output, self.process)


def test_a_day_at_the_mail(tmp_path):
    """A block, its end, a service that goes away and comes back, and SIGTERM: each is told once, and no secret."""
    options = {"port": quiet_port(), "data": str(tmp_path / "mail.sqlite"), "speed": 60}
    good, bad = ({**options, "scenario": {"default": {**RATE, "delivery_rate": rate}}} for rate in (0.98, 0.4))
    with sandboxes(tmp_path) as service, contextlib.ExitStack() as cleanup:
        running = service.run(**good)
        book = Rulebook(tmp_path, running["api_url"])
        book.start()
        cleanup.callback(lambda: book.process.kill())  # noqa: PLW0108 - another one after the restart
        with stream(lambda: send(running, 20, "wave")):
            book.wait_for("pass")
            service.run(**bad)
            book.wait_for("fail")
            service.run(**good)
            book.wait_for("pass")
            service.stop()
            book.wait_for("error")
            book.stop()
            before = book.verdicts()
            book.start()
            service.run(**good)
            book.wait_for("pass")
        book.stop()
    told = book.verdicts()
    assert told[: len(before)] == before
    # Each event goes on where the one before ended, also over the restart, and none is told twice.
    assert [previous for previous, _verdict in told] == [None, *(verdict for _previous, verdict in told[:-1])]
    assert all(previous != verdict for previous, verdict in told)
    assert [sum(now == verdict for _previous, now in told) for verdict in ("fail", "error")] == [1, 1]
    for path in (book.output, tmp_path / "source.state"):
        text = path.read_text(encoding="utf-8", errors="replace")
        assert TOKEN not in text
        assert "a@example.com" not in text


def test_a_stream_that_turns_bad(tmp_path, capsys):
    """The playbook starts within five intervals of the first look at a bad window with `min_messages`."""
    output, state = tmp_path / "output", tmp_path / "source.state"
    domains = ["good.example"]

    def seen():
        """The state of the tag's source: its window, how many looks at it, its mail by then, and what was told."""
        watch = json.loads(state.read_text(encoding="utf-8").splitlines()[1])["state"]["watches"]["newsletter"]
        outcome = watch["gate"]["trackers"]["newsletter"]["outcome"]
        messages = outcome["given"]["messages"] if outcome else 0
        return watch["since"], watch["gate"]["history"]["looks"], messages, watch["told"]

    def work():
        body = {"recipients": [f"{number}@{domains[-1]}" for number in range(10)], "tags": ["newsletter"]}
        requests.post(f"{sandbox['api_url']}/send", params={"access_token": TOKEN}, json=body, timeout=20)

    # The source looks once in a second; with a speed of 60 that is a minute of the mail's time.
    variables = {"smtpeter_tags": ["newsletter"], "smtpeter_window": 20, "smtpeter_interval": 1}
    with sandboxes(tmp_path) as service, contextlib.ExitStack() as cleanup:
        scenario = {**RATE, "domains": {"bad.example": {"delivery_rate": 0.5}}}
        sandbox = service.run(speed=eda_demo.SPEED, scenario={"default": scenario})
        written = cleanup.enter_context(output.open("wb"))
        process = eda_demo.rulebook(tmp_path, sandbox, written, **variables, smtpeter_min_messages=100)
        cleanup.callback(process.wait, 30)
        cleanup.callback(process.terminate)
        cleanup.enter_context(stream(work))
        wait_for(lambda: state.exists() and seen()[3] == "pass", output, process)
        good = seen()[0]
        domains.append("bad.example")
        wait_for(lambda: seen()[0] != good and seen()[2] >= 100, output, process)
        began, (since, looks, messages, _told) = time.monotonic(), seen()
        wait_for(lambda: "PLAY [React" in output.read_text(encoding="utf-8"), output, process)
        seconds, last = time.monotonic() - began, seen()
        wait_for(lambda: "PAUSE the sending of newsletter" in output.read_text(encoding="utf-8"), output, process)
    with capsys.disabled():
        print(f"\nThe playbook started {seconds:.1f} s after the first bad window had {messages} messages")
    # In looks, since a busy machine stretches both: the pause between two of them, and the start of the playbook.
    assert (last[0], last[1] - looks <= 5) == (since, True)
    assert TOKEN not in output.read_text(encoding="utf-8")
