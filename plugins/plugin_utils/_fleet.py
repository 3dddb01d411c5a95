# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records that the slices of a fleet handed out, from ansible-runner's job events. Private: names may change."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Iterable, Iterator

PREFIX = "smtpeter_fleet_"


class _DamagedError(Exception):
    """A file or a value that does not hold what it should; the text says why."""


@dataclass(frozen=True)
class HandedOut:
    """The latest record of each tag, and the files and variables that could not be read, each with the reason."""

    records: dict[str, dict[str, Any]]
    damaged: tuple[str, ...]


def handed_out(directory: str, variables: Mapping[str, Any], oldest: str) -> HandedOut:
    """Collect records from all job events below `directory`, if one is given, and from variables by name.

    `oldest` is a moment as in `fetched_at`: records from before it do not count. Of several records of a tag, the one
    read last counts.
    """
    records: dict[str, dict[str, Any]] = {}
    damaged = []
    for place, read in (*_of_files(directory), *_of_variables(variables)):
        try:
            found = read()
        except _DamagedError as problem:
            damaged.append(f"{place} ({problem})")
            continue
        for record in found:
            known = records.get(record["tag"])
            if record["fetched_at"] >= (known["fetched_at"] if known else oldest):
                records[record["tag"]] = record
    return HandedOut(records, tuple(damaged))


def _of_files(directory: str) -> Iterator[tuple[str, Any]]:
    if directory:
        for parent, directories, names in os.walk(directory):
            directories.sort()
            for path in (os.path.join(parent, name) for name in sorted(names) if name.endswith(".json")):
                yield path, lambda path=path: _records(_artifacts(path))


def _of_variables(variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in variables.items():
        yield name, lambda name=name, value=value: _records({name: value})


def _artifacts(path: str) -> Mapping[str, Any]:
    """Return what the job of an event handed out; nothing where the file is something else than its last event."""
    try:
        with open(path, encoding="utf-8") as file:
            event = json.load(file)
    except OSError as error:
        raise _DamagedError(str(error.strerror or "it cannot be read").lower()) from None
    except ValueError:
        raise _DamagedError("it was cut short, or is no JSON") from None
    if not isinstance(event, Mapping) or event.get("event") != "playbook_on_stats":
        return {}
    data = event.get("event_data")
    artifacts = data.get("artifact_data") if isinstance(data, Mapping) else None
    return artifacts if isinstance(artifacts, Mapping) else {}


def _records(artifacts: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = list(_flat(value for name, value in artifacts.items() if str(name).startswith(PREFIX)))
    for record in found:
        if not isinstance(record, Mapping) or not all(
            isinstance(record.get(key), str) for key in ("tag", "fetched_at")
        ):
            raise _DamagedError("it holds something else than records")
    return [dict(record) for record in found]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value
