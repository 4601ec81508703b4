# The commands of docs and CI. A machine with git, make and Python >= 3.11 is enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PORT ?= 8000
STAGE ?= dev
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

explore: setup ## the property tests, on examples nobody has tried yet
	$(RUN) -m pytest -q -n 2 --hypothesis-profile=new tests/domain tests/service tests/adapters

lint: setup ## style, types and the import contract
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

check: lint test ## what CI runs

fuzz: setup ## schemathesis against the served app; EXAMPLES=, SEED=
	@$(RUN) -m tests.web.fuzz $(or $(EXAMPLES),20) $(or $(SEED),1)

bench: setup ## the benchmark tables
	@$(RUN) -m bench

package: setup ## the single-stack template of STAGE for pipelines, in build/$(STAGE)
	@$(RUN) -m ops.package $(STAGE)

provision: setup ## make or update all of STAGE but its functions, and write their settings
	@$(RUN) -m ops.provision $(STAGE) $(ARGS)

bind: setup ## what is left after `chalice deploy`; NUMBERS=+1…,+1… are those STAGE is to hear
	@NUMBERS='$(NUMBERS)' $(RUN) -m ops.bind $(STAGE)

deploy: provision ## provision, chalice deploy and bind STAGE
	$(VENV)/bin/chalice deploy --stage $(STAGE)
	@NUMBERS='$(NUMBERS)' $(RUN) -m ops.bind $(STAGE)

destroy: setup ## take STAGE down and keep its data, but with DATA=delete
	@$(RUN) -m ops.destroy $(STAGE) $(if $(filter delete,$(DATA)),--delete-data) $(ARGS)

.venv-ministack/.ready: requirements-deploy.txt
	@test -x .venv-ministack/bin/python || $(PYTHON) -m venv .venv-ministack
	@.venv-ministack/bin/pip install --quiet --disable-pip-version-check -r requirements-deploy.txt
	@touch $@

prove: setup .venv-ministack/.ready ## deploy a clean stage to MiniStack on loopback and see it work
	@$(RUN) -m tests.deploy.prove

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

.PHONY: setup demo serve test explore lint check fuzz bench package provision bind deploy destroy prove help
