# The project's tasks. `make demo` and `make test` each do all the set-up they need, once.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python on the path that runs and is new enough; name another with `make PYTHON=...`.
PYTHON ?= $(firstword $(foreach p,python3.11 python3 python,$(shell \
	$(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --progress-bar off --constraint constraints.txt
READY := .venv/ready
# Every script there but the helpers that the others call.
BENCHMARKS := $(filter-out %/common.py %/peers.py %/peak_memory.py,$(wildcard benchmarks/*.py))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow lint bench docs clean

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */make \1\t/' | expand -t 18

demo: $(READY)  ## Train every recipe on the digits, print the table, write report.html.
	$(BIN)/narrows demo

test: lint  ## Lint, import contracts, types, doctests, tests, and the wheel in a clean environment.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"
	$(BIN)/python tools/try_wheel.py

test-slow: $(READY)  ## The tests that take minutes.
	$(BIN)/pytest -m slow

lint: $(READY)  ## Style, types and the arrows between folders.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)-bench  ## Run every benchmark beside its peers.
	for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script"; done

docs: $(READY)-docs  ## Build the documentation; warnings and undocumented names are errors.
	@# The pages are programs: where the code is newer than what they printed, all of them run again.
	@test -z "$$(find src -name '*.py' -newer docs/gallery/index.rst 2>&1)" || rm -rf docs/gallery docs/_build
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean:  ## Remove what was built, but not .venv.
	rm -rf build dist report.html docs/_build docs/gallery docs/api/generated
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find src tests tools docs examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The stamp says that .venv holds what pyproject.toml and constraints.txt ask for.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "narrows needs Python 3.11 or newer on the path" >&2; exit 1; }
	@echo "Setting up .venv (once, some minutes)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(INSTALL) --editable '.[dev]'
	@touch $@

$(READY)-%: $(READY)
	@echo "Installing what 'make $*' needs (once)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@
