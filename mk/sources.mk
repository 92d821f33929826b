# SPDX-License-Identifier: MIT
# Debian packages, third-party sources, their libraries, and generated headers.

# ---- Debian packages: $(BUILD)/.deps-GROUP says that a group is installed ----
$(BUILD)/.deps-%: mk/deps.sh
	@mkdir -p $(@D)
	$(Q)$(if $(NO_DEPS),:,mk/deps.sh $*)
	@touch $@

# ---- Sources: build/third-party/NAME ----
$(TP)/%/.chunkboot-source: third-party.mk mk/fetch-source.sh | $(BUILD)/.deps-efi
	$(Q)THIRD_PARTY_DIR='$(THIRD_PARTY_DIR)' mk/fetch-source.sh $(TP) $* $(tp_$*)

.PHONY: sources
sources: $(THIRD_PARTY:%=$(TP)/%/.chunkboot-source) ## fetch and unpack the third-party sources
tp_headers := $(patsubst %,$(TP)/%/.chunkboot-source,bearssl sodium zstd)

# ---- Libraries: $(BUILD)/VARIANT/libNAME.a; the lock lets two makes in one tree build at once ----
define library_rule
$(BUILD)/$(1)/lib$(2).a: $(TP)/$(2)/.chunkboot-source mk/library.mk mk/flags.mk third-party.mk $(3)
	@mkdir -p $$(@D)
	@printf '  LIB     %s\n' $$@
	$$(Q)flock $(BUILD)/$(1)/.lock-$(2) $$(MAKE) $(if $(V),,-s) -f mk/library.mk BUILD=$(BUILD) TP=$(TP) LIB=$(2) VARIANT=$(1)
	@touch $$@
endef
lwip_port := $(wildcard chunkboot/net/lwipopts.h chunkboot/net/lwiphooks.h chunkboot/net/arch/*.h)
$(foreach lib,bearssl sodium zstd,$(eval $(call library_rule,efi-x86_64,$(lib),)))
$(foreach variant,efi-x86_64 host san fuzz cov,$(eval $(call library_rule,$(variant),lwip,$(lwip_port))))

# ---- build-info.h: version, and the date that is the clock's first floor ----
# The date is the last commit's, so that the same commit gives the same bytes.
BUILD_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),1764547200)
$(BUILD)/gen/build-info.h: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '// SPDX-License-Identifier: MIT' '// What this build is; made by the Makefile.' '#pragma once' \
		'#define CB_VERSION "$(VERSION)"' '#define CB_BUILD_EPOCH $(BUILD_EPOCH)LL' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
