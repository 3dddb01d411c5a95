# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared options, once, for modules and plugins. Private: names and behaviour may change."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any, Callable, Mapping

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.parsing.convert_bool import boolean

from ._client import Client
from ._connection import Connection, check_connection_options
from ._errors import OptionError, SmtpeterError
from ._fields import Reader
from ._missing import how_to_install, is_missing
from ._secret import register_secret
from ._values import any_seconds, shown, tags, whole

_DEFAULTS = {item.name: item.default for item in fields(Connection)}


def _from_environment(name: str) -> str:
    """Return a variable of the environment; empty where it is not set, since our own message then says what to do."""
    return os.environ.get(name, "")


def connection_spec() -> dict[str, Any]:
    """Return the argument spec of the connection options. Their defaults and ranges are those of `Connection`."""
    return {
        "api_token": {
            "type": "str",
            "required": True,
            "no_log": True,
            "aliases": ["access_token"],
            "fallback": (_from_environment, ["SMTPETER_API_TOKEN"]),
        },
        "api_url": {
            "type": "str",
            "default": _DEFAULTS["api_url"],
            "fallback": (env_fallback, ["SMTPETER_API_URL"]),
        },
        "endpoint": {"type": "str", "default": _DEFAULTS["endpoint"], "choices": ["stats", "tag"]},
        "validate_certs": {"type": "bool", "default": _DEFAULTS["validate_certs"]},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": _DEFAULTS["timeout"]},
        "retries": {"type": "int", "default": _DEFAULTS["retries"]},
    }


def reading_spec() -> dict[str, Any]:
    """Return the argument spec of what is read, without the connection."""
    return {
        "tags": {"type": "list", "elements": "str", "required": True, "aliases": ["tag"]},
        "parallel": {"type": "int", "default": 8},
        "missing": {"type": "str", "default": "zero", "choices": ["error", "zero"]},
    }


def recent_spec() -> dict[str, Any]:
    """Return the argument spec of reading the most recently active tags instead of given ones."""
    return {"recent": {"type": "bool", "default": False}}


def read_values(given: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Return the options in `given`, read by `readers`. Null is left to the default, but refused as a tag.

    Call it before Ansible converts them, which turns `010` without quotes into 8 and `true` into 1. Raises
    OptionError.
    """

    def read(name: str, value: Any) -> Any:
        reader = readers.get(name)
        return value if reader is None or (value is None and reader is not tags) else reader(name, value)

    return {name: read(name, value) for name, value in given.items()}


class ReadingModule(AnsibleModule):
    """A module whose options are first read by `READERS`, so that bad ones are refused in our words."""

    params: dict[str, Any]
    _problem = ""

    def _load_params(self) -> None:
        super()._load_params()
        try:
            self.params = read_values(self.params, READERS)
        except OptionError as error:
            self._problem = str(error)

    def fail_json(self, msg: str, **more: Any) -> None:
        """Fail with what is wrong with an option, or else with `msg`.

        The key `refused` in the result tells the gate that the module did not crash.
        """
        super().fail_json(msg=self._problem or msg, refused=True, **more)

    def exit_with(self, read: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Exit with what `read` returns for the options, or fail with the SmtpeterError that it raises."""
        if self._problem:
            self.fail_json(self._problem)
        if missing_requests():
            self.fail_json(how_to_install("requests"))
        try:
            self.exit_json(**read(self.params))
        except SmtpeterError as error:
            self.fail_json(str(error))


def outcome_spec() -> dict[str, Any]:
    """Return the argument spec of reading outcomes, without the connection."""
    reading = reading_spec()
    reading["parallel"]["default"] = 2
    return {**reading, "since": {"type": "raw"}, "top": {"type": "int", "default": 10}}


def check_recent(recent: bool, tags: Any) -> None:
    """Raise OptionError unless either tags are given or the most recently active ones are wanted."""
    if recent and tags is not None:
        raise OptionError("recent", "it reads the most recently active tags, so give no tags beside it")
    if not recent and tags is None:
        raise OptionError("tags", "it is missing; give at least one tag, or recent: true")


def client_from(options: Mapping[str, Any]) -> Client:
    """Return a client for the connection options in `options`, which may hold others.

    Raises OptionError for a value that cannot work. Certificates are read with the first request.
    """
    register_secret(options["api_token"])
    return Client(Connection(**{name: options[name] for name in _DEFAULTS}))


def check_connection(options: Mapping[str, Any]) -> None:
    """Raise OptionError for connection options that cannot work.

    Null ones, such as a token that only the task's host has, are not checked. It reads no file and no environment,
    since those of the task's host count.
    """
    check_connection_options(options)


def missing_requests() -> bool:
    """Return whether `requests` is missing, without the cost of importing it."""
    return is_missing("requests")


def _flag(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise OptionError(name, f"{shown(value)} is not a boolean; give true or false") from None


def _count(name: str, value: Any) -> int:
    return whole(name, value, 0)


_OF_TYPE: dict[str, Reader] = {"list": tags, "int": _count, "float": any_seconds, "bool": _flag}


def _readers(spec: Mapping[str, Any]) -> dict[str, Reader]:
    """Return what reads the options of a spec and their aliases, by type. Ranges are checked elsewhere."""
    return {
        name: _OF_TYPE[entry["type"]]
        for option, entry in spec.items()
        for name in (option, *entry.get("aliases", ()))
        if entry["type"] in _OF_TYPE
    }


READERS = _readers({**connection_spec(), **reading_spec(), **recent_spec(), **outcome_spec()})
