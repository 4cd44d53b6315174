# `make train` and `make test` work from a clean clone: they see to system packages, a virtual environment, the wheel
# and its installation. Everything runs from the installed wheel, never from the source tree.
SHELL := /bin/bash
VENV ?= .venv
JOBS ?= $(shell nproc)
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMPS := $(VENV)/stamps
# An environment of our own: what the caller's Python path or user site holds must not be seen.
unexport PYTHONPATH PYTHONHOME TENSORGRAD_CPU
export PYTHONNOUSERSITE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

# Folders are listed with the files: their time changes when a file goes or comes.
SOURCES := $(shell find tensorgrad python \( -name __pycache__ -o -name '*.pyc' \) -prune -o -print) \
           CMakeLists.txt pyproject.toml LICENSE

# The compiler that a plain `cmake` would choose, so that a compiler cache serves both; make's own default is g++.
ifeq ($(origin CXX),default)
CXX := c++
endif
export CXX

TRAIN_ARGS ?=
PYTEST_ARGS ?=

.PHONY: docs train test test-cpp test-python test-all asan test-asan test-fuzz test-isa test-slow bench lint format layers wheel clean help
help:
	@echo "make train | test | test-all | bench | docs | lint | format | wheel | clean"

$(STAMPS)/venv: tools/bootstrap.sh
	@bash tools/bootstrap.sh $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# One stamp per set of pinned requirements: $(STAMPS)/extra-test and so on.
$(STAMPS)/extra-%: pyproject.toml tools/requirements.py | $(STAMPS)/venv
	@$(PY) tools/requirements.py $* > $@.new
	@if ! cmp -s $@.new $@; then echo "Installing the requirements of '$*'"; $(BIN)/pip install -q -r $@.new </dev/null; fi
	@mv $@.new $@

# No isolated environment, so that the CMake folder is kept and only what changed is compiled.
$(STAMPS)/wheel: $(SOURCES) $(STAMPS)/extra-build
	@echo "Building the wheel with $(JOBS) jobs"
	@mkdir -p dist && rm -f dist/*.whl
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pip wheel -q . --no-deps --no-build-isolation -w dist \
	  --config-settings=build-dir=build-wheel --config-settings=cmake.define.TENSORGRAD_TESTS=ON </dev/null
	@touch $@

$(STAMPS)/installed: $(STAMPS)/wheel
	@$(BIN)/pip install -q --force-reinstall --no-deps dist/*.whl </dev/null
	@touch $@

wheel: $(STAMPS)/wheel
	@ls -l dist/*.whl

train: $(STAMPS)/installed $(STAMPS)/extra-examples
	$(PY) -m examples.mnist.cnn.train $(TRAIN_ARGS)

test: test-cpp test-python

test-cpp: $(STAMPS)/installed
	@$(BIN)/cmake --build build-wheel --target tensorgrad_tests
	@$(BIN)/ctest --test-dir build-wheel --output-on-failure --no-tests=error -j $(JOBS)

test-python: $(STAMPS)/installed $(STAMPS)/extra-test $(STAMPS)/extra-examples
	$(BIN)/pytest tests/tools tests/python -n $(JOBS) $(PYTEST_ARGS)

# All of `make test`, then: each instruction set that this machine has, the slow sweeps, the sanitizers, bad files.
test-all: test test-isa test-slow test-asan test-fuzz

test-isa: test-cpp $(STAMPS)/extra-test $(STAMPS)/extra-examples
	@for level in $$(tools/cpu_levels.sh); do \
	  echo "== TENSORGRAD_CPU=$$level"; export TENSORGRAD_CPU=$$level; \
	  $(BIN)/ctest --test-dir build-wheel --output-on-failure -Q -j $(JOBS) || exit 1; \
	  $(BIN)/pytest tests/python -q -n $(JOBS) $(PYTEST_ARGS) || exit 1; \
	done

# Every float32 input of the functions that models use most (minutes); a sample of the others.
SWEEP := exp,log,tanh,sigmoid,erf,sin,cos
test-slow: test-cpp $(STAMPS)/extra-test $(STAMPS)/extra-examples
	build-wheel/tests/cpp/vmath/vmath_sweep --step 97
	build-wheel/tests/cpp/vmath/vmath_sweep --step 1 --only $(SWEEP)
	TENSORGRAD_STRICT=1 $(BIN)/pytest tests/python -m slow -n $(JOBS) $(PYTEST_ARGS)

# The extension of this build lies in build-asan/python, before the installed package. An interpreter that was not
# built with the sanitizer needs its library first; libstdc++ beside it, or exceptions cannot be intercepted. The
# interpreter itself leaks by design. Sizes beyond memory must fail as they do without the sanitizer, and the tests'
# own crash by a signal too.
ASAN_TESTS ?= tests/python
ASAN_ENV = LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so) $$(g++ -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_segv=0$(ASAN_MORE) \
	UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=build-asan/python
FUZZ_COUNT ?= 100000
asan: $(STAMPS)/installed $(STAMPS)/extra-test
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cmake -S . -B build-asan -G Ninja --log-level=WARNING \
	  -DPython_EXECUTABLE=$(abspath $(PY)) -DTENSORGRAD_TESTS=ON -DTENSORGRAD_SANITIZE=address,undefined
	@$(BIN)/cmake --build build-asan

test-asan: asan
	@UBSAN_OPTIONS=print_stacktrace=1 $(BIN)/ctest --test-dir build-asan --output-on-failure --no-tests=error -j $(JOBS)
	$(ASAN_ENV) $(BIN)/pytest $(ASAN_TESTS) -q -n $(JOBS) -p no:cacheprovider $(PYTEST_ARGS)

# Damaged and hostile files for the readers. Freed memory is kept for a short while only, as growth is a finding.
test-fuzz: ASAN_MORE := :quarantine_size_mb=16
test-fuzz: asan
	$(ASAN_ENV) $(PY) -m tests.fuzz.files --count $(FUZZ_COUNT)

docs: $(STAMPS)/installed
	$(PY) tools/write_docs.py build-docs

bench: $(STAMPS)/installed $(STAMPS)/extra-test $(STAMPS)/extra-examples $(STAMPS)/extra-bench
	@mkdir -p build-bench
	$(PY) -m benchmarks --scaling --markdown BENCHMARK.md --plot docs/images/benchmark.svg \
	  --json build-bench/figures.json $(BENCH_ARGS)

# The C++ core and the tests of tests/cpp are formatted and read; clang-tidy reads the changed files only.
CPP_FILES = $(shell git ls-files -co --exclude-standard '*.h' '*.cpp' '*.cu' '*.cuh' | while read -r f; do [ -e "$$f" ] && echo "$$f"; done)

lint: layers $(STAMPS)/installed $(STAMPS)/extra-dev $(STAMPS)/extra-test
	$(PY) tools/check_tests.py
	$(PY) tools/write_stubs.py --check
	$(PY) tools/check_docs.py
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	VENV=$(VENV) tools/clang_tidy.sh
	tools/check_symbols.sh build-wheel

layers: $(STAMPS)/venv
	$(PY) tools/check_layers.py
	$(PY) tools/check_files.py

format: $(STAMPS)/extra-dev
	$(BIN)/clang-format -i $(CPP_FILES)
	$(BIN)/ruff check --fix -q . || true
	$(BIN)/ruff format -q .

clean:
	rm -rf build build-* dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -f $(STAMPS)/wheel $(STAMPS)/installed
