# SPDX-License-Identifier: MIT
# Builds, runs, tests and installs chunkboot. "make help" lists what there is.
#
# Variables, on the command line or in the environment:
#   V=1                  show the commands
#   BUILD=dir            where everything goes (default: build)
#   THIRD_PARTY_DIR=dir  take the tarballs of third-party.mk from there instead of Debian's source archive
#   NO_DEPS=1            install no Debian packages
#   DESTDIR, PREFIX      for install (PREFIX default: /usr/local)
#   TESTS="name ..."     run just the tests whose name contains one of these words (any check target)
#   JOBS=n               tests at once (default: number of processors)
#   FUZZ_SECONDS=n       "make fuzz": seconds for each fuzzer (default: 600)

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
THIRD_PARTY_DIR ?=
FUZZ_SECONDS ?= 600
TP := build/third-party
Q := $(if $(V),,@)
PROCESSORS := $(shell nproc 2>/dev/null || echo 2)
JOBS ?= $(PROCESSORS)

# Use all processors unless the caller chose: -j is in MAKEFLAGS of sub-makes, and on our own command line.
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS))$(findstring --jobserver,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(PROCESSORS)
endif
endif
MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help FORCE

all: tool efi core-aarch64 ## tool and loader (the default)

help: ## this list
	@echo "chunkboot $(VERSION): make TARGET [VARIABLE=value ...]"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@sed -n '/^# Variables/,/^$$/s/^# \{0,1\}//p' Makefile

FORCE:

# A variable's value, for the scripts of tests/lint.
print-%:
	@echo '$($*)'

include third-party.mk
include mk/flags.mk
include mk/sources.mk
include mk/host.mk
include mk/efi.mk
include mk/tests.mk

.PHONY: run image-minimal man install clean
run: $(BUILD)/.deps-run tool efi image-minimal ## publish a Debian kernel, serve it, and boot it through sign-in in QEMU
	$(Q)BUILD=$(BUILD) mk/run-demo.sh

image-minimal: $(BUILD)/images/minimal/initrd.cpio ## the sample image: Debian's cloud kernel and a small initramfs
$(BUILD)/images/minimal/initrd.cpio: images/minimal/build.sh images/minimal/init | $(BUILD)/.deps-run
	$(Q)images/minimal/build.sh $(@D)

# docs/man/NAME.SECTION.scd
man_pages := $(patsubst docs/man/%.scd,$(BUILD)/man/%,$(wildcard docs/man/*.scd))
man: $(man_pages) ## the manual pages; read one with "man -l build/man/chunkboot.1"
$(BUILD)/man/%: docs/man/%.scd | $(BUILD)/.deps-tool
	@mkdir -p $(@D)
	@echo "  MAN     $@"
	$(Q)scdoc <$< >$@

install: tool efi man ## tool, loader, man pages and completion below DESTDIR/PREFIX
	install -D -m 755 $(BUILD)/chunkboot $(DESTDIR)$(PREFIX)/bin/chunkboot
	install -D -m 644 $(BUILD)/chunkboot-x86_64.efi $(DESTDIR)$(PREFIX)/lib/chunkboot/chunkboot-x86_64.efi
	for page in $(man_pages); do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit; \
	done
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(BUILD)/chunkboot completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/chunkboot

clean: ## removes what was built (sources and packages that were fetched stay; "rm -rf build" removes all)
	rm -rf $(addprefix $(BUILD)/,host san fuzz cov bench gen efi-x86_64 efi-aarch64 images man test-logs chunkboot wire \
		chunkboot-x86_64.efi chunkboot-x86_64.map selftest-x86_64.efi coverage.txt)
