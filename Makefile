# `make` prints the targets. A virtual environment is set up in .venv the first time that one needs it,
# and again when pyproject.toml has changed; only Python 3.11 or later and make need to be there.

# the first of these that is 3.11 or later; `make PYTHON=/path/to/python3.11` chooses another
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
BASE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
SPARK := .venv-spark
# more for pytest: make test ARGS="-k demo"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test spark lint types bench bench-lineage bench-year docs accept check build clean

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

demo: $(BASE)  ## build the example's warehouse and play its nights before the gate
	@$(BIN)/python -m gatekeeper demo demo

test: $(DEV)  ## all tests
	$(BIN)/python -m pytest -n 2 $(ARGS)

spark: $(SPARK)/.installed  ## frames beside PySpark and pandas 2, in an environment of their own; needs a Java
	$(SPARK)/bin/python -m pytest tests/frame/test_one_truth.py tests/frame/test_frame_spark.py tests/frame/test_frame_check.py $(ARGS)

lint: $(DEV)  ## ruff, its formatter, and the layers of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(DEV)  ## mypy --strict
	$(BIN)/mypy

bench: $(DEV)  ## the gate beside SQL by hand and public tools; writes docs/performance.md
	@test -x $(BIN)/tpchgen-cli || $(PIP) install tpchgen-cli
	$(BIN)/python bench/gate.py --scale 1 --variant nulls violated --peers
	$(BIN)/python bench/gate.py --scale 0.1 --peers
	$(BIN)/python bench/gate.py --scale 10 --engine duckdb
	for tables in 10 100 1000; do $(BIN)/python bench/tables.py $$tables || exit 1; done
	$(BIN)/python bench/wide.py
	$(BIN)/python bench/starting.py
	$(BIN)/python bench/page.py

bench-lineage: $(DEV)  ## lineage beside sqllineage, collate-sqllineage and openlineage-sql
	$(BIN)/python bench/lineage.py

# other years: make bench-year FIRST=100
FIRST ?= 1
bench-year: $(DEV)  ## baselines over five simulated years beside the usual methods, half an hour; writes docs/baselines.md
	@$(BIN)/python -c 'import sklearn' 2>/dev/null || $(PIP) install scikit-learn
	$(BIN)/python bench/year.py 5 $(FIRST)

docs: $(DEV)  ## write what is generated: the rules' and commands' pages, JSON Schemas
	$(BIN)/python docs/generate.py
	$(BIN)/python -m gatekeeper schema --write gatekeeper/contracts/schemas

accept: $(DEV)  ## rewrite the golden files; read the diff
	GATEKEEPER_ACCEPT=1 $(BIN)/python -m pytest -n 2 $(ARGS)

check: lint types  ## lint, types, docs that have drifted, tests: what CI runs, beside `make spark`
	$(BIN)/python docs/generate.py --check
	$(MAKE) test

build: $(DEV)  ## the wheel, in dist/
	$(BIN)/python -m hatchling build -t wheel

clean:  ## caches and builds; .venv and demo/ stay
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './$(SPARK)/*' -prune -exec rm -rf {} +

$(BASE): pyproject.toml
	@test -n "$(PYTHON)" || { echo "gatekeeper needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(PIP) install --editable .
	@$(BIN)/python -m compileall -q gatekeeper
	@touch $@

# dependency groups are read by pip 25.1 and later; a new Python 3.11 comes with 23
$(SPARK)/.installed: pyproject.toml
	@command -v java >/dev/null || { echo "PySpark needs a Java, such as Debian's default-jre-headless"; exit 1; }
	@test -n "$(PYTHON)" || { echo "gatekeeper needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up $(SPARK)"
	@test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	@$(SPARK)/bin/python -m pip --quiet --disable-pip-version-check install --upgrade 'pip>=25.1'
	@$(SPARK)/bin/python -m pip --quiet --disable-pip-version-check install --editable . --group spark
	@touch $@

$(DEV): $(BASE)
	@echo "adding what the tests need"
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --group dev
	@touch $@
