"""A stream that turns bad on a local sandbox, and ansible-rulebook that pauses it: all on the terminal, in a minute."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import TOKEN, sandboxes, send

SPEED = 60
TIMEOUT_SECONDS = 180
GOOD = {"delivery_rate": 0.98, "delay": 0, "open_rate": 0}
SCENARIO = {"default": GOOD, "tags": {"newsletter-bad": {**GOOD, "delivery_rate": 0.5}}}


def say(text):
    """Tell what happens."""
    print(f"== {text}", flush=True)


def start_rulebook(directory, rulebook, variables):
    """Start ansible-rulebook, which writes to the file `output` in the directory."""
    (directory / "vars.yml").write_text(json.dumps(variables), encoding="utf-8")
    (directory / "inventory").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-rulebook")
    command = [str(program), "--rulebook", rulebook, "--vars", "vars.yml", "--inventory", "inventory"]
    env = {**os.environ, "SMTPETER_API_TOKEN": TOKEN, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    with (directory / "output").open("ab") as output:
        return subprocess.Popen(command, cwd=directory, env=env, stdout=output, stderr=output)


def main():
    """Run the demo; 0 where the reaction was seen."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "tmp").mkdir()
        with sandboxes(directory / "tmp") as service:
            say("Start a local SMTPeter service, in which a second is a minute; no mail is sent")
            sandbox = service.run(name=f"eda-demo-{os.getpid()}", speed=SPEED, scenario=SCENARIO, idle_timeout=300)
            say("Start ansible-rulebook, whose Java takes a while")
            variables = {
                "smtpeter_tags": ["newsletter", "newsletter-bad"], "smtpeter_api_url": sandbox["api_url"],
                "smtpeter_window": 3600 / SPEED, "smtpeter_interval": 1, "smtpeter_grace_period": 900 / SPEED,
                "smtpeter_sending_gap": 60 / SPEED, "smtpeter_state": str(directory / "source.state"),
            }  # fmt: skip
            process = start_rulebook(directory, "mailops.smtpeter.campaign", variables)
            try:
                return watch(directory, sandbox, process)
            finally:
                process.terminate()
                process.wait(30)


def watch(directory, sandbox, process):
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
    say("There was no reaction.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
