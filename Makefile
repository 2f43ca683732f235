# The front door: `make run` and `make test` on a machine with nothing but this. CMake does the building.
.DEFAULT_GOAL := help
.PHONY: help run test soak bench bench-tap fuzz format lint clean packages-build packages-test packages-lint packages-fuzz packages-bench release
MAKEFLAGS += --no-print-directory

FIXTURES ?= fixtures/demo
REPORT ?= out/report.html
BENCH ?=
FUZZ_SECONDS ?= 60

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages-build packages-test packages-lint packages-fuzz packages-bench: packages-%:
	@cmake/install-packages build $*

release: packages-build
	@cmake --preset release -DBUILD_TESTING=OFF >out/configure.log 2>&1 || { cat out/configure.log; exit 1; }
	@cmake --build --preset release

out:
	@mkdir -p out

release: | out

run: release ## build convtap, audit the demonstration folder (KPI table, report in out/report.html), then the live tap at work
	@build/release/convtap audit --report $(REPORT) $(FIXTURES)
	@if [ -t 1 ]; then exec build/release/convtap demo; else exec build/release/convtap demo --seconds 10; fi

test: packages-test ## build twice (with sanitizers, and released) and run every test
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan
	cmake --preset release -DBUILD_TESTING=ON
	cmake --build --preset release
	ctest --preset release

soak: packages-test ## kill -9 ROUNDS (50) times under load, live against audit for MINUTES (10), failing disks
	@cmake --preset release -DBUILD_TESTING=ON
	@cmake --build --preset release --target convtap
	@tests/e2e/soak

bench: packages-bench release ## measure against DuckDB, Python, jq and perl; BENCH='--messages 1000000' for more
	@npm install --no-save --prefix bench --no-audit --no-fund --loglevel=error
	@cmake --build --preset release --target bench_generate
	@bench/run --convtap build/release/convtap --generate build/release/bench/bench_generate $(BENCH)

bench-tap: packages-bench release ## measure the live tap beside a bare sink and nginx (docs/benchmarks.md); BENCH='--only relay --runs 3' for less
	@cmake --build --preset release --target bench_tap
	@bench/tap_run --convtap build/release/convtap --programs build/release/bench $(BENCH)

fuzz: packages-test packages-fuzz ## clang's libFuzzer over parsers and settings for FUZZ_SECONDS (60) each; what it learns stays in out/corpus
	cmake --preset fuzz
	cmake --build build/fuzz --target fuzz_parsers fuzz_settings
	@mkdir -p out/corpus out/corpus-settings
	build/fuzz/tests/fuzz/fuzz_parsers -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=out/ out/corpus fixtures
	build/fuzz/tests/fuzz/fuzz_settings -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -artifact_prefix=out/ out/corpus-settings tests/fuzz/corpus

format: packages-lint ## clang-format on every C file
	@find engine parsers metrics sinks cli plugin tests bench -name node_modules -prune -o -name '*.[ch]' -print | xargs clang-format -i

lint: packages-lint packages-test ## the project's lints, clang-format's opinion and clang-tidy
	@for check in $$(python3 tests/lint/lint.py --list); do python3 tests/lint/lint.py $$check || exit 1; done
	@find engine parsers metrics sinks cli plugin tests bench -name node_modules -prune -o -name '*.[ch]' -print | xargs clang-format --dry-run --Werror
	@cmake --preset dev >/dev/null
	@find engine parsers metrics sinks cli plugin bench -name node_modules -prune -o -name '*.c' -print | xargs -n 4 -P 2 clang-tidy --quiet -p build/dev

clean: ## remove what was built
	rm -rf build out bench/node_modules
