# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the service: retries, status codes, and pauses for all threads. Private: names and behaviour may change."""

from __future__ import annotations

import random
import re
import threading
import time
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Callable

from ._answer import Answer
from ._body import BODY_LIMIT, STREAM_LIMIT
from ._certificates import load_authorities
from ._connection import Connection, check_tag
from ._errors import RETRY_AFTER_LIMIT, StatsError
from ._http import HttpReply, HttpSession
from ._pacer import Pacer, not_tried, pause_asked
from ._request_error import status_name

if TYPE_CHECKING:
    import ssl

    from ._redact import Redactor

    Ask = Callable[[HttpSession], HttpReply]
    Feed = Callable[[bytes], None]

# Beside 5xx: Request Timeout, Too Early (which Python 3.8 does not name), Too Many Requests.
_RETRIED = (408, 425, 429)
_SUCCESS = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)
_BACKOFF_BASE = 0.5
_BACKOFF_LIMIT = 10.0


class Client:
    """Asks the service about tags, from any number of threads; each has an HTTP session of its own.

    If the service asks for a pause (429 or `Retry-After`), all threads wait. If it asks for more than 30 seconds, it is
    not asked again. `sleep` waits between attempts, `jitter` returns a random number from 0 to 1, `now` the time in
    UTC, and `clock` is monotonic.
    """

    def __init__(
        self,
        connection: Connection,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._pacer = Pacer(sleep, clock)
        self._jitter = jitter
        self._now = now
        self._local = threading.local()
        self._opening = threading.Lock()
        self._authorities: ssl.SSLContext | None = None
        self._sessions: list[HttpSession] = []

    @property
    def longest_pause(self) -> float:
        """The longest pause, in seconds, that the service asked for and that was not waited for; 0 without one."""
        return self._pacer.longest_pause

    def fetch(self, tag: str) -> Answer:
        """Return the answer about the counters of a tag.

        Raises StatsError if there is none, OptionError for a tag that cannot be one and for certificates that cannot be
        read, and OptionError or LibraryMissing for a proxy of the environment that cannot be used.
        """
        check_tag(tag, self.connection.api_token)
        url, timeout = self.connection.url(tag), self.connection.timeout
        return self._ask(tag, lambda session: session.get(url, timeout))

    def fetch_recent(self, retry: bool = True) -> Answer:
        """Return the answer about the most recently active tags, whose `tag` is empty. Raises as `fetch` does."""
        url, timeout = self.connection.recent_url(), self.connection.timeout
        answer = self._ask("", lambda session: session.get(url, timeout), retry=retry)
        if answer.body is None:
            problem = f"{self.connection.host} answered 404 (Not Found): it lists no recent tags; give tags"
            raise StatsError("refused", "", problem, HTTPStatus.NOT_FOUND)
        return answer

    def fetch_events(self, tag: str, period: tuple[date, date] | None, open_feed: Callable[[], Feed]) -> Answer:
        """Pass the answer about the events of a tag to a feed, piece by piece, and return it with an empty body.

        `open_feed` is called for each attempt, since an answer that is cut short begins again. `period` is as in
        `Connection.events_url`. The body is None if the status was 404. Raises as `fetch` does, and what a feed raises.
        """
        check_tag(tag, self.connection.api_token)
        url, timeout = self.connection.events_url(tag, period), self.connection.timeout
        return self._ask(tag, lambda session: session.stream(url, timeout, _SUCCESS, open_feed()), is_stream=True)

    def excerpt(self, body: bytes) -> str:
        """Return the beginning of a body as one safe line, without the token and mail addresses."""
        from ._privacy import mask_addresses

        return self._redactor.excerpt(body, mask_addresses)

    def prepare(self) -> None:
        """Open the session of this thread, which imports libraries and reads certificates."""
        self._session()

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._sessions:
            self._sessions.pop().close()

    def _ask(self, tag: str, ask: Ask, retry: bool = True, is_stream: bool = False) -> Answer:
        """Return the answer to a request, after further attempts if necessary. An error comes out as it was raised."""
        attempts = 0
        failed: StatsError | None = None
        while True:
            self._pacer.wait()
            if self.longest_pause > RETRY_AFTER_LIMIT:
                raise failed or not_tried(tag, f"the service {pause_asked(self.longest_pause)}")
            try:
                return self._answer(tag, ask(self._session()), is_stream)
            except StatsError as error:
                attempts += 1
                error.tag, error.attempts = tag, attempts
                if error.retry_after is not None:
                    self._pacer.note_pause(error.retry_after)
                if not error.retryable or error.asks_for_long_pause:
                    raise
                pause = self._pause_after(error)
                if error.concerns_all_tags:
                    self._pacer.hold_all(pause)
                if not retry or attempts > self.connection.retries:
                    raise
                failed = error
            if not failed.concerns_all_tags:
                self._pacer.sleep(pause)

    def _pause_after(self, error: StatsError) -> float:
        """Return the seconds to wait before another attempt: exponential with full jitter, or as the service asked."""
        backoff = self._jitter() * min(_BACKOFF_LIMIT, _BACKOFF_BASE * 2.0 ** (error.attempts - 1))
        return max(backoff, min(error.retry_after or 0.0, RETRY_AFTER_LIMIT))

    def _session(self) -> HttpSession:
        session: HttpSession | None = getattr(self._local, "session", None)
        if session is None:
            proxied_url = None if self.connection.is_loopback else self.connection.api_url
            with self._opening:
                if not self._sessions:
                    self._authorities = self._load()
                session = HttpSession(self._authorities, proxied_url)
                self._sessions.append(session)
            self._local.session = session
        return session

    def _load(self) -> ssl.SSLContext | None:
        """Return the certificate authorities; `requests` is imported while OpenSSL reads them, which takes as long."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as executor:
            reading = executor.submit(load_authorities, self.connection)
            import requests  # noqa: F401

            return reading.result()

    def _answer(self, tag: str, reply: HttpReply, is_stream: bool) -> Answer:
        """Return the answer of a reply with success or 404; raises StatsError for any other."""
        if reply.status == HTTPStatus.NOT_FOUND:
            body = None
        elif reply.status not in _SUCCESS:
            raise self._status_error(reply)
        elif reply.body is None:
            raise self._size_error(reply.status, is_stream)
        else:
            body = reply.body
        return Answer(tag, body, _moment(reply.date) or self._now(), _whole_seconds(reply.age))

    def _size_error(self, status: int, is_stream: bool) -> StatsError:
        limit = STREAM_LIMIT if is_stream else BODY_LIMIT
        remedy = "give since, or a tag per wave" if is_stream else "check api_url"
        problem = f"{self.connection.host} answered with more than {limit} bytes; {remedy}"
        return StatsError("answer", "", problem, status)

    def _status_error(self, reply: HttpReply) -> StatsError:
        """Return the error that a status stands for, with the beginning of what the service said."""
        status = reply.status
        is_busy = status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        text = self.excerpt(reply.body or b"")
        said = f" and said {text!r}" if text else ""
        wait = self._retry_after(reply.retry_after)
        asked = f", and {pause_asked(wait)}" if wait else ""
        remedy = "try again after that" if (wait or 0.0) > RETRY_AFTER_LIMIT else _remedy(status)
        return StatsError(
            kind="service" if is_busy else "refused" if status >= HTTPStatus.BAD_REQUEST else "answer",
            tag="",
            problem=f"{self.connection.host} answered {status_name(status)}{said}{asked}; {remedy}",
            status=status,
            retryable=is_busy,
            retry_after=wait,
        )

    def _retry_after(self, header: str | None) -> float | None:
        """Return the seconds that `Retry-After` asks for, as seconds or as a date; None if it is neither."""
        seconds = _whole_seconds(header)
        if seconds is not None:
            return float(seconds)
        moment = _moment(header)
        return max(0.0, (moment - self._now()).total_seconds()) if moment else None

    @cached_property
    def _redactor(self) -> Redactor:
        # It costs more than an answer, and most answers are never shown.
        from ._redact import Redactor

        return Redactor(self.connection.api_token)


def _moment(header: str | None) -> datetime | None:
    """Return the date of a header, in UTC; None if it has none."""
    try:
        moment = parsedate_to_datetime(header or "")
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _whole_seconds(header: str | None) -> int | None:
    """Return the seconds that a header gives as a whole number in ASCII digits; None if it does not."""
    digits = (header or "").strip()
    if not re.fullmatch(r"[0-9]+", digits):
        return None
    # RFC 9111 has a cache count no further.
    return min(int(digits.lstrip("0")[:11] or "0"), 2**31)


def _remedy(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "check api_token: it lacks a permission, or belongs to another service"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirects are never followed, since they would carry the token along: check api_url"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "ask less often, or with a lower parallel"
    if status in _RETRIED:
        return "try again later"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "the service itself has a problem: try again later"
    return "check api_url, endpoint and the tag"
