"""Tests of what a look's result means."""

from types import SimpleNamespace

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._look import is_lost, read_records

RECORD = {"tag": "a", "messages": 1000, "deliveries": 990, "opens": 0, "clicks": 0}
TOKEN = "s3cr&t/token"
FAILED = {"failed": True}


def read(found, tags=("a", "b"), token=TOKEN, first=True):
    """The records and the errors of a look."""
    answers = read_records(found, list(tags), token, first=first)
    return answers.found, answers.errors


def cause(found, token=TOKEN, first=True):
    """Why a look was lost, for each of its tags."""
    records, errors = read(found, token=token, first=first)
    assert (records, is_lost(errors), errors["a"]) == ({}, True, errors["b"])
    lost, _colon, why = errors["a"]["msg"].partition(": ")
    assert (errors["a"]["kind"], lost) == ("lost", "the look was lost")
    return why


def test_records_and_errors():
    """Each tag has one of the two; one without a sound record was not read, whatever the module says."""
    error = {"kind": "service", "msg": "503"}
    records, errors = read({"stats": {"a": RECORD}, "errors": {"b": error}, **FAILED})
    assert (records["a"].messages, errors) == (1000, {"b": error})
    assert not is_lost(errors)
    for stats in ({}, {"a": 5}, {"a": {"messages": 5}}, {"a": {**RECORD, "opens": -1}}):
        records, errors = read({"stats": stats, "errors": {}}, "a")
        assert records == {}
        assert is_lost(errors)


def crashed(code, error, output=""):
    """What Ansible tells of a module that ended without a result."""
    return {**FAILED, "msg": "MODULE FAILURE\nSee ...", "rc": code, "module_stderr": error, "module_stdout": output}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"msg": "failed to transfer file to /tmp/x:\n\nNo space left on device\n"}, "No space left on device"),
        ({}, "the module gave no result"),
        (crashed(1, "Traceback (most recent call last):\n  File x\nMemoryError: no more\n"),
         "the module gave no result (rc 1): MemoryError: no more"),
        (crashed(0, "Shared connection to 192.0.2.7 closed.\r\n", "Traceback\nKeyError: 'x'\r\n"),
         "the module gave no result (rc 0): KeyError: 'x'"),
        ({**crashed(127, "/bin/sh: 1: /x/python: not found\n"), "msg": "The module interpreter was not found."},
         "(rc 127): /bin/sh: 1: /x/python: not found; check ansible_python_interpreter"),
        (crashed(1, "SyntaxError: future feature annotations is not defined"),
         "the host's Python may be too old, check ansible_python_interpreter"),
        ({**FAILED, "exception": SimpleNamespace(event=SimpleNamespace(msg="division by zero"))},
         "the module gave no result: division by zero"),
        ({"msg": "Failed to create temporary directory. In some cases, you may. Failed command was: ( umask 77 ... ), "
                 "exited with result 1"},
         "Failed to create temporary directory (rc 1); check its path, permissions and disk space"),
    ],
)  # fmt: skip
def test_a_lost_look(found, said):
    """The end of what was printed says why, or what Ansible says, in one line."""
    assert said in cause(found)
    assert "\n" not in cause(found)


@pytest.mark.parametrize("key", ["msg", "module_stderr", "module_stdout"])
def test_what_a_cause_does_not_show(key):
    """No URL, no token in any spelling, no address of a recipient, and never more than a few lines."""
    text = f"lost https://a.test/v1/stats/x?access_token={TOKEN} and {TOKEN}, s3cr%26t%2Ftoken"
    assert "s3cr" not in cause({**FAILED, key: text})
    assert "a.test" not in cause({**FAILED, key: text}, token="")
    assert len(cause({**FAILED, key: "word " * 10000})) < 400
    if key != "msg":
        assert "reader@example.org" not in cause({**FAILED, key: "no box for <reader@example.org>"})


def test_a_look_that_could_not_even_ask():
    """A missing library does not come by waiting, so the first look says so; a later one may find it again."""
    found = {**FAILED, "refused": True, "msg": "Failed to import the required Python library (requests)"}
    with pytest.raises(SmtpeterError, match="^Failed to import the required Python library"):
        read(found)
    assert cause(found, first=False) == found["msg"]
