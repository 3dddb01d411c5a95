# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import (
    TAG_LIMIT,
    Connection,
    check_connection_options,
    check_tag,
)
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import assert_silent

TOKEN = r's3cr&t/+%"<é>tok\en'


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://www.smtpeter.com/v1", "plain http"),
        ("http://127.0.0.1.evil.test/v1", "plain http"),
        ("http://localhost.evil.test/v1", "plain http"),
        ("http://evil.test#@127.0.0.1/v1", "user information|fragment"),
        ("http://evil.test\\@127.0.0.1/v1", "backslash"),
        ("http://127.0.0.1\\.evil.test/v1", "backslash"),
        ("http://localhost@evil.test/v1", "user information"),
        ("http://user:pass@127.0.0.1/v1", "user information"),
        ("https://token@www.smtpeter.com/v1", "user information"),
        ("https://@www.smtpeter.com/v1", "user information"),
        ("http://128.0.0.1/v1", "plain http"),
        ("http://0.0.0.0/v1", "plain http"),
        ("http://0/v1", "plain http"),
        ("http://2130706433/v1", "plain http"),
        ("http://0x7f.0.0.1/v1", "plain http"),
        ("http://127.1/v1", "plain http"),
        ("http://127.0.0.01/v1", "plain http"),
        ("http://localhost./v1", "plain http"),
        ("http://ip6-localhost/v1", "plain http"),
        ("http://[::]/v1", "plain http"),
        ("http://[::2]/v1", "plain http"),
        ("http://[::ffff:8.8.8.8]/v1", "plain http"),
        ("http://[::1", "not a valid URL"),
        ("http://[::1].evil.test/v1", "not a valid URL|plain http"),
        ("http://[localhost]/v1", "not a valid URL|plain http"),
        ("http://127.0.0.1:0x50/v1", "not a valid URL"),
        ("http://127.0.0.1:99999/v1", "not a valid URL"),
        ("http://127.0.0.1:-1/v1", "not a valid URL"),
        ("https://www.smtpeter.com/v1?x=1", "query"),
        ("https://www.smtpeter.com/v1?", "query"),
        ("https://www.smtpeter.com/v1#top", "fragment"),
        ("https://www.smtpeter.com/v1#", "fragment"),
        ("https://www.smtpeter.com/../v1", "dot segment"),
        ("https://www.smtpeter.com/%2E%2e/v1", "dot segment"),
        ("https://www.smtpeter.com/v1/.", "dot segment"),
        ("ftp://127.0.0.1/v1", "https://"),
        ("file:///etc/passwd", "https://"),
        ("www.smtpeter.com/v1", "https://"),
        ("//www.smtpeter.com/v1", "https://"),
        ("https://", "https://"),
        ("https:///v1", "https://"),
        ("https://:443/v1", "https://"),
        ("", "empty; give a URL, or unset SMTPETER_API_URL"),
        (" https://www.smtpeter.com/v1", "white space"),
        ("https://www.smtpeter.com/v1\n", "white space"),
        ("https://www.smtp\teter.com/v1", "white space"),
        ("https://www.smtpeter.com/v1\x00", "white space"),
        ("https://www.smtpéter.com/v1", "ASCII"),
        ("http://127。0。0。1/v1", "ASCII"),
        ("http://①27.0.0.1/v1", "ASCII"),
    ],
)
def test_urls_that_are_refused(url: str, reason: str) -> None:
    """A URL that might send the token in the clear, or elsewhere, is refused by the option's name."""
    with pytest.raises(OptionError, match=reason) as caught:
        Connection(TOKEN, url)
    assert caught.value.option == "api_url"
    assert str(caught.value).startswith("api_url: ")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("https://www.smtpeter.com/v1", False),
        ("HTTPS://WWW.SMTPETER.COM/v1/", False),
        ("https://127.0.0.1.evil.test/v1", False),
        ("https://192.0.2.1:8443/a/b.c/v1", False),
        ("http://localhost:8080/v1", True),
        ("http://LocalHost/v1", True),
        ("http://127.0.0.1:80", True),
        ("http://127.255.255.254/v1/", True),
        ("http://[::1]:8080/v1", True),
        ("http://[0:0:0:0:0:0:0:1]/v1", True),
        ("https://localhost/v1", True),
    ],
)
def test_urls_that_are_accepted(url: str, loopback: bool) -> None:
    """https goes anywhere, http to loopback addresses as written; only the former may use a proxy."""
    assert Connection(TOKEN, url).is_loopback is loopback


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"api_token": ""}, "api_token"),
        ({"api_token": "1234567"}, "api_token"),
        ({"api_token": "a good token"}, "api_token"),
        ({"api_token": "a-good-token\n"}, "api_token"),
        ({"api_token": "\ufeffa-good-token\u2028"}, "api_token"),
        ({"api_token": "a-good\0token"}, "api_token"),
        ({"api_token": "a-good\ud800token"}, "api_token"),
        ({"endpoint": "send"}, "endpoint"),
        ({"endpoint": "stats/../send"}, "endpoint"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": 3601}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"retries": 101}, "retries"),
    ],
)
def test_options_that_are_refused(given: dict[str, Any], option: str) -> None:
    """Whatever cannot work is refused at once, by the option's name, and without the token."""
    with pytest.raises(OptionError, match=f"^{option}(: | is not set: )") as caught:
        Connection(**{"api_token": TOKEN, **given})
    assert caught.value.option == option
    token = given.get("api_token") or TOKEN
    assert token not in str(caught.value)
    assert token not in repr(caught.value)


@pytest.mark.parametrize(
    "tag", [TOKEN, f"x{TOKEN}y", f"{TOKEN} and space", f"{TOKEN};", "\0" + TOKEN, TOKEN + "x" * TAG_LIMIT]
)
def test_a_tag_that_holds_the_token_is_refused(tag: str) -> None:
    """Masking would damage the results; and whatever else is wrong with the tag, the text does not show it."""
    with pytest.raises(OptionError) as caught:
        check_tag(tag, TOKEN)
    assert_silent(caught.value, TOKEN)


def test_what_is_known_can_be_checked_without_the_rest() -> None:
    """A token that only the task's host knows is left to that host; what is given is refused as in a connection."""
    check_connection_options({"api_token": None, "api_url": "https://www.smtpeter.com/v1", "timeout": 10})
    with pytest.raises(OptionError, match="^retries: "):
        check_connection_options({"retries": 101})
    with pytest.raises(OptionError, match="^api_token is not set: "):
        check_connection_options({"api_token": ""})
