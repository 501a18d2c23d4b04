# The order of the targets is the order in which a machine is brought up.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The stamp holds what was installed, so that an unchanged list costs nothing.
.venv/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "error: $(PYTHON) must be Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv)" >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "· installing the pinned Python packages"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: venv
venv: .venv/.installed ## Make the virtual environment from pinned, hashed packages

.PHONY: packages
packages: venv ## Install the Debian packages that the sandbox needs (root)
	@$(BIN)/slipway sandbox packages --install

.PHONY: tools
tools: venv ## Build the pinned tools into the user cache
	@$(BIN)/slipway tools build

.PHONY: up
up: venv packages ## From nothing to an application that answers through the ingress
	@$(BIN)/slipway up dev

.PHONY: down
down: venv ## Stop the sandbox and take everything of it off this machine
	@$(BIN)/slipway down

.PHONY: lint
lint: venv ## Style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint ## Lint, types and unit tests: no cluster, under two minutes; no network once kustomize is built
	@$(BIN)/slipway tools build --group kustomize
	$(BIN)/pytest -q -n auto tests/unit apps

.PHONY: test
test: packages tools lint ## Everything: checks, the real engine, the real sandbox
	@$(BIN)/slipway tools build --group actionlint --group pod-security-admission --group pulumi-github
	$(BIN)/pytest --durations=10

.PHONY: lock
lock: venv ## Pin the Python packages of requirements.in again, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url requirements.in -o requirements.txt
