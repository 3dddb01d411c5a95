#!/bin/sh
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Usage: venv.sh REQUIREMENTS
# Makes or mends .venv below the current directory, installs REQUIREMENTS there, and makes the collection importable.
# PYTHON names the interpreter for a new one; without it, the first of the usual names that is new enough serves.
set -eu

usable='import ensurepip, sys; sys.exit(sys.version_info < (3, 10))'

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.10 python3.14; do
        if "$name" -c "$usable" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "No Python 3.10 or later with the venv module was found (Debian: apt install python3-venv)." >&2
    echo "Name one: make PYTHON=/path/to/python3" >&2
    return 1
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=${PYTHON:-$(find_python)}
    if ! "$python" -c "$usable"; then
        echo "PYTHON=$python: Python 3.10 or later with the venv module is needed." >&2
        exit 1
    fi
    echo "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv
fi

echo "Installing $1 ..."
.venv/bin/python -m pip --disable-pip-version-check install --no-input -qq --requirement "$1"

collections=.venv/collections/ansible_collections/mailops
mkdir -p "$collections"
ln -sfn ../../../.. "$collections/smtpeter"
