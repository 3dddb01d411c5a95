"""Tests of collecting what slices handed out: the latest record counts, and what is damaged is named."""

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._fleet import handed_out

OLDEST = "2026-03-02T09:00:00Z"


def record(tag, minute, **more):
    """A record of a tag, read some minutes after nine."""
    return {"tag": tag, "fetched_at": f"2026-03-02T09:{minute:02}:00Z", **more}


def event(*records, kind="playbook_on_stats", **other):
    """An event of a job that handed records out."""
    return json.dumps({"event": kind, "event_data": {"artifact_data": {"smtpeter_fleet_a": [*records], **other}}})


def test_the_latest_counts(tmp_path):
    """Whether it comes from a file or from a variable; what is too old counts as missing, and other files are none."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "1.json").write_text(event(record("a", 5), record("b", 5), record("c", 1)), encoding="utf-8")
    (tmp_path / "2.json").write_text(event(record("a", 2)), encoding="utf-8")
    (tmp_path / "stdout").write_text("no JSON", encoding="utf-8")
    for number, content in enumerate(
        (event(record("a", 9), kind="runner_on_ok"), "[]", "{}", '{"event": 1}', event(x=1))
    ):
        (tmp_path / f"other-{number}.json").write_text(content, encoding="utf-8")
    passed = {"smtpeter_fleet_b": [[record("b", 9)], record("d", 3)]}
    found = handed_out(str(tmp_path), passed, "2026-03-02T09:02:00Z")
    assert found.records == {"a": record("a", 5), "b": record("b", 9), "d": record("d", 3)}
    assert found.damaged == ()


WHOLE = event(record("é", 5)).encode()
CUT, OTHER = "it was cut short, or is no JSON", "it holds something else than records"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        *((WHOLE[:length], CUT) for length in (0, 1, 40, len(WHOLE) - 1)), (None, "no such file or directory"),
        (b"\0" * 100, CUT), ('{"event": "é'.encode()[:-1], CUT), (event({"tag": "a"}).encode(), OTHER),
        (event({"fetched_at": OLDEST, "tag": 1}).encode(), OTHER), (event("text").encode(), OTHER),
    ],
)  # fmt: skip
def test_a_damaged_file(tmp_path, content, why):
    """It is named with the reason, and the others count."""
    if content is None:
        (tmp_path / "1.json").symlink_to("nowhere")
    else:
        (tmp_path / "1.json").write_bytes(content)
    (tmp_path / "2.json").write_text(event(record("b", 5)), encoding="utf-8")
    found = handed_out(str(tmp_path), {"smtpeter_fleet_0": 7}, OLDEST)
    assert list(found.records) == ["b"]
    assert found.damaged == (f"{tmp_path}/1.json ({why})", f"smtpeter_fleet_0 ({OTHER})")
