"""Jobs of ansible-runner, in a directory for each, with this environment's ansible-core."""

import json
import os
import subprocess
import sys

from ansible_collections.mailops.smtpeter.tests.integration import test_examples
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT, environment
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_controller.rst"


def printed(start):
    """The block of the guide that begins so, or its command."""
    texts = [text for fence in test_examples.fences(GUIDE) for text in (fence.text, *fence.text.splitlines())]
    found = [text for text in texts if text.startswith(start)]
    assert found, start
    return found[0]


class Job:
    """A private_data_dir for ansible-runner, `env/extravars` and `project` included, and what came of running it."""

    def __init__(self, directory, extravars="", project=None):
        self.directory = directory
        files = {"inventory/hosts.json": '{"all": {"hosts": {}}}', "env/extravars": extravars or "{}"}
        files.update({f"project/{name}": text for name, text in (project or {}).items()})
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, playbook, env, *args):
        """Run the job with ident `job`; its status."""
        home = self.directory.parent
        # Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
        venv = home / "venv"
        if not venv.exists():
            venv.symlink_to(sys.prefix)
        path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = [venv / "bin" / "python", "-m", "ansible_runner", "run", self.directory, "-p", playbook]
        given = {**environment(home), "TASK_RESULTS": os.devnull, "PATH": path, **env}
        words = [*command, "--ident", "job", *args]
        done = subprocess.run(words, cwd=home, env=given, stdin=subprocess.DEVNULL, check=False)
        assert self.read("rc") == str(done.returncode)
        return self.read("status")

    def read(self, name):
        """The text of an artifact."""
        return (self.directory / "artifacts" / "job" / name).read_text(encoding="utf-8")

    @property
    def handed_out(self):
        """What ansible.builtin.set_stats handed out, where AWX finds it."""
        events = [json.loads(path.read_text(encoding="utf-8")) for path in self.directory.rglob("job_events/*.json")]
        (last,) = (event for event in events if event["event"] == "playbook_on_stats")
        return last["event_data"].get("artifact_data", {})

    def leaking(self, token):
        """The files that hold the token in any spelling, by path in the directory."""
        files = [path for path in self.directory.rglob("*") if path.is_file()]
        found = [path for path in files if leaks(path.read_text(encoding="utf-8", errors="replace"), token)]
        return sorted(path.relative_to(self.directory).as_posix() for path in found)
