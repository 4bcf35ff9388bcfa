# Needs Python 3.11 or newer, make, and a package registry; nothing else. `make help` lists the targets.

PORT ?= 8000
DATA ?= .data/atlas
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
PROFILE ?= default
EMAIL ?= alice@example.com
ROLE ?=
# Every process of ours would compile 360 files again, for a quarter of the time it takes to start.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup demo token test lint format bench faults docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## prepare .venv and do nothing else

# uv when it is on the path, otherwise what every Python brings. The stamp is newer than pyproject.toml
# exactly when the environment fits it.
$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		test -x $(BIN)/python || uv venv --quiet --python '>=3.11' $(VENV); \
		uv pip install --quiet --python $(BIN)/python -e . --group dev; \
	else \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Backstay needs Python 3.11 or newer; make PYTHON=/path/to/python3 ...")' \
		&& { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check -e . --group dev; \
	fi
	@touch $@

demo: $(READY)  ## set up, migrate, load and serve examples/atlas (PORT=8000 DATA=.data/atlas)
	@PORT='$(PORT)' BIN='$(BIN)' bash tools/demo.sh '$(abspath $(DATA))'

token: $(READY)  ## an access token for the demo (EMAIL=alice@example.com ROLE= and its PORT and DATA)
	@BACKSTAY_DATA_FOLDER='$(abspath $(DATA))' BACKSTAY_HTTP__PORT='$(PORT)' $(BIN)/backstay --project examples/atlas token \
		--email '$(EMAIL)' $(if $(ROLE),--role '$(ROLE)')

test: $(READY)  ## every test, on SQLite and PostgreSQL (one file: make test ARGS=tests/api/test_openapi.py)
	@PROFILE=$(PROFILE) $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope $(ARGS)

lint: $(READY)  ## style, types, import contracts, and the longest functions and files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/longest.py

format: $(READY)  ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)  ## requests per second beside a hand-written stack (takes some minutes)
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.login_storm

faults: $(READY)  ## the nightly profile: kills, property tests with 2,000 cases, long runs
	@PROFILE=nightly $(BIN)/python -m pytest tests --timeout=3600 $(ARGS)

docs: $(READY)  ## run the examples in the documentation
	@$(BIN)/python -m pytest tests/architecture -k 'readme or docs'

clean:  ## remove what the targets above made, data included
	rm -rf $(VENV) .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
