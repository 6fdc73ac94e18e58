# The front door. Every target does its own set-up, so that any of them may be the first one on a fresh machine.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PORT ?= 8080
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
SOAK_SECONDS ?= 300
ROUNDS ?= 3
SECONDS_PER ?= 2

# What `edged version` says was built; an archive without its history says "unknown".
export EDGED_COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)

# The Swift runtime is linked in: the binary starts faster, and runs where no toolchain is installed.
RELEASE := -c release --static-swift-stdlib
EDGED := .build/release/edged

.PHONY: help demo build test test-sanitize lint fuzz soak bench install setup-build setup-test setup-bench

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build  ## build, then serve examples/quickstart on http://127.0.0.1:8080 (PORT= changes it)
	@PORT='$(PORT)' EDGED='$(EDGED)' scripts/demo

build: setup-build  ## the release binary, .build/release/edged
	swift build $(RELEASE) --product edged

test: setup-test lint  ## everything that must hold: format, house rules, unit, simulation, function and socket tests
	swift build --build-tests
	swift test --skip-build --disable-xctest
	.build/debug/edged test functions/ examples/quickstart/functions/
	python3 Tests/EndToEnd/run.py --bin .build/debug/edged

test-sanitize: setup-test  ## the tests again under the address sanitizer, then the thread sanitizer
	EDGED_CACHE_STORMS=4 LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/leaks.supp:print_suppressions=0 \
	    swift test --disable-xctest --skip 'HouseTests|EvictionDocumentTests' --sanitize address --scratch-path .build/address
	EDGED_CACHE_STORMS=4 \
	    swift test --disable-xctest --skip 'HouseTests|EvictionDocumentTests' --sanitize thread --scratch-path .build/thread

lint: setup-build  ## format and shell syntax; changes nothing
	swift format lint --strict --recursive Sources Tests Package.swift
	@for script in scripts/* .ci/run; do bash -n "$$script"; done

fuzz: setup-test  ## libFuzzer on every parser of untrusted bytes, FUZZ_SECONDS (30) each
	scripts/fuzz $(FUZZ_SECONDS)

soak: build setup-test setup-bench  ## long simulation (SOAK_SECONDS, 300), kills of the disk tier, attacks and hostile functions, 20 GB each way
	EDGED_SOAK_SECONDS=$(SOAK_SECONDS) swift test --disable-xctest \
	    --filter 'SimulationTests|DiskCrashTests|DiskMillionTests'
	EDGED_CACHE_STORMS=500 swift test --skip-build --disable-xctest --filter CacheStormTests
	python3 Tests/Attack/run.py --bin $(EDGED)
	python3 Tests/Attack/functions.py --bin $(EDGED)
	python3 Tests/Attack/bodies.py --bin $(EDGED)
	python3 Tests/Attack/crowds.py --bin $(EDGED)
	EDGED_KILLS=200 python3 Tests/EndToEnd/run.py --bin $(EDGED) --only 'kills:'
	EDGED_HOOK_CALLS=10000000 EDGED_RELOADS=1000 python3 Tests/EndToEnd/run.py --bin $(EDGED) --only 'function storms'

bench: build setup-bench  ## beside nginx, HAProxy, Varnish and a bare loop: table, JSON and SVG in out/bench
	python3 Tests/Bench/bench.py --bin $(EDGED) --rounds $(ROUNDS) --seconds $(SECONDS_PER) \
	    $(if $(CASES),--cases $(CASES)) $(if $(ONLY),--only $(ONLY))

install: build  ## to $(PREFIX)/bin, the shelf to $(PREFIX)/share/edged (DESTDIR is honoured)
	install -D -m 0755 $(EDGED) '$(DESTDIR)$(PREFIX)/bin/edged'
	install -D -m 0644 -t '$(DESTDIR)$(PREFIX)/share/edged/functions' functions/*.lua

setup-build:
	@scripts/setup build
setup-test:
	@scripts/setup build test
setup-bench:
	@scripts/setup build bench
