# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service answers: a request in, an answer out; no sockets. Private: names and behaviour may change."""

from __future__ import annotations

import dataclasses
import hmac
import json
import secrets
import time
import typing as t
from urllib.parse import parse_qsl, unquote_to_bytes

from .errors import MailError, StoreError, StoreFullError
from .faults import Fault, FaultQueue
from .mail import parse_mail
from .scenario import Fate, fate, stream
from .settings import Settings
from .store import Counters, Store

LARGEST_BODY = 32 * 1024 * 1024
_WAYS = "POST /v1/send, GET /v1/stats/TAG and GET /v1/tag/TAG"

Clock = t.Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Answer:
    """Status, body and further headers; and the fault that this answer suffers."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault = dataclasses.field(default_factory=Fault)


def text(status: int, explanation: str, *headers: tuple[str, str]) -> Answer:
    """An answer in words, as the vendor's errors are."""
    return Answer(status, (explanation + "\n").encode("utf-8", "replace"), headers=headers)


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode("ascii"), "application/json")


class Routes:
    """The service's methods over a store. C(clock) gives seconds since 1970."""

    def __init__(self, settings: Settings, store: Store, clock: Clock = time.time) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._faults = FaultQueue(settings.faults)
        self._seed: int | str = secrets.token_hex(16) if settings.seed is None else settings.seed

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The answer to one request; C(target) as it came, percent-encoded and with its query."""
        path, _mark, query = target.partition("?")
        if path == "/v1/send":
            return self._guard(method, "POST", query) or self._send(body)
        for endpoint, describe in (("/v1/stats/", _stats), ("/v1/tag/", _tag)):
            tag = path[len(endpoint) :]
            if path.startswith(endpoint) and tag and "/" not in tag:
                return self._guard(method, "GET", query) or self._counters(tag, describe)
        return text(404, f"There is nothing here. This sandbox knows {_WAYS}; a tag has to be percent-encoded.")

    def _guard(self, method: str, right: str, query: str) -> Answer | None:
        if method != right:
            return text(405, f"The method has to be {right}.", ("Allow", right))
        try:
            given = dict(parse_qsl(query, keep_blank_values=True)).get("access_token")
        except ValueError:
            given = None
        if not given:
            return text(401, "The access_token is missing: add ?access_token=TOKEN to the address.")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._settings.token.encode("utf-8")):
            return text(401, "The access_token is wrong: it is not the api_token that this sandbox was started with.")
        return None

    def _send(self, body: bytes) -> Answer:
        try:
            mail = parse_mail(body)
        except MailError as error:
            return text(400, str(error))
        scenario = self._settings.scenarios.of(mail.tags)

        def plan(number: int, recipient: str) -> Fate:
            return fate(scenario, recipient, stream(self._seed, number), self._settings.speed)

        try:
            return _json(self._store.add(mail, plan, self._clock()))
        except StoreFullError as error:
            return text(507, str(error))
        except StoreError as error:
            return text(500, str(error))

    def _counters(self, tag: str, describe: t.Callable[[str, Counters | None], object]) -> Answer:
        fault = self._faults.take()
        if fault.status is not None:
            retry_after = fault.status.retry_after
            headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
            answer = text(fault.status.status, "The sandbox was asked to answer with this status.", *headers)
        else:
            answer = self._ask(unquote_to_bytes(tag).decode("utf-8", "replace"), describe)
        return dataclasses.replace(answer, fault=fault)

    def _ask(self, tag: str, describe: t.Callable[[str, Counters | None], object]) -> Answer:
        try:
            counters = self._store.counters(tag, self._clock())
        except StoreError as error:
            return text(500, str(error))
        if counters is not None or self._settings.faults.unknown_tag == "zeros":
            return _json(describe(tag, counters))
        if self._settings.faults.unknown_tag == "not_found":
            return text(404, "There is no mail under this tag.")
        return _json({"object": {}, "list": [], "null": None}[self._settings.faults.unknown_tag])


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _stats(_name: str, counters: Counters | None) -> dict[str, object]:
    """The documented answer of the stats method."""
    return {
        "first": _date(counters.first) if counters else None,
        "last": _date(counters.last) if counters else None,
        "opens": counters.opens if counters else 0,
        "clicks": counters.clicks if counters else 0,
        "messages": counters.messages if counters else 0,
        "deliveries": counters.deliveries if counters else 0,
    }


def _tag(name: str, counters: Counters | None) -> dict[str, object]:
    """The answer of the later revision, under its later name."""
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
