# Everything that a person runs on this project. Each target can be run again at any time.
#
#   SECOPS_PYTHON=/path/to/python3   the interpreter for .venv (3.11 or newer; found by itself otherwise)
#   SECOPS_HOME=/path/to/folder      where the installation lives (default ./var)
#   SERVE=no                         make demo ends after the reports instead of serving pages

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
SECOPS := $(VENV)/bin/secops
TESTS ?= tests
PYTEST_OPTIONS ?=
SERVE ?= yes
BENCH ?= *

.PHONY: help setup setup-dev demo run test lint bench clean

help: ## this list
	@echo "secops: security and compliance management for MLPS 2.0 (等保2.0)"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  SECOPS_HOME (default ./var) holds every file of an installation; docs/settings.md has the rest."

setup: ## make .venv with the platform and its locked dependencies
	@sh deploy/setup.sh run

setup-dev:
	@sh deploy/setup.sh dev

demo: setup ## set up, run the whole job on example data, then serve (SERVE=no: stop after the reports)
	@exec $(SECOPS) demo $(if $(filter no,$(SERVE)),--no-serve)

run: setup ## set up and serve an installation without example data
	@exec $(SECOPS) up

test: setup-dev ## run the tests (TESTS=path, PYTEST_OPTIONS=...)
	@exec $(PY) -m pytest $(TESTS) $(PYTEST_OPTIONS)

lint: setup-dev ## style, types, import contracts, no addresses in tracked files
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy secops
	$(PY) -m mypy --strict controls scanners reports smcrypto
	$(VENV)/bin/lint-imports
	$(PY) -m pytest tests/contract/test_no_addresses.py

bench: setup-dev ## measure speed against the figures to reach (BENCH=seal for one of them)
	@missed=0; for file in bench/bench_$(BENCH).py; do \
		name=$$(basename $$file .py); echo "== $$name"; \
		$(PY) -m bench.$$name || missed=1; \
	done; exit $$missed

clean: ## remove .venv and everything that was built; installations (var/) stay
	@rm -rf $(VENV) build dist *.egg-info controls/_compiled
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
