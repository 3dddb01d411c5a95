"""The real ansible-rulebook on the sandbox: what the source tells, and that a stream that turns bad is paused."""

import ast
import contextlib
import re
import time

import requests
from ansible_collections.mailops.smtpeter.tests.tools import eda_demo
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, quiet_port, sandboxes, send

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


class Rulebook:
    """ansible-rulebook in a directory, and the verdicts that its source told."""

    def __init__(self, directory, sandbox):
        self._directory, self._sandbox, self.output = directory, sandbox, directory / "output"
        (directory / "rulebook.yml").write_text(RULEBOOK, encoding="utf-8")
        self._variables = {"api_url": sandbox["api_url"], "state": str(directory / "source.state")}

    def start(self):
        """Start it."""
        self.process = eda_demo.start_rulebook(self._directory, "rulebook.yml", self._variables)

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
        """Send all the time until this is the last verdict told; nobody minds where the service is away."""
        give_up = time.monotonic() + TIMEOUT_SECONDS
        while [now for _before, now in self.verdicts()][-1:] != [verdict]:
            assert self.process.poll() is None, self.output.read_text(encoding="utf-8")[-3000:]
            assert time.monotonic() < give_up, self.output.read_text(encoding="utf-8")[-3000:]
            with contextlib.suppress(requests.RequestException):
                send(self._sandbox, 20, "wave")
            time.sleep(0.3)


def test_a_day_at_the_mail(tmp_path):
    """A block, its end, a service that goes away and comes back, and SIGTERM: each is told once, and no secret."""
    options = {"port": quiet_port(), "data": str(tmp_path / "mail.sqlite"), "speed": 60}
    good = {**options, "scenario": {"default": eda_demo.GOOD}}
    bad = {**options, "scenario": {"default": {**eda_demo.GOOD, "delivery_rate": 0.4}}}
    with sandboxes(tmp_path) as service, contextlib.ExitStack() as cleanup:
        book = Rulebook(tmp_path, service.run(**good))
        book.start()
        cleanup.callback(lambda: book.process.kill())  # noqa: PLW0108 - another one after the restart
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


def test_the_demo(capsys):
    """The rule's playbook pauses the stream that turned bad, and no other; no secret is shown."""
    assert eda_demo.main() == 0
    shown = capsys.readouterr().out
    assert set(re.findall("PAUSE the sending of ([a-z-]+)", shown)) == {"newsletter-bad"}
    assert TOKEN not in shown
