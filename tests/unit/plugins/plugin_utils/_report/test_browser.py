"""Tests of the page in headless Chromium, where there is one: its width on a phone, its dark mode, and its silence."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lxml import html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--hide-scrollbars",
)  # fmt: skip

# A frame of a chosen width around the page; what is measured in it ends up in the document that is printed.
FRAME = """<!DOCTYPE html><body style="margin: 0">
<iframe src="/report.html" width="WIDTH" height="2000" style="border: 0"></iframe>
<script>
document.querySelector("iframe").onload = (event) => {
  const page = event.target.contentDocument, root = page.documentElement;
  const seen = (name) => page.querySelector(name).getBoundingClientRect().width;
  document.body.innerText = JSON.stringify({
    "page": root.scrollWidth, "wide": seen(".wide"), "narrow": seen(".narrow"),
    "back": getComputedStyle(page.body).backgroundColor,
    "picture": getComputedStyle(page.querySelector(".narrow .graph > .background")).fill,
  });
};
</script>"""


class Site(ThreadingHTTPServer):
    """Serves the page and its frame, and is the proxy for everything else."""

    daemon_threads = True

    def __init__(self, report):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/report.html": report}
        self.files |= {f"/frame-{width}.html": FRAME.replace("WIDTH", str(width)) for width in (390, 1280)}
        self.address = f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    def do_GET(self):
        """Give a file of the site."""
        body = self.server.files.get(self.path, "").encode("utf-8")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CONNECT = do_POST = do_GET  # noqa: N815  the names of http.server

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def site(request, report):
    """A site with the report of the gate that is the parameter."""
    server = Site(report(request.param, "html"))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def browse(server, directory, page, *options):
    """Let the browser open a page; what it printed."""
    command = [
        CHROMIUM, *OPTIONS, f"--user-data-dir={directory / 'profile'}", f"--proxy-server={server.address}", *options,
        f"http://{server.address}/{page}",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def measure(server, directory, width, dark):
    """What is measured of the page in a frame of this width."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    printed = browse(server, directory, f"frame-{width}.html", scheme, "--virtual-time-budget=5000", "--dump-dom")
    return json.loads(html.document_fromstring(printed).text_content())


@pytest.mark.parametrize(
    ("site", "dark"), [("hostile", False), ("ten-tags", True), ("error", False)], indirect=["site"]
)
def test_phone(site, tmp_path, dark):
    """The page is no wider than a phone and shows the narrow picture, in the colours that the reader prefers."""
    seen = measure(site, tmp_path, 390, dark)
    assert (seen["page"], seen["wide"]) == (390, 0)
    assert 300 < seen["narrow"] <= 390
    background = "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    assert (seen["back"], seen["picture"]) == (background, background)


@pytest.mark.parametrize("site", ["pass"], indirect=True)
def test_desk(site, tmp_path):
    """Where there is room the wide picture is shown instead."""
    seen = measure(site, tmp_path, 1280, dark=False)
    assert (seen["page"], seen["narrow"]) == (1280, 0)
    assert seen["wide"] > 800


def asked_for(log, origin):
    """The addresses that an origin's pages asked for, by the browser's log, which knows them from its own."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    starts = [event["params"] for event in events if "initiator" in event.get("params", {})]
    assert starts, "the log has no requests"
    asked = {start["url"] for start in starts if start["initiator"] == origin}
    return {url for url in asked if not url.endswith("/favicon.ico")}


@pytest.mark.parametrize("site", ["hostile"], indirect=True)
def test_silence(site, tmp_path):
    """The browser draws the whole page of a hostile tag, and the page asks for nothing; one that asks is noticed."""
    origin = f"http://{site.address}"
    shot = ("--window-size=1280,2400", "--screenshot=page.png", "--log-net-log=log.json")

    browse(site, tmp_path, "report.html", *shot)
    image = (tmp_path / "page.png").read_bytes()
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(image) > 20_000  # an empty page of this size has a few thousand
    assert asked_for(tmp_path / "log.json", origin) == set()

    site.files["/report.html"] = "<!DOCTYPE html><img src=//evil.example/a.png>"
    browse(site, tmp_path, "report.html", *shot)
    assert asked_for(tmp_path / "log.json", origin) == {"http://evil.example/a.png"}
