# What a newcomer runs and what CI runs. Each target makes the environment when it is missing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

# The newest Python that can make an environment; PYTHON=… chooses another.
PYTHONS := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3)
# Two processes: each compiles the smaller kernels it meets, so more mostly compile the same.
JOBS ?= 2
BENCHES ?= codec lockstep ports loop decode

BIN := .venv/bin
READY := .venv/.ready
HOUSE := build/house
PYTEST := $(BIN)/pytest -n $(JOBS) --dist loadfile
# The largest kernels beforehand, on both cores: else each process would compile them for itself.
WARMUP := $(BIN)/tianyuan warmup --track oval

.PHONY: help
help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: setup
setup: $(READY) ## make the environment .venv, again only when pyproject.toml or constraints.txt change

$(READY): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null; then
	  $(find_python)
	  echo "making .venv with $$("$$python" -VV | head -n 1), which takes a minute or two"
	  rm -rf .venv
	  "$$python" -m venv .venv
	fi
	install="$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt"
	$$install setuptools
	PYTHONWARNINGS=ignore $$install --no-build-isolation --editable '.[dev]'
	touch $@

.PHONY: demo
demo: $(READY) ## a lap of the shipped circuit by the shipped car
	@$(BIN)/tianyuan demo

.PHONY: test
test: $(READY) ## every test, as shipped
	@$(WARMUP)
	$(PYTEST)

.PHONY: test-kernels
test-kernels: test-nojit test-bounds ## the kernels' tests, interpreted and with bounds checked

.PHONY: test-nojit
test-nojit: $(READY) ## the kernels' tests, interpreted, where numpy's warnings are errors
	@echo "the kernels' tests, interpreted"
	NUMBA_DISABLE_JIT=1 $(PYTEST) -q -m 'kernel and not compiled' -W error::RuntimeWarning

.PHONY: test-bounds
test-bounds: $(READY) ## the kernels' tests, compiled with bounds checked
	@echo "the kernels' tests, with bounds checked"
	export NUMBA_BOUNDSCHECK=1
	$(WARMUP)
	$(PYTEST) -q -m 'kernel and not timed'

.PHONY: test-can
test-can: $(READY) ## the tests of the kernel's own CAN, in a guest where this kernel has none
	@tests/can_kernel/tests.sh $(BIN)/pytest

.PHONY: test-rt
test-rt: $(READY) ## a few tests of the kernel's CAN on PREEMPT_RT with two CAN cards, emulated
	@tests/can_kernel/rt.sh $(BIN)/pytest

.PHONY: lint
lint: $(READY) $(HOUSE) ## ruff, the direction of imports, types
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd $(HOUSE)
	../../$(BIN)/lint-imports --no-cache --config ../../pyproject.toml
	../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p tianyuan -m pytest_tianyuan |
	  sed -E 's#^tianyuan/((control|dbc|drivers|firmware|hil)/)#\1#'

# The package as it is once installed, for tools that cannot map folders to packages. The
# rooms are links to folders, so only the front door's own files can come and go.
.PHONY: $(HOUSE)
$(HOUSE):
	@rm -rf $@
	mkdir -p $@/tianyuan
	cd $@/tianyuan
	ln -s ../../../tianyuan/* ../../../{control,dbc,drivers,firmware,hil} .
	ln -s ../../pytest_tianyuan.py ..

.PHONY: format
format: $(READY) ## put the sources into the form that lint asks for
	@$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## the figures of the README, on this machine
	@for bench in $(BENCHES); do $(BIN)/tianyuan bench $$bench; done

.PHONY: pins
pins: ## write constraints.txt anew; run it with the oldest Python, whose pins the newer ones can use
	@python=$(or $(PYTHON),python3.11)
	rm -rf build/pins
	$$python -m venv build/pins
	build/pins/bin/python -m pip install --quiet --disable-pip-version-check setuptools '.[dev]'
	build/pins/bin/python -m pip freeze --all --exclude tianyuan --exclude pip > constraints.txt
	rm -rf build/pins

.PHONY: clean
clean: ## remove what tools leave behind, but neither .venv nor runs
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(wildcard control dbc drivers firmware hil tests tianyuan) -name __pycache__ -prune -exec rm -rf {} +

.ONESHELL:

define find_python
  for candidate in $(PYTHONS); do
    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$${python:-$$candidate}
      if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then able=$$candidate; break; fi
    fi
  done
  if [ -z "$${python:-}" ]; then
    echo "make setup: no Python 3.11 or newer among: $(PYTHONS); apt install python3 python3-venv, or make setup PYTHON=/path/to/python3" >&2
    exit 2
  elif [ -z "$${able:-}" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Debian's python3-venv, without which $$python cannot make an environment"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    able=python3
  elif [ -z "$${able:-}" ]; then
    echo "make setup: $$python ($$("$$python" -V)) cannot make an environment; apt install python3-venv" >&2
    exit 2
  fi
  python=$$able
endef
