# PaDA Local. Needs Python 3.11-3.13, make and a C++ compiler; everything else comes through pip. `make help` lists targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo pictures test lint format test-terminal faults soak study test-bench test-private test-unsloth test-trainers test-sets test-gpu \
	bench-student bench-teacher bench-gpu bench-loop clean-env bench-cockpit

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(STAMP) ## make .venv with everything in it

# A second make finds the stamp newer than what decides about the environment and does nothing.
$(STAMP): pyproject.toml hatch_build.py scripts/install.sh
	PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/install.sh
	touch $@

demo: $(STAMP) ## the whole loop on the built-in models and data, then the report
	$(BIN)/pada demo --to build/demo

pictures: demo ## the README's pictures of the app, drawn from the finished demo
	$(BIN)/python scripts/pictures.py build/demo/demo-1.duckdb

lint: $(STAMP) ## style and layers
	$(BIN)/ruff check .
	$(BIN)/lint-imports --cache-dir build/import-linter

format: $(STAMP) ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A test file stays in one process, so that its fixtures are made once. Commands that tests start are counted too; coverage is printed even when a test failed, and make fails then.
test: lint ## lint, every test but the slow faults, coverage of pada_local
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -q -n auto --maxprocesses 4 --dist loadfile --durations=20 -m "not faults and not sets and not soak and not bench and not private and not terminal" $(TESTS); code=$$?; \
	$(BIN)/coverage combine -q; $(BIN)/coverage report; exit $$code

test-terminal: $(STAMP) ## the app in a pseudo-terminal: a whole demo run, hostile data, lost terminals: slow
	$(BIN)/python -m pytest -q -m terminal $(TESTS)

faults: $(STAMP) ## kill, fill and bend things: slow
	$(BIN)/python -m pytest -q -m faults $(TESTS)

test-private: $(STAMP) ## nothing leaves: every command without a network under watch, an encrypted run searched (minutes)
	$(BIN)/python -m pytest -q -s -m private $(TESTS)

soak: $(STAMP) ## two hours of runs with random faults (PADA_SOAK_SECONDS=600 for less)
	$(BIN)/python -m pytest -q -s -m soak $(TESTS)

clean-env: ## remove .venv (the built llama.cpp wheel stays in the user's cache)
	rm -rf $(VENV)

bench-student: $(STAMP) ## training and evaluation beside plain ways to do the same
	$(BIN)/python benchmarks/student.py

bench-teacher: $(STAMP) ## the teacher beside plain ways to ask (half an hour; BENCH="--requests 16 --repeats 1" is less)
	VENV=$(VENV) scripts/bench_packages.sh
	$(BIN)/python benchmarks/teacher.py $(BENCH)

bench-loop: $(STAMP) ## what the loop costs beside its models, memory, file sizes (BENCH=--quick is short)
	$(BIN)/python benchmarks/loop.py $(BENCH)

bench-cockpit: $(STAMP) ## the terminal app from outside: start, memory, long lists, keys while 200 events a second come
	$(BIN)/python -m benchmarks.cockpit $(BENCH)

bench-gpu: $(STAMP) ## training, evaluation and teacher on a card, beside plain scripts and the roofline
	$(BIN)/python benchmarks/gpu.py $(BENCH)

test-gpu: $(STAMP) ## what only a card can show; skipped elsewhere, with the reason
	$(BIN)/python -m pytest -q -rs tests/gpu $(TESTS)

test-sets: $(STAMP) ## six public data sets through the whole loop (they must lie in ../shared)
	$(BIN)/python -m pytest -q -s -m sets $(TESTS)

test-unsloth: $(STAMP) ## the Unsloth backend on the CPU, in an environment of its own
	VENV=$(VENV) scripts/unsloth_env.sh
	build/unsloth-env/bin/python -m pytest -q tests/unsloth $(TESTS)

test-trainers: $(STAMP) ## TRL, Axolotl and LLaMA-Factory read an exported data set, in an environment of its own
	VENV=$(VENV) scripts/trainers_env.sh
	build/trainers-env/bin/python -m pytest -q tests/trainers $(TESTS)

STUDY := vanilla random-strategies auggpt llm2llm pada pada-paper pada-no-judge pada-no-rederive pada-no-patterns \
	pada-raw-failures pada-no-train-errors pada-one-cluster

study: $(STAMP) ## every recipe on five drawn worlds (hours): the study of docs/results.md
	$(BIN)/pada bench --to build/study --draws 1 2 3 4 5 --recipes $(STUDY) --like demo-pada

test-bench: $(STAMP) ## floors of pattern discovery and gate over ten drawn worlds (an hour or more)
	$(BIN)/python -m pytest -q -s -m bench $(TESTS)
