# `make` prints the targets. Each target prints its duration.
# make PYTHON=/path/to/python3.11 install   chooses the interpreter
# make test ARGS="-k cancel"                passes options to pytest
# make mutate ARGS=--help                   explains the options of the mutation tests
# make lock ARGS=--upgrade                  upgrades indirect dependencies to their newest versions

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install demo test check format lint types imports docs lock postgres-up postgres-down kafka-up kafka-down bench torture mutate clean

PYTHON ?=
WORKERS ?= 2
BIN := .venv/bin
export TIMEFORMAT = $(subst .installed,install,$(@F)) took %1R s

help:  ## Print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.installed  ## Create .venv with all locked packages and the command jumun

.venv/.installed: requirements.lock pyproject.toml tools/bootstrap
	@time PYTHON="$(PYTHON)" tools/bootstrap
	@touch $@

demo: install  ## Process a generated marketplace of 10,000 orders and verify the result
	@$(BIN)/jumun demo

test: install  ## Run all tests and print the ten slowest
	@time $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --durations 10 $(ARGS)

torture: install  ## Run the long fault tests, for about an hour
	@time JUMUN_TORTURE=1 $(BIN)/pytest --timeout 3600 tests/torture tests/infra/workers tests/real_data/test_production.py $(ARGS)

mutate: install  ## Change the rules of the domain 1,000 times and count what the tests notice
	@time nice $(BIN)/python -m tools.mutate $(ARGS)

check: lint types imports test  ## All that CI runs: lint, types, imports, test

format: install  ## Fix and format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lint: install  ## Check for errors, wrong format and misspelt words
	@time { $(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/codespell; }

types: install  ## Check the types with mypy and pyright
	@time { $(BIN)/mypy && $(BIN)/basedpyright; }

imports: install  ## Check the imports between packages
	@time $(BIN)/lint-imports

docs: install  ## Write messages, events, read models and schemas to docs/
	@$(BIN)/python -m infra.docs

lock: install  ## Pin every package again in requirements.lock
	@tools/lock $(ARGS)

postgres-up: install  ## Start the project's own PostgreSQL and print its URL
	@tools/postgres up

postgres-down:  ## Stop it and keep its data
	@tools/postgres down

kafka-up:  ## Start the project's own Kafka and print its bootstrap servers
	@tools/kafka up

kafka-down:  ## Stop it and keep its data
	@tools/kafka down

bench: install  ## Measure the speed: embedded, of the read models, and through Kafka
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.read_models
	@$(BIN)/python -m benchmarks.kafka

clean:  ## Remove .venv, caches and build artefacts
	@rm -rf .venv build dist mutants ./*.egg-info .hypothesis .benchmarks
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
