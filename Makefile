# Every target does the set-up it needs; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
MANIFEST := dbt_project/target/manifest.json
DBT_SOURCES := $(shell find dbt_project -name target -prune -o -name logs -prune -o -type f -print 2>/dev/null)
export ACTIVATION_HOME ?= $(CURDIR)/.activation

.PHONY: ordinary-days documents help setup demo ui test conformance simulate simulate-variants heal crash-test mutants bench lint format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "activation needs Python 3.11; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "installing into .venv from requirements.lock (once; takes some minutes)" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(STAMP)

$(MANIFEST): $(STAMP) $(DBT_SOURCES)
	@$(BIN)/dbt --quiet parse --project-dir dbt_project --profiles-dir dbt_project
	@touch $(MANIFEST)

setup: $(STAMP) $(MANIFEST) ## install everything into .venv

demo: setup ## the main job from an empty warehouse to parity; ARGS="--day 2" moves on a day
	@$(BIN)/activation demo $(ARGS)

ui: setup ## the Dagster UI on what the demo left, with the sandbox beside it
	@$(BIN)/activation sandbox -- $(BIN)/dagster dev -w workspace.yaml $(ARGS)

test: setup ## the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

conformance: setup ## what every adapter is held to, as a table in docs/conformance.md
	@$(BIN)/python -m pytest -q -n 2 activation_tests/conformance --deselect \
		activation_tests/conformance/test_table.py $(ARGS)
	@$(BIN)/python -m activation_tests.conformance

simulate: setup ## the delivery engine under faults on virtual time; SEEDS=100000 of them
	@$(BIN)/python -m activation_tests.simulation --seeds $(or $(SEEDS),10000) $(ARGS)

simulate-variants: setup ## engines with one defect each: after how many seeds each is caught
	@$(BIN)/python -m activation_tests.simulation --variants --seeds $(or $(SEEDS),20000) $(ARGS)

bench: setup ## share of an enforced limit by one and four processes; into docs/benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

heal: setup ## heal LETTERS=10000 dead letters of mixed causes over the sandbox, on a clock that leaps
	@$(BIN)/python -m activation_tests.healing --letters $(or $(LETTERS),10000) $(ARGS)

ordinary-days: setup ## 90 days of every contract without one stop; into docs/benchmarks; ARGS="--rows 10000"
	@$(BIN)/python -m activation_tests.ordinary_days $(ARGS)

crash-test: setup ## kill N=1000 real processes that deliver to the sandbox, at every step
	@$(BIN)/python -m activation_tests.crashing --kills $(or $(N),100) --record $(ARGS)

mutants: setup ## break the code in one place at a time: AREA=gates, governor, fence or ledger
	@$(BIN)/python -m activation_tests.mutants $(or $(AREA),gates) $(ARGS)

hostile: setup ## tampered answers to every adapter; ARGS="--answers 100000 --seed 1"
	@$(BIN)/python -m activation_tests.conformance.hostile $(ARGS)

lint: setup ## formatting, linter, types, house rules, Dagster definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/dg check defs

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

documents: setup ## write what is made of contracts: schema, strategies, runbooks
	@$(BIN)/python -m activation.contract.schema > docs/schema/contract.schema.json
	@for sync in $$(ls -d activation/defs/*/defs.yaml | xargs -n1 dirname | xargs -n1 basename); do \
		$(BIN)/activation strategy $$sync --write && $(BIN)/activation runbook $$sync --write || exit 1; \
	done

lock: ## resolve pyproject.toml again into requirements.lock (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --strip-extras --extra dev pyproject.toml -o requirements.lock

clean: ## forget the demo: warehouse, ledger, sandbox, runs
	@rm -rf .activation dbt_project/target dbt_project/logs
