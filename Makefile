# The commands of docs and CI. A machine with git, make and Python >= 3.11 is enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PORT ?= 8000
export PYTHONHASHSEED ?= 0

$(VENV)/.ready: requirements.txt requirements-dev.txt
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check 'pip==26.2.1'
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.ready ## make the virtual environment every other command uses

demo: setup ## enrol sample patients and live a fortnight on a virtual clock
	@$(RUN) -m local.demo

serve: setup ## the whole service on the embedded AWS at http://127.0.0.1:$(PORT)
	@PORT=$(PORT) $(RUN) -m local.serve

test: setup ## every test
	$(RUN) -m pytest -q -n 2

lint: setup ## style, types and the import contract
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

check: lint test ## what CI runs

bench: setup ## the benchmark tables
	@$(RUN) -m bench

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

.PHONY: setup demo serve test lint check bench help
