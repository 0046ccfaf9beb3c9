# Two commands for everyone: `make demo` and `make test`. Each makes its own
# virtual environment, installs what it needs and runs.
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV ?= .venv/$(VERSION)
BIN = $(VENV)/bin
ARGS ?=

.PHONY: demo test check coverage fuzz bench faults soak clean

demo: $(VENV)/.ready-dev
	$(BIN)/cxlogging demo $(ARGS)

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py $(ARGS)

coverage: $(VENV)/.ready-test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine
	$(BIN)/coverage report

fuzz: $(VENV)/.ready-test
	$(BIN)/python -m tests.journal.fuzz $(ARGS)

bench: $(VENV)/.ready-bench $(VENV)/.ready-peers
	$(BIN)/python -m benchmarks $(ARGS)

# Every case of the fault matrix, other servers included; writes docs/faults.md.
faults: $(VENV)/.ready-faults
	$(BIN)/python -m pytest -p tests.faults.report tests/faults $(ARGS)

soak: $(VENV)/.ready-test
	$(BIN)/python -m tests.soak $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info

# One stamp an extra; made again when the package's own facts change.
$(VENV)/.ready-%: setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRA_$*)]'
	@touch $@

# The peers that are measured; one that this Python cannot have is left out.
$(VENV)/.ready-peers: $(VENV)/.ready-bench benchmarks/requirements.txt
	@$(BIN)/python -m benchmarks.install
	@touch $@

EXTRA_dev = dev
EXTRA_test = test,sdks
EXTRA_lint = test,lint
EXTRA_bench = dev,fast
EXTRA_faults = faults
