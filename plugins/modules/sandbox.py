#!/usr/bin/python
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(sandbox)."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sandbox
short_description: Run a local SMTPeter service for rehearsal
version_added: 1.0.0
description:
  - Starts or stops a service that takes mail and answers statistics as SMTPeter does, so that every gate can be tried
    without an account and without sending anything. It runs where the task runs, and only that machine can reach it.
  - It knows C(POST /v1/send), C(GET /v1/stats/TAG), C(GET /v1/stats) (the ten most recently active tags),
    C(GET /v1/events/tags/TAG) (what happened to each message), and C(GET /v1/tag/TAG), the vendor's later form of the
    counters.
  - No mail leaves it. What would become of each message is decided when the message is accepted, by O(scenario), and
    stored with the moments at which it happens. The counters and the events of a tag are those moments that have
    passed, so they never disagree.
  - A message that is returned after it was accepted stays counted as a delivery, and has a delivery, a failure and a
    bounce among its events. Whether SMTPeter lowers the counter then is not documented.
  - It runs detached, also after the play, until it is stopped, or has been idle for O(idle_timeout).
  - The sandbox is found again by O(name), the user and the temporary directory of the machine (E(TMPDIR)).
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._attributes
requirements:
  - cryptography 3.3 or later, only with O(tls=true)
options:
  state:
    description:
      - With V(started), it runs with these options. One that runs with others is restarted, on the same O(data).
      - With V(stopped), it does not run, and all that was its own is removed. A file given as O(data) stays.
    type: str
    version_added: 1.0.0
    choices: [started, stopped]
    default: started
  name:
    description:
      - Which sandbox. Several may run beside each other.
      - Up to 100 letters, digits, dots, underscores and hyphens, not starting with a dot.
    type: str
    version_added: 1.0.0
    default: default
  host:
    description:
      - The address it listens on, V(127.0.0.1), V(::1), V(localhost) or another loopback address. Others are refused,
        since a rehearsal stays on the machine.
    type: str
    version_added: 1.0.0
    default: 127.0.0.1
  port:
    description:
      - The port it listens on. V(0) picks a free one. A sandbox that runs keeps its port, and so does one that is
        restarted, if it is still free.
    type: int
    version_added: 1.0.0
    default: 0
  api_token:
    description:
      - The token that clients have to give. Required when O(state=started).
      - Make one up, of 8 characters or more. Never use the token of a real account. The environment is not looked at.
      - It is never written anywhere, only a salted digest of it.
    type: str
    version_added: 1.0.0
  data:
    description:
      - The SQLite file that keeps the messages. It is created when missing, and outlives the sandbox.
      - Without it, the file is the sandbox's own and removed with O(state=stopped).
      - A file of an earlier version of this collection is taken over. It did not note why mail was lost, which is
        shown as refused with 550 5.0.0. The earlier version does not read the file any more.
    type: path
    version_added: 1.0.0
  tls:
    description:
      - Whether to speak HTTPS, with a certificate authority of its own that is returned as RV(ca_path), and is valid
        for 30 days. It is made anew, with a restart, in the last week.
    type: bool
    version_added: 1.0.0
    default: false
  scenario:
    description:
      - What becomes of the mail that is sent from now on. A name, a dict of rates and delays, or a dict with C(default)
        (a name or a dict, V(healthy) unless given) and C(tags) (a dict from tag to name or dict). A message with
        several tags follows the first one that is in C(tags).
      - V(healthy) delivers 98.5% within seconds. V(deferred) has a quarter of the mail wait for the retries.
        V(blocked) has one receiver, which gets 30% of the mail, refuse all of it. With V(unreachable), one receiver,
        which gets 30% of the mail, cannot be reached. V(dead) delivers nothing, since every receiver takes it for
        spam. V(outage) holds everything for 10 minutes, then delivers. Other than said, they are as V(healthy).
      - The keys of a dict of rates and delays follow. Rates are shares from 0 to 1, delays are seconds, and a span is
        either a number of seconds or a list of the least and the most. What is left out is as in V(healthy).
      - C(delivery_rate) (float, default 0.985), the share delivered in the end, of what is neither blocked nor
        unreachable. The rest is lost, and refused at the first attempt.
      - C(refusals) (dict of float, default 0.6 for V(no_such_address), 0.2 for V(mailbox_full) and 0.2 for V(spam)),
        why lost mail is refused, by weight. Weights need not add up to 1. The name of a single cause is taken, too.
        Receivers answer 550 5.1.1 to V(no_such_address), 552 5.2.2 or 452 4.2.2 to V(mailbox_full), and 550 5.7.1 to
        V(spam).
      - C(delay) (span, default V([1, 5])), from accepting a message, or the end of C(hold), to its delivery.
      - C(hold) (float, default 0), how long each message is held before the first attempt.
      - C(blocked_rate) (float, default 0), the share that goes to a receiver that refuses it, with 550 5.7.1.
      - C(blocked_domains) (list of str, default V([])), the domains that refuse everything, with 550 5.7.1.
      - C(unreachable_rate) (float, default 0), the share that goes to a receiver that cannot be reached. It fails after
        a day, when the service gives up.
      - C(returned_rate) (float, default 0), the share of the deliveries that the receiver accepts and returns later,
        for one of the reasons in C(refusals). Nobody opens such a message.
      - C(returned_delay) (span, default V([60, 1800])), from the delivery to the return.
      - C(domains) (dict, default V({})), what becomes of mail to the domains that are its keys. A value is a name, as
        above, or a dict of what differs from the dict around it. As a domain is one receiver, V(blocked) and
        V(unreachable) are for all of its mail there. Other domains, also those below a named one, are not affected.
      - C(deferred_rate) (float, default 0), the share of the deliveries that the receiver defers at the first attempt.
      - C(retries) (list of float, default V([600, 1200, 3000, 4800])), when deferred mail is tried again, after the
        first attempt. The last one delivers.
      - C(retry_rate) (float, default 0.7), the chance that a retry before the last one delivers.
      - C(open_rate) (float, default 0.35), the share of the deliveries that are opened.
      - C(open_delay) (span, default V([30, 3600])), from the delivery to the open, and from one open to the next.
      - C(click_rate) (float, default 0.2), the share of the opened messages in which a link is clicked.
      - C(click_delay) (span, default V([5, 120])), from the first open to the click, and from one click to the next.
      - C(repeat_rate) (float, default 0.2), the chance that an open or a click is followed by another.
    type: raw
    version_added: 1.0.0
    default: healthy
  faults:
    description:
      - What goes wrong with requests for counters and events. Sending is never disturbed. A start or restart counts
        from the beginning.
      - Requests meet first O(faults.drop), then O(faults.statuses), then O(faults.slow_bytes).
      - When not set, nothing goes wrong.
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
          - The status codes that the next requests are answered with, from 200 to 599. Each entry is a code, or a dict
            with C(status), C(count) (for so many requests, default 1) and C(retry_after) (seconds, the header
            C(Retry-After)).
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
        description: How many of the next requests O(faults.slow_bytes) is for. When not set, it is for all.
        type: int
        version_added: 1.0.0
      unknown_tag:
        description:
          - How a request for the counters of a tag without mail is answered, which the vendor does not document. With
            404 (V(not_found)), counters of 0 (V(zeros)), an empty object (V(object)), an empty list (V(list)), or
            V(null). Its events are always an empty list.
        type: str
        version_added: 1.0.0
        choices: [not_found, zeros, object, list, 'null']
        default: not_found
  seed:
    description:
      - Makes it repeatable. The same messages, sent in the same order to fresh O(data), meet the same fates after the
        same delays, also across restarts.
      - When not set, chance decides.
    type: int
    version_added: 1.0.0
  speed:
    description:
      - Divides every delay of the scenario. From 0.001 to 1,000,000,000.
      - Time stamps stay real time, so divide the seconds of a gate (C(wait_timeout), C(wait_sleep), C(sending_gap),
        C(grace_period)) by the same number. Moments are rounded up to a tenth of a second.
    type: float
    version_added: 1.0.0
    default: 1
  idle_timeout:
    description:
      - Seconds without any request after which it ends by itself, so that an interrupted play leaves nothing running.
        What it stored stays for the next start. V(0) is never.
    type: float
    version_added: 1.0.0
    default: 3600
notes:
  - The seconds of O(faults) and O(idle_timeout) are real ones. Only those of O(scenario) are divided by O(speed).
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

    - name: Read what became of it
      mailops.smtpeter.tag_stats_info:
        api_url: "{{ sandbox.api_url }}"
        api_token: only-for-rehearsal
        tags: [wave-1]
      register: result

    - name: See that everything arrived
      ansible.builtin.assert:
        that: result.stats['wave-1'].deliveries == 3
  always:
    - name: Stop it
      mailops.smtpeter.sandbox:
        state: stopped

- name: Start one that loses the first two requests and then asks to wait, with HTTPS
  mailops.smtpeter.sandbox:
    name: hostile
    api_token: only-for-rehearsal
    tls: true
    faults:
      drop: 2
      statuses:
        - status: 429
          count: 3
          retry_after: 1

- name: Restart it with greylisting, a hundred times as fast
  mailops.smtpeter.sandbox:
    name: hostile
    api_token: only-for-rehearsal
    tls: true
    scenario:
      deferred_rate: 0.5
      retries: [600, 1200]
    speed: 100

- name: Restart it with receivers that refuse for different reasons
  mailops.smtpeter.sandbox:
    name: hostile
    api_token: only-for-rehearsal
    tls: true
    scenario:
      delivery_rate: 0.95
      refusals: {no_such_address: 3, mailbox_full: 1}
      returned_rate: 0.02
      domains:
        example.net: blocked
        example.org: {delivery_rate: 0.5, refusals: spam}

- name: Stop that one too
  mailops.smtpeter.sandbox:
    name: hostile
    state: stopped
"""

RETURN = r"""
api_url:
  description:
    - What the other plugins take as their C(api_url). Null when stopped, or in check mode before the port is known.
  returned: success
  type: str
  sample: http://127.0.0.1:40961/v1
ca_path:
  description: The certificate authority to trust, what the other plugins take as C(ca_path). Null without O(tls).
  returned: success
  type: str
  sample: null
pid:
  description: The number of the process. Null when stopped, or in check mode before a start.
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
  description: Whether it runs now, or would outside of check mode, as O(state).
  returned: success
  type: str
  sample: started
"""

import dataclasses
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import how_to_install
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import control
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import LibraryMissingError, SandboxError
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.faults import UNKNOWN_TAGS
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.settings import parse_name, parse_settings


def argument_spec() -> dict[str, Any]:
    """Return the options."""
    return {
        "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
        "name": {"type": "str", "default": "default"},
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "default": 0},
        "api_token": {"type": "str", "no_log": True},
        "data": {"type": "path"},
        "tls": {"type": "bool", "default": False},
        "scenario": {"type": "raw", "default": "healthy"},
        "faults": {
            "type": "dict",
            "options": {
                "latency": {"type": "float", "default": 0},
                "drop": {"type": "int", "default": 0},
                "statuses": {"type": "list", "elements": "raw", "default": []},
                "slow_bytes": {"type": "float", "default": 0},
                "slow_count": {"type": "int"},
                "unknown_tag": {"type": "str", "choices": list(UNKNOWN_TAGS), "default": "not_found"},
            },
        },
        "seed": {"type": "int"},
        "speed": {"type": "float", "default": 1},
        "idle_timeout": {"type": "float", "default": 3600},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "started", ("api_token",))],
        supports_check_mode=True,
    )
    try:
        name = parse_name(module.params["name"])
        if module.params["state"] == "stopped":
            outcome = control.stopped(name, module.check_mode)
        else:
            outcome = control.started(name, parse_settings(module.params), module.check_mode)
    except LibraryMissingError as error:
        module.fail_json(msg=f"{error} ({how_to_install(error.library)})")
    except SandboxError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**dataclasses.asdict(outcome))


if __name__ == "__main__":
    main()
