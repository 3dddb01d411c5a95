#!/bin/sh
# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Usage: playbook.sh ARGUMENT...
# ansible-playbook of .venv with nothing of the caller's own Ansible settings. Run from the repository's root.
set -eu

for name in $(env | sed -n -e 's/^\(ANSIBLE_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(SMTPETER_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
ln -s "$PWD/.venv" "$private/venv"

export ANSIBLE_CONFIG="$PWD/tests/ansible.cfg" ANSIBLE_HOME="$private/ansible"
export ANSIBLE_COLLECTIONS_PATH="$PWD/.venv/collections"
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
"$private/venv/bin/python" -m ansible playbook "$@"
