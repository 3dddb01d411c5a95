# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that a sandbox is asked to be, checked. Pure. Private: names and behaviour may change."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import re
import typing as t

from .errors import SettingError
from .faults import Faults, parse_faults
from .scenario import Scenarios, parse_scenarios
from .values import number, shown, whole

SHORTEST_TOKEN = 8
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


@dataclasses.dataclass(frozen=True)
class Settings:
    """C(data) is a path, or None for a file of the sandbox's own; C(idle_timeout) in seconds, 0 is never."""

    token: str = dataclasses.field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    data: str | None = None
    tls: bool = False
    scenarios: Scenarios = dataclasses.field(default_factory=Scenarios)
    faults: Faults = dataclasses.field(default_factory=Faults)
    seed: int | None = None
    speed: float = 1.0
    idle_timeout: float = 3600.0

    def api_url(self, port: int) -> str:
        """What the other plugins take as their C(api_url), when the service listens on this port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}/v1"

    def digest(self) -> str:
        """The same for the same settings, token and port apart: those are compared on their own."""
        plain = dataclasses.asdict(self)
        del plain["token"], plain["port"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()


def parse_settings(options: t.Mapping[str, t.Any]) -> Settings:
    """From the module's options, or any dict with the same keys; None is the default. Raises SettingError."""
    given = {key: value for key, value in options.items() if value is not None}
    seed = given.get("seed")
    return Settings(
        token=_token(given.get("api_token")),
        host=_host(given.get("host", "127.0.0.1")),
        port=whole(given.get("port", 0), "port", 0, 65535),
        data=given.get("data"),
        tls=bool(given.get("tls", False)),
        scenarios=parse_scenarios(given.get("scenario", "healthy")),
        faults=parse_faults(given.get("faults")),
        seed=None if seed is None else whole(seed, "seed", -(2**63), 2**63 - 1),
        speed=number(given.get("speed", 1), "speed", 0.001, 1e9),
        idle_timeout=number(given.get("idle_timeout", 3600), "idle_timeout", most=1e9),
    )


def parse_name(value: str) -> str:
    """The sandbox's name, which is also a directory's. Raises SettingError."""
    if not _NAME.fullmatch(value):
        raise SettingError(
            "name",
            f"{shown(value)} is not a name; use letters, digits, '.', '_' and '-', up to 100, not starting with a dot",
        )
    return value


def _token(value: object) -> str:
    if not isinstance(value, str) or len(value) < SHORTEST_TOKEN:
        raise SettingError(
            "api_token",
            f"it has fewer than {SHORTEST_TOKEN} characters, and masking it would damage results; make up a longer one",
        )
    if any(character.isspace() or not character.isprintable() for character in value):
        raise SettingError("api_token", "it holds white space or a control character; make up one without")
    return value


def _host(value: str) -> str:
    if value == "localhost":
        return value
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise SettingError("host", f"{shown(value)} is not an IP address; give 127.0.0.1, ::1 or localhost") from None
    if (address.version == 4 and address.is_loopback) or value == "::1":
        return value
    raise SettingError(
        "host", f"{shown(value)} is not a loopback address; rehearsal stays on this machine: give 127.0.0.1 or ::1"
    )
