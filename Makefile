# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every path is relative, so that the clone may lie anywhere, also below a directory with a space in its name.
# PYTHON=... names the Python (3.10 or later) that .venv is made with.
PYTHON ?=
export PYTHON

VENV_PYTHON := .venv/bin/python
PINS := tests/requirements
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
export PYTHONPATH := $(CURDIR)/.venv/collections

.DEFAULT_GOAL := help
.PHONY: help demo gate-demo test soak fuzz faults lint format sanity audit benchmark simulate coverage demo-check
.PHONY: cores mutants pins clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

.venv/demo.stamp: $(PINS)/demo.txt tests/tools/venv.sh
	@tests/tools/venv.sh $(PINS)/demo.txt
	@touch $@

.venv/fuzz.stamp: .venv/dev.stamp $(PINS)/fuzz.txt
	@tests/tools/venv.sh $(PINS)/fuzz.txt
	@touch $@

.venv/mutants.stamp: .venv/dev.stamp $(PINS)/mutants.txt
	@tests/tools/venv.sh $(PINS)/mutants.txt
	@touch $@

.venv/dev.stamp: .venv/demo.stamp $(PINS)/dev.txt
	@tests/tools/venv.sh $(PINS)/dev.txt
	@touch $@

cores: .venv/dev.stamp  ## make environments for the other versions of ansible-core
	@$(VENV_PYTHON) tests/tools/cores.py
	@$(VENV_PYTHON) tests/tools/community.py

demo: .venv/demo.stamp  ## the whole story on a local sandbox; no account needed
	@tests/tools/playbook.sh mailops.smtpeter.demo

gate-demo: .venv/dev.stamp  ## four campaigns at the gate, on the sandbox; leaves a page for each in gate-demo/
	@tests/tools/playbook.sh mailops.smtpeter.gate_demo -e demo_reports=gate-demo
	@echo "Look at gate-demo/*.html in a browser."

test: cores  ## all tests, on every ansible-core that can be had; TESTS=path and ARGS='-k word' narrow it
	@$(VENV_PYTHON) -m pytest -n 3 --dist worksteal $(ARGS) $(TESTS)

soak: .venv/dev.stamp  ## what takes too long for `make test`: a hundred kills, a thousand looks; 2 minutes
	@$(VENV_PYTHON) -m pytest $(ARGS) tests/soak

lint: .venv/dev.stamp  ## ruff, mypy, ansible-lint, yamllint, changelog, licence and workflow checks
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m yamllint --strict .
	$(VENV_PYTHON) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV_PYTHON) .venv/bin/antsibull-changelog lint
	$(VENV_PYTHON) .venv/bin/reuse lint --quiet
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(VENV_PYTHON) -m ansiblelint --offline

format: .venv/dev.stamp  ## format the Python files as `make lint` wants them
	@$(VENV_PYTHON) -m ruff check --fix --quiet . || true
	@$(VENV_PYTHON) -m ruff format .

sanity: cores  ## ansible-test sanity on the oldest and the newest ansible-core; CORES=2.21 narrows it
	@$(VENV_PYTHON) tests/tools/sanity.py $(CORES)

audit: .venv/dev.stamp  ## look up known vulnerabilities of every pinned package; needs PyPI's own JSON API
	@$(VENV_PYTHON) tests/tools/audit.py $(ARGS)

faults: cores  ## meet every fault of a hostile service, and write docs/faults.md from what came of it
	@$(VENV_PYTHON) tests/tools/faults.py $(ARGS)

benchmark: .venv/dev.stamp  ## speed beside what one would use instead, into docs/speed.md; ARGS=--quick for a look
	@$(VENV_PYTHON) tests/benchmark/speed.py $(ARGS)

simulate: .venv/dev.stamp  ## how well the gate decides, beside its rivals; ARGS='--runs 50' for a quick look
	@$(VENV_PYTHON) tests/benchmark/simulate.py $(ARGS)

SECONDS ?= 60
fuzz: .venv/fuzz.stamp  ## look for answers and policies that break the parser or the policy; SECONDS=600 looks longer
	@for target in answer policy; do $(VENV_PYTHON) tests/fuzz/fuzz.py "$$target" "$$(($(SECONDS) / 2))" || exit; done

mutants: .venv/mutants.stamp  ## would the tests notice a mistake? mutants of the judging layers, into docs/mutation.md
	@$(VENV_PYTHON) tests/tools/mutants.py $(ARGS)

coverage: cores  ## all tests as `make test`, and how much of plugins/ they reach; fails below the limits
	@$(VENV_PYTHON) tests/tools/coverage_total.py -n 3 --dist worksteal $(ARGS) $(TESTS)

demo-check: .venv/dev.stamp  ## run the demo twice from a fresh clone below a path with a space, and look for leftovers
	@$(VENV_PYTHON) tests/tools/check_demo.py

pins:  ## write the pinned requirements anew (needs uv)
	@for name in demo dev audit fuzz mutants core-2.16 core-2.21 core-2.22; do tests/tools/pin.sh "$$name" || exit; done

clean:  ## remove everything that make made
	rm -rf .venv .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz .coverage benchmark mailops-smtpeter-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
