# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a look: records and errors, or why the look was lost. Private: names and behaviour may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..module_utils._client import TOKEN_MINIMUM
from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._record import Record
from ..module_utils._redact import MASK, Redactor

_CAUSE_CHARS = 300
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]*|access_token=[^\s'\"&]*", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'()=:,;]+@[\w.-]+")
# What Ansible says of a temporary directory that cannot be made: advice, and a command that differs each time.
_COMMAND = re.compile(r"\. In some cases, .* exited with result (\d+)")
# What ssh adds to the output when it ends.
_NOISE = re.compile(r"(Shared connection|Connection) to \S+ closed\.?")


def outcome(
    found: Mapping[str, Any], wanted: list[str], token: str, first: bool
) -> tuple[dict[str, Record], dict[str, Mapping[str, Any]]]:
    """Return the records and the errors of a look, by tag, from what the info module returned.

    Whatever kept the module from an answer is an error of each tag, of the kind `lost`, with the cause and without
    `token`. Raises SmtpeterError if the `first` look could not even ask, such as for a missing library.
    """
    if isinstance(found.get("errors"), Mapping) and isinstance(found.get("stats"), Mapping):
        return _answered(found, wanted)
    if found.get("refused") is not True:
        return {}, lost(wanted, _cause(found), token)
    message = str(found.get("msg"))
    if first:
        raise SmtpeterError(message)
    return {}, lost(wanted, message, token)


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


def _answered(found: Mapping[str, Any], wanted: list[str]) -> tuple[dict[str, Record], dict[str, Mapping[str, Any]]]:
    stats, errors = found["stats"], {}
    records = {}
    for tag in wanted:
        record, error = stats.get(tag), found["errors"].get(tag)
        if isinstance(error, Mapping) and "msg" in error:
            errors[tag] = error
            continue
        try:
            records[tag] = Record.from_dict(record if isinstance(record, Mapping) else {}, tag)
        except OptionError as problem:
            errors.update(lost([tag], str(problem), ""))
    return records, errors


def _cause(found: Mapping[str, Any]) -> str:
    """Return why a module gave no result of its own: the end of what it printed, or what Ansible says."""
    message = str(found.get("msg") or "")
    printed = _last_line(found.get("module_stderr")) or _last_line(found.get("module_stdout")) or _crash(found)
    if not printed and message and "module_stdout" not in found:
        return message
    ended = f" (rc {found['rc']})" if "rc" in found else ""
    cause = f"the module gave no result{ended}"
    if not printed:
        return cause
    cause += f": {_ADDRESS.sub(MASK, printed)}"
    if "interpreter" in message:
        return f"{cause}; check ansible_python_interpreter"
    if printed.startswith("SyntaxError"):
        return f"{cause}; the host's Python may be too old, check ansible_python_interpreter"
    return cause


def _crash(found: Mapping[str, Any]) -> str:
    """Return the text of the exception that ended the module, which ansible-core 2.19 and later give as an object."""
    return str(getattr(getattr(found.get("exception"), "event", None), "msg", ""))


def _last_line(output: Any) -> str:
    lines = [line.strip() for line in str(output or "").splitlines()]
    return next((line for line in reversed(lines) if line and not _NOISE.fullmatch(line)), "")
