VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup run test check format quality stories faults soak audit train bench cluster alarms schemas lock stop clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## virtual environment and jars; quick when nothing changed
	@deploy/setup.sh $(VENV)

run: setup ## everything on this machine: broker, engine, job, sample articles, alerts in the terminal; Ctrl-C stops it
	@$(BIN)/openweight run --samples

test: setup ## the tests a change must pass, on the real broker and the real engine
	@$(BIN)/python -m pytest

check: setup ## lint, format, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python seeds/check_labels.py

format: setup ## formats the code
	@$(BIN)/ruff check --fix --quiet .; $(BIN)/ruff format .

quality: setup ## the scorecard of the judgement on held-out articles
	@$(BIN)/python tests/quality/scorecard.py

stories: setup ## how well articles are linked to stories, with the labels and with the model
	@$(BIN)/python tests/quality/stories.py

faults: setup ## every fault on the real broker and engine, at most 45 minutes, with a table at the end
	@$(BIN)/python tests/faults/faults.py $(if $(ONLY),--only $(ONLY))

soak: setup ## MINUTES (60) under load with kills: slopes of memory, files and threads, nothing lost
	@$(BIN)/python tests/faults/soak.py --minutes $(or $(MINUTES),60)

audit: setup ## known faults of the packages in requirements.lock; needs PyPI's own service, which mirrors lack
	@test -x build/audit/bin/pip-audit || { $(BIN)/python -m venv build/audit && build/audit/bin/pip install --quiet pip-audit==2.10.1; }
	@build/audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

train: ## makes every weight from the data in seeds/ and SHARED, in an environment of its own
	@seeds/train.sh

cluster: setup ## two TaskManagers on this machine: how fast, and rescaled 2 -> 1 -> 2 without loss
	@$(BIN)/python tests/cluster/rescale.py

alarms: setup ## alerts that fire and clear, live, with a real Prometheus and Alertmanager; 20 minutes
	@$(BIN)/python tests/alarms/alarms.py

bench: setup ## speed, delay and memory, side by side with a plain loop and Quix Streams
	@$(BIN)/python tests/bench/bench.py

schemas: setup ## writes transforms/schemas, the dashboards and the generated parts of the documents anew
	@$(BIN)/python -m pipeline.write_documents
	@$(BIN)/python deploy/grafana/write_dashboards.py

lock: setup ## pins the dependencies of pyproject.toml anew
	@$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --allow-unsafe --no-header --extra dev --extra bench --output-file requirements-dev.lock pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --allow-unsafe --no-header --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

stop: ## ends what a killed run left on this machine
	@$(BIN)/openweight stop

clean: ## stops what runs, then removes the environment, caches and the state of this machine's runs
	@! $(BIN)/openweight --help >/dev/null 2>&1 || $(BIN)/openweight stop
	@rm -rf $(VENV) .local build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
