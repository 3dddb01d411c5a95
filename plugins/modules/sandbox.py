#!/usr/bin/python
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `sandbox`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sandbox
short_description: Run a local SMTPeter service for rehearsal
version_added: 1.0.0
description:
  - Starts or stops a local service that accepts mail and returns statistics as SMTPeter does. Use it to try a gate
    without an account and without sending mail. It runs where the task runs, and only that machine can reach it.
  - It has the methods C(POST /v1/send), C(GET /v1/stats/TAG), C(GET /v1/stats) (the ten most recently active tags),
    C(GET /v1/events/tags/TAG) (what happened to each message), and C(GET /v1/tag/TAG), the vendor's later form of the
    counters.
  - It sends no mail. When it accepts a message, O(scenario) decides what becomes of it and when. The counters and the
    events of a tag show what has happened so far, so they never disagree.
  - A message that is returned after it was delivered still counts as a delivery, and has a delivery, a failure and a
    bounce among its events. Whether SMTPeter then lowers the counter is not documented.
  - It keeps running after the play, until it is stopped or has been idle for O(idle_timeout).
  - A sandbox is identified by O(name), the user and the temporary directory of the machine (E(TMPDIR)).
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._attributes
requirements:
  - cryptography 3.3 or later, only with O(tls=true)
options:
  state:
    description:
      - With V(started), the sandbox runs with these options. If it runs with others, it is restarted with the same
        O(data).
      - With V(stopped), it does not run, and its own files are removed. A file given as O(data) stays.
    type: str
    version_added: 1.0.0
    choices: [started, stopped]
    default: started
  name:
    description:
      - The name of the sandbox. Several sandboxes can run at the same time.
      - Up to 100 letters, digits, dots, underscores and hyphens, not starting with a dot.
    type: str
    version_added: 1.0.0
    default: default
  host:
    description:
      - The address to listen on, V(127.0.0.1), V(::1), V(localhost) or another loopback address. Others are refused, so
        that only this machine can reach the sandbox.
    type: str
    version_added: 1.0.0
    default: 127.0.0.1
  port:
    description:
      - The port to listen on. V(0) picks a free one. A running sandbox keeps its port, also when it is restarted, if
        the port is still free.
    type: int
    version_added: 1.0.0
    default: 0
  api_token:
    description:
      - The token that clients have to use. Required when O(state=started).
      - Make up a token of 8 characters or more. Never use the token of a real account. It is not read from the
        environment.
      - Only a salted digest of it is stored.
    type: str
    version_added: 1.0.0
  data:
    description:
      - The SQLite file for the messages. It is created if it does not exist, and stays when the sandbox is stopped.
      - Without it, the sandbox uses a file of its own and removes it with O(state=stopped).
      - A file of an earlier version of this collection is upgraded, and the earlier version can no longer read it. It
        did not store why mail was lost, which is shown as refused with 550 5.0.0.
    type: path
    version_added: 1.0.0
  tls:
    description:
      - Whether to use HTTPS. The sandbox makes a certificate authority, valid for 30 days, and returns it as
        RV(ca_path). In its last week, a task renews it and restarts the sandbox.
    type: bool
    version_added: 1.0.0
    default: false
  scenario:
    description:
      - What becomes of mail sent from now on. Give a name, a dict of rates and delays, or a dict with C(default) (a
        name or a dict, by default V(healthy)) and C(tags) (a dict from tag to name or dict). For a message with
        several tags, the first one in C(tags) counts.
      - V(healthy) delivers 98.5% within seconds. With V(deferred), a quarter of the mail waits for the retries. With
        V(blocked), one receiver, which gets 30% of the mail, refuses all of it. With V(unreachable), one receiver,
        which gets 30% of the mail, cannot be reached. V(dead) delivers nothing, since every receiver refuses the mail
        as spam. V(outage) holds all mail for 10 minutes, then delivers it. In all other respects they are like
        V(healthy).
      - A dict of rates and delays has the keys below. Rates are from 0 to 1, delays are seconds. A span is a number of
        seconds, or a list of the least and the most. Missing keys are as in V(healthy).
      - C(delivery_rate) (float, default 0.985), the share that is delivered in the end, of mail that is not blocked
        and not unreachable. The rest is refused at the first attempt.
      - C(refusals) (dict of float, default 0.6 for V(no_such_address), 0.2 for V(mailbox_full) and 0.2 for V(spam)),
        why lost mail is refused, by weight. Weights need not add up to 1. You can also give the name of one cause.
        Receivers answer 550 5.1.1 to V(no_such_address), 552 5.2.2 or 452 4.2.2 to V(mailbox_full), and 550 5.7.1 to
        V(spam).
      - C(delay) (span, default V([1, 5])), from accepting a message, or the end of C(hold), to its delivery.
      - C(hold) (float, default 0), how long each message is held before the first attempt.
      - C(blocked_rate) (float, default 0), the share that goes to a receiver that refuses it, with 550 5.7.1.
      - C(blocked_domains) (list of str, default V([])), the domains that refuse all mail, with 550 5.7.1.
      - C(unreachable_rate) (float, default 0), the share that goes to a receiver that cannot be reached. This mail
        fails after a day, when the service gives up.
      - C(returned_rate) (float, default 0), the share of the deliveries that the receiver returns later, for one of the
        reasons in C(refusals). These messages are not opened.
      - C(returned_delay) (span, default V([60, 1800])), from the delivery to the return.
      - C(domains) (dict, default V({})), what becomes of mail to the domains that are its keys. A value is a name, as
        above, or a dict of what differs from the dict around it. A domain is one receiver, so here V(blocked) and
        V(unreachable) are for all of its mail. Other domains are not affected, subdomains included.
      - C(deferred_rate) (float, default 0), the share of the deliveries that the receiver defers at the first attempt.
      - C(retries) (list of float, default V([600, 1200, 3000, 4800])), when deferred mail is tried again, in
        seconds after the first attempt. The last retry always delivers.
      - C(retry_rate) (float, default 0.7), the chance that a retry before the last one delivers.
      - C(open_rate) (float, default 0.35), the share of the deliveries that is opened.
      - C(open_delay) (span, default V([30, 3600])), from the delivery to the open, and from one open to the next.
      - C(click_rate) (float, default 0.2), the share of the opened messages in which a link is clicked.
      - C(click_delay) (span, default V([5, 120])), from the first open to the click, and from one click to the next.
      - C(repeat_rate) (float, default 0.2), the chance that an open or a click is followed by another.
    type: raw
    version_added: 1.0.0
    default: healthy
  faults:
    description:
      - What goes wrong with requests for counters and events. Requests to send mail have no faults. A start or restart
        counts the requests from 0.
      - The first requests get O(faults.drop), the next O(faults.statuses), the next O(faults.slow_bytes).
      - When not set, there are no faults.
    type: dict
    version_added: 1.0.0
    suboptions:
      latency:
        description: Seconds before every answer, not divided by O(speed).
        type: float
        version_added: 1.0.0
        default: 0
      drop:
        description: How many of the next requests have their connection closed without an answer.
        type: int
        version_added: 1.0.0
        default: 0
      statuses:
        description:
          - The status codes for the next requests, from 200 to 599. Each entry is a code, or a dict with C(status),
            C(count) (the number of requests, default 1) and C(retry_after) (seconds, for the header C(Retry-After)).
        type: list
        version_added: 1.0.0
        elements: raw
        default: []
      slow_bytes:
        description: Seconds between the bytes of an answer, not divided by O(speed). V(0) sends it whole.
        type: float
        version_added: 1.0.0
        default: 0
      slow_count:
        description: How many of the next requests get O(faults.slow_bytes). When not set, all of them.
        type: int
        version_added: 1.0.0
      unknown_tag:
        description:
          - The answer to a request for the counters of a tag without mail, which the vendor does not document. It is
            404 (V(not_found)), counters of 0 (V(zeros)), an empty object (V(object)), an empty list (V(list)), or
            V(null). The events of such a tag are always an empty list.
        type: str
        version_added: 1.0.0
        choices: [not_found, zeros, object, list, 'null']
        default: not_found
  seed:
    description:
      - Makes a rehearsal repeatable. With the same seed, the same messages, sent in the same order to new O(data), have
        the same outcome after the same delays, also across restarts.
      - When not set, it is random.
    type: int
    version_added: 1.0.0
  speed:
    description:
      - Divides every delay of the scenario. From 0.001 to 1,000,000,000.
      - Time stamps are in real time, so divide the seconds of a gate (C(wait_timeout), C(wait_sleep), C(sending_gap),
        C(grace_period)) by the same number. Times are rounded up to a tenth of a second.
    type: float
    version_added: 1.0.0
    default: 1
  idle_timeout:
    description:
      - Seconds without any request after which the sandbox ends, so that an interrupted play leaves nothing running.
        Stored messages are kept for the next start. V(0) is never.
    type: float
    version_added: 1.0.0
    default: 3600
notes:
  - O(speed) divides only the seconds in O(scenario), not those in O(faults) and O(idle_timeout).
seealso:
  - plugin: mailops.smtpeter.tag_stats
    plugin_type: lookup
  - module: mailops.smtpeter.tag_stats_info
"""

EXAMPLES = r"""
- name: Rehearse with a healthy and a bad campaign
  block:
    - name: Start a local SMTPeter
      mailops.smtpeter.sandbox:
        api_token: only-for-rehearsal
        seed: 1
        scenario:
          default: {delivery_rate: 1, delay: 0}
          tags:
            wave-2: dead
      register: sandbox

    - name: Send to three addresses
      ansible.builtin.uri:
        url: "{{ sandbox.api_url }}/send?access_token=only-for-rehearsal"
        use_proxy: false
        method: POST
        body_format: json
        body:
          recipients: [ann@example.com, bob@example.com, cid@example.com]
          from: news@example.com
          subject: Hello
          text: Hello!
          tags: [wave-1]

    - name: Read the statistics
      mailops.smtpeter.tag_stats_info:
        api_url: "{{ sandbox.api_url }}"
        api_token: only-for-rehearsal
        tags: [wave-1]
      register: result

    - name: Check that every message was delivered
      ansible.builtin.assert:
        that: result.stats['wave-1'].deliveries == 3
  always:
    - name: Stop the sandbox
      mailops.smtpeter.sandbox:
        state: stopped

- name: Start one with HTTPS that drops two requests, then asks clients to wait
  mailops.smtpeter.sandbox:
    name: hostile
    api_token: only-for-rehearsal
    tls: true
    faults:
      drop: 2
      statuses: [{status: 429, count: 3, retry_after: 1}]

- name: Restart it with greylisting and receivers that refuse for different reasons, a hundred times as fast
  mailops.smtpeter.sandbox:
    name: hostile
    api_token: only-for-rehearsal
    tls: true
    scenario:
      deferred_rate: 0.5
      retries: [600, 1200]
      delivery_rate: 0.95
      refusals: {no_such_address: 3, mailbox_full: 1}
      returned_rate: 0.02
      domains: {example.net: blocked, example.org: {delivery_rate: 0.5, refusals: spam}}
    speed: 100

- name: Stop that one too
  mailops.smtpeter.sandbox:
    name: hostile
    state: stopped
"""

RETURN = r"""
api_url:
  description:
    - The C(api_url) for the other plugins. Null when stopped, or in check mode before the port is known.
    - With null, the other plugins ask the real service, so do not run a rehearsal in check mode.
  returned: success
  type: str
  sample: http://127.0.0.1:40961/v1
ca_path:
  description: The certificate authority to trust, the C(ca_path) for the other plugins. Null without O(tls).
  returned: success
  type: str
  sample: null
pid:
  description: The ID of the process. Null when stopped, or in check mode before a start.
  returned: success
  type: int
  sample: 4711
port:
  description: The port it listens on. Null when stopped, or in check mode before it is known.
  returned: success
  type: int
  sample: 40961
data:
  description: The data file in use. Null when stopped.
  returned: success
  type: str
  sample: /tmp/smtpeter-sandbox-1000/default/messages.sqlite
state:
  description: Whether it runs, or would run without check mode, as in O(state).
  returned: success
  type: str
  sample: started
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtpeter.plugins.module_utils import _fields
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import SmtpeterError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import settings
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.control import start_sandbox, stop_sandbox
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import LibraryMissingError


def argument_spec() -> dict[str, Any]:
    """Return the argument spec."""
    return {
        "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
        "name": {"type": "str", "default": "default"},
        **_fields.argument_spec(settings.Settings),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "started", ("api_token",))],
        supports_check_mode=True,
    )
    try:
        name = settings.parse_name(module.params["name"])
        if module.params["state"] == "stopped":
            result = stop_sandbox(name, module.check_mode)
        else:
            result = start_sandbox(name, settings.parse_settings(module.params), module.check_mode)
    except LibraryMissingError as error:
        module.fail_json(msg=f"{error} ({how_to_install(error.library)})")
    except SmtpeterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**asdict(result))


if __name__ == "__main__":
    main()
