# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All options together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import (
    Settings,
    parse_name,
    parse_settings,
)

TOKEN = "only-for-rehearsal"


def parse(**options: Any) -> Settings:
    """Settings from options, with a token."""
    return parse_settings({"api_token": TOKEN, **options})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_hosts_taken(host: str) -> None:
    """Loopback addresses are taken."""
    assert parse(host=host).host == host


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"host": "0.0.0.0"}, "host"),
        ({"host": "192.0.2.1"}, "host"),
        ({"host": "::"}, "host"),
        ({"host": "::ffff:127.0.0.1"}, "host"),
        ({"host": "127.0.0.1.evil.test"}, "host"),
        ({"host": ""}, "host"),
        ({"port": 65536}, "port"),
        ({"port": -1}, "port"),
        ({"api_token": None}, "api_token"),
        ({"api_token": "brief"}, "api_token"),
        ({"api_token": "with white space"}, "api_token"),
        ({"speed": 0}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"idle_timeout": -1}, "idle_timeout"),
        ({"seed": 1.5}, "seed"),
        ({"scenario": "?"}, "scenario"),
        ({"faults": {"drop": "?"}}, "faults.drop"),
    ],
)
def test_settings_refused(options: dict[str, Any], where: str) -> None:
    """An option that cannot be used is refused by name, and the token is not repeated."""
    with pytest.raises(OptionError) as caught:
        parse(**options)
    assert caught.value.option == where
    assert str(options.get("api_token")) not in str(caught.value)


@pytest.mark.parametrize("name", ["default", "a.b", "_x", "-", "9", "x" * 100])
def test_names_taken(name: str) -> None:
    """A name may be what a directory may be called, within reason."""
    assert parse_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a/b", "a b", "caf\u00e9", "a\n", "x" * 101])
def test_names_refused(name: str) -> None:
    """A name that would leave the directory, hide, or be ambiguous is refused."""
    with pytest.raises(OptionError, match=r"^name: "):
        parse_name(name)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({}, True),
        ({"speed": "1.0", "scenario": {"delay": [1, 5]}, "faults": {"drop": 0}}, True),
        ({"port": 4711}, True),
        ({"api_token": "another-token"}, True),
        ({"speed": 2}, False),
        ({"seed": 1}, False),
        ({"scenario": "dead"}, False),
        ({"scenario": {"tags": {"a": "healthy"}}}, False),
        ({"scenario": {"refusals": "spam"}}, False),
        ({"scenario": {"domains": {"example.net": "blocked"}}}, False),
        ({"faults": {"drop": 1}}, False),
        ({"tls": True}, False),
        ({"host": "::1"}, False),
        ({"data": "/somewhere"}, False),
        ({"idle_timeout": 5}, False),
    ],
)
def test_digest(options: dict[str, Any], same: bool) -> None:
    """The digest tells other settings from the same in other words; token and port are compared elsewhere."""
    assert (parse(**options).digest() == parse().digest()) is same


def test_the_token_is_not_shown() -> None:
    """What Python prints of settings is without the token."""
    assert TOKEN not in repr(parse())


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://127.0.0.1:80/v1"),
        ({"tls": True, "host": "localhost"}, "https://localhost:80/v1"),
        ({"host": "::1"}, "http://[::1]:80/v1"),
    ],
)
def test_api_url(options: dict[str, Any], url: str) -> None:
    """The address has the scheme, the host as asked for, and brackets where they belong."""
    assert parse(**options).api_url(80) == url
