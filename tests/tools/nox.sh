#!/bin/sh
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Usage: nox.sh ARGUMENT...
# Makes .venv where it is missing, broken or outdated, then runs nox from it. Run from the repository's root.
# PYTHON names the interpreter for a new .venv. By default it is the one with the newest stable ansible-core.
set -eu

pins=tests/requirements/unit.txt
usable='import ensurepip, sys; sys.exit(sys.version_info < (3, 10))'

# The caller's settings for Python, pip and the locale play no part; the index and the proxy do.
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONSTARTUP
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIREMENT PIP_NO_DEPS UV_PYTHON VIRTUAL_ENV
export LC_ALL=C.UTF-8 PIP_USER=0 UV_PYTHON_DOWNLOADS=never PYTHONNOUSERSITE=1
# All of pyenv's Pythons may be used; its shims run only some of them.
pyenv="${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions"
for directory in "$pyenv"/3.[89].*/bin "$pyenv"/3.1[0-9].*/bin; do
    if [ -d "$directory" ]; then PATH="$directory:$PATH"; fi
done
cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
if ! { mkdir -p "$cache" && touch "$cache/CACHEDIR.TAG"; } 2>/dev/null; then
    export UV_CACHE_DIR="$PWD/.venv/cache"
fi

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    for name in python3.13 python3.12 python3.14 python3 python3.11 python3.10; do
        if "$name" -c "$usable" >/dev/null 2>&1; then
            echo "$name"
            break
        fi
    done
}

explain() {
    version=$("$1" -c 'import platform; print(platform.python_version())' 2>/dev/null) || version=
    if [ -z "$version" ]; then
        echo "$1 was not found or does not run; Python 3.10 or later is needed (Debian: apt install python3-venv)."
    elif "$1" -c 'import sys; sys.exit(sys.version_info >= (3, 10))'; then
        echo "$1 is $version; 3.10 or later is needed. Install one beside it."
    else
        echo "$1 is $version, but lacks the module ensurepip (Debian: apt install python3-venv)."
    fi
    echo "If you have another one, name it: make PYTHON=/path/to/python3.12 ..."
}

works() {
    .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

if ! { works && cmp -s "$pins" .venv/installed.txt; }; then
    if ! { works && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
        python=$(find_python)
        if [ -z "$python" ] || ! "$python" -c "$usable" >/dev/null 2>&1; then
            explain "${python:-python3}" >&2
            exit 1
        fi
        [ -d .venv ] || rm -f .venv
        echo "Making .venv with $("$python" --version) ..."
        "$python" -m venv --clear .venv
    fi
    echo "Installing $pins ..."
    .venv/bin/python -m pip --disable-pip-version-check install --no-input -qq "$(grep '^uv==' "$pins")"
    .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --requirement "$pins"
    cp "$pins" .venv/installed.txt
fi
mkdir -p .venv/collections/ansible_collections/mailops
ln -sfn ../../../.. .venv/collections/ansible_collections/mailops/smtpeter
exec .venv/bin/python -m nox "$@"
