# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where benchmarks run: nginx as the service, hyperfine as the clock. Private: names and behaviour may change."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import certifi

ROOT = pathlib.Path(__file__).resolve().parents[2]
_PATH = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
TOKEN = "a-benchmark-token"
RECORD = """{"first": "2016-01-01 12:00:00", "last": "2016-02-01 12:00:00", "messages": 1000, "deliveries": 980,
    "opens": 490, "clicks": 98}"""
_NGINX = """
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
daemon off; master_process off; pid nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000; default_type application/json;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server {{
        listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl;
        ssl_certificate certificate.pem; ssl_certificate_key key.pem;
        location = /count {{ stub_status; }}
        location /v1/ {{ return 200 '{record}'; }}
        location /v1/events/ {{ try_files /events.json =404; root .; }}
        location /30ms/v1/ {{ echo_sleep 0.03; echo '{record}'; }}
    }}
}}
"""
_CERTIFICATE = """openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost
    -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"""


@dataclass(frozen=True)
class Case:
    """A process to time: its arguments, the requests it makes, and a shell command to run before it, untimed."""

    argv: Sequence[str]
    requests: int = 0
    prepare: str = "true"


@dataclass
class Times:
    """Wall and processor seconds of a case, one of each per round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def beyond(self, less: Times, count: int = 1) -> Times:
        """What each of `count` more took beyond a smaller case."""
        pairs = ((self.wall, less.wall), (self.cpu, less.cpu))
        return Times(*([(a - b) / count for a, b in zip(mine, its)] for mine, its in pairs))


@dataclass(frozen=True)
class Row:
    """A comparison: what was measured, beside what, and how many times as long it may take; null reports it only."""

    what: str
    ours: Times
    theirs: Times
    other: str
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, in wall time."""
        return statistics.median(a / b for a, b in zip(self.ours.wall, self.theirs.wall))

    def cells(self) -> list[str]:
        """The row of the table."""
        seconds = [statistics.median(times.wall) for times in (self.ours, self.theirs)]
        ours, theirs = (f"{wall * 1000:.3g} ms" if wall < 0.1 else f"{wall:.3g} s" for wall in seconds)
        cpu = statistics.median(self.ours.cpu) / statistics.median(self.theirs.cpu)
        ratios = [f"{self.ratio:.3g}", f"{cpu:.3g}", f"{self.limit:.3g}" if self.limit else ""]
        return [self.what, ours, self.other, theirs, *ratios]


def table(title: str, rows: Sequence[Row]) -> str:
    """The comparisons as a Markdown section."""
    head = ["what", "time", "beside", "its time", "ratio", "CPU ratio", "at most"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


class Bench:
    """A context with nginx serving one record for every tag, over TLS and over plain HTTP, on loopback."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self._directory = tempfile.TemporaryDirectory()
        self.home = pathlib.Path(self._directory.name)
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            http, https = one.getsockname()[1], other.getsockname()[1]
        self.url, self.plain_url = f"https://127.0.0.1:{https}/v1", f"http://127.0.0.1:{http}/v1"
        self.slow_url = f"https://127.0.0.1:{https}/30ms/v1"
        self._count = f"http://127.0.0.1:{http}/count"
        subprocess.run(shlex.split(_CERTIFICATE), cwd=self.home, check=True, capture_output=True)
        # As large as what users' systems trust: reading it is part of what TLS costs.
        trusted = [pathlib.Path(certifi.where()), self.home / "certificate.pem"]
        bundle = self.written("bundle.pem", "".join(path.read_text(encoding="utf-8") for path in trusted))
        self._nginx_conf = self.written("nginx.conf", _NGINX.format(http=http, https=https, record=RECORD))
        collections = str(ROOT / ".venv" / "collections")
        self._environment = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": _PATH,
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), bundle),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{self.home}/collections",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "PYTHONPATH": collections,
            "SMTPETER_API_TOKEN": TOKEN,
        }

    def __enter__(self) -> Bench:
        argv = ["nginx", "-p", str(self.home), "-c", self._nginx_conf]
        self._nginx = subprocess.Popen(argv, env=self._environment)
        return self

    def __exit__(self, *_error: object) -> None:
        self._nginx.terminate()
        self._nginx.wait()
        self._directory.cleanup()

    def written(self, name: str, content: Any) -> str:
        """The path of a new file with the content as JSON, which is YAML as well; a text is written as it is."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def _requests(self) -> int:
        """How many requests nginx has had, this one included; waits until it has started."""
        argv = ["curl", "--disable", "--silent", "--show-error", "--retry", "9", "--retry-connrefused", self._count]
        return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[9])

    def time(self, cases: Mapping[str, Case], url: str | None = None, rounds: int | None = None) -> dict[str, Times]:
        """Time each case once in each round, in turning order, and check that they make the requests they should."""
        times = {name: Times() for name in cases}
        environment = {**self._environment, "SMTPETER_API_URL": url or self.url}
        for turn in range(min(rounds or self.rounds, self.rounds)):
            names = list(cases)[:: -1 if turn % 2 else 1]
            before = self._requests()
            for name, result in zip(names, self._hyperfine([cases[name] for name in names], environment)):
                times[name].wall.append(result["median"])
                times[name].cpu.append(result["user"] + result["system"])
                print(f"round {turn + 1}: {name}: {result['median']:.3f} s", flush=True)
            made, due = self._requests() - before - 1, sum(case.requests for case in cases.values())
            if made != due:
                sys.exit(f"{', '.join(names)}: made {made} requests, not {due}")
        return times

    def _hyperfine(self, cases: Sequence[Case], environment: Mapping[str, str]) -> list[dict[str, Any]]:
        output = self.home / "hyperfine.json"
        argv = ["hyperfine", "--shell=none", "--runs=1", "--style=none", f"--export-json={output}"]
        argv += [f"--prepare={case.prepare}" for case in cases]
        done = subprocess.run([*argv, *(shlex.join(case.argv) for case in cases)], env=environment, check=False)
        results: list[dict[str, Any]] = json.loads(output.read_text(encoding="utf-8"))["results"]
        if done.returncode:
            # It stopped at the first that failed, and hid its output: run that once more.
            subprocess.run(cases[len(results)].argv, env=environment, check=False)
            sys.exit("The process above failed.")
        return results


def missing() -> list[str]:
    """Debian's packages of the programs that are not there, of those that the benchmarks need."""
    packages = {"curl": "curl", "hyperfine": "hyperfine", "nginx": "nginx-light", "openssl": "openssl"}
    return [package for program, package in packages.items() if not shutil.which(program, path=_PATH)]
