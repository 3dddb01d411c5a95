# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that a gate's state is made of, in plain JSON types and back. Private: names and behaviour may change.

What reads a value back raises one of DAMAGED where it is not one that was saved.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Mapping, Sequence

from ...module_utils._errors import OptionError
from ...module_utils._record import Record
from .._judging.judgement import Judgement
from .._judging.outcome import Outcome

Saved = Mapping[str, Any]
DAMAGED = (AttributeError, LookupError, TypeError, ValueError, OptionError)


def saved_moment(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601, exact; null where there is none."""
    return None if moment is None else moment.isoformat()


def read_moment(saved: str | None) -> datetime | None:
    """Return a moment that was saved."""
    return None if saved is None else datetime.fromisoformat(saved)


def saved_record(record: Record | None) -> dict[str, Any] | None:
    """Return all fields of a record; null where there is none."""
    if record is None:
        return None
    moments = {name: saved_moment(getattr(record, name)) for name in _MOMENTS}
    return {
        **{item.name: getattr(record, item.name) for item in fields(Record)},
        "notes": list(record.notes),
        **moments,
    }


def read_record(saved: Saved | None) -> Record | None:
    """Return a record that was saved."""
    if saved is None:
        return None
    moments = {name: read_moment(saved[name]) for name in _MOMENTS}
    return Record(**{**saved, "notes": tuple(saved["notes"]), **moments})


def saved_outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    """Return an outcome in the form that it was read from; null where there is none."""
    return None if outcome is None else {"tag": outcome.tag, "age": outcome.age, "given": dict(outcome.given)}


def read_outcome(saved: Saved | None) -> Outcome | None:
    """Return an outcome that was saved."""
    return None if saved is None else Outcome.from_dict(saved["given"], saved["tag"], saved["age"])


def saved_judgement(judgement: Judgement | None) -> dict[str, Any] | None:
    """Return all fields of a judgement; null where there is none."""
    return None if judgement is None else judgement.as_dict()


def read_judgement(saved: Saved | None) -> Judgement | None:
    """Return a judgement that was saved."""
    return None if saved is None else Judgement(**{**saved, "reasons": tuple(saved["reasons"])})


def read_figures(saved: Sequence[int] | None) -> tuple[int, int] | None:
    """Return messages and deliveries that were saved."""
    if saved is None:
        return None
    messages, deliveries = saved
    return messages, deliveries


def saved_fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass of plain values; null where there is none."""
    return None if value is None else asdict(value)


_MOMENTS = ("first_at", "last_at", "fetched_at")
