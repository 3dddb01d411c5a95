# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the info module costs beside a bare pool of `requests`: 1,000 tags at parallel 8, less the cost of one tag.

Each measurement is the wall time of a process of its own, from its start to its end: the module's main() with its
arguments as Ansible hands them over and its result on stdout, or a script with a requests.Session per thread and
nothing else. That is the process that Ansible starts on the host; what Ansible does around it is the same for one tag
as for 1,000, and its noise would hide the difference. The two are interleaved, and the median of the rounds' ratios
counts. The service is a process of its own that answers with bytes prepared in advance, and its share of the
processor is printed: well below 100 % it waited for its clients, not they for it. Exit code 1 above the limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request

LIMIT = 1.25
TAGS = 1000
PARALLEL = 8
ROUNDS = 7
TOKEN = "a-benchmark-token"

MODULE = """
import json, sys
from ansible.module_utils import basic
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info

url, count, parallel, token = sys.argv[1:]
tags = [f"tag-{number}" for number in range(int(count))]
arguments = {"api_url": url, "api_token": token, "tags": tags, "parallel": int(parallel), "_ansible_remote_tmp": "/tmp"}
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
basic._ANSIBLE_PROFILE = "legacy"
tag_stats_info.main()
"""

BARE = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import requests

url, count, parallel, token = sys.argv[1:]
local = threading.local()

def read(tag):
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session.get(f"{url}/stats/{tag}", params={"access_token": token}, timeout=10)

with ThreadPoolExecutor(int(parallel)) as pool:
    replies = list(pool.map(read, [f"tag-{number}" for number in range(int(count))]))
assert all(reply.status_code == 200 for reply in replies)
"""


class Service(asyncio.Protocol):
    """Answers each request of a connection with the same bytes; C(/cpu) with the seconds of processor time used."""

    body = json.dumps(
        {"first": "2016-01-01 12:00:00", "last": "2016-02-01 12:00:00",
         "messages": 1000, "deliveries": 980, "opens": 490, "clicks": 98}
    ).encode()  # fmt: skip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            body = repr(time.process_time()).encode() if request.startswith(b"GET /cpu ") else self.body
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)  # type: ignore[attr-defined]


async def serve() -> None:
    """Serve until the process is ended, with the port on stdout."""
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def seconds(code: str, url: str, count: int) -> float:
    """The wall time of a process that reads so many tags."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, f"{url}/v1", str(count), str(PARALLEL), TOKEN], capture_output=True, check=False
    )
    taken = time.perf_counter() - start
    if done.returncode or (code is MODULE and len(json.loads(done.stdout)["stats"]) != count):
        sys.exit(f"The measurement failed.\n{done.stdout[:999]!r}\n{done.stderr.decode()}")
    return taken


def cpu(url: str) -> float:
    """The processor time that the service has used, in seconds."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/cpu") as reply:
        return float(reply.read())


def measure(url: str) -> float:
    """Print each round, and return the median ratio."""
    ratios = []
    for turn in range(ROUNDS + 1):
        cost, share = {}, {}
        # First one, then the other goes first, so that neither gains by what warms up or slows down.
        for code in (MODULE, BARE) if turn % 2 else (BARE, MODULE):
            one = seconds(code, url, 1)
            used, start = cpu(url), time.perf_counter()
            cost[code] = seconds(code, url, TAGS) - one
            share[code] = (cpu(url) - used) / (time.perf_counter() - start)
        if turn == 0:
            # It filled the caches of files and compiled modules.
            continue
        ratios.append(cost[MODULE] / cost[BARE])
        print(
            f"round {turn}: module {cost[MODULE]:.3f} s, bare pool {cost[BARE]:.3f} s, ratio {ratios[-1]:.2f};"
            f" the service was busy {share[MODULE]:.0%} and {share[BARE]:.0%} of the time",
            flush=True,
        )
    return statistics.median(ratios)


def main() -> int:
    """Measure, and print the verdict."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout
        try:
            ratio = measure(f"http://127.0.0.1:{service.stdout.readline().strip()}")
        finally:
            service.terminate()
    verdict = "within" if ratio <= LIMIT else "above"
    print(f"{TAGS} tags at parallel {PARALLEL}: ratio {ratio:.2f}, {verdict} the limit of {LIMIT}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    sys.exit(main())
