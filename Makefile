# The two commands a newcomer needs are `make demo` and `make test`; everything else is for those who change the code.
# A fresh machine has Python 3.11 or newer, make and git: `.venv` is built from requirements.lock on first use.
.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench soak lock clean
SHELL := /bin/bash

# Extra words for the command: make demo ARGS="--home /tmp/ym", make test ARGS="tests/models -x"
ARGS ?=

BIN := .venv/bin
PYTHON := $(BIN)/python
# What the environment is made of. Another lock, another project table or another folder: another stamp, installed anew.
SUM := $(shell { cat requirements.lock; sed '/^\[tool.ruff/,$$d' pyproject.toml; echo "$(CURDIR)"; } | cksum | cut -d' ' -f1)
READY := .venv/ready-$(SUM)
FIND_PYTHON := for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

help: ## Say what can be typed here
	@echo "Yuanmeng 圆梦. Type make and one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1 \2/p' $(MAKEFILE_LIST) | awk '{n=$$1; $$1=""; printf "  %-6s%s\n", n, $$0}'

install: $(READY) ## Build .venv, so that .venv/bin/yuanmeng can be typed

demo: $(READY) ## Watch three cohorts live two and a half years, in about a minute (ARGS="--home DIR" keeps it there)
	@$(BIN)/yuanmeng demo $(ARGS)

test: $(READY) ## Run the tests (ARGS="tests/models -x" runs some of them)
	@$(PYTHON) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(if $(CI),--cov --cov-report=) $(ARGS)

lint: $(READY) ## Check style, types and the direction of imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(BIN)/lint-imports

bench: $(READY) ## Measure speed
	@$(PYTHON) -m pytest -m bench $(ARGS)

soak: $(READY) ## Run for long, and look for what only time brings out
	@$(PYTHON) -m pytest -m soak --timeout=0 $(ARGS)

lock: ## Resolve requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## Remove what these commands built
	@rm -rf .venv .peers dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*

$(READY):
	@set -e; found=$$($(FIND_PYTHON)); \
	[ -n "$$found" ] || { echo "Python 3.11 or newer was not found: install it, then type the same command again." >&2; exit 2; }; \
	$(PYTHON) -c '' 2>/dev/null || $$found -m venv --clear .venv; \
	echo "Installing the versions of requirements.lock into .venv (a minute or so, once)" >&2; \
	$(PYTHON) -m pip install -qq --no-deps --require-hashes -r requirements.lock; \
	$(PYTHON) -m pip install -qq --no-deps --no-build-isolation --no-index --editable .; \
	rm -f .venv/ready-*; touch $@
