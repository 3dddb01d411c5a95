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
.PHONY: help demo gate-demo test soak fuzz faults lint format matrix audit benchmark simulate demo-check
.PHONY: docs cores mutants release pins clean

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

test: cores  ## all tests, and how much of plugins/ they reach; TESTS=path and ARGS='-k word' narrow it
	@$(VENV_PYTHON) tests/tools/coverage_total.py -n 3 --dist worksteal $(ARGS) $(TESTS)

soak: .venv/dev.stamp  ## what takes too long for `make test`: a hundred kills, a thousand looks; 2 minutes
	@$(VENV_PYTHON) -m pytest $(ARGS) tests/soak

lint: .venv/dev.stamp  ## ruff, mypy, ansible-lint, yamllint, documentation, changelog, licence and workflow checks
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m yamllint --strict .
	$(VENV_PYTHON) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV_PYTHON) .venv/bin/antsibull-changelog lint
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(VENV_PYTHON) .venv/bin/antsibull-docs lint-collection-docs --plugin-docs \
		--check-extra-docs-refs --validate-collection-refs all --disallow-unknown-collection-refs .
	$(VENV_PYTHON) .venv/bin/reuse lint --quiet
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(VENV_PYTHON) -m ansiblelint --offline

format: .venv/dev.stamp  ## format the Python files as `make lint` wants them
	@$(VENV_PYTHON) -m ruff check --fix --quiet . || true
	@$(VENV_PYTHON) -m ruff format .

matrix: .venv/dev.stamp  ## ansible-test on each ansible-core and Python; CORES=2.20,2.21 and PARTS=sanity,units narrow it
	@$(VENV_PYTHON) tests/tools/matrix.py --cores '$(CORES)' --parts '$(PARTS)' $(ARGS)

audit: .venv/dev.stamp  ## look up known vulnerabilities of every pinned package; needs PyPI's own JSON API
	@$(VENV_PYTHON) tests/tools/audit.py $(ARGS)

faults: cores  ## meet every fault of a hostile service, and write docs/faults.md from what came of it
	@$(VENV_PYTHON) tests/tools/faults.py $(ARGS)

benchmark: .venv/dev.stamp  ## speed beside what one would use instead, into docs/speed.md; ARGS=--quick for a look
	@$(VENV_PYTHON) tests/benchmark/speed.py $(ARGS)

simulate: .venv/dev.stamp  ## how well the gate decides, beside its rivals, for the pictures too; ARGS='--runs 50' for a look
	@$(VENV_PYTHON) tests/benchmark/simulate.py $(ARGS)

SECONDS ?= 60
fuzz: .venv/fuzz.stamp  ## look for answers and policies that break the parser or the policy; SECONDS=600 looks longer
	@for target in answer policy; do $(VENV_PYTHON) tests/fuzz/fuzz.py "$$target" "$$(($(SECONDS) / 2))" || exit; done

docs: .venv/dev.stamp  ## the documentation site, into .docs/html, and its pictures
	@$(VENV_PYTHON) tests/tools/docs.py $(ARGS)

mutants: .venv/mutants.stamp  ## would the tests notice a mistake? mutants of the judging layers, into docs/mutation.md
	@$(VENV_PYTHON) tests/tools/mutants.py $(ARGS)

demo-check: .venv/dev.stamp  ## run the demo twice from a fresh clone below a path with a space, and look for leftovers
	@$(VENV_PYTHON) tests/tools/check_demo.py

release: .venv/dev.stamp  ## changelog, version, tag and artifact of VERSION=1.2.3, after .ci/run; publishes nothing
	@$(VENV_PYTHON) tests/tools/release.py "$(VERSION)"

pins:  ## write the pinned requirements anew (needs uv)
	@for name in demo dev audit fuzz mutants target core-2.16 core-2.19 core-2.20 core-2.21 core-2.22; do tests/tools/pin.sh "$$name" || exit; done

clean:  ## remove everything that make made
	rm -rf .venv .ansible .docs .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz .coverage benchmark mailops-smtpeter-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
