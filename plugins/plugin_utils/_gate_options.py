# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's options, and what it asks of the info module. Private: names and behaviour may change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Callable

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils import _options as options
from ..module_utils._connection import check_tag, checked_tags
from ..module_utils._errors import OptionError, SmtpeterError
from ..module_utils._fields import Reader, readers
from ..module_utils._fields import argument_spec as spec_of
from ..module_utils._moment import read_moment
from ..module_utils._record import Record, to_iso
from ..module_utils._values import from_json, kind_of, shown
from ._forms import TagInput, only_tag
from ._gate.gate import Gate
from ._gate.look import Timing
from ._gate.outcome_tracker import outcome_trackers_of
from ._gate.tracker import trackers_of
from ._judging.outcome_decision import check_asked
from ._judging.policy import Policy
from ._since import NOTHING_IN_COMMON

_CONNECTION = tuple(options.connection_spec())
_POLICY = tuple(item.name for item in fields(Policy))
_VERDICTS = ["fail", "inconclusive", "error"]
_OWN: dict[str, dict[str, Any]] = {
    "judge_by": {"type": "str", "choices": ["counters", "outcomes"], "default": "counters"},
    "since": {"type": "raw"},
    "fail_on": {"type": "list", "elements": "str", "choices": _VERDICTS, "default": _VERDICTS},
    "state": {"type": "path"},
}


def argument_spec() -> dict[str, Any]:
    """Return the argument spec.

    It reads no environment. A token or an address that is not given is left to the look, which reads the environment
    of the task's host, so that both come from the same machine.
    """
    connection = options.connection_spec()
    connection["api_token"]["required"] = False
    del connection["api_url"]["default"]
    # A path is expanded where it is read, which is on the task's host.
    connection["ca_path"]["type"] = "str"
    for option in connection.values():
        option.pop("fallback", None)
    reading = options.reading_spec()
    del reading["missing"]
    return {**connection, **reading, **_OWN, **spec_of(Policy), **spec_of(Timing)}


def validated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a task, read and checked, with all defaults. Raises SmtpeterError."""
    policy = Policy.from_options({name: given.get(name) for name in _POLICY})
    read = options.read_values(given, _READERS)
    read.update({name: getattr(policy, name) for name in _POLICY if given.get(name) is not None})
    result = ArgumentSpecValidator(argument_spec()).validate(read)
    if result.error_messages:
        unsupported = isinstance(result.errors[0], UnsupportedError)
        front = "Unsupported parameters for (mailops.smtpeter.campaign_gate) module: " if unsupported else ""
        raise SmtpeterError(f"{front}{result.errors.msg}")
    return dict(result.validated_parameters)


def gate_from(args: Mapping[str, Any], once: bool, warn: Callable[[str], None]) -> Gate:
    """Return a gate for validated arguments, which looks only once if `once`. Raises OptionError."""
    options.check_connection(args)
    token = args["api_token"] or ""
    tags = checked_tags(args["tags"], token)
    policy = Policy.from_options({name: args[name] for name in _POLICY})
    policy.check_tags(tags)
    if policy.baseline_tag is not None:
        check_tag(policy.baseline_tag, token)
        if tags == [policy.baseline_tag]:
            raise only_tag(policy.baseline_tag)
    timing = _timing(args, once)
    if 0 < timing.wait_timeout <= max(policy.grace_period, policy.sending_gap):
        warn(
            f"wait_timeout ({timing.wait_timeout:g} s) is not above grace_period ({policy.grace_period:g} s) and "
            f"sending_gap ({policy.sending_gap:g} s), so little can be decided in time; raise wait_timeout"
        )
    if args["judge_by"] == "outcomes":
        check_asked(policy)
        return Gate(outcome_trackers_of(tags, policy, events_since(args) is not None), policy, timing)
    before = _before(args["since"], tags)
    if args["since"] and not before:
        warn(NOTHING_IN_COMMON)
    return Gate(trackers_of(tags, policy, before), policy, timing)


def identity(args: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """Return which gate it is, by the names of options: one with another value of these goes on from nothing of it.

    What is long, and where the service is, are told apart by a digest.
    """
    by_outcomes = args["judge_by"] == "outcomes"
    since = events_since(args) if by_outcomes else _before(args["since"], gate.tags)
    if isinstance(since, Mapping):
        since = _digest({tag: record.as_dict() for tag, record in sorted(since.items())})
    where = {name: args[name] for name in ("api_url", "endpoint")}
    return {
        "tags": sorted(gate.tags),
        "judge_by": args["judge_by"],
        "since": since,
        "api_url": _digest(where),
        **asdict(gate.policy),
    }


def _digest(value: Mapping[str, Any]) -> str | None:
    """Return what tells a dict of plain values from others; null for an empty one."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest() if value else None


def earlier_records(args: Mapping[str, Any], tags: list[str]) -> dict[str, Record]:
    """Return the records that `since` gives for these tags, by tag. Raises OptionError."""
    return _before(args["since"], tags)


def look_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a look: those that are not null."""
    return {name: args[name] for name in (*_CONNECTION, "parallel") if args.get(name) is not None}


def events_since(args: Mapping[str, Any]) -> str | None:
    """Return the moment from which outcomes are judged, in ISO 8601; null for all. Raises OptionError."""
    since = args["since"]
    if isinstance(since, Mapping):
        raise OptionError(
            "since",
            "the stats of an earlier gate are for judge_by: counters; give a moment, such as 2026-01-31T12:00:00Z",
        )
    return to_iso(read_moment("since", since))


def _timing(args: Mapping[str, Any], once: bool) -> Timing:
    given = {item.name: args[item.name] for item in fields(Timing)}
    timing = Timing(**{**given, "wait_timeout": 0.0} if once else given)
    if not timing.wait_sleep and timing.wait_timeout:
        raise OptionError("wait_sleep", "0 leaves no pause between looks; give seconds above 0")
    return timing


def _before(since: Any, tags: list[str]) -> dict[str, Record]:
    """Return the earlier records by tag; one record alone belongs to the one tag."""
    if since is None or since == {}:
        return {}
    if not isinstance(since, Mapping):
        raise OptionError("since", _not_stats(since))
    given = TagInput.read("since", since)
    records = given.records("since")
    if given.form == "one":
        if len(tags) > 1:
            raise OptionError("since", "it is one record, and several tags are judged; give a dict of records by tag")
        return {tags[0]: records[0]}
    given.by_tag("since")
    return {record.tag: record for record in records if record.tag in tags}


def _not_stats(since: Any) -> str:
    """Return what is wrong with a `since` that is no dict, by counters."""
    try:
        moment = read_moment("since", since)
    except OptionError:
        moment = None
    if moment is not None:
        return "a moment is for judge_by: outcomes; by counters, give the stats of an earlier gate"
    return f"{kind_of(since)} is not the stats of an earlier gate; give a dict of records by tag"


def _since(_name: str, value: Any) -> Any:
    return from_json(value)


def _state(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise OptionError(name, f"{kind_of(value)} came where the path of a file belongs; give text")
    if not value.strip():
        raise OptionError(name, "it is empty; give the path of a file, or leave it out")
    return value


def _fail_on(name: str, value: Any) -> list[str]:
    given = from_json(value)
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",")]
    if isinstance(given, Mapping) or not isinstance(given, Sequence):
        given = [given]
    for verdict in given:
        if verdict not in _VERDICTS:
            raise OptionError(name, f"{shown(verdict)} is unknown; give a list of fail, inconclusive and error, or []")
    return list(given)


_READERS: dict[str, Reader] = {
    **options.READERS,
    **readers(Timing),
    "since": _since,
    "fail_on": _fail_on,
    "state": _state,
}
