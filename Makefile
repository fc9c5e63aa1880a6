.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
.PHONY: help setup oracles asking axe docs demo test search check format schema bench small-bench fuzz lab small-lab clean

help: ## Show what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 12

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(PIP) --upgrade --constraint constraints.txt pip
	$(PIP) --constraint constraints.txt --build-constraint constraints.txt --editable '.[charts]' --group test --group check
	@touch $@

setup: $(VENV)/.installed ## Build .venv with exact versions (constraints.txt)

$(VENV)/.oracles: oracles.txt | $(VENV)/.installed
	$(PIP) --no-deps --requirement oracles.txt
	@touch $@

oracles: setup $(VENV)/.oracles ## Install the packages that tests compare with where they are there

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/.installed
	$(PIP) --constraint constraints.txt --group docs
	@touch $@

docs: setup $(VENV)/.docs ## Build the site of the documentation into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/.asking: pyproject.toml constraints.txt | $(VENV)/.installed
	$(PIP) --constraint constraints.txt --build-constraint constraints.txt --editable '.[run,azure]'
	@touch $@

asking: setup $(VENV)/.asking ## Install what asks models and services; tests of it are skipped without

AXE := $(VENV)/node_modules/axe-core
$(AXE): | $(VENV)/.installed
	npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix $(VENV) axe-core@4.11.0

axe: $(AXE) ## Install axe-core, with which the tests check that everybody can use the page

demo: setup ## Analyze the packaged corpus and write demo/report.html
	$(BIN)/riskshift demo -o demo

test: setup ## Run the tests, in parallel
	$(BIN)/python -m pytest --numprocesses $(JOBS)

search: setup ## Run the laws once more on examples that were never tried
	$(BIN)/python -m pytest --numprocesses $(JOBS) --hypothesis-profile=search

check: setup ## Format, lint, types, import contracts, documented examples
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/offered/test_docs.py

format: setup ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: setup ## Write results.schema.json anew, from the classes
	$(BIN)/python -m riskshift.report.schema

bench: setup ## Print one table of what everything costs beside the plainest way (python -m benchmarks --help)
	$(BIN)/python -m benchmarks

small-bench: setup ## The same at a small size, within a minute; fails where a ratio is far from what it was
	$(BIN)/python -m benchmarks --small

fuzz: setup ## Put 10,000 broken files of each format through the command line
	$(BIN)/python -m benchmarks.fuzz --inputs 10000

lab: setup ## Measure coverage and errors in every setting (an hour); docs/validity.md has the results
	$(BIN)/python -m benchmarks.coverage --draws 400 --save lab

small-lab: setup ## Measure them in some settings; fails where a promise is broken
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage --small --draws 200 --missed

clean: ## Remove the environment and everything generated
	rm -rf $(VENV) demo lab build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
