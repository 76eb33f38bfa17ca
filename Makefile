# Everything is done from here; `.ci/run` calls the same targets. `make demo`, then `make test`: nothing else is needed.
export ANXIN_PROGRESS ?= lines
export PYTHONUTF8 := 1

BIN := .venv/bin
PYTHON := $(BIN)/python
# Quiet but for errors. Every package is checked by its hash; byte code is made afterwards, on two cores, without tests.
PIP := $(PYTHON) -m pip install --no-input --disable-pip-version-check -qq --no-compile
BYTECODE := $(PYTHON) -m compileall -q -j 2 -x '/tests?/|/testing/' .venv/lib
RUNTIME := .venv/.runtime
DEV := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-long quick lint type bench lock clean

help:
	@echo "make demo    install, simulate a small city, train, publish and print today's list"
	@echo "make serve   the service with its pages, on the home in ANXIN_HOME"
	@echo "make test    all tests        make quick   without the slow ones"
	@echo "make test-long   what is promised of figures holds at its level, by simulation"
	@echo "make lint    ruff, imports    make type    mypy"
	@echo "make bench   measurements, into benchmarks/results"
	@echo "make setup   only install     make clean   remove what was made    make lock   pin anew"

setup: $(RUNTIME)

$(RUNTIME): requirements.lock pyproject.toml
	@echo "安装 installing into .venv (about a minute) ..."
	@test -x $(PYTHON) || python3 -m venv .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BYTECODE)
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "安装测试工具 installing what tests need ..."
	@$(PIP) --no-build-isolation --require-hashes -r requirements-dev.lock
	@$(BYTECODE)
	@touch $@

demo: $(RUNTIME)
	@./demo.sh

serve: $(RUNTIME)
	@$(BIN)/anxin serve

test: $(DEV)
	$(PYTHON) -m pytest -n 2

quick: $(DEV)
	$(PYTHON) -m pytest -n 2 -m "not slow and not long"

test-long: $(DEV)
	$(PYTHON) -m pytest -n 2 -m long

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(DEV)
	$(BIN)/mypy

bench: $(DEV)
	$(PYTHON) -m benchmarks

# No addresses: where packages come from is the installing machine's affair. Needs pip-tools.
COMPILE := $(PYTHON) -m piptools compile pyproject.toml --quiet --generate-hashes --strip-extras --allow-unsafe \
	--build-deps-for wheel --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(DEV)
	$(PYTHON) -m pip show --quiet pip-tools || $(PIP) pip-tools
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --extra postgres --extra spark --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
