# Thin verbs over CMake; CI calls the same. `make help` lists them.
.DEFAULT_GOAL := build
JOBS := $(shell nproc)
CTEST := ctest --output-on-failure --no-tests=error

.PHONY: help build bootstrap demo test test-asan lint format bench fuzz install docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install every dependency (Debian packages, pinned npm packages into .deps)
	@scripts/bootstrap build

build: bootstrap ## build/bestfit and the library
	@cmake --preset release -DBESTFIT_TESTS=OFF >build.log 2>&1 || { cat build.log; exit 1; }
	@cmake --build build --parallel $(JOBS) >>build.log 2>&1 || { tail -n 60 build.log; exit 1; }
	@rm -f build.log
	@echo "built: build/bestfit"

demo: build ## the typefaces: register the models, search for two families nobody labelled, show how right it was
	@examples/typefaces/demo

test: ## every test (real data too where BESTFIT_DATA is set)
	@scripts/bootstrap test
	@cmake --preset release -DBESTFIT_TESTS=ON >/dev/null
	@cmake --build build --parallel $(JOBS)
	@scripts/run-tests build

test-asan: ## the tests under the address and undefined-behaviour sanitizers
	@scripts/bootstrap test
	@cmake --preset asan-ubsan >/dev/null
	@cmake --build build/asan-ubsan --parallel $(JOBS)
	@scripts/run-tests build/asan-ubsan

lint: ## formatting, layers, clang-tidy, cppcheck, headers alone
	@scripts/bootstrap lint test
	@scripts/lint

format: ## clang-format every C file
	@scripts/bootstrap lint
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-14 -i

bench: build ## speed against peers, quality against the reference accuracies (needs BESTFIT_DATA)
	@scripts/bootstrap bench
	@bench/run

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	@scripts/bootstrap fuzz
	@scripts/run-fuzz $(or $(FUZZ_SECONDS),60)

install: build ## install under PREFIX (/usr/local)
	@cmake --install build --prefix $(or $(PREFIX),/usr/local)

docs: build ## print the generated pages of docs/ again
	@scripts/generate-docs

clean: ## remove what was built (not .deps)
	@rm -rf build
