#!/bin/sh
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Usage: pin.sh NAME
# Writes tests/requirements/NAME.txt from NAME.in with uv: exact versions, with markers for each supported Python.
set -eu
cd tests/requirements

case $1 in
    target) python=3.8 ;;
    core-2.19) python=3.11 ;;
    core-2.20 | core-2.21) python=3.12 ;;
    core-2.22) python=3.13 ;;
    *) python=3.10 ;;
esac
case $1 in
    dev) constraints='--constraints demo.txt' ;;
    mutants) constraints='--constraints dev.txt' ;;
    *) constraints= ;;
esac
# shellcheck disable=SC2086
uv pip compile --quiet --universal --upgrade --python-version "$python" --no-header --no-annotate $constraints \
    "$1.in" --output-file "$1.txt"
