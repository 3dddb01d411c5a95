# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each target is a session of noxfile.py, for which tests/tools/nox.sh makes .venv.
# PYTHON=... names the Python (3.10 or later) that a new .venv is made with. TESTS and ARGS are passed on.
export PYTHON

SESSIONS := demo test unit lint docs benchmark simulate gate-demo eda-demo eda format soak fuzz mutants pins
.PHONY: help clean faults $(SESSIONS)

help:
	@sed -n 's/^#: //p' Makefile

#: make demo        the whole story on a local sandbox; no account needed
#: make test        all tests, and how much of plugins/ they reach; TESTS=path ARGS='-k word' narrow it
#: make unit        the quick unit tests, to run while you work; TESTS=path ARGS='-k word' narrow it
#: make lint        style, types, documentation, licences and workflows
#: make docs        the documentation site, into .docs/html
#: make benchmark   speed beside the alternatives, into docs/speed.md; ARGS='--only reading' narrows it
#: make simulate    how well the gate decides, beside its rivals; ARGS='--runs 50' for a look
#: make clean       remove everything that make made
#: Also: gate-demo eda-demo eda format soak fuzz faults mutants pins. `tests/tools/nox.sh --list` tells of all sessions.
$(SESSIONS):
	@tests/tools/nox.sh --session $@ -- $(ARGS) $(TESTS)

# A hostile service on each ansible-core.
faults:
	@tests/tools/nox.sh --session integration -- -k test_hostile $(ARGS)

clean:
	rm -rf .venv .ansible .docs .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz .coverage .mutation.sqlite gate-demo mailops-smtpeter-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
