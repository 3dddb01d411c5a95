# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's options, and what it asks of the info module. Private: names and behaviour may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback

from ..module_utils import _options as options
from ..module_utils._client import check_tag
from ..module_utils._errors import OptionError
from ..module_utils._fetch import checked_tags
from ..module_utils._policy import Policy, seconds, whole
from ..module_utils._record import Record
from ._forms import Given
from ._gate.gate import Gate
from ._gate.look import Timing
from ._gate.tracker import trackers_of
from ._since import NOTHING_IN_COMMON

_CONNECTION = tuple(options.connection_spec())
_TYPES = {
    "min_delivery_ratio": "float",
    "min_messages": "int",
    "confidence": "float",
    "expected_messages": "raw",
    "sending_gap": "float",
    "grace_period": "float",
    "at_deadline": "str",
    "min_open_ratio": "float",
    "min_click_ratio": "float",
    "baseline_tag": "str",
    "max_delivery_drop": "float",
    "wait_timeout": "float",
    "wait_sleep": "float",
    "wait_delay": "float",
    "max_consecutive_errors": "int",
    "history_limit": "int",
}


def argument_spec() -> dict[str, Any]:
    """Return the arguments of the validation, with the defaults of the policy and of the timing."""
    connection = options.connection_spec()
    # Where the controller does not know them, the look takes them from the environment of the task's host.
    connection["api_token"].update(required=False, fallback=(env_fallback, ["SMTPETER_API_TOKEN"]))
    del connection["api_url"]["default"]
    # A path is expanded where it is read, which is on the task's host.
    connection["ca_path"]["type"] = "str"
    reading = options.reading_spec()
    del reading["missing"]
    spec = {**connection, **reading, "since": {"type": "dict"}, "fail_on": _fail_on()}
    for item in (*fields(Policy), *fields(Timing)):
        spec[item.name] = {"type": _TYPES[item.name], "default": item.default}
    spec["at_deadline"]["choices"] = ["ratio", "inconclusive"]
    return {"argument_spec": spec}


def gate_from(args: Mapping[str, Any], once: bool, warn: Callable[[str], None]) -> Gate:
    """Make a gate of validated arguments, which looks just once if C(once). Raises OptionError."""
    options.check_connection(args)
    token = args["api_token"] or ""
    tags = checked_tags(args["tags"], token)
    policy = Policy.from_options({item.name: args[item.name] for item in fields(Policy)})
    policy.check_tags(tags)
    if policy.baseline_tag is not None:
        check_tag(policy.baseline_tag, token)
    timing = _timing(args, once)
    if not once and timing.wait_timeout <= max(policy.grace_period, policy.sending_gap):
        warn(
            f"wait_timeout ({timing.wait_timeout:g} s) is not above grace_period ({policy.grace_period:g} s) and "
            f"sending_gap ({policy.sending_gap:g} s), so little can be decided in time; raise wait_timeout"
        )
    before = _before(args["since"], tags)
    if args["since"] and not before:
        warn(NOTHING_IN_COMMON)
    return Gate(trackers_of(tags, policy, before), policy, timing)


def look_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a look: those that were given or have a default here."""
    return {name: args[name] for name in (*_CONNECTION, "parallel") if args.get(name) is not None}


def outcome(found: Mapping[str, Any], wanted: list[str]) -> tuple[dict[str, Record], dict[str, Mapping[str, Any]]]:
    """Return the records and the errors of a look, by tag, from the result of the info module.

    A host that was not reached, or a module that did not end as it should, is an error of each tag. Raises OptionError
    where the module could not even ask, such as for a missing library.
    """
    if isinstance(found.get("errors"), Mapping) and isinstance(found.get("stats"), Mapping):
        try:
            records = {tag: Record.from_dict(record, tag) for tag, record in found["stats"].items()}
        except OptionError as error:
            return {}, _lost(wanted, str(error))
        return records, dict(found["errors"])
    message = str(found.get("msg", "it gave no result")).strip()
    if found.get("unreachable") or "module_stdout" in found or "rc" in found:
        return {}, _lost(wanted, message)
    raise OptionError("the look", message)


def _fail_on() -> dict[str, Any]:
    choices = ["fail", "inconclusive", "error"]
    return {"type": "list", "elements": "str", "choices": choices, "default": choices}


def _timing(args: Mapping[str, Any], once: bool) -> Timing:
    timing = Timing(
        wait_timeout=0 if once else seconds("wait_timeout", args["wait_timeout"]),
        wait_sleep=seconds("wait_sleep", args["wait_sleep"]),
        wait_delay=seconds("wait_delay", args["wait_delay"]),
        max_consecutive_errors=whole("max_consecutive_errors", args["max_consecutive_errors"], 0),
        history_limit=whole("history_limit", args["history_limit"], 2),
    )
    if not timing.wait_sleep and timing.wait_timeout:
        raise OptionError("wait_sleep", "0 would ask without a pause; give seconds above 0")
    return timing


def _before(since: Any, tags: list[str]) -> dict[str, Record]:
    """Return the earlier readings by tag; one record alone belongs to the one tag."""
    if not since:
        return {}
    given = Given.read("since", since)
    if given.form is Record:
        if len(tags) > 1:
            raise OptionError("since", "it is one record, and several tags are judged; give a dict of records by tag")
        return {tags[0]: given.records[0]}
    return {tag: record for tag, record in given.by_tag("since").items() if tag in tags}


def _lost(wanted: list[str], message: str) -> dict[str, Mapping[str, Any]]:
    error = {"kind": "lost", "status": None, "msg": f"the look was lost: {message}"}
    return dict.fromkeys(wanted, error)
