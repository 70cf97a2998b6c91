# SPDX-License-Identifier: Apache-2.0
# Rollcall

.DEFAULT_GOAL := help
.PHONY: help build test test-grpc demo bench fuzz

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

build: ## Build the rollcall program for release
	@scripts/setup
	swift build -c release --product rollcall

test: ## Build and run all tests
	@scripts/setup
	@scripts/test

test-grpc: ## Build RollcallGRPC with what it needs, which takes minutes, and run its tests
	@scripts/setup grpc
	@TRAITS=GRPC scripts/test --filter RollcallGRPCTests

demo: ## Start a registry and three services, and watch them die and come back (KEEP=1 leaves them running)
	@scripts/demo

bench: ## Measure everything that Docs/benchmarks.md reports (BENCH="lookup watch" for some of it)
	@scripts/bench $(BENCH)

fuzz: ## Run the fuzzers, a minute each (FUZZ="600 JSON" for ten, and one of JSON, Events, HTTP)
	@scripts/fuzz $(FUZZ)
