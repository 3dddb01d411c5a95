# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which filters and tests take records: one, a list, a dict by tag. Private: names may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Union

from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._record import Record
from ..module_utils._values import from_json, kind_of
from ..module_utils._values import tag as tag_of
from ._judging.outcome import Outcome, is_outcome

# What was read of a tag, by either module.
Reading = Union[Record, Outcome]
_RESULT_KEYS = ("verdict", "looks", "changed", "failed")


@dataclass(frozen=True)
class Given:
    """Records or outcomes in the order given, and the form that results must have again: `one`, `list` or `dict`."""

    form: str
    readings: tuple[Reading, ...]

    @classmethod
    def read(cls, option: str, given: Any) -> Given:
        """Read a record or an outcome, a list of them, or a dict of them by tag, such as a module's `stats`.

        JSON of it will do. `option` names the input in errors. Raises OptionError where it is something else, or empty.
        """
        given = from_json(given)
        if _is_reading(given):
            return cls("one", (_reading(option, given, ""),))
        if isinstance(given, Mapping):
            _refuse_result(option, given)
            form = "dict"
            entries = [(f"under '{tag}'", entry, tag_of(option, tag)) for tag, entry in given.items()]
        elif isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
            form = "list"
            entries = [(f"at position {position}", entry, "") for position, entry in enumerate(given)]
        else:
            raise OptionError(option, f"{kind_of(given)} came where a record, a list or a dict of records belongs")
        if not entries:
            raise OptionError(option, "it is empty; nothing is never healthy, so give at least one record")
        for place, entry, _tag in entries:
            if not _is_reading(entry):
                raise OptionError(option, f"{kind_of(entry)} stands {place} where a record belongs")
        return cls(form, tuple(_reading(option, entry, tag) for _place, entry, tag in entries))

    def records(self, option: str) -> list[Record]:
        """Return the readings, all of which must be records. Raises OptionError for an outcome."""
        records = [reading for reading in self.readings if isinstance(reading, Record)]
        if len(records) < len(self.readings):
            raise OptionError(option, "an outcome cannot be subtracted; read it with the option since instead")
        return records

    def by_tag(self, option: str) -> dict[str, Reading]:
        """Return the readings by tag. Raises OptionError where one does not say its tag, or two say the same."""
        found: dict[str, Reading] = {}
        for reading in self.readings:
            if reading.tag is None:
                raise OptionError(option, "a record without a tag cannot be matched; give a dict of records by tag")
            if reading.tag in found:
                raise OptionError(option, f"there are two records of '{reading.tag}'; give one of each tag")
            found[reading.tag] = reading
        return found

    def like(self, results: list[dict[str, Any]], readings: Sequence[Reading]) -> Any:
        """Give `results`, one for each of `readings`, the form that the readings came in."""
        if self.form == "one":
            return results[0]
        if self.form == "list":
            return results
        return {str(reading.tag): result for reading, result in zip(readings, results)}


def earlier_records(option: str, given: Given, earlier: Any) -> list[Record | None]:
    """Return the record in `earlier` for each of the records in `given`; null where there is none.

    One record may be matched with one record, whatever their tags. Raises OptionError.
    """
    before = Given.read(option, earlier)
    records = before.records(option)
    if before.form == "one" and (given.form == "one" or records[0].tag is None):
        if given.form != "one":
            raise OptionError(option, "one record cannot be matched with several; give a dict of records by tag")
        return [records[0]]
    before.by_tag(option)
    known = {record.tag: record for record in records}
    return [known.get(tag) for tag in given.by_tag(option)]


def only_tag(baseline: str | None) -> OptionError:
    """Return the error of a baseline that would be judged against itself."""
    return OptionError("baseline_tag", f"'{baseline}' cannot be the only tag judged; give what it is compared with")


def check_call(use: str, more: Sequence[Any], unknown: Mapping[str, Any]) -> None:
    """Raise SmtpeterError if a filter was given `more` than it takes, or `unknown` options; `use` is an example."""
    if more:
        raise SmtpeterError(f"give options by name, such as {use}")
    for name in unknown:
        raise OptionError(name, f"there is no such option; use it as in {use}")


def _is_reading(given: Any) -> bool:
    # A tag may well be called 'messages', so its value tells.
    return isinstance(given, Mapping) and any(
        key in given and not isinstance(given[key], Mapping) for key in ("messages", "deliveries")
    )


def _reading(option: str, given: Mapping[str, Any], tag: str) -> Reading:
    """Read a record or an outcome; a `tag` that it stands under goes before its own."""
    if given.get("tag") is not None:
        tag_of(option, given["tag"])
    kind: type[Reading] = Outcome if is_outcome(given) else Record
    reading = kind.from_dict(given, tag or None)
    return replace(reading, tag=tag) if tag else reading


def _refuse_result(option: str, given: Mapping[str, Any]) -> None:
    is_result = any(key in given and not isinstance(given[key], Mapping) for key in _RESULT_KEYS)
    for key in ("outcomes", "stats"):
        part = given.get(key)
        if is_result and isinstance(part, Mapping) and not _is_reading(part):
            raise OptionError(option, f"this is a whole result; give its {key}, as in result.{key}")
