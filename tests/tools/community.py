# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put collections of the community below .venv/community, from the package on PyPI that carries them.

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
PREFIXES = ("ansible_collections/awx/awx/", "ansible_collections/community/general/")

HOME = pathlib.Path(".venv") / "community"


def main() -> int:
    """Download the package and unpack the collections, unless that has been done."""
    stamp = HOME / "installed.txt"
    wanted = "\n".join([PACKAGE, *PREFIXES])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"Unpacking awx.awx and community.general of {PACKAGE} ...", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-input", "-qq", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", directory, PACKAGE], check=True)
        (wheel,) = pathlib.Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(HOME, [name for name in archive.namelist() if name.startswith(PREFIXES)])
    stamp.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
