# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that the playbooks are given: tags, and names close to those of options. Private: names may change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Iterable, Iterator

from ..module_utils._values import from_json, kind_of

_OWN = "smtpeter_"
# A name of seven letters with one that is wrong is more alike than that.
_SIMILAR = 0.85
NO_TAGS = (
    "smtpeter_tags: it is empty; give the tags to judge, such as -e smtpeter_tags=wave-1 or -e "
    "smtpeter_tags=wave-1,wave-2, or set the environment variable SMTPETER_TAGS"
)


def tags_of(given: Any) -> list[Any]:
    """Return tags as a list: a list as it is, JSON text of a list parsed, other text split at commas.

    Nothing is turned into text: what is not text stays what it is.
    """
    if isinstance(given, str):
        listed = _json_list(given)
        return [part.strip() for part in given.split(",")] if listed is None else listed
    if isinstance(given, Sequence) and not isinstance(given, bytes):
        return list(given)
    return [given]


def tags_problem(given: Any, name: str) -> str:
    """Return what is wrong with the tags in the variable `name`; empty text where nothing is."""
    for entry in tags_of(given):
        if not isinstance(entry, str):
            return _not_text(entry, name)
        if not entry:
            return f"{name}: an entry is empty; give a tag before and after each comma"
    return ""


def no_tags_problem(given: Any) -> str:
    """Return what is wrong where there are no tags at all; empty text where there are some."""
    return NO_TAGS if tags_of(given) in ([], [""]) else ""


def tag_problem(given: Any, name: str) -> str:
    """Return what is wrong with the one tag in the variable `name`; empty text where it is text, or null."""
    return "" if given is None or isinstance(given, str) else _not_text(given, name)


def keys_problem(given: Any, name: str) -> str:
    """Return what is wrong with the tags that are the keys of the dict in the variable `name`; empty text if nothing.

    Anything but a dict is left to the option.
    """
    keys = list(given) if isinstance(given, Mapping) else []
    return next((_not_text(key, name) for key in keys if not isinstance(key, str)), "")


def empty_since_problem(given: Any, judge_by: Any) -> str:
    """Return what is wrong with a `smtpeter_since` that holds no reading; empty text where it holds one, or a moment.

    A gate by counters would judge all mail, and one by outcomes asks for a moment itself.
    """
    if judge_by == "outcomes" or given is None:
        return ""
    since = from_json(given)
    if since or not isinstance(since, (Mapping, list)):
        return ""
    return (
        "smtpeter_since: it holds no reading, so all mail would be judged; give the stats of a gate that judged by "
        "counters and could read"
    )


def fleet_problem(judge_by: Any) -> str:
    """Return what is wrong with the `smtpeter_judge_by` of a fleet, which counters judge; empty text where nothing."""
    if judge_by in (None, "counters"):
        return ""
    return (
        "smtpeter_judge_by: a fleet is judged by its counters; leave it out, or gate these tags with the playbook "
        "mailops.smtpeter.gate"
    )


def names_problems(
    variables: Iterable[str], options: Sequence[str], known: Sequence[str], prefix: str
) -> Iterator[str]:
    """Yield a sentence for each variable whose name is close to that of an option, and is none.

    `options` and `known` are names that may follow `smtpeter_`; names that begin with `prefix` are fine. Variables with
    other names are somebody else's, such as `smtpeter_environment`.
    """
    for variable in sorted(variables):
        name = variable[len(_OWN) :]
        if not variable.startswith(_OWN) or variable.startswith(prefix) or name in (*options, *known):
            continue
        close = close_options(name, options)
        if close:
            meant = " or ".join(f"{_OWN}{option}" for option in close)
            yield f"{variable}: there is no such variable; did you mean {meant}?"


def close_options(name: str, options: Iterable[str]) -> list[str]:
    """Return the options for which `name` may be a slip: misspelt, singular for plural, or abbreviated."""
    return [option for option in options if _is_close(name, option)]


def _not_text(given: Any, name: str) -> str:
    if isinstance(given, (Mapping, list, tuple)):
        return f"{name}: {kind_of(given)} is not a tag; give text, or a list of text"
    kind = "a date" if isinstance(given, date) else kind_of(given)
    shown = "" if given is None else f" ({str(given).lower()[:60]})"
    return (
        f"{name}: {kind}{shown} is not a tag, and what was written is lost; quote it: '1.10' in YAML, "
        f"{name}='\"1.10\"' in the line of a host in an INI inventory"
    )


def _json_list(text: str) -> list[Any] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, list) else None


def _is_close(name: str, option: str) -> bool:
    if len(option) < 4 or name == option:
        return False
    ours, theirs = _words(name), _words(option)
    if "".join(ours) == "".join(theirs):
        return True
    if sorted(name) == sorted(option) or SequenceMatcher(a=name.lower(), b=option).ratio() >= _SIMILAR:
        return True
    return _abbreviates(ours, theirs)


def _words(name: str) -> list[str]:
    """Return the words of a name in the singular."""
    singular = (re.sub(r"ies$", "y", word) for word in re.split(r"[\W_]+", name.lower()) if word)
    return [word[:-1] if word.endswith("s") else word for word in singular]


def _abbreviates(ours: list[str], theirs: list[str]) -> bool:
    """Tell whether words are the beginnings of an option's words, with some left out; one word has to be most of it."""
    rest = iter(theirs)
    if not all(len(word) > 2 and any(whole.startswith(word) for whole in rest) for word in ours):
        return False
    written, whole = 2 * len("".join(ours)), len("".join(theirs))
    return len(ours) > 1 or written > whole or (written == whole and ours[-1] == theirs[-1])
