# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bytes mean as an input, for the fuzzer and for the test of what it found."""

from __future__ import annotations

import json

from ._checks import OPTIONS, SPELLINGS, check_answer, check_policy


def answer(body):
    """Take the bytes for the body of an answer."""
    check_answer(body)


def policy(text):
    """Take the bytes for options in JSON; what is no JSON object is no input."""
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(options, dict):
        check_policy(options)


TARGETS = {"answer": answer, "policy": policy}
WORDS = [
    *(f'"{name}":' for spellings in SPELLINGS.values() for name in spellings),
    *(f'"{name}":' for name in (*OPTIONS, "first", "last", "tag")),
    *('"2016-01-01 12:00:00"', "null", "1e400", "NaN", "0.95", "9223372036854775807", '"ratio"', '"inconclusive"'),
]
