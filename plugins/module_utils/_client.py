# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talks to the stats method: one tag in, one answer or one error out. Private: names and behaviour may change."""

from __future__ import annotations

import ipaddress
import math
import os
import random
import re
import ssl
import threading
import time
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Callable
from urllib.parse import SplitResult, quote, urlsplit

from . import _transport
from ._errors import RETRY_AFTER_LIMIT, OptionError, StatsError

if TYPE_CHECKING:
    import requests

    from ._redact import Redactor

    Get = Callable[[requests.Session, str, float], _transport.Reply]

TAG_LIMIT = 1000
TOKEN_MINIMUM = 8
# Beside 5xx: Request Timeout, Too Early (which Python 3.8 does not name), Too Many Requests.
_RETRIED = (408, 425, 429)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]*)?", re.IGNORECASE)
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SUCCESS = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)
_BACKOFF_BASE = 0.5
_BACKOFF_LIMIT = 10.0


@dataclass(frozen=True)
class Connection:
    """How to reach the service; the fields are the shared connection options, with their defaults.

    `timeout` is in seconds, for one request from start to last byte; `retries` counts the attempts after the
    first. Raises OptionError for a value that cannot work. It reads no file and no environment, which are those of
    the host that makes the request.
    """

    api_token: str = field(repr=False)
    api_url: str = "https://www.smtpeter.com/v1"
    endpoint: str = "stats"
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 10
    retries: int = 3

    def __post_init__(self) -> None:
        check_token(self.api_token)
        _check_url(self.api_url)
        if self.endpoint not in ("stats", "tag"):
            raise OptionError("endpoint", f"{self.endpoint[:60]!r} is unknown; give stats or tag")
        if not 0 < self.timeout <= 3600:
            raise OptionError("timeout", f"{self.timeout:g} is not above 0 and at most 3600; give seconds")
        if not 0 <= self.retries <= 100:
            raise OptionError("retries", f"{self.retries} is not from 0 to 100")

    @property
    def host(self) -> str:
        """The host asked, for messages."""
        return urlsplit(self.api_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the requests stay on the machine."""
        return _is_loopback(urlsplit(self.api_url).hostname)

    def url(self, tag: str) -> str:
        """Return the address of a tag's statistics. It holds the token: it must not get out."""
        return self._url(f"{self.endpoint}/{quote(tag, safe='')}")

    def recent_url(self) -> str:
        """Return the address of the statistics of the most recently active tags. It holds the token, too."""
        return self._url(self.endpoint)

    def events_url(self, tag: str, period: tuple[date, date] | None) -> str:
        """Return the address of a tag's events: of about the last month, or of UTC days, of which the last is excluded.

        It holds the token, too.
        """
        days = f"&start={period[0].isoformat()}&end={period[1].isoformat()}" if period else ""
        return self._url(f"events/tags/{quote(tag, safe='')}") + days

    def _url(self, path: str) -> str:
        return f"{self.api_url.rstrip('/')}/{path}?access_token={quote(self.api_token, safe='')}"


@dataclass(frozen=True)
class Answer:
    """What the service said of a tag: the body of an answer with success, or null where it said 404.

    `fetched_at` is the answer's `Date` where it is a valid one, else this machine's clock; in UTC. `age` is for how
    many seconds a cache has kept the answer; null where none says so.
    """

    tag: str
    body: bytes | None
    fetched_at: datetime
    age: int | None = None


def check_token(token: str) -> None:
    """Raise OptionError where the token is one that could not be kept out of the results, or is damaged."""
    if not token:
        problem = (
            "it is not set, or empty; set SMTPETER_API_TOKEN in the environment of the machine that asks, or the option"
        )
        raise OptionError("api_token", problem)
    if len(token) < TOKEN_MINIMUM:
        raise OptionError("api_token", f"it has fewer than {TOKEN_MINIMUM} characters; give the whole REST API token")
    if any(char.isspace() or unicodedata.category(char) in ("Cc", "Cs") for char in token):
        raise OptionError("api_token", "it holds white space, a line end or a control character; give the token alone")


def check_tag(tag: str, token: str) -> None:
    """Raise OptionError where `tag` cannot be a tag, or holds the token, which is empty where it is not known."""
    if token and token in tag:
        raise OptionError("tags", "a tag holds the api_token, so masking the token would damage the results")
    problem = _tag_problem(tag)
    if problem:
        raise OptionError("tags", f"{tag[:60]!r} {problem}")


def _tag_problem(tag: str) -> str | None:
    if not tag or tag.isspace():
        return "is empty; give the tag that the messages were sent with"
    if tag in (".", ".."):
        return "is a dot segment, which cannot be asked for"
    if len(tag) > TAG_LIMIT:
        return f"is cut short here: it has {len(tag)} characters, and a tag has at most {TAG_LIMIT}"
    for char in tag:
        category = unicodedata.category(char)
        if char.isspace():
            return "holds white space, which no tag has; give several tags as a list"
        if char == ";":
            return "holds a semicolon, which no tag has"
        if category == "Cc":
            return "holds a control character"
        if category == "Cs":
            return "is not valid Unicode"
    return None


def _check_url(url: str) -> None:
    if not url:
        raise OptionError("api_url", "it is empty; give an address, or unset SMTPETER_API_URL for the real service")
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise OptionError("api_url", "it holds white space, a backslash or characters that are not ASCII")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise OptionError("api_url", "it is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError("api_url", "it must begin with https:// and a host")
    _check_parts(url, parts)


def _check_parts(url: str, parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise OptionError("api_url", "it holds user information; the token goes into api_token")
    if not _HOST.fullmatch(parts.netloc):
        raise OptionError("api_url", "it is not a valid URL: its host is a name or an address, and a port may follow")
    if "?" in url or "#" in url:
        raise OptionError("api_url", "it holds a query or a fragment; give the address up to the version, as in .../v1")
    if any(re.fullmatch(r"(\.|%2e){1,2}", segment, re.IGNORECASE) for segment in parts.path.split("/")):
        raise OptionError("api_url", "its path holds a dot segment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise OptionError(
            "api_url", "plain http would send the token in the clear; use https (http is for loopback addresses alone)"
        )


def find_authorities(connection: Connection) -> ssl.SSLContext | bool:
    """Read the certificate authorities that the options or the environment name, once for check and use.

    True stands for those that requests brings along, False for checking none. Raises OptionError where a path cannot be
    used.
    """
    given = _authorities_in("ca_path", connection.ca_path) if connection.validate_certs and connection.ca_path else None
    if not connection.validate_certs or urlsplit(connection.api_url).scheme == "http":
        return False
    if given:
        return given
    for name in _BUNDLES:
        path = os.environ.get(name)
        if path:
            return _authorities_in(name, path)
    return True


def _authorities_in(option: str, path: str) -> ssl.SSLContext:
    try:
        return _transport.read_authorities(path)
    except OSError:
        raise OptionError(option, f"'{path}' is not there, cannot be read, or holds no certificates") from None


def _is_loopback(host: str | None) -> bool:
    """Tell whether `host` is a loopback address as written: no name but `localhost` is resolved."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return address == ipaddress.IPv6Address("::1") or address in ipaddress.IPv4Network("127.0.0.0/8")


class Client:
    """Reads tags from the service, from any number of threads; each has a session of its own.

    Where the service asks to slow down (429 or `Retry-After`), all threads do; where it asks for more than 30
    seconds, nothing more is asked. `sleep` waits between attempts, `jitter` draws from 0 to 1, `now` tells the time in
    UTC, `clock` is monotonic. Raises OptionError for certificate authorities that cannot be read.
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
        self._verify = find_authorities(connection)
        self._sleep = sleep
        self._jitter = jitter
        self._now = now
        self._clock = clock
        self._resume_at = 0.0
        # The pauses that the service asked for: when each is over, and its length in seconds.
        self._pauses_asked: list[tuple[float, float]] = []
        self._holding = threading.Lock()
        self._local = threading.local()
        self._opening = threading.Lock()
        self._authorities: ssl.SSLContext | None = None
        self._sessions: list[requests.Session] = []

    @property
    def longest_pause(self) -> float:
        """The longest pause, in seconds, that the service asked for and that was not waited for; 0 without one."""
        with self._holding:
            return max((length for _end, length in self._unmet_pauses()), default=0.0)

    def fetch(self, tag: str) -> Answer:
        """Ask for one tag; raises OptionError for a tag that cannot be one, and StatsError where no answer came.

        Raises OptionError and LibraryMissing, too, where the proxy that the environment names cannot be used.
        """
        check_tag(tag, self.connection.api_token)
        return self._persist(tag, lambda: self._attempt(tag, self.connection.url(tag)))

    def fetch_recent(self, retry: bool = True) -> Answer:
        """Ask for the most recently active tags, of which the answer's tag is empty; raises StatsError."""

        def attempt() -> Answer | StatsError:
            answer = self._attempt("", self.connection.recent_url())
            if isinstance(answer, Answer) and answer.body is None:
                problem = f"{self.connection.host} answered 404 (Not Found): it lists no recent tags; give tags"
                return StatsError("refused", "", problem, HTTPStatus.NOT_FOUND)
            return answer

        return self._persist("", attempt, retry)

    def fetch_events(
        self, tag: str, period: tuple[date, date] | None, take: Callable[[], Callable[[bytes], None]]
    ) -> Answer:
        """Ask for the events of one tag, as `fetch` does, and hand each piece of the answer to what `take` makes.

        `take` is called for each attempt, so an answer that breaks off begins again. `period` is as in `events_url`.
        The body of the answer is empty, or null where the service said 404. Raises what `fetch` raises, and what the
        pieces were handed to raises.
        """
        check_tag(tag, self.connection.api_token)
        url = self.connection.events_url(tag, period)

        def get(session: requests.Session, url: str, timeout: float) -> _transport.Reply:
            return _transport.stream(session, url, timeout, _SUCCESS, take())

        return self._persist(tag, lambda: self._attempt(tag, url, get))

    def _persist(self, tag: str, attempt: Callable[[], Answer | StatsError], retry: bool = True) -> Answer:
        failed: StatsError | None = None
        attempts = 0
        while True:
            self._wait_with_all()
            if self.longest_pause > RETRY_AFTER_LIMIT:
                raise failed or not_tried(tag, f"the service {pause_asked(self.longest_pause)}")
            outcome = attempt()
            if isinstance(outcome, Answer):
                return outcome
            failed = outcome
            attempts += 1
            failed.attempts = attempts
            if failed.retry_after is not None:
                self._note_pause(failed.retry_after)
            if not failed.retryable or failed.asks_for_long_pause:
                raise failed
            pause = self._pause(attempts, failed.retry_after)
            concerns_all = failed.status == HTTPStatus.TOO_MANY_REQUESTS or failed.retry_after is not None
            if concerns_all:
                self._hold_all(pause)
            if not retry or attempts > self.connection.retries:
                raise failed
            if not concerns_all:
                self._sleep(pause)

    def _note_pause(self, seconds: float) -> None:
        with self._holding:
            self._pauses_asked = [*self._unmet_pauses(), (self._clock() + seconds, seconds)]

    def _unmet_pauses(self) -> list[tuple[float, float]]:
        now = self._clock()
        return [(end, length) for end, length in self._pauses_asked if end > now or length > RETRY_AFTER_LIMIT]

    def _hold_all(self, seconds: float) -> None:
        with self._holding:
            self._resume_at = max(self._resume_at, self._clock() + seconds)

    def _wait_with_all(self) -> None:
        until = 0.0
        # Another thread may be told to wait longer, meanwhile.
        while until < self._resume_at and self._clock() < self._resume_at:
            until = self._resume_at
            self._sleep(until - self._clock())

    def excerpt(self, body: bytes) -> str:
        """Return the beginning of what the service said as one harmless line, without the token and mail addresses."""
        from ._privacy import mask_addresses

        return self._redactor.excerpt(body, mask_addresses)

    @cached_property
    def _redactor(self) -> Redactor:
        # Making one costs more than reading an answer, and most answers are never shown.
        from ._redact import Redactor

        return Redactor(self.connection.api_token)

    def prepare(self) -> None:
        """Open the session of this thread, for which libraries are imported and certificates are read."""
        self._session()

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._sessions:
            self._sessions.pop().close()

    def _pause(self, attempts: int, retry_after: float | None) -> float:
        backoff = self._jitter() * min(_BACKOFF_LIMIT, _BACKOFF_BASE * 2.0 ** (attempts - 1))
        return max(backoff, min(retry_after or 0.0, RETRY_AFTER_LIMIT))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            proxied_url = None if self.connection.is_loopback else self.connection.api_url
            with self._opening:
                if not self._sessions:
                    self._authorities = _transport.load_authorities(self._verify)
                session = _transport.open_session(self._authorities, proxied_url)
                self._sessions.append(session)
            self._local.session = session
        return session

    def _attempt(self, tag: str, url: str, get: Get = _transport.get) -> Answer | StatsError:
        connection = self.connection
        try:
            reply = get(self._session(), url, connection.timeout)
        except _transport.TransportError as error:
            return _not_reached(error, tag, connection)
        if reply.status == HTTPStatus.NOT_FOUND:
            return self._answer(tag, None, reply)
        if reply.status not in _SUCCESS:
            return self._refusal(reply, tag)
        if reply.body is None:
            is_stream = get is not _transport.get
            limit = _transport.STREAM_LIMIT if is_stream else _transport.BODY_LIMIT
            remedy = "give since, or a tag per wave" if is_stream else "check api_url"
            problem = f"{connection.host} answered with more than {limit} bytes; {remedy}"
            return StatsError("answer", tag, problem, reply.status)
        return self._answer(tag, reply.body, reply)

    def _answer(self, tag: str, body: bytes | None, reply: _transport.Reply) -> Answer:
        return Answer(tag, body, self._moment(reply.date) or self._now(), _seconds(reply.age))

    def _refusal(self, reply: _transport.Reply, tag: str) -> StatsError:
        status = reply.status
        busy = status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        text = self.excerpt(reply.body or b"")
        said = f" and said {text!r}" if text else ""
        wait = self._wait_asked(reply.retry_after)
        asked = f", and {pause_asked(wait)}" if wait else ""
        remedy = "try again after that" if (wait or 0.0) > RETRY_AFTER_LIMIT else _remedy(status)
        return StatsError(
            kind="service" if busy else "refused" if status >= HTTPStatus.BAD_REQUEST else "answer",
            tag=tag,
            problem=f"{self.connection.host} answered {_transport.status_name(status)}{said}{asked}; {remedy}",
            status=status,
            retryable=busy,
            retry_after=wait,
        )

    def _wait_asked(self, retry_after: str | None) -> float | None:
        """Return the seconds that `Retry-After` asks for, given in seconds or as a date; null where it is neither."""
        seconds = _seconds(retry_after)
        if seconds is not None:
            return float(seconds)
        moment = self._moment(retry_after)
        return max(0.0, (moment - self._now()).total_seconds()) if moment else None

    def _moment(self, http_date: str | None) -> datetime | None:
        try:
            moment = parsedate_to_datetime(http_date or "")
            return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
        except (TypeError, ValueError, OverflowError, IndexError):
            return None


def _not_reached(error: _transport.TransportError, tag: str, connection: Connection) -> StatsError:
    remedies = {
        "certificate": "check api_url and the machine's clock, or name the certificate authority in ca_path",
        "timeout": f"raise timeout, which is {connection.timeout:g} s, or try again later",
        "connection": "check api_url, the network and the proxy, or try again later",
        "answer": "check api_url",
    }
    problem = f"{connection.host} was asked, but {error.problem}; {error.remedy or remedies[error.kind]}"
    return StatsError(error.kind, tag, problem, retryable=error.retryable)


def pause_asked(seconds: float) -> str:
    """Return the words that tell of the pause that a service asked for."""
    return f"asks to wait {math.ceil(seconds)} s"


def not_tried(tag: str, since: str) -> StatsError:
    """Return the error of a tag that was not asked for, since something had happened before."""
    return StatsError("not_tried", tag, f"not tried, since {since}; see the other errors")


def _seconds(text: str | None) -> int | None:
    """Return the seconds that a header gives as a whole number in ASCII digits; null where it does not."""
    digits = (text or "").strip()
    if not re.fullmatch(r"[0-9]+", digits):
        return None
    # Above this, RFC 9111 has a cache count no further.
    return min(int(digits.lstrip("0")[:11] or "0"), 2**31)


def _remedy(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "check api_token: it is missing a right, or is not this service's"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirects are never followed, since they would carry the token along: check api_url"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "ask less often, or with a lower parallel"
    if status in _RETRIED:
        return "try again later"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "the service has a problem of its own: try again later"
    return "check api_url, endpoint and the tag"
