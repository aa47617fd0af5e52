# Needs GNU make 3.81 or newer and Python 3.11 to 3.13; everything else is installed by `make`.
# Another Python than the one found: `make test PYTHON=python3.13`, in an environment of its own.

PYTHON ?= $(shell sh deploy/find-python.sh || echo python3)
ifeq ($(origin PYTHON),command line)
VENV := .venv-$(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
else
VENV := .venv
endif
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
PYTEST := $(BIN)/python -m pytest -o faulthandler_timeout=300
# How many test processes; each has its own database, so more is quicker on more cores.
PROCESSES ?= 2
UV := var/tools/bin/python -m uv
LOCK := $(UV) pip compile pyproject.toml --quiet --generate-hashes --universal \
	--python-version 3.11 --no-header

.DEFAULT_GOAL := help
.PHONY: help install run test test-quick test-browser faults soak bench lint format lock
.PHONY: services services-stop services-status services-env clean

help: ## Show what there is
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '%-20s %s\n' "  $$name" "$$text"; done

$(BIN)/python:
	@echo "Making $(VENV) with $(PYTHON)" >&2
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.server: requirements.txt | $(BIN)/python
	@echo "Installing what the server needs (requirements.txt)" >&2
	@$(PIP) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing what development needs (requirements-dev.txt)" >&2
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $(VENV)/.server $@

install: $(VENV)/.development ## Install everything that development needs into .venv

run: $(VENV)/.server ## Run the whole flow on this machine: web on 6001, both consumers
	@exec $(BIN)/python -m embedded

test: test-quick ## Run every test, with the real parts that are here
	$(PYTEST) tests/faults

test-quick: $(VENV)/.development ## Run every test but those that break parts
	$(PYTEST) -m browser
	$(PYTEST) -m "not browser" --ignore=tests/faults -n $(PROCESSES) --dist loadfile

test-browser: $(VENV)/.development ## Run the tests that need Chromium
	$(PYTEST) -m browser

faults: $(VENV)/.development ## Break each part under load and audit the store (FAULTS="--help")
	$(BIN)/python -m tests.faults $(FAULTS)

soak: $(VENV)/.development ## Watch the memory of every process under load for twenty minutes
	$(BIN)/python -m tests.faults.soak $(SOAK)

bench: $(VENV)/.development ## Measure how fast it is, beside baselines of the same run (BENCH="--help")
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(VENV)/.development ## Check style, types, import rules, migrations, container files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	DJANGO_DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/hadolint Dockerfile

format: $(VENV)/.development ## Put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

services: $(VENV)/.server ## Start Kafka, Redis, Firestore's emulator, PostgreSQL on free local ports
	@$(BIN)/python -m deploy.services start

services-stop: $(VENV)/.server ## Stop them
	@$(BIN)/python -m deploy.services stop

services-status: $(VENV)/.server ## Ask each of them
	@$(BIN)/python -m deploy.services status

services-env: $(VENV)/.server ## Print their addresses for a shell: eval "$(make -s services-env)"
	@$(BIN)/python -m deploy.services env

var/tools/bin/python:
	@"$(PYTHON)" -m venv var/tools
	@$@ -m pip --disable-pip-version-check --quiet install 'uv>=0.8,<1'

lock: var/tools/bin/python ## Write requirements*.txt anew from pyproject.toml
	$(LOCK) --extra server -o requirements.txt
	$(LOCK) --extra server --extra dev -c requirements.txt -o requirements-dev.txt

clean: ## Remove the environments; what the product stored in var/ stays
	rm -rf .venv .venv-* var/tools
