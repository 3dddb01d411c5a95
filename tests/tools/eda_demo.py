# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stream that turns bad on a local sandbox, and ansible-rulebook that pauses it: all on the terminal, in a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes, send

SPEED = 60
TIMEOUT_SECONDS = 180
# All mail is healthy but that of the last part.
SCENARIO = {
    "default": {"delivery_rate": 0.98, "delay": 0, "open_rate": 0},
    "tags": {"newsletter-bad": {"delivery_rate": 0.5, "delay": 0, "open_rate": 0}},
}


def say(text: str) -> None:
    """Tell what happens."""
    print(f"== {text}", flush=True)


def rulebook(directory: Path, sandbox: dict[str, Any], output: Any, **more: Any) -> subprocess.Popen[bytes]:
    """Start ansible-rulebook with the collection's rulebook; `more` are variables for it."""
    variables = {
        "smtpeter_tags": ["newsletter", "newsletter-bad"],
        "smtpeter_api_url": sandbox["api_url"],
        "smtpeter_window": 3600 / SPEED,
        "smtpeter_interval": 1,
        "smtpeter_grace_period": 900 / SPEED,
        "smtpeter_sending_gap": 60 / SPEED,
        "smtpeter_state": str(directory / "source.state"),
        **more,
    }
    (directory / "vars.yml").write_text(json.dumps(variables), encoding="utf-8")
    (directory / "inventory").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    words = ["--rulebook", "mailops.smtpeter.campaign", "--vars", "vars.yml", "--inventory", "inventory"]
    command = [str(Path(sys.executable).with_name("ansible-rulebook")), *words]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "SMTPETER_API_TOKEN": TOKEN, "PATH": path}
    return subprocess.Popen(command, cwd=directory, env=env, stdout=output, stderr=subprocess.STDOUT)


def main() -> int:
    """Run the demo; 0 where the reaction was seen."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "tmp").mkdir()
        with sandboxes(directory / "tmp") as service, (directory / "output").open("wb") as output:
            say("Start a local SMTPeter service, in which a second is a minute; no mail is sent")
            sandbox = service.run(name=f"eda-demo-{os.getpid()}", speed=SPEED, scenario=SCENARIO, idle_timeout=300)
            say("Start ansible-rulebook, whose Java takes a while")
            process = rulebook(directory, sandbox, output)
            try:
                return watch(directory, sandbox, process)
            finally:
                process.terminate()
                process.wait(30)


def watch(directory: Path, sandbox: dict[str, Any], process: subprocess.Popen[bytes]) -> int:
    """Send, and show what ansible-rulebook does."""
    began, shown, is_bad = time.monotonic(), 0, 0.0
    while process.poll() is None and time.monotonic() - began < TIMEOUT_SECONDS:
        text = (directory / "output").read_text(encoding="utf-8", errors="replace")
        print(text[shown:], end="", flush=True)
        shown = len(text)
        if "PAUSE the sending" in text:
            say(f"The rule's playbook started {time.monotonic() - is_bad:.0f} s after the stream had turned bad")
            return 0
        if (directory / "source.state").exists():
            if not is_bad:
                say("Half of the mail under newsletter-bad is refused from now on")
                is_bad = time.monotonic()
            send(sandbox, 20, "newsletter")
            send(sandbox, 20, "newsletter-bad")
        time.sleep(0.5)
    print((directory / "output").read_text(encoding="utf-8", errors="replace")[shown:])
    say("There was no reaction.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
