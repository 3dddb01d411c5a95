# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why mail fails, and what receivers answer. Private: names and behaviour may change."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Mapping

from .message import Message

SENDER_IP = "192.0.2.25"
# The receiver that refuses the share of `blocked_rate`, for all domains.
BLOCKING_IP = "203.0.113.25"


@dataclass(frozen=True)
class SmtpReply:
    """A receiver's answer: SMTP code, enhanced status, and a text with fields such as `{recipient}`."""

    code: int
    status: str
    text: str


@dataclass(frozen=True)
class FailureCause:
    """A kind of failure: the state of the SMTP dialogue, how it ended, and what different receivers answer."""

    state: str
    replies: tuple[SmtpReply, ...] = ()
    type: str = "error"
    of_mailbox: bool = False  # the reply depends on the recipient's mailbox, not only on the domain


# What `refusals` may name. The texts repeat addresses, domains and numbers, as those of real receivers do.
REFUSALS: Mapping[str, FailureCause] = {
    "no_such_address": FailureCause(
        "rcptto",
        (
            SmtpReply(550, "5.1.1", "<{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"),
            SmtpReply(550, "5.1.1", "The email account that you tried to reach does not exist: <{recipient}>"),
            SmtpReply(550, "5.1.1", "<{recipient}>... User unknown"),
        ),
    ),
    "mailbox_full": FailureCause(
        "rcptto",
        (
            SmtpReply(552, "5.2.2", "<{recipient}>: Recipient address rejected: the mailbox is over its quota"),
            SmtpReply(452, "4.2.2", "<{recipient}>: the mailbox is full"),
        ),
        of_mailbox=True,
    ),
    "spam": FailureCause(
        "message",
        (
            SmtpReply(550, "5.7.1", "Message refused as spam by {domain} (reference {reference})"),
            SmtpReply(550, "5.7.1", "[{reference}] This message is likely unsolicited mail and has been refused"),
            SmtpReply(550, "5.7.1", "Our filter takes this message to <{recipient}> for spam"),
        ),
    ),
}
CAUSES: Mapping[str, FailureCause] = {
    **REFUSALS,
    "blocked": FailureCause(
        "mailfrom", (SmtpReply(550, "5.7.1", "Service unavailable; client host [{client}] is blocked"),)
    ),
    "unreachable": FailureCause("connect", type="timeout"),
    # Data of the first version does not say why mail was lost.
    "unrecorded": FailureCause("message", (SmtpReply(550, "5.0.0", "Message refused"),)),
}


def receiver_ip(message: Message) -> str:
    """Return the IP address of the server that takes mail for the recipient's domain, from the documentation range."""
    return f"198.51.100.{zlib.crc32(message.domain.encode('utf-8', 'replace')) % 254 + 1}"


def failure_fields(message: Message) -> dict[str, object]:
    """Return the fields of a failure event; code, status and description are null where no receiver answered."""
    cause = CAUSES.get(message.cause or "", CAUSES["unrecorded"])
    to_ip = BLOCKING_IP if message.cause == "blocked" else receiver_ip(message)
    returned = message.delivered_at is not None
    reply = _reply(cause, message)
    return {
        "attempt": message.attempt,
        "from": SENDER_IP if reply else None,
        "to": to_ip if reply else None,
        "type": cause.type,
        "code": reply.code if reply else None,
        "status": reply.status if reply else None,
        "description": _text(reply, message) if reply else None,
        "state": "bounce" if returned else cause.state,
    }


def _reply(cause: FailureCause, message: Message) -> SmtpReply | None:
    if not cause.replies:
        return None
    chooser = message.recipient if cause.of_mailbox else message.domain
    return cause.replies[zlib.crc32(chooser.encode("utf-8", "replace")) % len(cause.replies)]


def _text(reply: SmtpReply, message: Message) -> str:
    return reply.text.format(
        recipient=message.recipient,
        domain=message.domain,
        client=SENDER_IP,
        reference=f"{zlib.crc32(message.id.encode('ascii')):011d}",
    )
