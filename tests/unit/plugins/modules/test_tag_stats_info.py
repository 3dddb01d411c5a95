"""The info module for counters, and what both info modules do alike: a result for each tag or why not, no token."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils import _proxy
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.modules import tag_outcomes_info as outcomes
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info as stats
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly, leaks

TOKEN = 's3cr&t/+%"<é>tok\\en'
MODULE = stats
AGES = {"b": 40, "a": 0}
COUNTERS = {**COUNTS, "unique_opens": 1, "unique_clicks": 1}
EVENTS = body(attempt(0, tags=...), delivery(5, tags=...), attempt(1, 2, tags=...), failure(6, 2, tags=...))
UNKNOWN = {"404": answer(b"", "404 Not Found"), "list": answer(b"[]"), "null": answer(b"null"), "object": answer(b"{}")}


def check_documented(contained, value, sample):
    """See that keys are documented in the order in which they are returned, with true types, and are in the sample."""
    assert list(contained) == list(value) == list(sample)
    for name, found in value.items():
        assert found is None or type(found).__name__ == contained[name]["type"], name
        if "contains" in contained[name]:
            check_documented(contained[name]["contains"], found[0], sample[name][0])


@pytest.mark.parametrize(
    ("module", "key", "path", "good", "expected"),
    [
        (stats, "stats", "/v1/stats/", COUNTERS, {"messages": 1000, "delivery_ratio": 0.98}),
        (outcomes, "outcomes", "/v1/events/tags/", EVENTS, {"messages": 2, "deliveries": 1, "failed": 1}),
    ],
)
@pytest.mark.parametrize("bad", [[], ["bad-1", "bad-2"]], ids=len)
@pytest.mark.parametrize("check", [False, True])
def test_results_and_errors(hostile, run, module, key, path, good, expected, check, bad):
    """Tags have results in the order asked, also in check mode; when some fail the task fails, names each and why."""

    def script(target):
        age = AGES.get(tag_of(target))
        yield answer(b"no", "410 Gone", "Age: 5") if age is None else answer(good, "200 OK", f"Age: {age}")

    server = hostile(script)
    result = run(api_token=TOKEN, api_url=server.url, tags=["b", *bad, "a", "b"], _ansible_check_mode=check)
    assert [result[key] for key in ("changed", "failed", "ages", "retry_after")] == [False, bool(bad), AGES, None]
    assert (list(result[key]), list(result["errors"])) == (["b", "a"], bad)
    returned = yaml.safe_load(module.RETURN)
    of_ansible = {"changed", "failed", "msg", "invocation", "warnings"}
    assert [name for name in returned if name != "refused"] == [name for name in result if name not in of_ansible]
    for tag, found in result[key].items():
        assert expected.items() <= found.items()
        assert ("the answer is a copy that a cache had stored for 40 s" in found["notes"]) is (tag == "b")
        check_documented(returned[key]["contains"]["TAG"]["contains"], found, returned[key]["sample"]["wave-1"])
    for tag, error in result["errors"].items():
        assert (error["kind"], error["status"]) == ("refused", 410)
        assert f"tag '{tag}'" in error["msg"]
        assert error["msg"] in result["msg"]
        check_documented(returned["errors"]["contains"]["TAG"]["contains"], error, error)
    targets = [urlsplit(target) for target in server.targets]
    assert sorted(target.path for target in targets) == [path + tag for tag in sorted(["a", "b", *bad])]
    assert [parse_qs(target.query) for target in targets] == [{"access_token": [TOKEN]}] * len(targets)


@pytest.mark.parametrize(("module", "key"), [(stats, "stats"), (outcomes, "outcomes")])
@pytest.mark.parametrize("given", [{}, {"missing": "zero"}, {"missing": "error"}], ids=str)
@pytest.mark.parametrize("reply", UNKNOWN)
def test_unknown_tags(hostile, run, module, key, reply, given):
    """One is a result of nothing, or an error; either tells what to check, and which recently active tag is close."""
    recent = json.dumps([{**COUNTS, "tag": "wave-1"}, {**COUNTS, "tag": "other"}]).encode()
    server = hostile(lambda target: [answer(recent) if target.startswith("/v1/stats?") else UNKNOWN[reply]])
    result = run(api_token=TOKEN, api_url=server.url, tags=["wave1", "b\u200b"], **given)
    assert result["failed"] is (given == {"missing": "error"})
    errors, records = result["errors"].values(), result[key].values()
    assert [error["kind"] for error in errors] == ["unknown_tag"] * (2 * result["failed"])
    assert [(record["messages"], record["known"]) for record in records] == [(0, False)] * (2 - 2 * result["failed"])
    texts = [error["msg"] for error in errors] or ["; ".join(record["notes"]) for record in records]
    assert ["check its spelling and api_url" in text for text in texts] == [True, True]
    assert [text.count("did you mean 'wave-1'?") for text in texts] == [1, 0]
    assert ["it contains an invisible character (U+200B)" in text for text in texts] == [False, True]
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("module", "given", "text"),
    [
        (stats, {"tags": []}, "tags"), (stats, {"tags": [TOKEN]}, "tags"), (stats, {"tags": "a,;"}, "semicolon"),
        (stats, {"tags": None}, "tags: null is not a tag"), (stats, {"tags": 8}, "tags: 8 is not a tag; quote it"),
        (stats, {"tags": [False]}, "quote it: 'no'"), (stats, {"tags": "a,,b"}, "an entry between the commas is empty"),
        (stats, {"tags": "['a', 'b']"}, "double quotes"), (stats, {"tags": '["a", 8]'}, "quote it"),
        (stats, {"tags": ...}, "tags: it is missing; give at least one tag, or recent: true"),
        (stats, {"recent": True, "tags": []}, "recent: it reads the most recently active tags"),
        (stats, {"api_token": ...}, "api_token"), (stats, {"api_token": "short"}, "api_token"),
        (stats, {"endpoint": "send"}, "endpoint"), (stats, {"retries": 1.5}, "retries"), (stats, {"tag_": "a"}, "tag_"),
        (stats, {"timeout": "30s"}, "timeout: '30s' is not a number; give seconds: did you mean 30?"),
        (stats, {"validate_certs": "maybe"}, "validate_certs: 'maybe' is not a boolean"),
        (stats, {"parallel": 65}, "parallel"), (stats, {"parallel": "1,000"}, "did you mean 1000?"),
        (stats, {"ca_path": "/no/such/file"}, "ca_path"), (stats, {"tags": ""}, "it is empty"),
        (outcomes, {"since": "yesterday"}, "since: 'yesterday'"), (outcomes, {"recent": True}, "recent"),
        (outcomes, {"top": 0}, "top: 0 is not from 1 to 1000"), (outcomes, {"top": 1001}, "1001 is not from 1 to 1000"),
    ],
)  # fmt: skip
def test_options_that_cannot_work(run, module, given, text):
    """They fail the task at once, by name, without a result of a tag and without the token."""
    arguments = {"api_token": TOKEN, "tags": ["a"], **given}
    result = run(**{name: value for name, value in arguments.items() if value is not ...})
    assert text in result["msg"]
    assert (result["failed"], result["refused"]) == (True, True)
    assert not {"stats", "outcomes", "errors"} & set(result)
    assert leaks(json.dumps(result["msg"]) + result["msg"], TOKEN) == []


@pytest.mark.parametrize(("module", "status"), [(stats, "200 OK"), (stats, "401 Unauthorized"), (outcomes, "500 Oops")])
def test_an_echo_of_the_token_is_not_returned(hostile, run, module, status):
    """What the service says of the token is masked in the whole result."""
    server = hostile(constantly(answer(f"{TOKEN} is no token".encode(), status)))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a"], retries=0)
    assert result["failed"]
    assert "is no token" in result["msg"]
    assert leaks(json.dumps(result) + json.dumps(result, ensure_ascii=False) + result["msg"], TOKEN) == []


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
    """The task fails as a whole and says what to install, and on which machine; so does a proxy that needs another."""
    monkeypatch.setattr(_proxy, "is_missing", lambda module: module == "socks")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://user:pass-w0rd@localhost:1080")
    result = run(api_token="a-good-token", tags=["a", "b"])
    assert result["msg"].startswith(how_to_install("PySocks"))
    assert "pass-w0rd" not in json.dumps(result)
    monkeypatch.setattr(options, "missing_requests", lambda: True)
    assert run(api_token="a-good-token", tags=["a"])["msg"] == how_to_install("requests")


def test_recent_tags(hostile, run):
    """Instead of tags: a record for each of the most recently active ones, in the order of the service, or why not."""
    entries = json.dumps([{**COUNTS, "tag": "b"}, {**COUNTS, "tag": "a", "messages": 2000}]).encode()
    replies = iter([answer(entries), answer(b"", "503 Busy", "Retry-After: 3600")])
    server = hostile(lambda _target: [next(replies)])
    result, refused = (run(api_token="a-good-token", api_url=server.url, recent=True) for _each in range(2))
    assert (result["failed"], result["errors"], result["retry_after"]) == (False, {}, None)
    assert [(tag, record["messages"]) for tag, record in result["stats"].items()] == [("b", 1000), ("a", 2000)]
    assert server.targets == ["/v1/stats?access_token=a-good-token"] * 2
    assert refused["msg"].startswith("recent tags: ")
    assert json.dumps(refused["retry_after"]) == "3600.0"
    assert (refused["failed"], list(refused["errors"]), refused["stats"]) == (True, ["recent"], {})
