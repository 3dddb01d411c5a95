"""The info module for counters: what `test_info` has not."""

import json
import subprocess
import sys

from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly

TOKEN = "a-good-token"
MODULE = tag_stats_info


def test_the_environment(hostile, run, monkeypatch):
    """Token and address come from the environment where they are not given; the aliases of token and tags work, too."""
    server, other = hostile(constantly(answer(COUNTS))), hostile(constantly(answer(COUNTS)))
    monkeypatch.setenv("SMTPETER_API_TOKEN", "of-the-environment")
    monkeypatch.setenv("SMTPETER_API_URL", server.url)
    assert list(run(tag="a, b", parallel=1)["stats"]) == ["a", "b"]
    for name in ("api_token", "access_token"):
        assert not run(tags=["a"], api_url=other.url, endpoint="tag", **{name: "of-the-task"})["failed"]
    assert server.targets == [f"/v1/stats/{tag}?access_token=of-the-environment" for tag in "ab"]
    assert other.targets == ["/v1/tag/a?access_token=of-the-task"] * 2


def test_a_missing_library(run, monkeypatch):
    """The task fails as a whole and says what to install, and on which machine."""
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    result = run(api_token=TOKEN, tags=["a"])
    assert (result["failed"], result["msg"]) == (True, how_to_install("requests"))
    assert "errors" not in result


def test_recent_tags(hostile, run):
    """Instead of tags: a record for each of the most recently active ones, in the order of the service, or why not."""
    entries = json.dumps([{**COUNTS, "tag": "b"}, {**COUNTS, "tag": "a", "messages": 2000}]).encode()
    replies = iter([answer(entries), answer(b"", "503 Busy", "Retry-After: 3600")])
    server = hostile(lambda _target: [next(replies)])
    result, refused = (run(api_token=TOKEN, api_url=server.url, recent=True) for _each in range(2))
    assert (result["failed"], result["errors"], result["retry_after"]) == (False, {}, None)
    assert [(tag, record["messages"]) for tag, record in result["stats"].items()] == [("b", 1000), ("a", 2000)]
    assert server.targets == [f"/v1/stats?access_token={TOKEN}"] * 2
    assert refused["failed"]
    assert refused["msg"].startswith("recent tags: ")
    assert "asks to wait 3600 s" in refused["msg"]
    assert json.dumps(refused["retry_after"]) == "3600.0"
    assert (list(refused["errors"]), refused["stats"]) == (["recent"], {})


def test_importing_is_cheap():
    """A task that shows no answer and needs no pool pays for neither, nor for requests before it asks."""
    code = f"""
import sys, ansible.module_utils.basic
before = set(sys.modules)
import {tag_stats_info.__name__}
print({{"requests", "urllib3", "concurrent.futures", "html", "cryptography"}} & set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
