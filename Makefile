# SPDX-License-Identifier: Apache-2.0
# Rollcall

.DEFAULT_GOAL := help
.PHONY: help build test

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

build: ## Build the rollcall program for release
	@scripts/setup
	swift build -c release --product rollcall

test: ## Build and run all tests
	@scripts/setup
	@scripts/test
