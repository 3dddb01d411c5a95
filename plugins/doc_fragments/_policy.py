# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy options, in one place. Private: names and behaviour may change."""

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
      - With fewer messages nothing is decided, neither pass nor fail; 1 or more.
    type: int
    version_added: 1.0.0
    default: 100
  confidence:
    description:
      - Evidence, which decides while mail is still being sent, is wrong at most 1 minus this of the time, however often
        one looks. From 0 to below 1.
      - With V(0) the bare ratio stands in for evidence on a pass, and nothing fails while mail is being sent.
    type: float
    version_added: 1.0.0
    default: 0.95
  expected_messages:
    description:
      - How many messages the campaign sends, for each tag, or a dict by tag; counted after O(since).
      - With it, sending has stopped when they are all counted, and not before; with fewer when time is up, the verdict
        is C(inconclusive).
      - Quote a tag that is a number or a boolean without quotes (V('010')). A dict may be given as JSON text.
      - When not set, O(sending_gap) tells when sending has stopped.
    type: raw
    version_added: 1.0.0
  sending_gap:
    description:
      - Seconds. Without O(expected_messages), sending has stopped when C(messages) stood still for so long, over at
        least two looks. One look alone goes by O(grace_period).
    type: float
    version_added: 1.0.0
    default: 60
  grace_period:
    description:
      - Seconds. The mail is still when neither C(messages) nor C(deliveries) moved for so long.
      - It must exceed the receivers' retry interval (the service first retries after about 600) and any delay of the
        counters.
    type: float
    version_added: 1.0.0
    default: 900
  min_open_ratio:
    description:
      - The least share of opens to deliveries, from 0 to 1. Opens arrive late and are approximations, so unmet it holds
        a pass and makes the verdict C(inconclusive) when time is up, never C(fail).
      - When not set, opens play no part.
    type: float
    version_added: 1.0.0
  min_click_ratio:
    description:
      - The least share of clicks to deliveries, from 0 to 1; it works as O(min_open_ratio) does.
      - When not set, clicks play no part.
    type: float
    version_added: 1.0.0
  since:
    description:
      - An earlier C(stats), a dict of records by tag (or one record, where one is judged). Only what came after it is
        judged.
      - When not set, all mail of the tag is judged.
    type: dict
    version_added: 1.0.0
  baseline_tag:
    description:
      - Judge against another tag, which cannot be the only one judged. The required ratio is then the higher of
        O(min_delivery_ratio) and the ratio of this tag minus O(max_delivery_drop).
      - With fewer messages than O(min_messages) under it, the verdict is C(inconclusive).
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
