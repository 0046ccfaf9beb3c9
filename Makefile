# `make` prints the targets. Each one makes the virtual environment it needs.
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV ?= .venv/$(VERSION)$(if $(LOWEST),-lowest)
BIN = $(VENV)/bin
ARGS ?=
# LOWEST=1: with the lowest versions of the dependencies that setup.cfg allows.
LOWEST ?=
# Test processes; many tests wait for sockets and processes more than they compute.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
PYTEST = $(BIN)/python -m pytest
PARALLEL = -n $(WORKERS) --dist loadgroup
# The tests that cover what pyproject.toml names; all others cost time and add nothing.
COVERING = tests/wire tests/vendors tests/delivery tests/handlers tests/journal tests/lifecycle \
	tests/devserver tests/integrations tests/cli/test_doctor.py tests/cli/test_spool.py \
	tests/test_handlers.py
QUICK = not slow and not timing and not servers and not integrations and not fleet

# Without bytecode, each of the many processes that tests start would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-slow test-timing check coverage browser docs docs-serve build faults integrations fleet soak fuzz bench clean

help: ## print this list
	@echo "Usage: make TARGET [PYTHON=python3.13] [ARGS='arguments of the command']"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.ready-dev ## see it work: a web application, three handlers, the local server; ARGS=--once ends by itself
	$(BIN)/cxlogging demo $(ARGS)

test: $(VENV)/.ready-test ## run the tests, in parallel; ARGS='tests/wire -x' runs some of them
	$(PYTEST) $(PARALLEL) -m '$(QUICK)' $(ARGS)

test-all: test-slow test-timing ## run the tests that `make test` leaves out: slow ones, and those that measure time

test-slow: $(VENV)/.ready-test browser
	$(PYTEST) -n 2 -m 'slow and not timing and not servers and not integrations' $(ARGS)

test-timing: $(VENV)/.ready-test
	$(PYTEST) -m 'timing and not servers and not integrations' $(ARGS)

check: $(VENV)/.ready-lint ## lint, check types, the structure of the package and the links of the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) tests/test_layers.py tests/test_links.py $(ARGS)

coverage: $(VENV)/.ready-test ## measure branch coverage of what carries records; fails below 96 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL) -m '$(QUICK)' $(COVERING) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=96

browser: ## install Debian's chromium with its driver, for the tests of the page; without them these are skipped
	@scripts/install_browser.sh

docs: $(VENV)/.ready-docs ## build the documentation as a site, in build/site; fails on warnings
	$(BIN)/mkdocs build --strict $(ARGS)

docs-serve: $(VENV)/.ready-docs ## serve the documentation at http://127.0.0.1:8000 and rebuild it on changes
	$(BIN)/mkdocs serve $(ARGS)

build: $(VENV)/.ready-build ## build the sdist and the wheel, in dist
	$(BIN)/python -m build $(ARGS)

faults: $(VENV)/.ready-faults ## run every case of the fault matrix, other servers included; writes docs/faults.md
	$(PYTEST) -p tests.faults.report tests/faults $(ARGS)

integrations: $(VENV)/.ready-integrations ## start every example and every framework for real
	$(PYTEST) $(PARALLEL) tests/integrations $(ARGS)

fleet: $(VENV)/.ready-fleet ## a NATS cluster, relays and producers under faults; FLEET_SEED=7 for another order
	$(PYTEST) tests/fleet $(ARGS)

soak: $(VENV)/.ready-test ## load with random faults and kills; ARGS='--minutes 5'
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(VENV)/.ready-test ## run the spool against many more generated examples; ARGS='--examples 20000'
	$(BIN)/python -m tests.journal.fuzz $(ARGS)

bench: $(VENV)/.ready-bench $(VENV)/.ready-peers ## measure, beside other log shippers; ARGS=--quick takes two minutes
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove environments and everything that was built
	rm -rf .venv build dist *.egg-info

# One stamp per extra; installed again when the package's metadata changes.
$(VENV)/.ready-%: setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRA_$*)]'
	@test -z '$(LOWEST)' || $(BIN)/python -m pip install --quiet -r .ci/lowest.txt
	@touch $@

# The other shippers that the benchmark measures; those that this Python cannot install are left out.
$(VENV)/.ready-peers: $(VENV)/.ready-bench benchmarks/requirements.txt
	@$(BIN)/python -m benchmarks.install
	@touch $@

EXTRA_dev = dev
EXTRA_test = test,sdks,browser
EXTRA_lint = test,lint
EXTRA_docs = docs
EXTRA_build = build
EXTRA_bench = dev,fast,relay,nats-test
EXTRA_faults = faults
EXTRA_fleet = test
EXTRA_integrations = integrations
