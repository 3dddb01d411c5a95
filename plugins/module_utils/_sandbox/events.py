# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events of a message, as the events method gives them, and the period that it is asked for. Pure.

Private: names and behaviour may change.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import functools
import re
import time
import typing as t

from .errors import FieldError
from .failures import SENDER_IP, failure_fields, receiver_ip
from .message import Message
from .values import shown

READER_IP = "192.0.2.80"
_HEADERS = "User-Agent: Mozilla/5.0"
_LINK = "https://www.example.com/"
_DAY = 24 * 3600 * 1000
_EPOCH = datetime.date(1970, 1, 1)

Event = t.Dict[str, object]


@dataclasses.dataclass(frozen=True)
class Period:
    """From `begin` until `end`, without that itself; milliseconds since 1970."""

    begin: int
    end: int

    def until(self, now: float) -> Period:
        """The part of it that has passed at this moment (seconds since 1970)."""
        return Period(self.begin, min(self.end, int(now * 1000) + 1))


def parse_period(query: t.Mapping[str, str], now: float) -> Period:
    """The period that `start` and `end` of a query ask for: UTC days, at most a month, which is the default, too.

    Raises `FieldError` where one of them is no date.
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


def _day(query: t.Mapping[str, str], name: str) -> datetime.date | None:
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
    """The same day of another month, or its last day where it is shorter; never outside of the calendar."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not datetime.MINYEAR <= year <= datetime.MAXYEAR:
        return datetime.date.min if months < 0 else datetime.date.max
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _milliseconds(day: datetime.date) -> int:
    return (day - _EPOCH).days * _DAY


def events_of(message: Message, period: Period) -> t.Iterator[Event]:
    """All that happens to the message in the period."""
    for at, kind, describe in _happenings(message):
        if at is not None and period.begin <= at < period.end:
            data = {"id": message.id, "time": _time(at // 1000), **describe(message)}
            yield {"type": kind, "data": {**data, "tags": ";".join(message.tags)}}


def _happenings(message: Message) -> t.Iterator[tuple[int | None, str, t.Callable[[Message], Event]]]:
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
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))


def _attempt(message: Message) -> Event:
    return {**_addresses(message), "properties": message.properties, "templateid": message.templateid}


def _delivery(message: Message) -> Event:
    return {**_addresses(message), "from": SENDER_IP, "to": receiver_ip(message), "attempt": message.attempt}


def _failure(message: Message) -> Event:
    return {**_addresses(message), **failure_fields(message)}


def _bounce(message: Message) -> Event:
    mime = (
        f"From: MAILER-DAEMON@{message.domain}\r\nTo: {message.envelope}\r\nSubject: Undelivered Mail\r\n\r\n"
        f"To <{message.recipient}>: {failure_fields(message)['description']}\r\n"
    )
    return {**_addresses(message), "mime": mime, "templateid": message.templateid}


def _open(message: Message) -> Event:
    return {"headers": _HEADERS, "ip": READER_IP, "protocol": "https", "recipient": message.recipient}


def _click(message: Message) -> Event:
    return {
        "headers": _HEADERS,
        "ip": READER_IP,
        "url": _LINK,
        "destination": _LINK,
        "recipient": message.recipient,
    }


def _addresses(message: Message) -> Event:
    return {"envelope": message.envelope, "recipient": message.recipient}
