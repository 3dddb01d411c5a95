"""The shared options: one set of defaults, one way to a client; and what is said where a library is missing."""

from __future__ import annotations

import dataclasses
import platform
import shlex
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError, SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import (
    LibraryMissing,
    how_to_install,
    is_missing,
)

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


def test_the_token_is_registered_where_ansible_can(registered: list[str]) -> None:
    """Newer versions are told of the secret, even of one that is refused; options of no connection are left alone."""
    client = options.client_from({**GIVEN, "tags": ["a"], "parallel": 8, "_terms": [], "cache": False})
    assert dataclasses.asdict(client.connection) == GIVEN
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
    assert is_missing("no_such_module_of_ours")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert options.missing_requests()


@pytest.mark.parametrize(
    ("library", "package"),
    [("requests", "python3-requests"), ("pygal", "python3-pygal"), ("PySocks", "python3-socks"),
     ("cryptography", "python3-cryptography")],
)  # fmt: skip
def test_each_way_to_install_is_named(monkeypatch: pytest.MonkeyPatch, library: str, package: str) -> None:
    """A virtual environment's pip, quoted for a shell, pipx, and the package of the systems that refuse pip."""
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python")
    error = LibraryMissing(library, ", or do without")
    assert isinstance(error, SmtpeterError)
    assert str(error) == f"{how_to_install(library)}, or do without"
    for part in (
        f"the Python library {library} is not installed on {platform.node()} for {sys.executable}",
        f"'{shlex.quote(sys.executable)} -m pip install {library}' in a virtual environment",
        f"'pipx inject ansible-core {library}'",
        f"{package} on Debian and Ubuntu",
    ):
        assert part in str(error)
