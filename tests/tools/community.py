# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collection community.general below .venv/community, from the package on PyPI that carries it.

Run by .venv's Python from the repository's root; `ansible-galaxy` would need Galaxy for the same.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import zipfile

# Its community.general runs on each ansible-core that the tests run on.
PACKAGE = "ansible==12.3.0"
PREFIX = "ansible_collections/community/general/"

HOME = pathlib.Path(".venv") / "community"


def main() -> int:
    """Download the package and unpack the one collection, unless that has been done."""
    stamp = HOME / "installed.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == PACKAGE:
        return 0
    print(f"Unpacking community.general of {PACKAGE} ...", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-input", "-qq", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", directory, PACKAGE], check=True)
        (wheel,) = pathlib.Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(HOME, [name for name in archive.namelist() if name.startswith(PREFIX)])
    stamp.write_text(PACKAGE, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
