# Every target does its own set-up: a .venv here, filled by pip with the versions in constraints.txt.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo serve test test-fast test-full lint docs bench clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/demo  ## Index, search, compare and de-duplicate photographs, and write demo/report.html; PHOTOS=folder for your own
	$(BIN)/lookalike demo $(if $(PHOTOS),"$(PHOTOS)") --out demo

SERVED := demo/$(if $(PHOTOS),serve,demo).gallery
serve: .venv/serve  ## Open a page over the photographs of the tour; PHOTOS=folder for your own
	@test -n "$(PHOTOS)" -o -e demo/demo.gallery || $(BIN)/lookalike demo --out demo
	$(BIN)/lookalike index $(if $(PHOTOS),"$(PHOTOS)",demo/photos demo/copies) --gallery $(SERVED)
	$(BIN)/lookalike serve --gallery $(SERVED)

# Each worker begins with a stretch of neighbours, which share what they build, and takes from another's when it is done.
# Bytecode is written even where it is not to be: tests start many processes, and each would compile everything again.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

# Whole files that hold no quick test need not even be imported.
UNREAD := $(addprefix --ignore tests/,recipes service training cli/test_train.py cli/test_train_own.py)

test: .venv/test  ## Run all tests but the long ones: about fourteen minutes on two cores
	$(PYTEST) -m "not full"

test-fast: .venv/test  ## Run the quick tests: no browser, no training, no server, no kill
	$(PYTEST) -m "not (browser or training or server or kills or slow or full)" $(UNREAD)

test-full: .venv/full  ## Run the long tests: whole trainings, servers under load, random requests, many kills, the longest benchmarks
	$(PYTEST) -m full

lint: .venv/test  ## Check format, types, the direction of imports, and the docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_names.py
	$(SITE)

docs: .venv/test  ## Build the documentation: build/docs/index.html
	$(SITE)
	@echo "open build/docs/index.html"

# Warnings are errors: a link that leads nowhere, a name that is gone, a docstring that does not parse. Every page is read
# again, for a page that was read before does not repeat its warnings.
SITE = $(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet docs build/docs

bench: .venv/bench  ## Measure every claim in benchmarks/results.md again (about two hours; DATA=folder of photographs)
	$(BIN)/python -m benchmarks.all $(if $(DATA),--data "$(DATA)")

clean:  ## Remove what the targets made
	rm -rf .venv demo build dist *.egg-info web/build web/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# One marker per set of packages; a changed pyproject.toml or constraints.txt installs again.
.venv/base: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lookalike needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'pip>=25.1'
	$(PIP) -e .
	@touch $@

.venv/demo: .venv/base
	$(PIP) -e '.[demo]'
	@touch $@

# ONNX Runtime for the browser comes from npm. Where that cannot be had the page is without private search.
WEB := $(wildcard web/*.* web/lookalike_web/*.py web/lookalike_web/browser/*)
.venv/serve: .venv/demo $(WEB)
	$(PIP) -e '.[serve]'
	$(PIP) --no-deps ./web || echo "No private search: see above. Everything else works; for another try: rm .venv/serve; make $(MAKECMDGOALS)"
	@touch $@

.venv/test: .venv/serve
	$(PIP) -e '.[train,import,export,watch,mcp,postgres,milvus,remote]' --group test --group docs --group dev
	@touch $@

.venv/full: .venv/test
	$(PIP) -e '.[ray]' --group servers
	@touch $@

.venv/bench: .venv/full
	$(PIP) --group bench
	$(PIP) --no-deps imagededup==0.3.3.post2
	@touch $@
