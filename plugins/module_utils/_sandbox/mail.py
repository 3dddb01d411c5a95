# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON body of a send request, checked. Private: names and behaviour may change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Mapping

from .._values import shown, tag_problem
from .errors import FieldError

ENVELOPE = "bounces@smtpeter.example"


@dataclass(frozen=True)
class Mail:
    """One request to send: a message to each recipient, counted under every tag. `templateid` 0 is no template."""

    recipients: tuple[str, ...]
    tags: tuple[str, ...] = ()
    trackopens: bool = True
    trackclicks: bool = True
    trackbounces: bool = True
    preventscam: bool = False
    inlinecss: bool = False
    envelope: str = ENVELOPE
    templateid: int = 0

    @property
    def properties(self) -> str:
        """Return the switches that are on, as the vendor's log writes them."""
        names = ("preventscam", "inlinecss", "trackbounces", "trackopens", "trackclicks")
        return ";".join(name for name in names if getattr(self, name))


def parse_mail(body: bytes) -> Mail:
    """Return the mail in the JSON body of `POST /v1/send`. Raises FieldError, which names the field."""
    try:
        given = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise FieldError("body", "it is not a JSON object in UTF-8") from None
    if not isinstance(given, dict):
        raise FieldError("body", "it is not a JSON object")
    return Mail(
        recipients=_recipients(given),
        tags=_tags(given.get("tags")),
        trackopens=_switch(given, "trackopens"),
        trackclicks=_switch(given, "trackclicks"),
        trackbounces=_switch(given, "trackbounces"),
        preventscam=_switch(given, "preventscam", default=False),
        inlinecss=_switch(given, "inlinecss", default=False),
        envelope=ENVELOPE if given.get("envelope") is None else _address(given["envelope"], "envelope"),
        templateid=_template(given.get("template")),
    )


def _recipients(given: Mapping[str, object]) -> tuple[str, ...]:
    found: list[str] = []
    if given.get("recipient") is not None:
        found.append(_address(given["recipient"], "recipient"))
    if given.get("recipients") is not None:
        recipients = given["recipients"]
        if not isinstance(recipients, list):
            raise FieldError("recipients", f"{shown(recipients)} is not a list of addresses")
        found.extend(_address(entry, "recipients") for entry in recipients)
    if not found:
        raise FieldError("recipient", "there is none; give recipient (an address) or recipients (a list of them)")
    return tuple(found)


def _address(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise FieldError(field, f"{shown(value)} is not an address")
    user, at, domain = value.rpartition("@")
    if not (user and at and domain) or any(character.isspace() or not character.isprintable() for character in value):
        raise FieldError(field, f"{shown(value)} is not an address of the form user@domain")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list):
        raise FieldError("tags", f"{shown(value)} is not a list of tags")
    for tag in tags:
        problem = tag_problem(tag) if isinstance(tag, str) else "is not text"
        if problem is not None:
            raise FieldError("tags", f"{shown(tag)} {problem}")
    return tuple(dict.fromkeys(tags))


def _template(value: object) -> int:
    """Return the number of a template; 0 for one that is part of the request."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _switch(given: Mapping[str, object], field: str, default: bool = True) -> bool:
    value = given.get(field)
    if value is None:
        return default
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise FieldError(field, f"{shown(value)} is not true or false")
