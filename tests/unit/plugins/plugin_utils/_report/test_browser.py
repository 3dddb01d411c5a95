"""Tests of the page in headless Chromium, where there is one: its width on a phone, and its dark mode."""

import functools
import json
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lxml import html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")]

OPTIONS = "--headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --disable-background-networking"

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


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [("hostile", 390, False), ("fail", 390, True), ("error", 390, False), ("pass", 1280, False)],
)
def test_width(report, tmp_path, name, width, dark):
    """The page is as wide as a phone or a desk and shows the picture for it, in the colours that the reader prefers."""
    (tmp_path / "report.html").write_text(report(name, "html"), encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    options = [f"--user-data-dir={tmp_path / 'profile'}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        options += ["--virtual-time-budget=5000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/frame.html"]
        command = [CHROMIUM, *OPTIONS.split(), *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        server.shutdown()
    seen = json.loads(html.document_fromstring(done.stdout).text_content())
    shown, hidden = ("narrow", "wide") if width == 390 else ("wide", "narrow")
    assert (seen["page"], seen[hidden]) == (width, 0)
    assert width * 0.6 < seen[shown] <= width
    background = "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    assert seen["back"] == background
    assert width == 1280 or seen["picture"] == background
