#!/usr/bin/python
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `tag_stats_info`."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tag_stats_info
short_description: Read the delivery statistics of tags at SMTPeter
version_added: 1.0.0
description:
  - Reads messages, deliveries, opens and clicks of the mail that was sent with a tag, for any number of tags at once.
  - The counters cover every message ever sent with the tag. Use the filter P(mailops.smtpeter.since#filter) for what
    happened between two records.
  - If a tag is unknown, a note names the recently active tag that may be meant.
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
      - The tags to read. Give a list of text. Text alone is split at its commas, unless it is a list in JSON. A tag
        given twice is read once.
      - A number, a boolean or null is refused, so quote such tags (V('010')). YAML reads V(010) as 8.
      - Indent it below the module's name. At the level of the task, C(tags) is a keyword of Ansible.
      - A tag that is empty, V(.) or V(..), longer than 1,000 characters, or that contains white space, a semicolon or
        a control character is refused.
      - Required when O(recent=false).
    type: list
    version_added: 1.0.0
    elements: str
    aliases: [tag]
  recent:
    description:
      - Whether to read the most recently active tags, at most ten, instead of O(tags). Do not give O(tags) then.
    type: bool
    version_added: 1.0.0
    default: false
attributes:
  action_group:
    description: Takes its defaults from C(module_defaults) of this group.
    support: full
    membership: [mailops.smtpeter.smtpeter]
seealso:
  - module: mailops.smtpeter.tag_outcomes_info
  - plugin: mailops.smtpeter.tag_stats
    plugin_type: lookup
  - plugin: mailops.smtpeter.tag_health
    plugin_type: filter
  - plugin: mailops.smtpeter.healthy
    plugin_type: test
"""

EXAMPLES = r"""
# The token is taken from the environment variable SMTPETER_API_TOKEN.
- name: Read the statistics of two campaigns
  mailops.smtpeter.tag_stats_info:
    tags: [wave-1, wave-2]
  register: result

- name: Show how much of the first was delivered
  ansible.builtin.debug:
    msg: "{{ result.stats['wave-1'].delivery_ratio }}"

- name: Stop unless both are healthy
  ansible.builtin.assert:
    that: result.stats is mailops.smtpeter.healthy(min_delivery_ratio=0.9)

- name: Read tags that must be known, from a variable, and tolerate failures
  mailops.smtpeter.tag_stats_info:
    tags: "{{ campaign_tags | default(['wave-1', 'misspelt']) }}"
    missing: error
  register: result
  ignore_errors: true

- name: Show which failed and why
  ansible.builtin.debug:
    var: result.errors

- name: Read the most recently active tags
  mailops.smtpeter.tag_stats_info:
    recent: true
  register: latest

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ latest.stats | list }}"
"""

RETURN = r"""
stats:
  description:
    - A record for each tag that could be read, by tag, in the order asked; also when the task fails.
    - With O(recent=true), one for each of the most recently active tags, in the order of the service.
  returned: always, except on options that cannot work
  type: dict
  contains:
    TAG:
      description: The record of a tag. All keys are always there.
      type: dict
      contains:
          tag:
            description: The tag asked for.
            type: str
          first:
            description: First activity on the tag, as the service wrote it; null if it is not a date in that form.
            type: str
          last:
            description: Last activity on the tag, such as a message sent, a delivery or an open; null as C(first).
            type: str
          first_at:
            description: The moment of C(first), ISO 8601 in UTC.
            type: str
          last_at:
            description: The moment of C(last), ISO 8601 in UTC.
            type: str
          messages:
            description: Messages ever sent with the tag.
            type: int
          deliveries:
            description: Messages delivered; an upper bound, since an accepted message can still bounce later.
            type: int
          opens:
            description: Opens detected, an approximation at best.
            type: int
          clicks:
            description: Clicks detected.
            type: int
          unique_opens:
            description: Messages opened; null if the service does not say.
            type: int
          unique_clicks:
            description: Messages clicked; null if the service does not say.
            type: int
          undelivered:
            description: Messages minus deliveries, never below 0. They failed or are still under way.
            type: int
          delivery_ratio:
            description: Deliveries to messages; null without messages.
            type: float
          open_ratio:
            description: Opens to deliveries; null without deliveries.
            type: float
          click_ratio:
            description: Clicks to deliveries; null without deliveries.
            type: float
          click_to_open_ratio:
            description: Clicks to opens; null without opens.
            type: float
          known:
            description: False when the service has nothing under this tag.
            type: bool
          notes:
            description: What a careful reader should know, such as deliveries above messages.
            type: list
            elements: str
          fetched_at:
            description: When this was read, ISO 8601 in UTC, by the clock of the service if it sends its time.
            type: str
          under_way:
            description: At most so many messages may still be delivered; null if nobody watched the tag long enough.
            type: int
          carried_over:
            description: At most so many of the deliveries belong to messages from before; 0 in a plain reading.
            type: int
  sample:
    wave-1:
      tag: wave-1
      first: '2016-01-01 12:00:00'
      last: '2016-01-01 16:00:00'
      first_at: '2016-01-01T12:00:00Z'
      last_at: '2016-01-01T16:00:00Z'
      messages: 1000
      deliveries: 980
      opens: 490
      clicks: 98
      unique_opens: null
      unique_clicks: null
      undelivered: 20
      delivery_ratio: 0.98
      open_ratio: 0.5
      click_ratio: 0.1
      click_to_open_ratio: 0.2
      known: true
      notes: []
      fetched_at: '2016-02-02T08:00:00Z'
      under_way: null
      carried_over: 0
errors:
  description: What went wrong, by tag; empty if nothing did. With O(recent=true), an error is under C(recent).
  returned: always, except on options that cannot work
  type: dict
  contains:
    TAG:
      description: The error of a tag.
      type: dict
      contains:
        kind:
          description:
            - V(connection) (to the service or a proxy), V(timeout), V(certificate), V(refused) (4xx but 404, 408, 425
              and 429), V(service) (408, 425, 429 and 5xx), V(answer) (not understood), V(unknown_tag) (with
              O(missing=error)) or V(not_tried) (the service had refused the token, asked for a pause of more than 30
              seconds, or not answered for 25 tags in a row).
            - In RV(mailops.smtpeter.campaign_gate#module:last_errors) also V(lost), for a look that ended without a
              result.
          type: str
        status:
          description: The HTTP status; null if there was none.
          type: int
        msg:
          description: What happened, and what to do next.
          type: str
ages:
  description:
    - How many seconds a cache had stored the answer about a tag, by tag, from the answer's C(Age) header. Only tags
      whose answer has that header are here. If it is more than 0 seconds, the record has a note.
  returned: always, except on options that cannot work
  type: dict
  sample: {}
retry_after:
  description:
    - The longest pause, in seconds, that the service asked for (C(Retry-After)) and that was not waited for; null
      if there is none.
    - A pause of more than 30 seconds is never waited for. A request before its end is most likely refused.
  returned: always, except on options that cannot work
  type: float
  sample: null
refused:
  description:
    - True. The service was not asked, since an option cannot work or a library is missing.
    - C(msg) says which.
  returned: on options that cannot work
  type: bool
"""

from typing import Any

from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._reader import (
    ServiceReader,
    module_result,
    read_recent_tags,
    read_tags,
)


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Read the tags and return the result; raises SmtpeterError if nothing can be read."""
    options.check_recent(params.get("recent", False), params.get("tags"))
    client = options.client_from(params)
    try:
        if params.get("recent"):
            results = read_recent_tags(client)
        else:
            reader = ServiceReader(client)
            results = read_tags(
                reader, params["tags"], params["parallel"], params["missing"], client.connection.api_token
            )
    finally:
        client.close()
    return module_result(client, results, "stats")


def main() -> None:
    """Run the module."""
    reading = {**options.reading_spec(), **options.recent_spec()}
    reading["tags"]["required"] = False
    module = options.ReadingModule(argument_spec={**options.connection_spec(), **reading}, supports_check_mode=True)
    module.exit_with(run)


if __name__ == "__main__":
    main()
