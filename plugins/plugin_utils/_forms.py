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

# What can be judged: what either module read of a tag.
Judgeable = Union[Record, Outcome]
_RESULT_KEYS = ("verdict", "looks", "changed", "failed")


@dataclass(frozen=True)
class TagInput:
    """The records or outcomes given, in order, and the form that results take: `one`, `list` or `dict`."""

    form: str
    entries: tuple[Judgeable, ...]

    @classmethod
    def read(cls, option: str, given: Any) -> TagInput:
        """Read a record or an outcome, a list of them, or a dict of them by tag, such as a module's `stats`.

        JSON of it will do. `option` names the input in errors. Raises OptionError where it is something else, or empty.
        """
        given = from_json(given)
        if _is_judgeable(given):
            return cls("one", (_judgeable(option, given, ""),))
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
            if not _is_judgeable(entry):
                raise OptionError(option, f"{kind_of(entry)} is {place} where a record belongs")
        return cls(form, tuple(_judgeable(option, entry, tag) for _place, entry, tag in entries))

    def records(self, option: str) -> list[Record]:
        """Return the entries, all of which must be records. Raises OptionError for an outcome."""
        records = [entry for entry in self.entries if isinstance(entry, Record)]
        if len(records) < len(self.entries):
            raise OptionError(option, "an outcome cannot be subtracted; read it with the option since instead")
        return records

    def by_tag(self, option: str) -> dict[str, Judgeable]:
        """Return the entries by tag. Raises OptionError where one does not say its tag, or two say the same."""
        found: dict[str, Judgeable] = {}
        for entry in self.entries:
            if entry.tag is None:
                raise OptionError(option, "a record without a tag cannot be matched; give a dict of records by tag")
            if entry.tag in found:
                raise OptionError(option, f"there are two records of '{entry.tag}'; give one of each tag")
            found[entry.tag] = entry
        return found

    def like(self, results: list[dict[str, Any]], entries: Sequence[Judgeable]) -> Any:
        """Return `results`, one for each of `entries`, in the form of the input."""
        if self.form == "one":
            return results[0]
        if self.form == "list":
            return results
        return {str(entry.tag): result for entry, result in zip(entries, results)}


def earlier_records(option: str, given: TagInput, earlier: Any) -> list[Record | None]:
    """Return the record in `earlier` for each of the records in `given`; null where there is none.

    One record may be matched with one record, whatever their tags. Raises OptionError.
    """
    before = TagInput.read(option, earlier)
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


def _is_judgeable(given: Any) -> bool:
    # A tag may well be called 'messages', so its value tells.
    return isinstance(given, Mapping) and any(
        key in given and not isinstance(given[key], Mapping) for key in ("messages", "deliveries")
    )


def _judgeable(option: str, given: Mapping[str, Any], tag: str) -> Judgeable:
    """Read a record or an outcome; `tag` is the key it was given under, and replaces its own."""
    if given.get("tag") is not None:
        tag_of(option, given["tag"])
    kind: type[Judgeable] = Outcome if is_outcome(given) else Record
    entry = kind.from_dict(given, tag or None)
    return replace(entry, tag=tag) if tag else entry


def _refuse_result(option: str, given: Mapping[str, Any]) -> None:
    is_result = any(key in given and not isinstance(given[key], Mapping) for key in _RESULT_KEYS)
    for key in ("outcomes", "stats"):
        part = given.get(key)
        if is_result and isinstance(part, Mapping) and not _is_judgeable(part):
            raise OptionError(option, f"this is a whole result; give its {key}, as in result.{key}")
