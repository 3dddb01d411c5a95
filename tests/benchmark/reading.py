"""Many tags at once: the info module's process beside a bare `requests` pool and `curl --parallel`.

The pool is timed as a script and as the module that a user would write around it: reading a module's arguments and
printing its result takes Ansible's own code about as long as one request over TLS takes `requests`.
"""

import sys

from ansible_collections.mailops.smtpeter.tests.benchmark._bench import TOKEN, Case, Row, beyond

INFO, CURL = "info module", "`curl --parallel`"
MODULE, SCRIPT = "a `requests` pool as a module", "a bare `requests` pool"
_GIVEN = """
import json, sys
url, count, parallel, token = sys.argv[1:]
tags, parallel = [f"tag-{number}" for number in range(int(count))], int(parallel)
"""
# Both modules run as Ansible starts them on the host, with their arguments handed over, the result on stdout.
_START = """
from ansible.module_utils import basic
arguments = {"api_url": url, "api_token": token, "tags": tags, "parallel": parallel, "_ansible_remote_tmp": "/tmp"}
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
basic._ANSIBLE_PROFILE = "legacy"
"""
_INFO = """
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
tag_stats_info.main()
"""
# A session for each thread, and nothing else.
_POOL = """
import threading
from concurrent.futures import ThreadPoolExecutor
import requests
local = threading.local()

def read(url, tag, token):
    if not hasattr(local, "session"):
        local.session = requests.Session()
    reply = local.session.get(f"{url}/stats/{tag}", params={"access_token": token}, timeout=10)
    reply.raise_for_status()
    return reply.json()

def read_all(url, tags, token, parallel):
    with ThreadPoolExecutor(parallel) as pool:
        return dict(zip(tags, pool.map(lambda tag: read(url, tag, token), tags)))
"""
_MODULE = """
kinds = {"api_url": "str", "api_token": "str", "tags": "list", "parallel": "int"}
module = basic.AnsibleModule({name: {"type": kind, "no_log": name == "api_token"} for name, kind in kinds.items()})
given = module.params
module.exit_json(stats=read_all(given["api_url"], given["tags"], given["api_token"], given["parallel"]))
"""
_SCRIPTS = {
    INFO: _GIVEN + _START + _INFO,
    MODULE: _GIVEN + _START + _POOL + _MODULE,
    SCRIPT: _GIVEN + _POOL + "print(read_all(url, tags, token, parallel))",
}


def case(bench, reader, tags, url, parallel=8):
    """The process that reads so many tags."""
    if reader != CURL:
        return Case([sys.executable, "-c", _SCRIPTS[reader], url, str(tags), str(parallel), TOKEN], tags)
    urls = (f'url = "{url}/stats/tag-{number}?access_token={TOKEN}"\noutput = "/dev/null"\n' for number in range(tags))
    options = ["--parallel", "--parallel-max", str(parallel), "--config", bench.written("curl.conf", "".join(urls))]
    return Case(["curl", "--disable", "--silent", "--show-error", "--fail", *options], tags)


def measure(bench):
    """Time the processes: over TLS, over plain HTTP, with 30 ms a request, and 10,000 tags."""
    rows = []
    urls = {"TLS": bench.url, "plain HTTP": bench.plain_url}
    for way, tags in (("TLS", 1), ("TLS", 20), ("TLS", 1_000), ("plain HTTP", 1_000)):
        times = bench.time({reader: case(bench, reader, tags, urls[way]) for reader in (INFO, MODULE, SCRIPT, CURL)})
        limit = 1.1 if tags == 1_000 else 1.3
        limits = {MODULE: limit, SCRIPT: limit, CURL: None}
        rows += [Row(f"{tags:,} by {way}", times[INFO], times[other], other, limits[other]) for other in limits]
    slow = {reader: case(bench, reader, 1_000, bench.slow_url, 16) for reader in (INFO, SCRIPT, CURL)}
    info, pool, curl = bench.time(slow, rounds=3).values()
    what = "1,000 by TLS in 30 ms each, 16 at a time"
    rows += [Row(what, info, pool, SCRIPT, 1.15), Row(what, info, curl, CURL, 1.15)]
    counts = {f"{tags:,} tags": case(bench, INFO, tags, bench.url) for tags in (1, 1_000, 10_000)}
    one, thousand, most = bench.time(counts, rounds=3).values()
    return [*rows, Row("10,000 less one", beyond(most, one), beyond(thousand, one), "1,000 less one", 10.5)]
