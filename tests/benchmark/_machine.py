# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it ran on: date, versions, cores. Private: names and behaviour may change."""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any, Mapping

from ansible.release import __version__ as ansible_version

ROOT = pathlib.Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """Date in UTC, versions, the processor, the number of its cores that may be used, and the load before."""
    import requests
    import urllib3

    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": _said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "ansible_core": ansible_version,
        "ansible_runner": version("ansible-runner"),
        "requests": requests.__version__,
        "urllib3": urllib3.__version__,
        "curl": _said("curl", "--version").split()[1],
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _said(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{argv[0]} is needed for the benchmark: {error}")
    return done.stdout.strip()


def sentence(made: Mapping[str, Any]) -> str:
    """The machine in words."""
    return (
        f"Measured on {made['date']} at commit {made['commit']} with Python {made['python']},"
        f" ansible-core {made['ansible_core']}, ansible-runner {made['ansible_runner']}, requests {made['requests']},"
        f" urllib3 {made['urllib3']} and curl {made['curl']}, on {made['cores']} cores ({made['system']}; load before"
        f" it began {made['load_before']:.2f})."
    )
