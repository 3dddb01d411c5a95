# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the interface of AWX, as far as the modules of awx.awx ask it: it keeps what it is given."""

from __future__ import annotations

import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PREFIX = "/api/v2/"
# What is listed under a second name, too.
ALSO_IN = {"job_templates": "unified_job_templates"}


class Controller:
    """Objects by the name of their list, such as C(job_templates), each with an C(id), and what belongs to an object.

    C(related) has the ids that were associated, and surveys, by path below C(/api/v2/). One organization and the
    job template Deploy are there from the start.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.related: dict[str, Any] = {}
        self._numbers = itertools.count(1)
        self.add("organizations", {"name": "Default"})
        self.add("job_templates", {"name": "Deploy"})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a run that sets it up by awx.awx."""
        return {
            "CONTROLLER_HOST": f"http://127.0.0.1:{self._server.server_port}",
            "CONTROLLER_OAUTH_TOKEN": "only-for-examples",
        }

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Keep an object in a list; the object as AWX answers."""
        number = next(self._numbers)
        path = f"{PREFIX}{name}/{number}/"
        kind = name[:-1] if name in ALSO_IN else name
        added = {**fields, "id": number, "url": path, "type": kind, "related": {"survey_spec": f"{path}survey_spec/"}}
        if name == "projects":
            added.update(scm_revision="", summary_fields={})
        self.lists.setdefault(name, []).append(added)
        if name in ALSO_IN:
            self.lists.setdefault(ALSO_IN[name], []).append(added)
        return added

    def one(self, name: str, identity: str) -> dict[str, Any]:
        """The one object of a list that has this name or identifier."""
        (found,) = (entry for entry in self.lists[name] if identity in (entry.get("name"), entry.get("identifier")))
        return found

    def by_id(self, number: int) -> dict[str, Any]:
        """The object with this id."""
        return next(entry for entries in self.lists.values() for entry in entries if entry["id"] == number)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """A status and what to say with it."""
        listed = re.fullmatch(r"(\w+)/", path)
        if method == "GET" and listed:
            wanted = {name: value for name, value in query.items() if name != "page_size"}
            found = [entry for entry in self.lists.get(listed[1], []) if _matches(entry, wanted)]
            return 200, {"count": len(found), "results": found, "next": None}
        if method == "POST" and listed:
            return 201, self.add(listed[1], body)
        if method == "GET":
            associated = [{"id": number} for number in self.related.get(path, [])]
            return 200, {"count": len(associated), "results": associated, "next": None}
        if method == "POST" and path.endswith("/survey_spec/"):
            self.related[path] = body
            return 200, {}
        if method == "POST":
            self.related.setdefault(path, []).append(body["id"])
            return 204, None
        return 405, {"detail": f"{method} {path}"}


def _matches(entry: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(str(entry.get(name)) == value for name, value in wanted.items())


def _handler(controller: Controller) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            target = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
            path = target.path[len(PREFIX) :]
            status, said = controller.answer(self.command, path, dict(parse_qsl(target.query)), body)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    return Handler
