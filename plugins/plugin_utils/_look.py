# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of the modules that a look runs, or why the look was lost. Private: names and behaviour may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Generic, TypeVar

from ..module_utils._connection import TOKEN_MINIMUM
from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._record import Record
from ..module_utils._redact import MASK, Redactor
from ._judging.outcome import Outcome

T = TypeVar("T")
# Reads what a module found of a tag, given its tag and for how many seconds a cache had kept it.
Parse = Callable[[Mapping[str, Any], str, int], T]

_CAUSE_CHARS = 300
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]*|access_token=[^\s'\"&]*", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'()=:,;]+@[\w.-]+")
# What Ansible says of a temporary directory that cannot be made: advice, and a command that differs each time.
_COMMAND = re.compile(r"\. In some cases, .* exited with result (\d+)")
# What ssh adds to the output when it ends.
_NOISE = re.compile(r"(Shared connection|Connection) to \S+ closed\.?")


@dataclass(frozen=True)
class Answers(Generic[T]):
    """What a module answered: by tag what it read and what went wrong, and the pause that the service asked for."""

    found: dict[str, T]
    errors: dict[str, Mapping[str, Any]]
    retry_after: float | None = None


def read_records(result: Mapping[str, Any], wanted: list[str], token: str, first: bool) -> Answers[Record]:
    """Return the records in the result of `tag_stats_info`.

    Whatever kept the module from an answer is an error of each tag, of the kind `lost`, with the cause and without
    `token`. Raises SmtpeterError if the `first` look could not even ask, such as for a missing library.
    """
    return _read(result, "stats", _record, wanted, token, first)


def read_outcomes(result: Mapping[str, Any], wanted: list[str], token: str, first: bool) -> Answers[Outcome]:
    """Return the outcomes in the result of `tag_outcomes_info`; the rest is as with `read_records`."""
    return _read(result, "outcomes", Outcome.from_dict, wanted, token, first)


def _record(given: Mapping[str, Any], tag: str, age: int) -> Record:
    return replace(Record.from_dict(given, tag), age=age or None)


def _read(
    result: Mapping[str, Any], key: str, parse: Parse[T], wanted: list[str], token: str, first: bool
) -> Answers[T]:
    if isinstance(result.get("errors"), Mapping) and isinstance(result.get(key), Mapping):
        return _answered(result, key, parse, wanted)
    if result.get("refused") is not True:
        return Answers({}, lost(wanted, _cause(result), token))
    message = str(result.get("msg"))
    if first:
        raise SmtpeterError(message)
    return Answers({}, lost(wanted, message, token))


def is_lost(errors: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the look was lost, so that nothing is known of what it left on the host."""
    return any(error.get("kind") == "lost" for error in errors.values())


def lost(wanted: list[str], cause: str, token: str) -> dict[str, Mapping[str, Any]]:
    """Return the error of each tag of a look that was lost, for a `cause` in which no URL and no token is shown."""
    text = _URL.sub(MASK, " ".join(cause.split()))
    text = _COMMAND.sub(lambda found: f" (rc {found.group(1)}); check its path, permissions and disk space", text)
    if len(token) >= TOKEN_MINIMUM:
        text = Redactor(token).mask(text)
    if len(text) > _CAUSE_CHARS:
        half = _CAUSE_CHARS // 2
        text = f"{text[:half]} ... {text[-half:]}"
    error = {"kind": "lost", "status": None, "msg": f"the look was lost: {text}"}
    return dict.fromkeys(wanted, error)


def _answered(result: Mapping[str, Any], key: str, parse: Parse[T], wanted: list[str]) -> Answers[T]:
    ages = result.get("ages")
    pause = result.get("retry_after")
    found: dict[str, T] = {}
    errors: dict[str, Mapping[str, Any]] = {}
    for tag in wanted:
        given, error = result[key].get(tag), result["errors"].get(tag)
        if isinstance(error, Mapping) and "msg" in error:
            errors[tag] = error
            continue
        age = ages.get(tag, 0) if isinstance(ages, Mapping) else 0
        try:
            found[tag] = parse(given if isinstance(given, Mapping) else {}, tag, age)
        except OptionError as problem:
            errors.update(lost([tag], str(problem), ""))
    return Answers(found, errors, float(pause) if isinstance(pause, (int, float)) else None)


def _cause(result: Mapping[str, Any]) -> str:
    """Return why a module gave no result of its own: the end of what it printed, or what Ansible says."""
    message = str(result.get("msg") or "")
    printed = _last_line(result.get("module_stderr")) or _last_line(result.get("module_stdout")) or _crash(result)
    if not printed and message and "module_stdout" not in result:
        return message
    ended = f" (rc {result['rc']})" if "rc" in result else ""
    cause = f"the module gave no result{ended}"
    if not printed:
        return cause
    cause += f": {_ADDRESS.sub(MASK, printed)}"
    if "interpreter" in message:
        return f"{cause}; check ansible_python_interpreter"
    if printed.startswith("SyntaxError"):
        return f"{cause}; the host's Python may be too old, check ansible_python_interpreter"
    return cause


def _crash(result: Mapping[str, Any]) -> str:
    """Return the text of the exception that ended the module, which ansible-core 2.19 and later give as an object."""
    return str(getattr(getattr(result.get("exception"), "event", None), "msg", ""))


def _last_line(output: Any) -> str:
    lines = [line.strip() for line in str(output or "").splitlines()]
    return next((line for line in reversed(lines) if line and not _NOISE.fullmatch(line)), "")
