# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site into .docs/html, from the guides, the plugins' documentation and the pages in docs.

Run by .venv's Python from the repository's root. A warning fails it, and so does a page that would load something from
elsewhere. Arguments go to sphinx-build.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Iterator

from ansible_collections.mailops.smtpeter.tests.tools import pictures

BUILD = pathlib.Path(".docs")
SOURCE, HTML = BUILD / "source", BUILD / "html"
SITE = pathlib.Path("docs") / "site"
# Laid out as in the repository, so that the links between them hold.
PAGES = ("docs/*.md", "SECURITY.md", "CHANGELOG.md", "galaxy.yml")
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|link(?=[^>]*\brel="(?:stylesheet|preload|icon)"))\b[^>]*?
                        \s(?:src|srcset|href)="((?:https?:)?//[^"]*)""",
    re.VERBOSE,
)


def layout() -> dict[pathlib.Path, pathlib.Path]:
    """The files that Sphinx reads beside antsibull's, by where it reads them."""
    found = {SOURCE / path.relative_to(SITE): path for path in SITE.rglob("*") if path.is_file()}
    for pattern in PAGES:
        found |= {SOURCE / path: path for path in pathlib.Path().glob(pattern)}
    for path in pathlib.Path("docs/pictures").glob("*.svg"):
        # As far above the guides in reference/docsite as they are in the repository above docs/docsite/rst.
        found[SOURCE / "pictures" / path.name] = path
    return found


def lay_out() -> None:
    """Copy what has changed, and remove what is gone, so that Sphinx reads again only what it must."""
    wanted = layout()
    for path in [path for path in SOURCE.rglob("*") if path.is_file()]:
        if path not in wanted and "reference" not in path.parts:
            path.unlink()
    for target, path in wanted.items():
        if not target.is_file() or target.read_bytes() != path.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def run(*command: str) -> None:
    """Run a program of this environment; it has to end well."""
    scripts = pathlib.Path(sys.executable).parent
    # antsibull-docs runs ansible-doc.
    given = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, *command], env=given, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def reference() -> None:
    """Write the pages of the plugins, and lay out the guides."""
    target = SOURCE / "reference"
    target.mkdir(exist_ok=True)
    # antsibull-docs writes only where nobody else can.
    for directory in (BUILD, SOURCE, target):
        directory.chmod(0o755)
    script = str(pathlib.Path(sys.executable).parent / "antsibull-docs")
    options = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--cleanup", "similar-files")
    config = ("--config-file", str(SITE / "antsibull-docs.cfg"))
    run(script, *config, "collection", *options, "--dest-dir", str(target), "mailops.smtpeter")


def outside_files() -> Iterator[str]:
    """Say what a page of the site would load from elsewhere."""
    for page in sorted(HTML.rglob("*.html")):
        for address in LOADED.findall(page.read_text(encoding="utf-8")):
            yield f"{page.relative_to(HTML)} loads {address}"
    for sheet in sorted(HTML.rglob("*.css")):
        for address in re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')]*)""", sheet.read_text("utf-8")):
            yield f"{sheet.relative_to(HTML)} loads {address}"


def main() -> None:
    """Build the site."""
    SOURCE.mkdir(parents=True, exist_ok=True)
    pictures.draw()
    lay_out()
    reference()
    # Every page is written, since each shows where it stands among the others.
    options = ("-W", "--keep-going", "-a", "-q", "-b", "html", "-d", str(BUILD / "doctrees"))
    run("-m", "sphinx", *options, *sys.argv[1:], str(SOURCE), str(HTML))
    if found := list(outside_files()):
        sys.exit("\n".join(["the site must not need the network:", *found]))
    print(f"Look at {HTML / 'index.html'} in a browser.")


if __name__ == "__main__":
    main()
