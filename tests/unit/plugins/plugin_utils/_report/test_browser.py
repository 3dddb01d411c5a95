"""Tests of the page in headless Chromium, where there is one: its width on a phone, its dark mode, and its silence."""

import functools
import json
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

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


@pytest.fixture
def browse(tmp_path):
    """Write a page into a site's directory, and open it in the browser; what that printed, and the site's address."""
    # It has no more than these files when it is the proxy for another site.
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    options = [*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", f"--proxy-server={site}"]

    def find(name, text, *more):
        (tmp_path / name).write_text(text, encoding="utf-8")
        command = [CHROMIUM, *options, *more, f"{site}/{name}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout, site

    yield find
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [("hostile", 390, False), ("fail", 390, True), ("error", 390, False), ("pass", 1280, False)],
)
def test_width(browse, report, tmp_path, name, width, dark):
    """The page is as wide as a phone or a desk and shows the picture for it, in the colours that the reader prefers."""
    (tmp_path / "report.html").write_text(report(name, "html"), encoding="utf-8")
    options = (f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--virtual-time-budget=5000", "--dump-dom")
    printed, _site = browse("frame.html", FRAME.replace("WIDTH", str(width)), *options)
    seen = json.loads(html.document_fromstring(printed).text_content())
    shown, hidden = ("narrow", "wide") if width == 390 else ("wide", "narrow")
    assert (seen["page"], seen[hidden]) == (width, 0)
    assert width * 0.6 < seen[shown] <= width
    background = "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    assert seen["back"] == background
    assert width == 1280 or seen["picture"] == background


def test_silence(browse, report, tmp_path):
    """The browser draws the whole page of a hostile tag, and the page asks for nothing; one that asks is noticed."""

    def asked_for(name, text):
        """The addresses that the page asked for, by the browser's log, which knows them from its own."""
        shot = ("--window-size=1280,2400", "--screenshot=page.png", "--log-net-log=log.json")
        _printed, site = browse(name, text, *shot)
        events = json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))["events"]
        starts = [event["params"] for event in events if "initiator" in event.get("params", {})]
        assert starts, "the log has no requests"
        asked = {start["url"] for start in starts if start["initiator"] == site}
        return {url for url in asked if not url.endswith("/favicon.ico")}

    assert asked_for("report.html", report("hostile", "html")) == set()
    image = (tmp_path / "page.png").read_bytes()
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(image) > 20_000  # an empty page of this size has a few thousand
    assert asked_for("asking.html", "<!DOCTYPE html><img src=//evil.example/a.png>") == {"http://evil.example/a.png"}
