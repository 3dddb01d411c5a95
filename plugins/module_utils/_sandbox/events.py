# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events of a message, as the events method returns them, and the period that a request asks for.

Private: names and behaviour may change.
"""

from __future__ import annotations

import calendar
import datetime
import functools
import re
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, Mapping

from .._values import shown
from .errors import FieldError
from .failures import SENDER_IP, failure_fields, receiver_ip
from .message import Message

READER_IP = "192.0.2.80"
_HEADERS = "User-Agent: Mozilla/5.0"
_LINK = "https://www.example.com/"
_DAY = 24 * 3600 * 1000
_EPOCH = datetime.date(1970, 1, 1)

EventFields = Dict[str, object]


@dataclass(frozen=True)
class Period:
    """A period in milliseconds since 1970; `end` is not part of it."""

    begin: int
    end: int

    def until(self, now: float) -> Period:
        """Return the part of the period that has passed at `now` (seconds since 1970)."""
        return Period(self.begin, min(self.end, int(now * 1000) + 1))


def parse_period(query: Mapping[str, str], now: float) -> Period:
    """Return the period from `start` to `end` of a query: UTC days, at most a month. Without them, the last month.

    Raises FieldError for something that is not a date.
    """
    start, end = (_day(query, name) for name in ("start", "end"))
    if start is None:
        today = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).date()
        end = end or today + datetime.timedelta(days=1)
        start = _months_later(end, -1)
    else:
        longest = _months_later(start, 1)
        end = longest if end is None else min(end, longest)
    return Period(_milliseconds(start), _milliseconds(end))


def _day(query: Mapping[str, str], name: str) -> datetime.date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.date(*(int(part) for part in text.split("-")))
    except ValueError:
        pass
    raise FieldError(name, f"{shown(text)} is not a day; write it as YYYY-MM-DD")


def _months_later(day: datetime.date, months: int) -> datetime.date:
    """Return the same day of another month, or its last day if it is shorter, within the range of `date`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not datetime.MINYEAR <= year <= datetime.MAXYEAR:
        return datetime.date.min if months < 0 else datetime.date.max
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _milliseconds(day: datetime.date) -> int:
    return (day - _EPOCH).days * _DAY


def events_of(message: Message, period: Period) -> Iterator[EventFields]:
    """Yield what happens to the message in the period."""
    for at, kind, describe in _happenings(message):
        if at is not None and period.begin <= at < period.end:
            data = {"id": message.id, "time": _time(at // 1000), **describe(message)}
            yield {"type": kind, "data": {**data, "tags": ";".join(message.tags)}}


def _happenings(message: Message) -> Iterator[tuple[int | None, str, Callable[[Message], EventFields]]]:
    yield message.sent_at, "attempt", _attempt
    yield message.delivered_at, "delivery", _delivery
    yield message.failed_at, "failure", _failure
    if message.delivered_at is not None:
        yield message.failed_at, "bounce", _bounce
    for at in message.opened_at:
        yield at, "open", _open
    for at in message.clicked_at:
        yield at, "click", _click


@functools.lru_cache(maxsize=4096)
def _time(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _attempt(message: Message) -> EventFields:
    return {**_addresses(message), "properties": message.properties, "templateid": message.templateid}


def _delivery(message: Message) -> EventFields:
    return {**_addresses(message), "from": SENDER_IP, "to": receiver_ip(message), "attempt": message.attempt}


def _failure(message: Message) -> EventFields:
    return {**_addresses(message), **failure_fields(message)}


def _bounce(message: Message) -> EventFields:
    mime = (
        f"From: MAILER-DAEMON@{message.domain}\r\nTo: {message.envelope}\r\nSubject: Undelivered Mail\r\n\r\n"
        f"To <{message.recipient}>: {failure_fields(message)['description']}\r\n"
    )
    return {**_addresses(message), "mime": mime, "templateid": message.templateid}


def _open(message: Message) -> EventFields:
    return {"headers": _HEADERS, "ip": READER_IP, "protocol": "https", "recipient": message.recipient}


def _click(message: Message) -> EventFields:
    return {
        "headers": _HEADERS,
        "ip": READER_IP,
        "url": _LINK,
        "destination": _LINK,
        "recipient": message.recipient,
    }


def _addresses(message: Message) -> EventFields:
    return {"envelope": message.envelope, "recipient": message.recipient}
