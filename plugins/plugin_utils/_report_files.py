# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files in which the playbooks leave their reports. Private: names and behaviour may change."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..module_utils._errors import OptionError
from ..module_utils._missing import LibraryMissing
from ._report import gate_report

_FORMATS = {"html": "html", "junit.xml": "junit", "md": "markdown", "svg": "svg"}


def write_reports(directory: str, names: Sequence[str], result: Mapping[str, Any] | None) -> list[str]:
    """Replace the files of these names, and return those that are left out because pygal is not installed.

    The ending of a name is its format. `NAME.json` is what the result has under NAME, or else all of it. The directory
    is made if it is missing. Without a result, the files are only removed. Raises OptionError.
    """
    left_out = []
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        for name in names:
            path = os.path.join(directory, name)
            with suppress(FileNotFoundError):
                os.remove(path)
            if result is None:
                continue
            try:
                text = _report(result, name)
            except LibraryMissing:
                left_out.append(name)
                continue
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o644)
    except OSError as error:
        place = error.filename or directory
        problem = f"{place} cannot be written ({error.strerror}); name a directory that you can write to"
    else:
        return left_out
    raise OptionError("smtpeter_reports", problem)


def _report(result: Mapping[str, Any], name: str) -> str:
    stem, ending = name.split(".", 1)
    if ending == "json":
        return json.dumps(result.get(stem, result), indent=4)
    return gate_report(result, _FORMATS[ending])
