# bincim: `make demo` shows it, `make test` checks it.
# Outside tools are looked for on the PATH first; what is missing goes, in pinned versions, into
# .tools/ in this folder. Nothing is installed into the system unless ALLOW_APT=1 says so.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
DEVICE ?= up5k
OUT ?= build/demo

.PHONY: help demo test test-python wheel setup check build book lint fmt clean distclean

help: ## what can be made
	@echo "bincim: from a trained binary neural network to a proven accelerator"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  DEVICE=$(DEVICE)  the board's device for the demo: up5k, hx8k, ecp5-25, gw1nr-9, ..."
	@echo "  OUT=$(OUT)  where the demo puts what it makes"
	@echo "  ALLOW_APT=1  as root, lets the set-up install missing system packages"

demo: export DEMO_BEGAN := $(shell date +%s)
demo: ## generate, verify, synthesise and report the example network
	@scripts/setup.sh $(if $(filter up5k hx8k hx1k,$(DEVICE)),demo,test)
	@echo "demo: building bincim (the first time seven minutes of a core or more)" >&2
	@$(CARGO) build --release
	@scripts/demo.sh "$(DEVICE)" "$(OUT)"

test: ## set up every tool, run all tests, compile the benchmarks
	@scripts/setup.sh test
	@CARGO="$(CARGO)" scripts/test.sh

test-python: ## build the Python package into .tools/python and test it; WITH_TORCH=1: with PyTorch too
	@scripts/python.sh test

wheel: ## the Python package as a wheel, build/wheels
	@scripts/python.sh wheel

setup: ## install every outside tool that is missing, into .tools/
	@scripts/setup.sh all

check: ## say which outside tools are there and which are missing
	@scripts/setup.sh check

build: ## build the program, target/release/bincim
	@$(CARGO) build --release

book: ## the documentation as a site, build/book/html
	@scripts/book.py

lint: ## formatting, clippy, and the Verilog of some designs; warnings are errors
	@$(CARGO) fmt --check
	@$(CARGO) clippy --all-targets -- -D warnings
	@$(CARGO) build --quiet
	@scripts/lint_designs.sh

fmt: ## format the sources
	@$(CARGO) fmt

clean: ## remove what was built, keep the tools
	@$(CARGO) clean
	@rm -rf build

distclean: clean ## remove the tools too
	@rm -rf .tools
