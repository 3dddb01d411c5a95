# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which filters and tests take records: one, a list, a dict by tag. Private: names may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._record import Record
from ..module_utils._values import from_json, kind_of
from ..module_utils._values import tag as tag_of

_RESULT_KEYS = ("verdict", "looks", "changed", "failed")


@dataclass(frozen=True)
class Given:
    """Records as they were given, in order, and the form that results must have again."""

    form: type
    records: tuple[Record, ...]

    @classmethod
    def read(cls, option: str, given: Any) -> Given:
        """Read one record, a list of them, or a dict of them by tag, such as the info module's `stats`; or JSON of it.

        `option` names the input in errors. Raises OptionError where it is something else, or empty.
        """
        given = from_json(given)
        if _is_record(given):
            _check_tag_of(option, given)
            return cls(Record, (Record.from_dict(given),))
        if isinstance(given, Mapping):
            _refuse_result(option, given)
            entries = [(f"under '{tag}'", record, tag_of(option, tag)) for tag, record in given.items()]
            form: type = dict
        elif isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
            entries = [(f"at position {position}", record, "") for position, record in enumerate(given)]
            form = list
        else:
            raise OptionError(option, f"{kind_of(given)} came where a record, a list or a dict of records belongs")
        if not entries:
            raise OptionError(option, "it is empty; nothing is never healthy, so give at least one record")
        records = []
        for place, record, tag in entries:
            if not _is_record(record):
                raise OptionError(option, f"{kind_of(record)} stands {place} where a record belongs")
            _check_tag_of(option, record)
            read = Record.from_dict(record, tag or None)
            records.append(replace(read, tag=tag) if tag else read)
        return cls(form, tuple(records))

    def by_tag(self, option: str) -> dict[str, Record]:
        """Return the records by tag. Raises OptionError where one does not say its tag, or two say the same."""
        found: dict[str, Record] = {}
        for record in self.records:
            if record.tag is None:
                raise OptionError(option, "a record without a tag cannot be matched; give a dict of records by tag")
            if record.tag in found:
                raise OptionError(option, f"there are two records of '{record.tag}'; give one of each tag")
            found[record.tag] = record
        return found

    def like(self, results: list[dict[str, Any]], records: list[Record]) -> Any:
        """Give C(results), one for each of C(records), the form that the records came in."""
        if self.form is Record:
            return results[0]
        if self.form is list:
            return results
        return {str(record.tag): result for record, result in zip(records, results)}


def earlier_records(option: str, given: Given, earlier: Any) -> list[Record | None]:
    """Return what stood in C(earlier) for each of the records in C(given); null where it had none.

    One record may be matched with one record, whatever their tags. Raises OptionError.
    """
    before = Given.read(option, earlier)
    if before.form is Record and (given.form is Record or before.records[0].tag is None):
        if given.form is not Record:
            raise OptionError(option, "one record cannot be matched with several; give a dict of records by tag")
        return [before.records[0]]
    known = before.by_tag(option)
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


def _is_record(given: Any) -> bool:
    # A tag may well be called 'messages', so its value tells.
    return isinstance(given, Mapping) and any(
        key in given and not isinstance(given[key], Mapping) for key in ("messages", "deliveries")
    )


def _check_tag_of(option: str, record: Mapping[str, Any]) -> None:
    if record.get("tag") is not None:
        tag_of(option, record["tag"])


def _refuse_result(option: str, given: Mapping[str, Any]) -> None:
    stats = given.get("stats")
    is_result = any(key in given and not isinstance(given[key], Mapping) for key in _RESULT_KEYS)
    if is_result and isinstance(stats, Mapping) and not _is_record(stats):
        raise OptionError(option, "this is a whole result; give its stats, as in result.stats")
