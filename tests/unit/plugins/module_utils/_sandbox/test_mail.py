"""The body of a send: what is taken, and what is answered with the name of the wrong field."""

import json

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import FieldError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.mail import Mail, parse_mail

TO = {"recipient": "ann@example.com"}
ANN = ("ann@example.com",)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**TO, "recipients": ["c@d", "c@d"]}, Mail((*ANN, "c@d", "c@d"))),
        ({**TO, "tags": "wave-1"}, Mail(ANN, ("wave-1",))),
        ({**TO, "tags": ["a", "b", "a"]}, Mail(ANN, ("a", "b"))),
        ({**TO, "tags": None, "trackopens": None, "envelope": None}, Mail(ANN)),
        ({**TO, "trackopens": False, "trackclicks": 0}, Mail(ANN, trackopens=False, trackclicks=False)),
        ({**TO, "trackbounces": 0, "inlinecss": 1}, Mail(ANN, trackbounces=False, inlinecss=True)),
        ({**TO, "envelope": "me@b", "template": 12}, Mail(ANN, envelope="me@b", templateid=12)),
        ({**TO, "subject": "Hello", "from": {"any": "thing"}, "template": {"a": 1}}, Mail(ANN)),
    ],
)
def test_mail_read(body, expected):
    """One recipient or several, one tag or several; tracking is on unless it is switched off."""
    assert parse_mail(json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *[(body, "body") for body in (b"recipient=a@b", b"[]", b"\xff{}", b"[" * 100000)],
        *[(body, "recipient") for body in ({}, {"to": "ann@example.com"}, {"recipients": []})],
        *[({"recipient": each}, "recipient") for each in (["a@b"], "an n@b", "\ud800@b", "@b", "a@")],
        *[({"recipients": each}, "recipients") for each in ("a@b", ["a@b", 5])],
        *[({**TO, "tags": each}, "tags") for each in ("", [5], {"a": 1})],
        *[({**TO, "trackopens": each}, "trackopens") for each in ("no", 2)],
        ({**TO, "preventscam": "x"}, "preventscam"), ({**TO, "envelope": "me"}, "envelope"),
    ],
)  # fmt: skip
def test_mail_refused(body, field):
    """A send that cannot be meant is refused with the name of the field."""
    with pytest.raises(FieldError) as caught:
        parse_mail(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert caught.value.field == field
