"""What both info modules do alike: a result for each tag or why not, in order, as documented, without the token."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.mailops.smtpeter.plugins.modules import tag_outcomes_info, tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import attempt, body, delivery, failure
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import COUNTS, answer, constantly, leaks

TOKEN = 's3cr&t/+%"<é>tok\\en'
AGES = {"b": 40, "a": 0}
COUNTERS = {**COUNTS, "unique_opens": 1, "unique_clicks": 1}
EVENTS = body(attempt(0, tags=...), delivery(5, tags=...), attempt(1, 2, tags=...), failure(6, 2, tags=...))


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
        (tag_stats_info, "stats", "/v1/stats/", COUNTERS, {"messages": 1000, "delivery_ratio": 0.98}),
        (tag_outcomes_info, "outcomes", "/v1/events/tags/", EVENTS, {"messages": 2, "deliveries": 1, "failed": 1}),
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
    # The service sees the end of each connection.
    for thread in server.threads[1:]:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("module", "status"),
    [(tag_stats_info, "200 OK"), (tag_stats_info, "401 Unauthorized"), (tag_outcomes_info, "500 Oops")],
)
def test_an_echo_of_the_token_is_not_returned(hostile, run, status):
    """What the service says of the token is masked in the whole result."""
    server = hostile(constantly(answer(f"{TOKEN} is no token".encode(), status)))
    result = run(api_token=TOKEN, api_url=server.url, tags=["a"], retries=0)
    assert result["failed"]
    assert "is no token" in result["msg"]
    assert leaks(json.dumps(result) + json.dumps(result, ensure_ascii=False) + result["msg"], TOKEN) == []
