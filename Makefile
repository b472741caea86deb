# Thin: every target is one script. `make` alone lists them.
#
#   DATA=folder   where the embedded PostgreSQL and the control database live
#   PORT=number   the wire port (default 6432); with DATA= several can run side by side
#   DETACH=1      `make up` returns once Bartizan is ready; `make down` stops it
#   TESTS=words   passed on to the test runner, e.g. TESTS='--only asan --keep-going'

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up down status test test-fast test-full test-versions conformance peers bench bench-audit package lint format hooks clean

export DATA PORT DETACH

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-14s %s\n' "$$name" "$$text"; done

up: ## install what is missing, build, and run Bartizan with an embedded PostgreSQL and demo data
	@exec tools/run.sh up

down: ## stop the Bartizan that DATA= names (default: the demo's)
	@exec tools/run.sh down

status: ## what is running, where, and how to connect
	@exec tools/run.sh status

test: ## what CI runs: ASan, end-to-end, TSan, short conformance, bench smoke; ends after 80 minutes at the latest
	@exec tools/test.sh default $(TESTS)

test-fast: ## unit tests only, under 30 s once built
	@exec tools/test.sh fast $(TESTS)

test-full: ## as test, and g++, full TSan, fuzzing time, long faults, whole conformance
	@exec tools/test.sh full $(TESTS)

test-versions: ## the end-to-end subset on PostgreSQL 14, 16, 17 and 18
	@exec tools/test.sh versions $(TESTS)

conformance: ## PostgreSQL's own regression suite through the gateway in both pool modes, scored against a direct run
	@exec tools/test.sh conformance $(TESTS)

peers: ## the own test suites of libpqxx and node-postgres through the gateway, scored likewise
	@exec tools/test.sh peers $(TESTS)

bench: ## the benchmark table
	@exec tools/test.sh bench $(TESTS)

bench-audit: ## searching an audit log of EVENTS= events (10,000,000) by its index
	@exec tools/bench-audit.sh

package: ## a Debian package with its SBOM in build/package; TWICE=1 builds it twice and compares
	@exec tools/package.sh $(if $(TWICE),--twice)

lint: ## format, words, coroutine check, and clang-tidy on what changed (ALL=1: on everything)
	@exec tools/lint.sh $(if $(ALL),--all)

format: ## let clang-format rewrite our sources
	@exec tools/lint.sh --fix-format

hooks: ## use .githooks/ in this clone
	@git config core.hooksPath .githooks

clean: ## remove the build trees; data folders stay
	@exec tools/clean.sh
