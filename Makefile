# Two commands matter: `make run` and `make test`. Both set up what they need.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$python && break; done)
BIN := .venv/bin
DATA := data/registry.db
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: help setup run test check format lock seeds bench clean

help:  ## Show what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/ready  ## Make .venv with everything, from the lock file

.venv/ready: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and no such python3 was found."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup  ## Serve the registry with its profiles and seed content on the embedded store
	$(BIN)/trial-registry load fhir_profiles/ seed_bundles/ --store sqlite:///$(DATA)
	$(BIN)/trial-registry serve --store sqlite:///$(DATA) --host $(HOST) --port $(PORT)

test: setup  ## Run every test, on every store
	$(BIN)/python -m pytest -n auto --dist loadfile

check: setup  ## Style, types, the arrows between the rooms, and that nothing derived is stale
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.build_seeds --check
	$(BIN)/python -m tools.index_package --check
	$(BIN)/python -m tools.document_settings --check
	$(BIN)/python -m tools.document_tables --check

format: setup  ## Put the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

seeds: setup  ## Build seed_bundles/ anew from its tables, and the index of fhir_profiles/
	$(BIN)/python -m tools.build_seeds
	$(BIN)/python -m tools.index_package

bench: setup  ## Measure reads, searches and creates (needs wrk)
	$(BIN)/python -m bench.rest

lock:  ## Resolve the dependencies anew (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 --upgrade --all-extras pyproject.toml --custom-compile-command "make lock" -o requirements-dev.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 -c requirements-dev.lock pyproject.toml --custom-compile-command "make lock" -o requirements.lock

clean:  ## Remove what was built; data/ stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
