"""The event source under the real ansible-rulebook, on the sandbox; the session `eda` has what that needs."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, quiet_port, sandboxes, send

RATE = {"default": {"delivery_rate": 0.98, "delay": 0, "open_rate": 0}}
BAD = {"default": {"delivery_rate": 0.4, "delay": 0, "open_rate": 0}}
# The first event is minutes away where the machine is busy: Java has to start.
TIMEOUT_SECONDS = 240
RULEBOOK = """
- name: Write down what happens
  hosts: localhost
  sources:
    - mailops.smtpeter.campaign:
        tags: [wave]
        api_url: "{{ api_url }}"
        judge_by: outcomes
        window: 15
        interval: 0.5
        timeout: 2
        retries: 0
        grace_period: 10
        sending_gap: 1
        max_consecutive_errors: 2
        state: "{{ state }}"
  rules:
    - name: Any event
      condition: event.campaign is defined
      action:
        print_event:
          pretty: false
"""


class Rulebook:
    """ansible-rulebook in a directory, and the verdicts that its source told."""

    def __init__(self, directory: Path, api_url: str) -> None:
        self.directory = directory
        (directory / "rulebook.yml").write_text(RULEBOOK, encoding="utf-8")
        variables = {"api_url": api_url, "state": str(directory / "source.state")}
        (directory / "vars.yml").write_text(json.dumps(variables), encoding="utf-8")
        self.output = directory / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait for the source's first look."""
        command = [str(Path(sys.executable).with_name("ansible-rulebook")), "--rulebook", "rulebook.yml"]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env["SMTPETER_API_TOKEN"] = TOKEN
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--vars", "vars.yml"], cwd=self.directory, env=env, stdout=output, stderr=output
            )

    def stop(self) -> float:
        """End it with SIGTERM; returns how many seconds that took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(30)
        return time.monotonic() - began

    def kill(self) -> None:
        """End it, should it still run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def text(self) -> str:
        """All that it printed."""
        return self.output.read_text(encoding="utf-8", errors="replace") if self.output.exists() else ""

    def verdicts(self) -> list[tuple[Any, Any]]:
        """The verdict before and after each event that it printed."""
        found = []
        for line in self.text().rpartition("\n")[0].splitlines():
            if line.startswith("{'") and "'campaign': {" in line:
                campaign = ast.literal_eval(line)["campaign"]
                found.append((campaign["previous"], campaign["verdict"]))
        return found

    def wait_for(self, verdict: str) -> None:
        """Wait until this is the last verdict told."""
        give_up = time.monotonic() + TIMEOUT_SECONDS
        while not self.verdicts() or self.verdicts()[-1][1] != verdict:
            assert self._process is not None
            assert self._process.poll() is None, self.text()[-3000:]
            assert time.monotonic() < give_up, self.text()[-3000:]
            time.sleep(0.2)


@contextlib.contextmanager
def stream(where: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Send all the time; nobody minds where the service is away."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.3):
            with contextlib.suppress(Exception):
                send(where(), 20, "wave")

    sender = threading.Thread(target=work)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join(20)


def test_a_day_at_the_mail(tmp_path: Path) -> None:
    """A block, its end, a service that goes away and comes back, and SIGTERM: each is told once, and no secret."""
    (tmp_path / "tmp").mkdir()
    options = {"port": quiet_port(), "data": str(tmp_path / "mail.sqlite"), "speed": 60}
    with sandboxes(tmp_path / "tmp") as service, contextlib.ExitStack() as cleanup:
        running = service.run(scenario=RATE, **options)
        book = Rulebook(tmp_path, running["api_url"])
        cleanup.callback(book.kill)
        book.start()
        with stream(lambda: running):
            book.wait_for("pass")
            service.run(scenario=BAD, **options)
            book.wait_for("fail")
            service.run(scenario=RATE, **options)
            book.wait_for("pass")
            service.stop()
            book.wait_for("error")
            assert book.stop() < 10
            before = book.verdicts()
            book.start()
            service.run(scenario=RATE, **options)
            book.wait_for("pass")
        assert book.stop() < 10
    told = book.verdicts()
    assert told[: len(before)] == before
    # Each event goes on where the one before ended, also over the restart, and none is told twice.
    assert [previous for previous, _verdict in told] == [None, *(verdict for _previous, verdict in told[:-1])]
    assert all(previous != verdict for previous, verdict in told)
    for verdict in ("fail", "error"):
        assert sum(now == verdict for _previous, now in told) == 1
    for text in (book.text(), (tmp_path / "source.state").read_text(encoding="utf-8")):
        assert TOKEN not in text
        assert "a@example.com" not in text
