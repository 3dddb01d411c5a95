# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared options: one set of defaults, one way to a client, and the token registered where Ansible can."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError

GIVEN = {
    "api_token": "a-good-token", "api_url": "https://localhost/v1", "endpoint": "tag", "validate_certs": False,
    "ca_path": None, "timeout": 3.5, "retries": 1,
}  # fmt: skip


def test_the_spec_has_the_connections_fields_and_defaults() -> None:
    """What the argument spec says is what a connection has when nothing is given; the token is masked by both names."""
    spec = options.connection_spec()
    fields = {field.name: field.default for field in dataclasses.fields(Connection)}
    assert list(spec) == list(fields)
    token = spec.pop("api_token")
    assert (token["required"], token["no_log"], token["aliases"]) == (True, True, ["access_token"])
    assert {name: option.get("default") for name, option in spec.items()} == {name: fields[name] for name in spec}


@pytest.mark.parametrize("more", [{}, {"tags": ["a"], "parallel": 8, "_terms": [], "cache": False}])
def test_a_client_of_options(more: dict[str, Any]) -> None:
    """The connection's options are taken as given, others are left alone."""
    client = options.client_from({**GIVEN, **more})
    assert dataclasses.asdict(client.connection) == GIVEN


def test_the_token_is_registered_where_ansible_can(registered: list[str]) -> None:
    """Newer versions are told of the secret, even of one that is refused; nothing else is registered."""
    options.client_from(GIVEN)
    with pytest.raises(OptionError):
        options.client_from({**GIVEN, "api_token": "two words of it"})
    for nothing in (None, "", 7):
        options.register_secret(nothing)
    assert registered == ["a-good-token", "two words of it"]


def test_without_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions that have no such function are no error."""
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", None)
    monkeypatch.delattr("ansible.module_utils.secrets", raising=False)
    assert options.client_from(GIVEN).connection.api_token == "a-good-token"


def test_missing_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the library is there is told without importing it."""
    assert not options.missing_requests()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert options.missing_requests()
