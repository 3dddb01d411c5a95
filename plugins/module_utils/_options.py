# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared options, once, for modules and plugins. Private: names and behaviour may change."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any, Mapping

from ansible.module_utils.basic import env_fallback

from ._client import TOKEN_MINIMUM, Client, Connection
from ._errors import OptionError
from ._missing import is_missing
from ._secret import register_secret

_DEFAULTS = {item.name: item.default for item in fields(Connection)}


def _from_environment(name: str) -> str:
    """Return a variable of the environment; empty where it is not set, since our own message then says what helps."""
    return os.environ.get(name, "")


def connection_spec() -> dict[str, Any]:
    """Return the argument spec of the connection options."""
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
    """Return the argument spec of what is read, beside the connection."""
    return {
        "tags": {"type": "list", "elements": "str", "required": True, "aliases": ["tag"]},
        "parallel": {"type": "int", "default": 8},
        "missing": {"type": "str", "default": "zero", "choices": ["error", "zero"]},
    }


def recent_spec() -> dict[str, Any]:
    """Return the argument spec of reading the most recently active tags instead of given ones."""
    return {"recent": {"type": "bool", "default": False}}


def outcome_spec() -> dict[str, Any]:
    """Return the argument spec of reading outcomes, beside the connection."""
    reading = reading_spec()
    reading["parallel"]["default"] = 2
    return {**reading, "since": {"type": "raw"}, "top": {"type": "int", "default": 10}}


def check_recent(recent: bool, tags: Any) -> None:
    """Raise OptionError unless there are either tags to read, or the most recently active ones are wanted."""
    if recent and tags is not None:
        raise OptionError("recent", "it reads the most recently active tags, so give no tags beside it")
    if not recent and tags is None:
        raise OptionError("tags", "it is missing; give at least one tag, or recent: true")


def client_from(options: Mapping[str, Any]) -> Client:
    """Make a client of the connection options in `options`, which may hold others.

    Raises OptionError for a value that cannot work, or certificate authorities that cannot be read on this host.
    """
    register_secret(options["api_token"])
    return Client(Connection(**{name: options[name] for name in _DEFAULTS}))


def check_connection(options: Mapping[str, Any]) -> None:
    """Raise OptionError for a connection that cannot work, as far as it is known here.

    What is null, such as a token that only the task's host knows, is left to the host. No file and no environment is
    read, since those that count are the host's.
    """
    known = {name: options[name] for name in _DEFAULTS if options.get(name) is not None}
    # Only its form is looked at, so any will do where the token is not known here.
    known.setdefault("api_token", "x" * TOKEN_MINIMUM)
    Connection(**known)


def missing_requests() -> bool:
    """Return whether `requests` is missing, without the cost of importing it."""
    return is_missing("requests")
