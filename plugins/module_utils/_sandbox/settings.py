# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a sandbox, checked. Private: names and behaviour may change."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import MISSING, asdict, dataclass
from typing import Any, Mapping

from .._errors import OptionError
from .._fields import argument_spec, option, read_options
from .._values import number, seconds, shown, whole
from .faults import FaultOptions, parse_faults
from .scenario import Scenarios, parse_scenarios

SHORTEST_TOKEN = 8
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def parse_name(value: str) -> str:
    """Return the name of a sandbox, which is also a directory's. Raises OptionError."""
    if not _NAME.fullmatch(value):
        raise OptionError(
            "name",
            f"{shown(value)} is not a name; use letters, digits, '.', '_' and '-', up to 100, not starting with a dot",
        )
    return value


def _token(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) < SHORTEST_TOKEN:
        raise OptionError(
            name,
            f"it has fewer than {SHORTEST_TOKEN} characters, and masking it would damage results; make up a longer one",
        )
    if any(character.isspace() or not character.isprintable() for character in value):
        raise OptionError(name, "it holds white space or a control character; make up one without")
    return value


def _host(name: str, value: Any) -> str:
    if value == "localhost":
        return str(value)
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise OptionError(name, f"{shown(value)} is not an IP address; give 127.0.0.1, ::1 or localhost") from None
    if (address.version == 4 and address.is_loopback) or value == "::1":
        return str(value)
    raise OptionError(
        name, f"{shown(value)} is not a loopback address; a sandbox stays on this machine, so give 127.0.0.1 or ::1"
    )


def _port(name: str, value: Any) -> int:
    return whole(name, value, 0, 65535)


def _path(_name: str, value: Any) -> str:
    return str(value)


def _flag(_name: str, value: Any) -> bool:
    return bool(value)


def _seed(name: str, value: Any) -> int:
    return whole(name, value, -(2**63))


def _speed(name: str, value: Any) -> float:
    return number(name, value, least=0.001, most=1e9)


def _idle(name: str, value: Any) -> float:
    return seconds(name, value, 1e9)


@dataclass(frozen=True)
class Settings:
    """The options of a running sandbox. `parse_settings` reads and checks them.

    `data` is a path, or null for the sandbox's own file. `idle_timeout` is in seconds; 0 is never.
    """

    api_token: str = option(MISSING, "str", _token, no_log=True)
    host: str = option("127.0.0.1", "str", _host)
    port: int = option(0, "int", _port)
    data: str | None = option(None, "path", _path)
    tls: bool = option(False, "bool", _flag)
    scenario: Scenarios = option(Scenarios, "raw", parse_scenarios, default="healthy")
    faults: FaultOptions = option(FaultOptions, "dict", parse_faults, options=argument_spec(FaultOptions))
    seed: int | None = option(None, "int", _seed)
    speed: float = option(1.0, "float", _speed)
    idle_timeout: float = option(3600.0, "float", _idle)

    def api_url(self, port: int) -> str:
        """Return the `api_url` for the other plugins when the service listens on this port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}/v1"

    def digest(self) -> str:
        """Return a digest that is the same for the same settings. Token and port are not part of it."""
        plain = asdict(self)
        del plain["api_token"], plain["port"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()


def parse_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings in the module's options, or in a dict with the same keys. Raises OptionError.

    Null is the default; other keys are ignored.
    """
    return Settings(**{"api_token": _token("api_token", options.get("api_token")), **read_options(Settings, options)})
