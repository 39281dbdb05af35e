# Aiguilleur: `make demo` shows everything, `make up` starts with your own data, `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
export PORT
BIN := .venv/bin
BENCHES ?= $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/ingest.py benchmarks/queue.py benchmarks/refit.py))
MANAGE := $(BIN)/python manage.py
.PHONY: help setup python demo up stop status reset test test-heavy test-pages test-all lint format bench backup restore \
        frontend servers migrations shell types logs

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is missing: install it (Debian: apt-get install python3.11 python3.11-venv)" >&2; exit 1; }

setup: python  ## Virtual environment, npm packages, built pages; nothing is started
	@$(PYTHON) config/prepare.py

demo: python  ## Set up, fill with demo data and run everything on http://localhost:8000 (PORT=… for another)
	@STEPS=7 $(PYTHON) config/prepare.py && STEPS=7 STEP_FROM=4 exec $(BIN)/python -m config.run --demo

up: python  ## Set up and run with your own data; the first page creates the first administrator
	@STEPS=6 $(PYTHON) config/prepare.py && STEPS=6 STEP_FROM=4 exec $(BIN)/python -m config.run

stop:  ## Stop an installation started in another terminal
	@$(BIN)/python -m config.run.stop

status:  ## Do the database and the queue run?
	@$(BIN)/python -m config.embedded status

reset:  ## Wipe this installation's data, after asking
	@$(BIN)/python -m config.run.reset

backup:  ## One file with the database, the models, the snapshots and the secrets (FILE=… to name it)
	@$(BIN)/python -m config.backup save $(FILE)

restore:  ## Put a backup back into an empty installation: make restore FILE=backups/….tar
	@$(BIN)/python -m config.backup restore $(FILE)

test: python  ## The tests (under ten minutes)
	@$(PYTHON) config/prepare.py && $(BIN)/pytest -m "not heavy" -n 3 --dist loadfile $(ARGS)

test-heavy: python  ## Only the heavy tests: fine-tuning, replays, 100,000 rows, the pages in Chromium
	@$(PYTHON) config/prepare.py && status=0; \
	$(BIN)/pytest -m "heavy and not e2e and not beside" -n 3 --dist loadfile --durations=12 $(ARGS) || status=1; \
	E2E_PATIENCE=2 $(BIN)/pytest -m beside --durations=5 $(ARGS) > .heavy-beside.txt 2>&1 & beside=$$!; \
	E2E_PATIENCE=2 $(BIN)/pytest -m "e2e and not beside" --durations=20 $(ARGS) || status=1; \
	wait $$beside || status=1; cat .heavy-beside.txt; exit $$status

test-pages: python  ## Only the pages in Chromium, the whole tour first (SHOTS=folder keeps pictures)
	@$(PYTHON) config/prepare.py && E2E_STORY=whole $(BIN)/pytest -m e2e $(ARGS)

test-all: test test-heavy  ## The tests, then the heavy ones

lint: python  ## Style, import rules, types, missing migrations
	@$(PYTHON) config/prepare.py --no-build
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(MANAGE) makemigrations --check --dry-run
	cd frontend && npm run --silent lint

format:  ## Format the Python code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench:  ## The figures of the README that need no file of yours (RESULTS=folder keeps them; docs/benchmarks.md: the rest)
	@missed=""; for name in $(BENCHES); do echo "== python -m benchmarks.$$name"; \
	$(BIN)/python -m benchmarks.$$name $(if $(RESULTS),--json $(RESULTS)/$$name.json) || missed="$$missed $$name"; done; \
	test -z "$$missed" || { echo "missed a target, or failed:$$missed" >&2; exit 1; }

frontend: python  ## For development: build the pages if their sources changed
	@$(PYTHON) config/prepare.py

servers:  ## For development: PostgreSQL and Redis alone, in the background (`make stop` ends them)
	@$(BIN)/python -m config.embedded start

migrations: servers  ## For development: write the migrations the models need
	$(MANAGE) makemigrations

shell: servers  ## For development: a Django shell
	$(MANAGE) shell

types:  ## For development: the frontend's API types from the schema
	@$(MANAGE) spectacular --validate --fail-on-warn --format openapi-json --file frontend/openapi.json
	@cd frontend && npm run --silent types

logs:  ## Follow every program's log
	@tail -F "$${AIGUILLEUR_HOME:-var}"/log/*.log
