# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as fields of a dataclass: name, type, default and check in one place. Private: names may change.

Argument specs and readers derive from the fields.
"""

from __future__ import annotations

from dataclasses import MISSING, field, fields
from functools import partial
from typing import Any, Callable, Mapping

Reader = Callable[[str, Any], Any]


def option(value: Any, kind: str, read: Reader, **spec: Any) -> Any:
    """Return a field that is an option, with its default `value`. A callable makes it; `MISSING` is for none.

    `kind` is the option's type in an argument spec, `spec` has further keys of it, such as `choices`, or `default`
    where a user writes another value than the field has. `read` takes the name and the value that a user gave, and
    returns the value to use, or raises OptionError. An option with `no_log` is not in the dataclass's `repr`.
    """
    metadata = {"read": read, "spec": {"type": kind, **spec}}
    shown = not spec.get("no_log", False)
    make: Callable[..., Any] = partial(field, repr=shown, metadata=metadata)
    return make(default_factory=value) if callable(value) else make(default=value)


def argument_spec(of: type[Any]) -> dict[str, dict[str, Any]]:
    """Return the argument spec of the options of a dataclass."""
    result = {}
    for item in fields(of):
        if "spec" in item.metadata:
            default = {} if item.default is MISSING else {"default": item.default}
            result[item.name] = {**default, **item.metadata["spec"]}
    return result


def readers(of: type[Any]) -> dict[str, Reader]:
    """Return what reads each option of a dataclass, by name."""
    return {item.name: item.metadata["read"] for item in fields(of) if "read" in item.metadata}


def read_options(of: type[Any], given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options of a dataclass that are in `given` and not null, read. Other keys are left out.

    `prefix` goes before the names in errors. Raises OptionError.
    """
    return {
        name: read(f"{prefix}{name}", given[name]) for name, read in readers(of).items() if given.get(name) is not None
    }
