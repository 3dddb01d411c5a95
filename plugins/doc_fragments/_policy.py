# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents the options of the policy. Private: names and behaviour may change."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  min_delivery_ratio:
    description:
      - The least share of messages delivered, from 0 to 1. With V(0), O(min_messages) alone decides.
    type: float
    version_added: 1.0.0
    default: 0.95
  min_messages:
    description:
      - With fewer messages nothing is decided, neither pass nor fail. Give 1 or more.
    type: int
    version_added: 1.0.0
    default: 100
  confidence:
    description:
      - While mail is being sent, statistical evidence decides. It is wrong at most 1 minus this of the time, however
        often it is evaluated. From 0 to below 1.
      - With V(0), the bare ratio passes instead of evidence, and nothing fails while mail is being sent.
    type: float
    version_added: 1.0.0
    default: 0.95
  expected_messages:
    description:
      - How many messages the campaign sends under each tag, or a dict by tag. Only messages after O(since) count.
      - Sending has stopped once all of them are counted, and not before. If fewer are counted when time is up, the
        verdict is C(inconclusive).
      - Quote a tag that is a number or a boolean without quotes (V('010')). A dict may be given as JSON text.
      - When not set, O(sending_gap) decides when sending has stopped.
    type: raw
    version_added: 1.0.0
  sending_gap:
    description:
      - Seconds. Without O(expected_messages), sending has stopped when C(messages) has not changed for this long, over
        at least two looks. A single look uses O(grace_period) instead.
    type: float
    version_added: 1.0.0
    default: 60
  grace_period:
    description:
      - Seconds. The mail is settled when neither C(messages) nor C(deliveries) has changed for this long.
      - Make it longer than the retry interval (the service first retries after about 600 seconds) and any delay of the
        counters.
    type: float
    version_added: 1.0.0
    default: 900
  min_open_ratio:
    description:
      - The least ratio of opens to deliveries, from 0 to 1. Opens come late and are approximations. Too few of them
        delay a pass and make the verdict C(inconclusive) when time is up, but never C(fail).
      - When not set, opens are not judged.
    type: float
    version_added: 1.0.0
  min_click_ratio:
    description:
      - The least ratio of clicks to deliveries, from 0 to 1. It works like O(min_open_ratio).
      - When not set, clicks are not judged.
    type: float
    version_added: 1.0.0
  since:
    description:
      - The C(stats) of an earlier task, a dict of records by tag, or one record if one is judged. Only mail after it is
        judged.
      - When not set, all mail of the tag is judged.
    type: dict
    version_added: 1.0.0
  baseline_tag:
    description:
      - A tag to compare with. It cannot be the only tag. The required ratio is then the higher of O(min_delivery_ratio)
        and the ratio of this tag minus O(max_delivery_drop).
      - If it has fewer messages than O(min_messages), the verdict is C(inconclusive).
      - O(since) does not apply to it.
      - When not set, O(min_delivery_ratio) alone is required.
    type: str
    version_added: 1.0.0
  max_delivery_drop:
    description:
      - How much lower than the ratio of O(baseline_tag) the ratio may be, from 0 to 1.
    type: float
    version_added: 1.0.0
    default: 0.02
"""
