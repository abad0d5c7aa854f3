# SPDX-License-Identifier: Apache-2.0
#
# A plain make in front of Meson and Ninja. `make help` lists the targets.
#   B=FOLDER      where to build (default: build)
#   CC=clang      the compiler
#   PREFIX, DESTDIR   where `make install` puts libmls
#   TIME=SECONDS  how much processor time `make fuzz` gives each fuzzer
#   BASE=COMMIT   `make fmt`, `make fmt-check`: only lines that differ from this commit (default: HEAD)
#   ONLY=TEXT     `make test`: only programs with TEXT in their names; `make fuzz`: the fuzzers to run
B ?= build
TIME ?= 60
BASE ?= HEAD
TOOLS := tools/build
export LC_ALL := C.UTF-8

# make's own default for CC says nothing about what the user wants.
COMPILER := $(if $(filter default undefined,$(origin CC)),,$(CC))
unexport CC
SETUP = $(if $(COMPILER),CC="$(COMPILER)") $(TOOLS)/setup

.PHONY: all deps run demo test bench bench-ui asan ct fuzz net interop lint fmt fmt-check install reproducible clean help
all:
	@$(SETUP) $(B)
	@tools/web $(B)
	@ninja -C $(B)

help:
	@echo 'make                builds everything into build/'
	@echo 'make run            installs what is missing, builds, shows the demonstration, and opens a relay and two people (PORT=8443)'
	@echo 'make demo           the demonstration alone'
	@echo 'make test           installs what is missing, builds, and runs every test'
	@echo 'make fault          relay and engines under 500 kills, broken disks, and 10,000 unfair peers; make test has fewer'
	@echo 'make net            censors, captures and other proxies, in hosts of network namespaces (as root)'
	@echo 'make bench          measures: what docs/performance.md is made from'
	@echo 'make bench-ui       measures the page, in Chromium'
	@echo 'make asan           every test under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make ct             the constant-time check, under valgrind'
	@echo 'make fuzz TIME=60   each fuzzer for so many seconds of processor time'
	@echo 'make interop PROTO=/path/to/mls_client.proto   the server for the MLS interop runner (docs/interop.md)'
	@echo 'make lint           clang-tidy, cppcheck, gcc -fanalyzer, and the rules of the house'
	@echo 'make fmt BASE=HEAD  formats the lines of C that differ from a commit; fmt-check only looks'
	@echo 'make install        installs libmls (PREFIX=/usr/local, DESTDIR=)'
	@echo 'make reproducible   builds twice in two folders and compares every byte'
	@echo 'make deps           installs what building and testing need (as root, or with sudo)'
	@echo 'make clean          removes build/'
	@echo 'Variables: B=FOLDER, CC=clang, ONLY=TEXT (of a test). docs/dependencies.md says what is installed, and why.'

# Nothing when nothing is missing. The rarer tools are installed by the targets that need them.
deps:
	@$(TOOLS)/deps build
	@$(TOOLS)/sqlite3mc

run: deps all
	@tools/run $(B)

demo: deps all
	@$(B)/mls-demo

test: deps all
	@$(TOOLS)/deps ui || echo 'Without Chromium the tests of the page are left out.'
	@tools/e2e $(B)
	@tools/run-tests $(if $(ONLY),--only '$(ONLY)') $(B)

bench-ui: deps all
	@$(TOOLS)/deps ui
	@tools/e2e $(B)
	@NODE_PATH=node_modules WHIMBREL_BUILD=$(B) node $(B)/e2e/bench/ui/ui.js

fault: deps all
	@tools/e2e $(B)
	@WHIMBREL_KILLS=500 WHIMBREL_PEERS=10000 tools/run-tests --slow 4 --only fault $(B)

net: deps all
	@$(TOOLS)/deps net
	@tools/e2e $(B)
	@tools/run-tests --only 'net-$(ONLY)' $(B)

bench: deps all
	@set -e; for program in $$($(TOOLS)/list . bench); do echo "== $$program"; $(B)/bench-$$program; done; \
		if [ -x $(B)/bench/engine/bench-engine ]; then echo == engine; $(B)/bench/engine/bench-engine; fi

asan: deps
	@$(SETUP) $(B)/asan -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
		-Dc_args='-fno-sanitize-recover=all -fno-omit-frame-pointer'
	@ninja -C $(B)/asan
	@tools/run-tests --slow 6 $(if $(ONLY),--only '$(ONLY)') $(B)/asan

ct:
	@$(TOOLS)/deps build ct
	@$(SETUP) $(B)/ct -Dct=true
	@ninja -C $(B)/ct
	@tools/run-tests --no-vectors $(B)/ct

fuzz:
	@$(TOOLS)/deps build fuzz
	@CC=clang $(TOOLS)/setup $(B)/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=2 \
		-Dc_args='-fno-sanitize-recover=all -fno-omit-frame-pointer -fno-sanitize=null'
	@ninja -C $(B)/fuzz
	@tools/fuzz $(B)/fuzz $(TIME) $(ONLY)

interop:
	@test -f '$(PROTO)' || { echo 'make interop PROTO=/path/to/mls_client.proto: see docs/interop.md'; exit 2; }
	@$(TOOLS)/deps build interop
	@$(SETUP) $(B) -Dinterop_proto='$(abspath $(PROTO))'
	@ninja -C $(B) mls-interop

lint:
	@$(TOOLS)/deps build lint
	@$(SETUP) $(B)
	@tools/lint/all $(B)

fmt fmt-check:
	@$(TOOLS)/deps build lint
	@tools/fmt $(if $(filter fmt,$@),format,check) '$(BASE)'

install: all
	@$(if $(PREFIX),meson configure $(B) -Dprefix=$(PREFIX),:)
	@ninja -C $(B)
	@DESTDIR=$(DESTDIR) meson install -C $(B) --no-rebuild

reproducible: deps
	@$(if $(COMPILER),CC="$(COMPILER)") tools/reproducible $(B)/reproducible

clean:
	rm -rf $(B)
