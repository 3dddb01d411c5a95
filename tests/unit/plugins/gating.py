"""Gates to test, and looks at them, at seconds that the test chooses."""

from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record, to_iso
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.outcome_tracker import outcome_trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.outcome import Outcome
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
SERVICE = {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}


def record(tag, second, messages, deliveries, **more):
    """A reading at a second of the gate's time, with the last activity just then unless said otherwise."""
    now = START + timedelta(seconds=second)
    return Record(tag, messages, deliveries, **{"last_at": now, "fetched_at": now, "opens": 0, "clicks": 0, **more})


def plain_outcome(second, messages, deliveries, failed, taken=None, moved=None, **more):
    """An outcome as the module returns it, read at a second; the last message was taken in, and moved, at others."""

    def iso(at):
        return None if at is None else to_iso(START + timedelta(seconds=at))

    taken = second if taken is None else taken
    return {
        "tag": "a", "known": True, "notes": [], "fetched_at": iso(second), "since": None, "messages": messages,
        "deliveries": deliveries, "failed": failed, "returned": 0, "under_way": messages - deliveries - failed,
        "oldest_under_way": None, "last_taken_at": iso(taken), "last_moved_at": iso(taken if moved is None else moved),
        "read_seconds": 0.0, "failures": [], "domains": [], "timeline": [], **more,
    }  # fmt: skip


def outcome(*counts, **more):
    """An outcome as a gate takes it, from the arguments of `plain_outcome`."""
    return Outcome.from_dict(plain_outcome(*counts, **more))


def gate(tags="a", before=None, timing=None, **options):
    """A gate of a policy."""
    policy = Policy.from_options(options)
    return Gate(trackers_of(tags, policy, before or {}), policy, Timing(**(timing or {})))


def look(a_gate, second, **tags):
    """One look at a second: each tag has (messages, deliveries), (…, {more}), or an error."""
    errors = {tag: found for tag, found in tags.items() if isinstance(found, dict)}
    records = {tag: record(tag, second, *tags[tag][:2], **dict(*tags[tag][2:])) for tag in tags if tag not in errors}
    return a_gate.look(Look(second, second, START + timedelta(seconds=second), records, errors))


def looked(looks, tags="a", **given):
    """A gate after looks, each of which is (second, what `look` finds of tag a, or a dict of what it finds by tag)."""
    a_gate = gate(tags, **given)
    for second, found in looks:
        look(a_gate, second, **(found if isinstance(found, dict) and "kind" not in found else {"a": found}))
    return a_gate


def outcome_gate(tags="a", has_since=False, timing=None, **options):
    """A gate of a policy that judges by outcomes."""
    policy = Policy.from_options(options)
    return Gate(outcome_trackers_of(tags, policy, has_since), policy, Timing(**(timing or {})))
