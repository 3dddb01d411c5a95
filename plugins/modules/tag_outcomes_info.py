#!/usr/bin/python
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `tag_outcomes_info`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tag_outcomes_info
short_description: Read what became of the messages under tags at SMTPeter, and why mail failed
version_added: 1.0.0
description:
  - Reads the events of the mail sent with a tag, for any number of tags. It returns how many messages a receiver
    accepted, how many failed for good, how many are still under way, and why mail failed.
  - The counters of M(mailops.smtpeter.tag_stats_info) cost far less to read, but cannot tell lost mail
    from slow mail.
  - A message is one message to one recipient. It counts once, in its last state.
  - No address leaves the module. Recipients are reduced to their domains. In what receivers said, addresses, the part
    of the recipient's address before the C(@), and numbers of ten digits or more are masked.
  - The module asks the service from the host where the task runs. Use C(delegate_to=localhost) to ask it from the
    controller.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._connection
  - mailops.smtpeter._connection.reading
  - mailops.smtpeter._attributes
options:
  tags:
    description:
      - The tags to read. Give a list, since Ansible splits text at its commas. A tag given twice is read once.
      - A tag that is empty, V(.) or V(..), longer than 1,000 characters, or that contains white space, a semicolon or
        a control character is refused.
    type: list
    version_added: 1.0.0
    elements: str
    required: true
    aliases: [tag]
  since:
    description:
      - Only messages that were taken in at this moment or later are counted. A moment is ISO 8601, such as
        V(2026-01-31T12:00:00Z), a datetime, or a Unix time in seconds. Without a zone it is in UTC. Fractions of a
        second are dropped, since events have none.
      - A moment more than a month ago takes several requests for each tag.
      - When not set, the service answers for about the last month, and a note says so.
    type: raw
    version_added: 1.0.0
  top:
    description: How many causes of failure, and how many receiving domains, to return at most; 1 to 1,000.
    type: int
    version_added: 1.0.0
    default: 10
  parallel:
    default: 2
  timeout:
    description:
      - Seconds that one request may take, from start to last byte; above 0 and at most 3600. The system resolves the
        name, with a limit of its own.
      - An answer with events may be long. Each started MiB of it may take so many seconds.
  endpoint:
    description:
      - The name of the method that counters are read from. It does not matter for events.
attributes:
  action_group:
    description: Takes its defaults from C(module_defaults) of this group.
    support: full
    membership: [mailops.smtpeter.smtpeter]
notes:
  - The answer is read as a stream, so the module needs memory for the messages, not for the events. An answer of more
    than 256 MiB is an error. Give O(since), or use a tag per wave, in that case.
seealso:
  - module: mailops.smtpeter.tag_stats_info
"""

EXAMPLES = r"""
# The token is taken from the environment variable SMTPETER_API_TOKEN.
- name: Read what became of the mail of a campaign
  mailops.smtpeter.tag_outcomes_info:
    tags: [wave-1]
  register: result

- name: Show why mail failed
  ansible.builtin.debug:
    var: result.outcomes['wave-1'].failures

- name: Read only the mail since a deployment
  mailops.smtpeter.tag_outcomes_info:
    tags: [wave-1]
    since: "{{ deployed_at | default('2026-01-31T12:00:00Z') }}"
    top: 3
  register: since_deployment

- name: Stop if mail failed since the deployment
  ansible.builtin.assert:
    that: since_deployment.outcomes['wave-1'].failed == 0
"""

RETURN = r"""
outcomes:
  description:
    - What became of the messages, for each tag that could be read, by tag, in the order asked.
    - It is also returned when the task fails.
  returned: always, except on options that cannot work
  type: dict
  contains:
    TAG:
      description: The outcome of a tag. All keys are always there.
      type: dict
      contains:
          tag:
            description: The tag asked for.
            type: str
          known:
            description:
              - False when the service has nothing under this tag. An answer without events is V(true) with O(since),
                since a tag without mail and an unknown one cannot be told apart then.
            type: bool
          notes:
            description: Remarks on the figures, for example that only the last month is counted.
            type: list
            elements: str
          fetched_at:
            description: When this was read, ISO 8601 in UTC, by the clock of the service if it sends its time.
            type: str
          since:
            description: Only messages taken in at or after this moment are counted, ISO 8601 in UTC; null for no limit.
            type: str
          messages:
            description: Messages taken in.
            type: int
          deliveries:
            description: Messages that a receiver accepted and has not returned since.
            type: int
          failed:
            description: Messages that failed for good, those that were returned included.
            type: int
          returned:
            description: Messages that a receiver accepted first and returned later.
            type: int
          under_way:
            description: Messages that are neither delivered nor failed.
            type: int
          oldest_under_way:
            description: Seconds since the oldest message under way was taken in; null if none is.
            type: int
          last_taken_at:
            description: When the last message was taken in, ISO 8601 in UTC; null without messages.
            type: str
          last_moved_at:
            description: When a message was last taken in, delivered or failed, ISO 8601 in UTC; null without messages.
            type: str
          read_seconds:
            description: Seconds that asking and reading took.
            type: float
          delivery_ratio:
            description: Deliveries to messages; null without messages.
            type: float
          failures:
            description: Why mail failed, most frequent cause first, at most O(top).
            type: list
            elements: dict
            contains:
              code:
                description: The SMTP code of the receiver, such as 550; null if there was none.
                type: int
              status:
                description: The enhanced status code, such as V(5.1.1); null if there was none.
                type: str
              state:
                description:
                  - The state of the SMTP dialogue, V(bounce) for a message that was returned later.
                  - It is null if there was none.
                type: str
              description:
                description: The beginning of what the receiver said, masked; null if it said nothing.
                type: str
              messages:
                description: Messages that failed for this cause.
                type: int
              domains:
                description: The three domains with the most of these messages.
                type: list
                elements: str
          domains:
            description:
              - The receiving domains, largest first, at most O(top). The rest is one more entry, of which C(domain) is
                null.
            type: list
            elements: dict
            contains:
              domain:
                description: The domain, in lower case; null for the rest.
                type: str
              messages:
                description: Messages taken in for the domain.
                type: int
              deliveries:
                description: Messages delivered there.
                type: int
              failed:
                description: Messages that failed for good.
                type: int
              under_way:
                description: Messages that are neither.
                type: int
          timeline:
            description:
              - At most 120 equal spans of time from the first message to the last. Each message is counted in the span
                when it was taken in.
            type: list
            elements: dict
            contains:
              at:
                description: When the span begins, ISO 8601 in UTC.
                type: str
              seconds:
                description: How long the span is.
                type: int
              messages:
                description: Messages taken in.
                type: int
              deliveries:
                description: How many of these are delivered by now.
                type: int
              failed:
                description: How many of these have failed by now.
                type: int
  sample:
    wave-1:
      tag: wave-1
      known: true
      notes: []
      fetched_at: '2026-01-31T12:30:00Z'
      since: '2026-01-31T12:00:00Z'
      messages: 600
      deliveries: 480
      failed: 102
      returned: 4
      under_way: 18
      oldest_under_way: 540
      last_taken_at: '2026-01-31T12:21:00Z'
      last_moved_at: '2026-01-31T12:29:58Z'
      read_seconds: 0.214
      delivery_ratio: 0.8
      failures:
        - code: 550
          status: 5.7.1
          state: data
          description: '550 5.7.1 Message to <********> refused: blocked'
          messages: 98
          domains: [example.net]
        - code: 550
          status: 5.1.1
          state: bounce
          description: 'no such user: ********'
          messages: 4
          domains: [example.org, example.com]
      domains:
        - domain: example.net
          messages: 320
          deliveries: 210
          failed: 98
          under_way: 12
        - domain: null
          messages: 280
          deliveries: 270
          failed: 4
          under_way: 6
      timeline:
        - at: '2026-01-31T12:00:00Z'
          seconds: 11
          messages: 5
          deliveries: 5
          failed: 0
errors:
  description: What went wrong, by tag; empty if nothing did.
  returned: always, except on options that cannot work
  type: dict
  contains:
    TAG:
      description: The error of a tag.
      type: dict
      contains:
        kind:
          description: As RV(mailops.smtpeter.tag_stats_info#module:errors) has it.
          type: str
        status:
          description: The HTTP status; null if there was none.
          type: int
        msg:
          description: What happened, and what to do next.
          type: str
ages:
  description: As RV(mailops.smtpeter.tag_stats_info#module:ages) has it.
  returned: always, except on options that cannot work
  type: dict
  sample: {}
retry_after:
  description: As RV(mailops.smtpeter.tag_stats_info#module:retry_after) has it.
  returned: always, except on options that cannot work
  type: float
  sample: null
"""

from typing import Any

from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._moment import read_moment
from ansible_collections.mailops.smtpeter.plugins.module_utils._outcome_reader import read_outcomes
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import module_result


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Read the tags and return the result; raises SmtpeterError if nothing can be read."""
    since = read_moment("since", params["since"])
    client = options.client_from(params)
    try:
        what = (params["tags"], params["parallel"], params["missing"])
        # Only the event source has an end: that of a window.
        results = read_outcomes(client, *what, since, params["top"], params.get("until"))
    finally:
        client.close()
    return module_result(client, results, "outcomes")


def main() -> None:
    """Run the module."""
    module = options.ReadingModule(
        argument_spec={**options.connection_spec(), **options.outcome_spec()}, supports_check_mode=True
    )
    module.exit_with(run)


if __name__ == "__main__":
    main()
