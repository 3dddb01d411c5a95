"""The info module: arguments in, one result out, partial where some tags failed, with each key documented."""

import json
import subprocess
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly, leaks

TOKEN = 's3cr&t/+%"<é>tok\\en'
MODULE = tag_stats_info


@pytest.mark.parametrize(("given", "failed"), [({"missing": "zero"}, False), ({"missing": "error"}, True), ({}, False)])
@pytest.mark.parametrize("reply", [answer(b"", "404 Not Found"), answer(b"[]")], ids=["404", "list"])
def test_missing(hostile, run, given, failed, reply):
    """An unknown tag is a record of zeros unless it is to be an error; either tells what to check."""
    server = hostile(lambda target: [answer(COUNTS) if "known" in target else reply])
    result = run(api_token=TOKEN, api_url=server.url, tags=["known", "b", "b\u200b"], **given)
    assert result["failed"] is failed
    errors, records = list(result["errors"].values()), list(result["stats"].values())
    assert [error["kind"] for error in errors] == ["unknown_tag"] * (2 if failed else 0)
    found = [(record["messages"], record["known"]) for record in records]
    assert found == [(1000, True), *[(0, False)] * (0 if failed else 2)]
    texts = [error["msg"] for error in errors] + [" ".join(record["notes"]) for record in records[1:]]
    assert ["spelling" in text for text in texts] == [True, True]
    assert ["it contains an invisible character (U+200B)" in text for text in texts] == [False, True]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"tags": []}, "tags"), ({"tags": [TOKEN]}, "tags"), ({"tags": ""}, "it is empty"),
        ({"tags": None}, "tags: null is not a tag"), ({"tags": 8}, "tags: 8 is not a tag; quote it"),
        ({"tags": [False]}, "quote it: 'no'"), ({"tags": "a,,b"}, "an entry between the commas is empty"),
        ({"tags": "['a', 'b']"}, "double quotes"), ({"tags": '["a", 8]'}, "quote it"),
        ({"tags": ...}, "tags: it is missing; give at least one tag, or recent: true"),
        ({"recent": True, "tags": []}, "recent: it reads the most recently active tags"),
        ({"api_token": ...}, "api_token"), ({"api_token": "short"}, "api_token"), ({"endpoint": "send"}, "endpoint"),
        ({"retries": 1.5}, "retries"), ({"parallel": 65}, "parallel"), ({"ca_path": "/no/such/file"}, "ca_path"),
        ({"timeout": "30s"}, "timeout: '30s' is not a number; give seconds: did you mean 30?"),
        ({"validate_certs": "maybe"}, "validate_certs: 'maybe' is not a boolean"), ({"tag_": "a"}, "tag_"),
    ],
)  # fmt: skip
def test_options_that_cannot_work(run, given, text):
    """They fail the task at once, by name, without stats and without the token."""
    arguments = {"api_token": TOKEN, "tags": ["a"], **given}
    result = run(**{name: value for name, value in arguments.items() if value is not ...})
    assert result["failed"]
    assert text in result["msg"]
    assert result["refused"] is True
    assert "stats" not in result
    assert leaks(json.dumps(result["msg"]) + result["msg"], TOKEN) == []


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ({"tags": ["a,b", "c"]}, ["a,b", "c"]), ({"tag": "a,b"}, ["a", "b"]), ({"tag": '["a,b", "c"]'}, ["a,b", "c"]),
    ],
)  # fmt: skip
def test_tags_and_its_alias(hostile, run, given, tags):
    """A list, JSON text that is one, or text that is split at its commas."""
    result = run(api_token=TOKEN, api_url=hostile(constantly(answer(COUNTS))).url, **given)
    assert list(result["stats"]) == tags


def test_the_environment(hostile, run, monkeypatch):
    """Token and address come from the environment where they are not given; the token's alias goes first, too."""
    server, other = hostile(constantly(answer(COUNTS))), hostile(constantly(answer(COUNTS)))
    monkeypatch.setenv("SMTPETER_API_TOKEN", "of-the-environment")
    monkeypatch.setenv("SMTPETER_API_URL", server.url)
    assert not run(tags=["a"])["failed"]
    for name in ("api_token", "access_token"):
        assert not run(tags=["a"], api_url=other.url, endpoint="tag", **{name: "of-the-task"})["failed"]
    assert server.targets == ["/v1/stats/a?access_token=of-the-environment"]
    assert other.targets == ["/v1/tag/a?access_token=of-the-task"] * 2


def test_a_missing_library(run, monkeypatch):
    """The task fails as a whole and says what to install, and on which machine; so does a proxy that needs another."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://user:pass-w0rd@localhost:1080")
    result = run(api_token=TOKEN, tags=["a", "b"])
    assert result["failed"]
    assert result["msg"].startswith(how_to_install("PySocks"))
    assert "errors" not in result
    assert "pass-w0rd" not in json.dumps(result)
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    assert run(api_token=TOKEN, tags=["a"])["msg"] == how_to_install("requests")


@pytest.mark.parametrize(("asked", "retry_after"), [("0", None), ("3600", 3600.0)])
def test_retry_after(hostile, run, asked, retry_after):
    """The pause that the service asked for is returned where it was not waited for."""
    left = iter([answer(b"", "503 Busy", f"Retry-After: {asked}"), answer(COUNTS)])
    result = run(api_token=TOKEN, api_url=hostile(lambda _target: [next(left)]).url, tags=["a"], retries=1)
    assert result["retry_after"] == retry_after
    assert type(result["retry_after"]) is type(retry_after)
    assert result["failed"] is ("asks to wait 3600 s" in result.get("msg", "")) is (retry_after is not None)


def test_recent_tags(hostile, run):
    """Instead of tags: a record for each of the most recently active ones, in the order of the service, or why not."""
    entries = json.dumps([{**COUNTS, "tag": "b"}, {**COUNTS, "tag": "a", "messages": 2000}]).encode()
    replies = iter([answer(entries), answer(b"", "404 Not Found")])
    server = hostile(lambda _target: [next(replies)])
    result, refused = (run(api_token="a-good-token", api_url=server.url, recent=True, retries=0) for _each in range(2))
    assert (result["failed"], result["errors"]) == (False, {})
    assert [(tag, record["messages"]) for tag, record in result["stats"].items()] == [("b", 1000), ("a", 2000)]
    assert server.targets == ["/v1/stats?access_token=a-good-token"] * 2
    assert refused["failed"]
    assert refused["msg"].startswith("recent tags: ")
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
