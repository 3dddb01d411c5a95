# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow's commands that publish, against a Galaxy on loopback: all of the file arrives, no token is seen."""

from __future__ import annotations

import email
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import threading
from typing import Any, Iterator

import pytest
import yaml
from ansible_collections.mailops.smtpeter.tests.integration.conftest import ROOT

TOKEN = "only-for-tests"


class Galaxy(http.server.BaseHTTPRequestHandler):
    """As much of Galaxy as publishing needs; `server.asked` keeps each request."""

    def do_GET(self) -> None:
        """The versions of the API, or the state of the import."""
        if self.path == "/":
            self.send_error(404)
        elif self.path == "/api":
            self._answer({"available_versions": {"v3": "v3/"}})
        else:
            self._answer({"state": "completed", "finished_at": "2026-01-01T00:00:00Z", "messages": []})

    def do_POST(self) -> None:
        """Take an artifact."""
        self._answer({"task": "/api/v3/imports/collections/1/"})

    def _answer(self, content: Any) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers, body))
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: Any) -> None:
        """Be silent."""


@pytest.fixture
def galaxy() -> Iterator[Any]:
    """A Galaxy that takes everything."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Galaxy)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_publish(galaxy: Any, tmp_path: pathlib.Path) -> None:
    """One upload of the file with the token; the token is on no command line, in no output and in no file after."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8"))["jobs"]
    script = jobs["galaxy"]["steps"][-1]["run"]
    for name in ("artifact", "temporary", "bin"):
        (tmp_path / name).mkdir()
    artifact = tmp_path / "artifact" / "mailops-smtpeter-1.0.0.tar.gz"
    with tarfile.open(artifact, "w:gz") as archive:
        archive.add(__file__, "content")
    program = tmp_path / "bin" / "ansible-galaxy"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >words\nexec "{sys.executable}" -m ansible galaxy "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)

    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path / "temporary"),
            "GALAXY_TOKEN": TOKEN,
            "ANSIBLE_GALAXY_SERVER": f"http://127.0.0.1:{galaxy.server_port}",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (upload,) = [request for request in galaxy.asked if request[0] == "POST"]
    _command, path, headers, body = upload
    assert (path, headers["Authorization"]) == ("/api/v3/artifacts/collections/", f"Token {TOKEN}")
    form = email.message_from_bytes(f"Content-Type: {headers['Content-Type']}\n\n".encode() + body)
    parts = {part.get_filename(): part.get_payload(decode=True) for part in form.get_payload()}
    assert parts[artifact.name] == artifact.read_bytes()
    assert (tmp_path / "words").read_text(encoding="utf-8").split()[:2] == ["collection", "publish"]
    assert TOKEN not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert left == []
    assert list((tmp_path / "temporary").iterdir()) == []
