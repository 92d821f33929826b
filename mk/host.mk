# SPDX-License-Identifier: MIT
# The tool, and our code as libraries in four variants: host (gcc), san (clang with sanitizers), fuzz, cov (counts lines).

core_src := $(wildcard chunkboot/core/*.c)
net_src := $(wildcard chunkboot/net/*.c)
host_src := $(wildcard chunkboot/host/*.c)
cmd_src := $(wildcard chunkboot/cmd/*.c)

# An archive is remade from scratch, also when a source file went away: NAME.list changes then.
# $(1) archive, $(2) objects, $(3) ar
define archive_rule
$(1): $(2) $(1).list
	@printf '  AR      %s\n' $$@
	$$(Q)rm -f $$@.new && $(3) rcs $$@.new $(2) && mv $$@.new $$@
$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(2)' >$$@.new; cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
endef

# ---- The product ----
host_obj = $(patsubst %.c,$(BUILD)/host/%.o,$(1))

$(BUILD)/host/%.o: %.c mk/flags.mk | $(BUILD)/.deps-tool $(BUILD)/gen/build-info.h
	@mkdir -p $(@D)
	@printf '  CC      %s\n' $<
	$(Q)$(HOST_CC) $(HOST_CPPFLAGS) $(if $(filter tests/%,$<),$(TEST_CPPFLAGS)) $(lwip_if_net) $(HOST_CFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(eval $(call archive_rule,$(BUILD)/host/libcore.a,$(call host_obj,$(core_src)),ar))
$(eval $(call archive_rule,$(BUILD)/host/libhost.a,$(call host_obj,$(host_src)),ar))
# The simulator without sanitizers, for long campaigns and for measuring.
unit_helper_src := $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))
sim_src := $(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c))
$(eval $(call archive_rule,$(BUILD)/host/libnet.a,$(call host_obj,$(net_src)),ar))
$(eval $(call archive_rule,$(BUILD)/host/libsim.a,$(call host_obj,$(sim_src) $(addprefix tests/unit/,sim_realm.c sim_realm_change.c packet.c)),ar))
sim_libs := $(addprefix $(BUILD)/host/,libsim.a libnet.a liblwip.a libhost.a libcore.a)
lwip_if_net = $(if $(filter chunkboot/net/% tests/%,$<),$(LWIP_CPPFLAGS))

.PHONY: tool
ifneq ($(cmd_src),)
tool: $(BUILD)/chunkboot ## the command line tool
else
tool:
	@echo '  NOTE    chunkboot/cmd has no sources yet: no tool'
endif
$(BUILD)/chunkboot: $(call host_obj,$(cmd_src)) $(BUILD)/host/libhost.a $(BUILD)/host/libcore.a
	@printf '  LD      %s\n' $@
	$(Q)$(HOST_CC) $(HOST_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HOST_LIBS)

# ---- With sanitizers; "fuzz" is the same with coverage feedback, "cov" counts lines and has no sanitizers ----
san_libs = $(addprefix $(BUILD)/$(1)/,libunit.a libsim.a libcmd.a libhost.a $(if $(net_src),libnet.a) libcore.a \
	$(if $(net_src),liblwip.a))

# $(1) variant, $(2) more flags
define san_rules
$(BUILD)/$(1)/%.o: %.c mk/flags.mk | $(BUILD)/.deps-test $(BUILD)/gen/build-info.h
	@mkdir -p $$(@D)
	@printf '  CC      %s (%s)\n' $$< $(1)
	$$(Q)$(SAN_CC) $(HOST_CPPFLAGS) $(TEST_CPPFLAGS) $$(lwip_if_net) $(SAN_CFLAGS) $(2) $$(CFLAGS) $(DEPFLAGS) -c -o $$@ $$<
$(foreach lib,core net host,$(call archive_rule,$(BUILD)/$(1)/lib$(lib).a,\
	$(patsubst %.c,$(BUILD)/$(1)/%.o,$($(lib)_src)),ar)$(newline2))
$(call archive_rule,$(BUILD)/$(1)/libcmd.a,\
	$(patsubst %.c,$(BUILD)/$(1)/%.o,$(filter-out chunkboot/cmd/main.c,$(cmd_src))),ar)
$(call archive_rule,$(BUILD)/$(1)/libunit.a,$(patsubst %.c,$(BUILD)/$(1)/%.o,$(unit_helper_src)),ar)
$(call archive_rule,$(BUILD)/$(1)/libsim.a,$(patsubst %.c,$(BUILD)/$(1)/%.o,$(sim_src)),ar)
endef
define newline2


endef
$(eval $(call san_rules,san,))
$(eval $(call san_rules,fuzz,-fsanitize=fuzzer-no-link))
$(eval $(call san_rules,cov,$(COV_CFLAGS)))
# lwIP's headers include ours, which the compiler takes for the system's then and does not list.
$(foreach variant,host san fuzz cov efi-x86_64,$(patsubst %.c,$(BUILD)/$(variant)/%.o,$(net_src))): $(lwip_port) | $(TP)/lwip/.chunkboot-source

-include $(shell find $(BUILD)/host $(BUILD)/san $(BUILD)/fuzz $(BUILD)/cov -name '*.d' 2>/dev/null)
