# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates to test, and looks at them, at seconds that the test chooses."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
SERVICE = {"kind": "service", "status": 503, "msg": "tag 'a': answered 503"}


def record(tag, second, messages, deliveries, **more):
    """A reading at a second of the gate's time, with the last activity just then unless said otherwise."""
    now = START + timedelta(seconds=second)
    more.setdefault("last_at", now)
    more.setdefault("fetched_at", now)
    more.setdefault("opens", 0)
    more.setdefault("clicks", 0)
    return Record(tag, messages, deliveries, **more)


def gate(tags="a", before=None, timing=None, **options):
    """A gate of a policy."""
    policy = Policy.from_options(options)
    return Gate(trackers_of(tags, policy, before or {}), policy, Timing(**(timing or {})))


def look(a_gate, second, **tags):
    """One look at a second: each tag has (messages, deliveries), (…, {more}), or an error."""
    records, errors = {}, {}
    for tag, found in tags.items():
        if isinstance(found, dict):
            errors[tag] = found
        else:
            counts, more = found[:2], found[2] if len(found) > 2 else {}
            records[tag] = record(tag, second, *counts, **more)
    return a_gate.look(Look(second, second, START + timedelta(seconds=second), records, errors))


def growth(first, then):
    """How many bytes more are in use once `then` was called after `first`."""

    def held():
        # A collection also empties Python's free lists, 40 KB that come and go by chance.
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first()
        before = held()
        then()
        return held() - before
    finally:
        tracemalloc.stop()
