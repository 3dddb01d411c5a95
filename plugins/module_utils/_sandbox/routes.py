# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The methods of the service: a request in, a response out, no sockets. Private: names and behaviour may change."""

from __future__ import annotations

import functools
import hmac
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Callable, Iterator, Mapping, Optional
from urllib.parse import parse_qsl, unquote_to_bytes

from .errors import FieldError, StoreError, StoreFullError
from .events import events_of, parse_period
from .faults import Fault, FaultQueue
from .mail import parse_mail
from .plan import Plan, plan_message, random_of
from .settings import Settings
from .store import Counters, Store

LARGEST_BODY = 32 * 1024 * 1024
_METHODS = "POST /v1/send, GET /v1/stats, GET /v1/stats/TAG, GET /v1/events/tags/TAG and GET /v1/tag/TAG"
# How many entries of a long response are made at a time.
_BATCH = 200

_JSON = "application/json"

Clock = Callable[[], float]


@dataclass(frozen=True)
class Response:
    """Status, body and further headers of a response, and the fault that it suffers.

    A body of unknown length comes as `pieces`, made while they are sent; then `body` is empty.
    """

    status: int
    body: bytes
    pieces: Iterator[bytes] | None = None
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault = field(default_factory=Fault)


Query = Mapping[str, str]
Describe = Callable[[str, Optional[Counters]], object]


def text(status: int, explanation: str, *headers: tuple[str, str]) -> Response:
    """Return a response in words, as the vendor's errors are."""
    return Response(status, (explanation + "\n").encode("utf-8", "replace"), headers=headers)


def _json(value: object) -> Response:
    return Response(200, json.dumps(value).encode("ascii"), content_type=_JSON)


def _array(entries: Iterator[object]) -> Iterator[bytes]:
    """Yield the pieces of a JSON array of any length, without blanks, as PHP writes it."""
    opening = "["
    while True:
        batch = list(itertools.islice(entries, _BATCH))
        if not batch:
            yield b"[]" if opening == "[" else b"]"
            return
        yield (opening + json.dumps(batch, separators=(",", ":"))[1:-1]).encode("ascii")
        opening = ","


class Routes:
    """The methods of the service over a store. `clock` returns seconds since 1970."""

    def __init__(self, settings: Settings, store: Store, clock: Clock = time.time) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._faults = FaultQueue(settings.faults)
        self._methods: Mapping[str, Callable[[str, Query], Response]] = {
            "/v1/stats/": lambda tag, _query: self._counters(tag, _stats),
            "/v1/tag/": lambda tag, _query: self._counters(tag, _tag),
            "/v1/events/tags/": self._events,
        }
        self._seed: int | str = secrets.token_hex(16) if settings.seed is None else settings.seed

    def respond(self, method: str, target: str, body: bytes) -> Response:
        """Return the response to one request. `target` is percent-encoded and has its query."""
        path, _mark, search = target.partition("?")
        query = _parsed(search)
        if path == "/v1/send":
            return self._guard(method, "POST", query) or self._send(body)
        if path == "/v1/stats":
            return self._guard(method, "GET", query) or self._statistics(self._recent)
        for endpoint, ask in self._methods.items():
            tag = path[len(endpoint) :]
            if path.startswith(endpoint) and tag and "/" not in tag:
                name = unquote_to_bytes(tag).decode("utf-8", "replace")
                return self._guard(method, "GET", query) or self._statistics(functools.partial(ask, name, query))
        return text(404, f"There is no such method. This sandbox has {_METHODS}; a tag has to be percent-encoded.")

    def _guard(self, method: str, right: str, query: Query) -> Response | None:
        if method != right:
            return text(405, f"The method has to be {right}.", ("Allow", right))
        given = query.get("access_token")
        if not given:
            return text(401, "The access_token is missing: add ?access_token=TOKEN to the address.")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._settings.api_token.encode("utf-8")):
            return text(401, "The access_token is wrong: it is not the api_token that this sandbox was started with.")
        return None

    def _send(self, body: bytes) -> Response:
        try:
            mail = parse_mail(body)
        except FieldError as error:
            return text(400, str(error))
        scenario = self._settings.scenario.for_tags(mail.tags)

        def planned(number: int, recipient: str) -> Plan:
            return plan_message(scenario, recipient, random_of(self._seed, number), self._settings.speed)

        try:
            return _json(self._store.add(mail, planned, self._clock()))
        except StoreFullError as error:
            return text(507, str(error))
        except StoreError as error:
            return text(500, str(error))

    def _statistics(self, ask: Callable[[], Response]) -> Response:
        """Return the response to a request for statistics, with its fault."""
        fault = self._faults.next_fault()
        if fault.status is not None:
            retry_after = fault.status.retry_after
            headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
            response = text(fault.status.status, "The sandbox was asked to answer with this status.", *headers)
        else:
            try:
                response = ask()
            except FieldError as error:
                response = text(400, str(error))
            except StoreError as error:
                response = text(500, str(error))
        return replace(response, fault=fault)

    def _counters(self, tag: str, describe: Describe) -> Response:
        counters = self._store.counters(tag, self._clock())
        if counters is not None or self._settings.faults.unknown_tag == "zeros":
            return _json(describe(tag, counters))
        if self._settings.faults.unknown_tag == "not_found":
            return text(404, "There is no mail under this tag.")
        return _json({"object": {}, "list": [], "null": None}[self._settings.faults.unknown_tag])

    def _recent(self) -> Response:
        now = self._clock()
        found = [(tag, self._store.counters(tag, now)) for tag in self._store.recent(now)]
        return _json([{"tag": tag, **_stats(tag, counters)} for tag, counters in found])

    def _events(self, tags: str, query: Query) -> Response:
        """Return the events of all messages that carry all of the tags, which have semicolons between them."""
        now = self._clock()
        period = parse_period(query, now).until(now)
        wanted = tags.split(";") + (query["tags"].split(";") if query.get("tags") else [])
        messages = self._store.messages(wanted)
        events = (event for message in messages for event in events_of(message, period))
        return Response(200, b"", pieces=_array(events), content_type=_JSON)


def _parsed(search: str) -> Query:
    try:
        return dict(parse_qsl(search, keep_blank_values=True))
    except ValueError:
        return {}


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _stats(_name: str, counters: Counters | None) -> dict[str, object]:
    """Return the documented answer of the stats method."""
    return {
        "first": _date(counters.first) if counters else None,
        "last": _date(counters.last) if counters else None,
        "opens": counters.opens if counters else 0,
        "clicks": counters.clicks if counters else 0,
        "messages": counters.messages if counters else 0,
        "deliveries": counters.deliveries if counters else 0,
    }


def _tag(name: str, counters: Counters | None) -> dict[str, object]:
    """Return the answer of the method's later revision, under its later name."""
    return {
        "tag": name,
        "first": _date(counters.first) if counters else None,
        "last": _date(counters.last) if counters else None,
        "messages": counters.messages if counters else 0,
        "deliveries": counters.deliveries if counters else 0,
        "all_opens": counters.opens if counters else 0,
        "unique_opens": counters.unique_opens if counters else 0,
        "all_clicks": counters.clicks if counters else 0,
        "unique_clicks": counters.unique_clicks if counters else 0,
    }
