#!/usr/bin/python
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents the action C(campaign_gate), which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: campaign_gate
short_description: Hold a play until a campaign is shown to be healthy
version_added: 1.0.0
description:
  - Waits, judges, shows progress, and fails the play with the reason when the campaign is not healthy.
  - While mail is being sent, the gate decides on statistical evidence; once sending has stopped, on the final counts;
    at the timeout it reports what it has.
  - The verdict is C(pass), C(fail) when the campaign is below the limit, C(inconclusive) when that cannot be told in
    time, or C(error) when the statistics could not be read. It passes when all tags pass at the same look, and fails as
    soon as one fails.
  - Each look runs M(mailops.smtpeter.tag_stats_info) on the task's host. Judging, waiting and progress happen on the
    controller. Progress is shown on stderr, the verdict last.
  - Whatever goes wrong in a look is a failed look, with the cause in its message, such as a host that is unreachable, a
    full disk, a Python that is too old or a module that crashes. What the first look cannot do for want of a library,
    a token or a file on the host fails the task at once.
  - Evidence assumes that the list is sent in random order, and that what follows is like what came before. Sorted by
    provider, the early part says nothing about the rest.
  - Slow mail is not lost mail, and the counters cannot tell them apart. A campaign of which half is lost is called
    late, after O(grace_period) without movement, or not at all, and then it is C(inconclusive).
  - O(api_token) and O(api_url) come from options or from the environment of the task's host, the keyword C(environment)
    included, as in M(mailops.smtpeter.tag_stats_info). The controller's own environment is not read, so a token never
    goes to an address that was set elsewhere.
  - It only reads, so C(changed) is always false.
author:
  - mailops.smtpeter contributors (@mailops)
extends_documentation_fragment:
  - mailops.smtpeter._connection
  - mailops.smtpeter._policy
  - mailops.smtpeter._attributes
  - mailops.smtpeter._attributes.flow
options:
  tags:
    description:
      - The tags to judge. Give a list of text. Text alone is split at its commas, unless it is a list in JSON.
      - A number, a boolean, a date or null is refused, so quote such tags (V('010')). YAML reads V(010) as 8.
      - Indent it below the module's name. At the level of the task, C(tags) is a keyword of Ansible.
    type: list
    version_added: 1.0.0
    elements: str
    required: true
    aliases: [tag]
  judge_by:
    description:
      - What the mail is judged by. With V(counters), messages and deliveries as the service counts them. That is cheap,
        but does not tell lost mail from slow mail, nor this mail from earlier mail under the tag.
      - With V(outcomes), what became of each message, as M(mailops.smtpeter.tag_outcomes_info) reads it. A failure is
        final, so lost mail is told at once, with the reason. Use it for mail that never stops, and since a deployment.
      - The counters are still asked at each look. The events are read only where they may have changed, which takes at
        most a tenth of the time. The token needs the right to read events. O(baseline_tag) is read from the counters.
    type: str
    version_added: 1.0.0
    choices: [counters, outcomes]
    default: counters
  since:
    description:
      - Judge only the mail since then. With O(judge_by=counters), an earlier C(stats), a dict of records by tag, or one
        record where one tag is judged. With O(judge_by=outcomes), a moment. Only messages taken in from then on count.
      - A moment is ISO 8601, such as V(2026-01-31T12:00:00Z), a datetime, or a Unix time in seconds. What names no
        zone is in UTC.
      - When not set, all mail of the tag is judged, by outcomes that of about the last month.
    type: raw
    version_added: 1.0.0
  at_deadline:
    description:
      - What decides when time is up, with V(ratio) the bare ratio, with V(inconclusive) nothing, for those who want the
        guarantee of O(confidence) alone.
    type: str
    version_added: 1.0.0
    choices: [ratio, inconclusive]
    default: ratio
  wait_timeout:
    description:
      - Seconds from the start of the task to the last look, O(wait_delay) included. A look that has begun is finished.
        With V(0) it looks once.
      - It should be well above O(grace_period), or little can be decided, which is warned of.
      - The C(timeout) keyword would kill the task without a result, so use this.
    type: float
    version_added: 1.0.0
    default: 1800
  wait_sleep:
    description: Seconds between looks.
    type: float
    version_added: 1.0.0
    default: 30
  wait_delay:
    description: Seconds before the first look.
    type: float
    version_added: 1.0.0
    default: 0
  max_consecutive_errors:
    description:
      - More failed looks in a row than this end the gate with C(error). A look fails when an undecided tag cannot be
        read, for a time-out, a connection error, a status of 408, 425, 429 or 5xx, or an answer that is not
        understood.
      - Other statuses of 4xx, such as 401, end it at once.
    type: int
    version_added: 1.0.0
    default: 4
  state:
    description:
      - A file on the controller in which the gate keeps what it has seen, so that a run that was killed goes on where
        it was. A relative path is relative to the playbook. The file is written after each look, for its owner alone,
        and removed with a verdict. When not set, nothing is kept.
      - Time counts from the first start, O(wait_timeout) included. Where the controller has restarted since, or
        another one goes on, nobody watched in between. That time counts for O(wait_timeout) alone, never as mail that
        stood still.
      - A file of other tags, another policy, or another O(judge_by), O(since), O(api_url) or O(endpoint) is refused,
        and so is one of a newer release. Give O(since) as a fixed moment, not as one that each run computes.
      - A damaged file is a fresh start, with a warning. Neither the token nor an address of a recipient is in it.
      - In check mode, the file is neither read nor changed.
    type: path
    version_added: 1.0.0
  fail_on:
    description: The verdicts that fail the task. With V([]) it only observes.
    type: list
    version_added: 1.0.0
    elements: str
    choices: [fail, inconclusive, error]
    default: [fail, inconclusive, error]
  history_limit:
    description:
      - How many looks are kept in RV(history), 2 or more, and at most 600 entries of tags over all. When it is full,
        every other look is dropped, so that the whole wait stays covered.
    type: int
    version_added: 1.0.0
    default: 60
attributes:
  check_mode:
    details: In check mode it looks once, never stops the play, and says so at the end of RV(msg).
  async:
    support: none
  action_group:
    description: Takes its defaults from C(module_defaults) of this group.
    support: full
    membership: [mailops.smtpeter.smtpeter]
seealso:
  - module: mailops.smtpeter.tag_stats_info
  - module: mailops.smtpeter.sandbox
  - plugin: mailops.smtpeter.gate_report
    plugin_type: filter
"""

EXAMPLES = r"""
# The token is taken from the environment variable SMTPETER_API_TOKEN.
- name: Hold until the first wave is shown to be healthy
  mailops.smtpeter.campaign_gate:
    tags: [wave-1]
    min_delivery_ratio: 0.95
    expected_messages: 400
  register: wave1

# Send the second wave under the same tag here, and judge what came after the first alone.
- name: Observe what came since, without failing
  mailops.smtpeter.campaign_gate:
    tags: [wave-1]
    since: "{{ wave1.stats }}"
    wait_timeout: 0
    fail_on: []
  register: wave2

# By outcomes, a moment says what to judge, such as when a new version went live.
- name: Judge the mail of the last day by what became of each message
  mailops.smtpeter.campaign_gate:
    tags: [newsletter]
    judge_by: outcomes
    since: "{{ now(utc=true).timestamp() - 86400 }}"
  register: last_day

- name: Show why mail failed, the most frequent cause first
  ansible.builtin.debug:
    var: last_day.tags['newsletter'].outcome.failures

- name: Act on the verdict, and say why the play stops
  block:
    - name: Look once at two campaigns, one against the other
      mailops.smtpeter.campaign_gate:
        tags: [wave-2]
        baseline_tag: wave-1
        wait_timeout: 0
      register: gate
  rescue:
    - name: Show the reasons
      ansible.builtin.debug:
        var: gate.reasons
"""

RETURN = r"""
verdict:
  description: V(pass), V(fail), V(inconclusive) or V(error).
  returned: always
  type: str
  sample: pass
msg:
  description: One sentence with tag, figure and limit.
  returned: always
  type: str
  sample: "pass: wave-1: 980 of 1000 messages are delivered (98%): enough evidence that it is at least 95%"
reasons:
  description: All such sentences, those of the worst tag first.
  returned: always
  type: list
  elements: str
tags:
  description: The judgement of each tag.
  returned: always
  type: dict
  contains:
    TAG:
      description: The judgement of a tag, as RV(mailops.smtpeter.tag_health#filter:_value) has it, and what was judged.
      type: dict
      contains:
        verdict:
          description: V(pass), V(fail), V(inconclusive), or V(error) where there never was a reading.
          type: str
        record:
          description:
            - The record judged, as RV(mailops.smtpeter.tag_stats_info#module:stats) has it, a difference with O(since);
              null where there never was a reading. With O(judge_by=outcomes), the counters that were read last.
          type: dict
        outcome:
          description:
            - The outcome judged, as RV(mailops.smtpeter.tag_outcomes_info#module:outcomes) has it; null where none was
              read. Only with O(judge_by=outcomes).
          type: dict
stats:
  description:
    - The last cumulative reading of each tag, never a difference, the baseline included, as
      RV(mailops.smtpeter.tag_stats_info#module:stats) has it. It can be the O(since) of the next gate. It is empty with
      O(judge_by=outcomes).
  returned: always
  type: dict
looks:
  description: How often it looked.
  returned: always
  type: int
waited:
  description: Seconds from the start to the end of the last look.
  returned: always
  type: float
errors:
  description: How many looks failed.
  returned: always
  type: int
last_errors:
  description:
    - The errors of the last look that failed, by tag, as RV(mailops.smtpeter.tag_stats_info#module:errors) has them.
  returned: always
  type: dict
  contains:
    TAG:
      description: The error of a tag.
      type: dict
      contains:
        kind:
          description:
            - V(connection), V(timeout), V(certificate), V(refused), V(service), V(answer), V(unknown_tag) or
              V(not_tried), as in RV(mailops.smtpeter.tag_stats_info#module:errors), or V(lost), where the look ended
              without a result, such as when the task's host was not reached.
          type: str
        status:
          description: The HTTP status; null where there was none.
          type: int
        msg:
          description: What happened, and what to do next.
          type: str
history:
  description:
    - The looks. Each has C(at), ISO 8601 in UTC, and either C(tags), with C(messages), C(deliveries) and C(verdict) by
      tag (null while undecided), or C(error). With O(judge_by=outcomes), a tag also has C(failed).
  returned: always
  type: list
  elements: dict
history_dropped:
  description: How many looks are not in RV(history).
  returned: always
  type: int
policy:
  description: The policy in force, without O(since).
  returned: always
  type: dict
"""
