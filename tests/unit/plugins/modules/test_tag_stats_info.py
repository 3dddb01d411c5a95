# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The info module: arguments in, one result out, partial where some tags failed, with each key documented."""

from __future__ import annotations

import json
import pathlib
import shutil
from functools import partial
from typing import Any, Callable

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import (
    COUNTS,
    Authority,
    Hostile,
    answer,
    constantly,
    leaks,
)
from ansible_collections.mailops.smtpeter.tests.unit.plugins.running import run_module

TOKEN = 's3cr&t/+%"<é>tok\\en'

Serve = Callable[..., Hostile]
Run = Callable[..., "dict[str, Any]"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run main() as Ansible would, in this process; its result, in which `failed` is always there."""

    return partial(run_module, tag_stats_info.main, monkeypatch, capsys)


def test_success(hostile: Serve, run: Run) -> None:
    """Every tag has its record, in the order asked; nothing changed and nothing failed."""
    server = hostile(constantly(answer(COUNTS)))
    result = run(api_token=TOKEN, api_url=server.url, tags=["b", "a", "b"])
    assert (result["changed"], result["failed"], result["errors"]) == (False, False, {})
    assert list(result["stats"]) == ["b", "a"]
    assert result["stats"]["b"]["delivery_ratio"] == 0.98
    assert list(result["stats"]["a"]) == list(Record("a", 0, 0).as_dict())
    assert len(server.requests) == 2


@pytest.mark.parametrize("check", [False, True])
def test_check_mode_reads_as_well(hostile: Serve, run: Run, check: bool) -> None:
    """Reading changes nothing, so check mode does the same."""
    server = hostile(constantly(answer(COUNTS)))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a"], _ansible_check_mode=check)
    assert (result["changed"], result["stats"]["a"]["messages"]) == (False, 1000)
    assert len(server.requests) == 1


def test_partial_results(hostile: Serve, run: Run) -> None:
    """When some tags fail the task fails, names each and why, and still gives the others."""

    def script(target: str) -> list[bytes]:
        return [answer(b"no", "410 Gone") if "bad" in target else answer(COUNTS)]

    result = run(api_token=TOKEN, api_url=hostile(script).url, tags=["a", "bad-1", "b", "bad-2"])
    assert (result["changed"], result["failed"]) == (False, True)
    assert list(result["stats"]) == ["a", "b"]
    assert list(result["errors"]) == ["bad-1", "bad-2"]
    assert set(result["errors"]["bad-1"]) == {"kind", "status", "msg"}
    assert (result["errors"]["bad-1"]["kind"], result["errors"]["bad-1"]["status"]) == ("refused", 410)
    for tag in ("bad-1", "bad-2"):
        assert result["errors"][tag]["msg"] in result["msg"]
        assert f"tag '{tag}'" in result["msg"]


def test_a_refused_token(hostile: Serve, run: Run) -> None:
    """After 401 no further tag is asked for, and the rest is reported as not tried."""
    server = hostile(constantly(answer(b"wrong", "401 Unauthorized")))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a", "b", "c"], parallel=1)
    assert [error["kind"] for error in result["errors"].values()] == ["refused", "not_tried", "not_tried"]
    assert result["stats"] == {}
    assert len(server.requests) == 1


@pytest.mark.parametrize(("missing", "failed"), [("zero", False), ("error", True), (None, False)])
def test_missing(hostile: Serve, run: Run, missing: str | None, failed: bool) -> None:
    """An unknown tag is a record of zeros unless it is to be an error."""
    given = {} if missing is None else {"missing": missing}
    result = run(api_token=TOKEN, api_url=hostile(constantly(answer(b"", "404 No"))).url, tags=["a"], **given)
    assert result["failed"] is failed
    if failed:
        assert (result["stats"], result["errors"]["a"]["kind"]) == ({}, "unknown_tag")
    else:
        assert (result["stats"]["a"]["known"], result["stats"]["a"]["messages"]) == (False, 0)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"tags": []}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["a b"]}, "tags"),
        ({"tags": "a,;"}, "semicolon"),
        ({"tags": [TOKEN]}, "tags"),
        ({"api_token": "short"}, "api_token"),
        ({"api_url": "http://a.test/v1"}, "api_url"),
        ({"api_url": ""}, "api_url"),
        ({"endpoint": "send"}, "endpoint"),
        ({"missing": "ignore"}, "missing"),
        ({"parallel": 0}, "parallel"),
        ({"parallel": 65}, "parallel"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "nan"}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"ca_path": "/no/such/file"}, "ca_path"),
        ({"tag_": "a"}, "tag_"),
        ({"tags": None}, "tags: null is not a tag"),
        ({"tags": 8}, "tags: 8 is not a tag; quote it"),
        ({"tags": [1.1]}, "quote it"),
        ({"tags": ["a", 45000]}, "quote it"),
        ({"tags": True}, "quote it: 'no'"),
        ({"tags": [False]}, "quote it: 'no'"),
        ({"tags": [None]}, "null is not a tag"),
        ({"tags": "a,,b"}, "an entry between the commas is empty"),
        ({"tags": "a,"}, "an entry between the commas is empty"),
        ({"tags": ""}, "it is empty"),
        ({"tags": "['a', 'b']"}, "double quotes"),
        ({"tags": '["a", 8]'}, "quote it"),
        ({"timeout": "30s"}, "timeout: '30s' is not a number; give seconds: did you mean 30?"),
        ({"timeout": True}, "timeout: true is not a number"),
        ({"retries": True}, "retries: true is not a number"),
        ({"retries": "some"}, "retries: 'some' is not a number"),
        ({"parallel": "1,000"}, "parallel: '1,000' is not a number; did you mean 1000?"),
        ({"validate_certs": "maybe"}, "validate_certs: 'maybe' is not a boolean"),
    ],
)
def test_options_that_cannot_work(run: Run, given: dict[str, Any], text: str) -> None:
    """They fail the task at once, by name, without stats and without the token."""
    result = run(**{"api_token": TOKEN, "tags": ["a"], **given})
    assert result["failed"]
    assert text in result["msg"]
    assert result["refused"] is True
    assert "stats" not in result
    assert leaks(json.dumps(result["msg"]), TOKEN) == []
    assert leaks(result["msg"], TOKEN) == []


@pytest.mark.parametrize("name", ["tags", "tag"])
@pytest.mark.parametrize(
    ("value", "tags"), [(["a", "b"], ["a", "b"]), ("a,b", ["a", "b"]), ("a", ["a"]), ('["a,b", "c"]', ["a,b", "c"])]
)
def test_tags_and_its_alias(hostile: Serve, run: Run, name: str, value: Any, tags: list[str]) -> None:
    """A list, JSON text that is one, or text that is split at its commas."""
    result = run(api_token=TOKEN, api_url=hostile(constantly(answer(COUNTS))).url, **{name: value})
    assert list(result["stats"]) == tags


def test_the_tokens_alias(hostile: Serve, run: Run) -> None:
    """The service's own name for the token is understood."""
    server = hostile(constantly(answer(COUNTS)))
    assert not run(access_token="a-good-token", api_url=server.url, tags=["a"])["failed"]
    assert server.targets == ["/v1/stats/a?access_token=a-good-token"]


def test_the_environment(hostile: Serve, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token and address come from the environment where they are not given; what is given goes first."""
    server, other = hostile(constantly(answer(COUNTS))), hostile(constantly(answer(COUNTS)))
    monkeypatch.setenv("SMTPETER_API_TOKEN", "of-the-environment")
    monkeypatch.setenv("SMTPETER_API_URL", server.url)
    assert not run(tags=["a"])["failed"]
    assert server.targets == ["/v1/stats/a?access_token=of-the-environment"]
    assert not run(tags=["a"], api_token="of-the-task", api_url=other.url, endpoint="tag")["failed"]
    assert other.targets == ["/v1/tag/a?access_token=of-the-task"]
    assert len(server.targets) == 1


def test_no_token(run: Run) -> None:
    """Without a token the option is named."""
    result = run(tags=["a"])
    assert result["failed"]
    assert "api_token" in result["msg"]


def test_no_requests(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the user learns which, and on which machine."""
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    result = run(api_token=TOKEN, tags=["a"])
    assert result["failed"]
    assert result["msg"] == how_to_install("requests")


def test_a_socks_proxy_without_pysocks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task fails as a whole and says what to install, as for requests; so does a proxy that cannot be one."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://user:pass-w0rd@localhost:1080")
    result = run(api_token=TOKEN, tags=["a", "b"])
    assert result["failed"]
    assert result["msg"].startswith(how_to_install("PySocks"))
    monkeypatch.setenv("HTTPS_PROXY", "socks7://user:pass-w0rd@localhost:1080")
    result = run(api_token=TOKEN, tags=["a", "b"])
    assert result["msg"].startswith("HTTPS_PROXY: its scheme is not one of")
    assert "pass-w0rd" not in json.dumps(result)
    assert "errors" not in result


@pytest.mark.parametrize("ca_path", ["~/ca.pem", "$HOME/ca.pem", "$CERTIFICATES"])
def test_certificates_of_this_host(
    hostile: Serve,
    run: Run,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    ca_path: str,
) -> None:
    """Home and variables are those of the host that the module runs on."""
    shutil.copy(authority.bundle, tmp_path / "ca.pem")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CERTIFICATES", str(tmp_path / "ca.pem"))
    server = hostile(constantly(answer(COUNTS)), authority.context())
    assert not run(api_token=TOKEN, api_url=server.url, tags=["a"], ca_path=ca_path)["failed"]


def test_ages(hostile: Serve, run: Run) -> None:
    """By tag, where the answer had one; an unknown tag's, too."""
    replies = {
        "fresh": answer(COUNTS),
        "new": answer(COUNTS, "200 OK", "Age: 0"),
        "old": answer(COUNTS, "200 OK", "Age: 90"),
        "unknown": answer(b"", "404 Not Found", "Age: 7"),
        "odd": answer(COUNTS, "200 OK", "Age: old"),
        "bad": answer(b"", "410 Gone", "Age: 5"),
    }
    server = hostile(lambda target: [replies.get(tag_of(target), answer(b"[]"))])
    result = run(api_token=TOKEN, api_url=server.url, tags=list(replies))
    assert result["ages"] == {"new": 0, "old": 90, "unknown": 7}
    assert [tag for tag, record in result["stats"].items() if "copy" in " ".join(record["notes"])] == ["old", "unknown"]
    assert result["retry_after"] is None


@pytest.mark.parametrize(
    ("replies", "retry_after"),
    [
        ([answer(COUNTS)], None),
        ([answer(b"", "500 Oops"), answer(COUNTS)], None),
        ([answer(b"", "503 Busy", "Retry-After: 0"), answer(COUNTS)], None),
        ([answer(b"", "503 Busy", "Retry-After: 3600")], 3600.0),
        ([answer(b"", "503 Busy", "Retry-After: 0"), answer(b"", "429 Busy", "Retry-After: 31")], 31.0),
        ([answer(COUNTS, "200 OK", "Retry-After: 3600")], None),
    ],
)
def test_retry_after(hostile: Serve, run: Run, replies: list[bytes], retry_after: float | None) -> None:
    """The pause that the service asked for is returned where it was not waited for."""
    left = iter(replies)
    result = run(api_token=TOKEN, api_url=hostile(lambda _target: [next(left)]).url, tags=["a"], retries=1)
    assert result["retry_after"] == retry_after
    assert type(result["retry_after"]) is type(retry_after)
    assert result["failed"] is (retry_after is not None)
    if retry_after:
        assert f"asks to wait {retry_after:g} s" in result["msg"]


def test_a_long_pause_is_for_all_tags(hostile: Serve, run: Run) -> None:
    """Tags that were not asked for yet are reported as not tried, and say why."""
    server = hostile(constantly(answer(b"", "429 Busy", "Retry-After: 3600")))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a", "b", "c"], parallel=1)
    assert [error["kind"] for error in result["errors"].values()] == ["service", "not_tried", "not_tried"]
    assert all("asks to wait 3600 s" in error["msg"] for error in result["errors"].values())
    assert len(server.requests) == 1


def test_connections_are_closed(hostile: Serve, run: Run) -> None:
    """After the run the service sees the end of each connection, so nothing of it is left open."""
    server = hostile(constantly(answer(COUNTS)))
    run(api_token=TOKEN, api_url=server.url, tags=[f"tag-{number}" for number in range(30)], parallel=4)
    for thread in server.threads[1:]:
        thread.join(5)
    assert not any(thread.is_alive() for thread in server.threads[1:])


def test_an_echo_of_the_token_is_not_returned(hostile: Serve, run: Run) -> None:
    """What the service says of the token is masked in the whole result."""
    body = f"{TOKEN} is no token".encode()
    for status in ("200 OK", "500 Oops", "401 Unauthorized"):
        server = hostile(constantly(answer(body, status)))
        result = run(api_token=TOKEN, api_url=server.url, tags=["a"], retries=0)
        assert result["failed"]
        assert "is no token" in result["msg"]
        assert leaks(json.dumps(result), TOKEN) == []
        assert leaks(result["msg"], TOKEN) == []


def test_the_documentation_has_every_return_key(hostile: Serve, run: Run) -> None:
    """Keys of records and errors are documented in the order in which they are returned, with true types."""
    returned = yaml.safe_load(tag_stats_info.RETURN)

    def script(target: str) -> list[bytes]:
        return [
            answer(b"", "410 Gone") if "bad" in target else answer({**COUNTS, "unique_opens": 1, "unique_clicks": 1})
        ]

    result = run(api_token=TOKEN, api_url=hostile(script).url, tags=["a", "bad"])
    for key, tag in (("stats", "a"), ("errors", "bad")):
        contained = returned[key]["contains"]["TAG"]["contains"]
        assert list(contained) == list(result[key][tag])
        for name, value in result[key][tag].items():
            assert value is None or type(value).__name__ == contained[name]["type"], name
    assert list(returned["stats"]["sample"]["wave-1"]) == list(result["stats"]["a"])
    own = [key for key in result if key not in ("changed", "failed", "msg", "invocation", "warnings")]
    assert [key for key in returned if key != "refused"] == own


def test_recent_tags(hostile: Serve, run: Run) -> None:
    """Instead of tags: a record for each of the most recently active ones, in the order of the service."""
    entries = [{**COUNTS, "tag": "b"}, {**COUNTS, "tag": "a", "messages": 2000}]
    server = hostile(constantly(answer(json.dumps(entries).encode())))
    result = run(api_token="a-good-token", api_url=server.url, recent=True)
    assert (result["failed"], result["errors"]) == (False, {})
    assert [(tag, record["messages"]) for tag, record in result["stats"].items()] == [("b", 1000), ("a", 2000)]
    assert server.targets == ["/v1/stats?access_token=a-good-token"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"recent": True, "tags": ["a"]}, "recent: it reads the most recently active tags"),
        ({"recent": True, "tags": []}, "recent: it reads the most recently active tags"),
        ({"recent": False}, "tags: it is missing; give at least one tag, or recent: true"),
        ({}, "tags: it is missing"),
    ],
)
def test_tags_or_recent(run: Run, given: dict[str, Any], text: str) -> None:
    """There are either tags or recent."""
    assert text in run(api_token=TOKEN, **given)["msg"]


@pytest.mark.parametrize("reply", [answer(b"", "404 Not Found"), answer(b"<html>"), answer(b"", "500 Oops")])
def test_recent_tags_that_cannot_be_read(hostile: Serve, run: Run, reply: bytes) -> None:
    """The task fails, and says what it asked for."""
    result = run(api_token=TOKEN, api_url=hostile(constantly(reply)).url, recent=True, retries=0)
    assert result["failed"]
    assert result["msg"].startswith("recent tags: ")
    assert (list(result["errors"]), result["stats"]) == (["recent"], {})
