"""Where benchmarks run: nginx as the service, hyperfine as the clock. Private: names and behaviour may change."""

import contextlib
import json
import os
import pathlib
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple, Sequence

import certifi

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
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


class Case(NamedTuple):
    """A process to time: its arguments, the requests it makes, and a shell command to run before it, untimed."""

    argv: Sequence[str]
    requests: int = 0
    prepare: str = "true"


def beyond(more, less, count=1):
    """What each of `count` more took beyond a smaller case, in wall and processor seconds, a pair for each round."""
    return [tuple((a - b) / count for a, b in zip(*pair)) for pair in zip(more, less)]


class Row(NamedTuple):
    """A comparison: what was measured, beside what, and how many times as long it may take; null reports it only."""

    what: str
    ours: Sequence[tuple[float, float]]
    theirs: Sequence[tuple[float, float]]
    other: str
    limit: float | None = None

    @property
    def ratio(self):
        """The median of the rounds' ratios, in wall time."""
        return statistics.median(ours / theirs for (ours, _cpu), (theirs, _cpu2) in zip(self.ours, self.theirs))

    def cells(self):
        """The row of the table."""
        (ours, cpu), (theirs, its_cpu) = (map(statistics.median, zip(*times)) for times in (self.ours, self.theirs))
        ours, theirs = (f"{wall * 1000:.3g} ms" if wall < 0.1 else f"{wall:.3g} s" for wall in (ours, theirs))
        ratios = [f"{self.ratio:.3g}", f"{cpu / its_cpu:.3g}", f"{self.limit:.3g}" if self.limit else ""]
        return [self.what, ours, self.other, theirs, *ratios]


class Bench:
    """What serves one record for every tag, over TLS and over plain HTTP, on loopback, and times who asks for them."""

    def __init__(self, home, rounds):
        self.home, self._rounds = home, rounds
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            http, https = one.getsockname()[1], other.getsockname()[1]
        self.url, self.plain_url = f"https://127.0.0.1:{https}/v1", f"http://127.0.0.1:{http}/v1"
        self.slow_url = f"https://127.0.0.1:{https}/30ms/v1"
        self._count = f"http://127.0.0.1:{http}/count"
        subprocess.run(shlex.split(_CERTIFICATE), cwd=home, check=True, capture_output=True)
        # As large as what users' systems trust: reading it is part of what TLS costs.
        trusted = [pathlib.Path(certifi.where()), home / "certificate.pem"]
        bundle = self.written("bundle.pem", "".join(path.read_text(encoding="utf-8") for path in trusted))
        self.written("nginx.conf", _NGINX.format(http=http, https=https, record=RECORD))
        collections = str(ROOT / ".venv" / "collections")
        self.environment = {
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), bundle),
            "HOME": str(home), "LANG": "C.UTF-8", "PATH": PATH, "PYTHONPATH": collections, "SMTPETER_API_TOKEN": TOKEN,
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{home}/collections",
        }  # fmt: skip

    def written(self, name, content):
        """The path of a new file with the content as JSON, which is YAML as well; a text is written as it is."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def _requests(self):
        """How many requests nginx has had, this one included; waits until it has started."""
        argv = ["curl", "--disable", "--silent", "--show-error", "--retry", "9", "--retry-connrefused", self._count]
        return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[9])

    def time(self, cases, url=None, rounds=5):
        """Time each case once in each round, in turning order, and check that they make the requests they should."""
        times = {name: [] for name in cases}
        environment = {**self.environment, "SMTPETER_API_URL": url or self.url}
        for turn in range(min(rounds, self._rounds)):
            names = list(cases)[:: -1 if turn % 2 else 1]
            before = self._requests()
            for name, result in zip(names, self._hyperfine([cases[name] for name in names], environment)):
                times[name].append((result["median"], result["user"] + result["system"]))
                print(f"round {turn + 1}: {name}: {result['median']:.3f} s", flush=True)
            made, due = self._requests() - before - 1, sum(case.requests for case in cases.values())
            if made != due:
                sys.exit(f"{', '.join(map(str, names))}: made {made} requests, not {due}")
        return times

    def _hyperfine(self, cases, environment):
        output = self.home / "hyperfine.json"
        argv = ["hyperfine", "--shell=none", "--runs=1", "--style=none", f"--export-json={output}"]
        argv += [*(f"--prepare={case.prepare}" for case in cases), *(shlex.join(case.argv) for case in cases)]
        done = subprocess.run(argv, env=environment, check=False)
        results = json.loads(output.read_text(encoding="utf-8"))["results"]
        if done.returncode:
            # It stopped at the first that failed, and hid its output: run that once more.
            subprocess.run(cases[len(results)].argv, env=environment, check=False)
            sys.exit("The process above failed.")
        return results


@contextlib.contextmanager
def running(rounds):
    """A bench with nginx."""
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(pathlib.Path(home), rounds)
        with subprocess.Popen(["nginx", "-p", home, "-c", "nginx.conf"], env=bench.environment) as nginx:
            try:
                yield bench
            finally:
                nginx.terminate()
