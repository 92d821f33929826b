# SPDX-License-Identifier: MIT
# The UEFI application, and the compile-only pass of the core for aarch64.

efi_src := $(wildcard efi/*.c efi/libc/*.c efi/proto/*.c)
efi_obj = $(patsubst %.c,$(BUILD)/efi-x86_64/%.o,$(1))
efi_objects := $(call efi_obj,$(core_src) $(net_src) $(efi_src))
efi_libs := $(patsubst %,$(BUILD)/efi-x86_64/lib%.a,bearssl sodium zstd $(if $(net_src),lwip))

$(filter $(EFI_HOT:%=$(BUILD)/efi-x86_64/chunkboot/%.o),$(efi_objects)): EFI_OPT := -O2 $(EFI_SCALAR)
# The compiler would turn the loops of memcpy into calls of memcpy.
$(BUILD)/efi-x86_64/efi/libc/%.o: EFI_OPT := -O2 -fno-builtin

efi_includes = -Ichunkboot -I$(BUILD)/gen $(EFI_LIBC) $(EFI_TP_CPPFLAGS) \
	$(if $(filter efi/% chunkboot/net/%,$<),-Iefi $(LWIP_CPPFLAGS)) $(if $(filter efi/%,$<),$(EFI_GNUEFI))

$(BUILD)/efi-x86_64/%.o: %.c mk/flags.mk mk/efi.mk | $(tp_headers) $(TP)/lwip/.chunkboot-source $(BUILD)/gen/build-info.h
	@mkdir -p $(@D)
	@printf '  CC      %s (efi)\n' $<
	$(Q)$(EFI_CC) $(EFI_TARGET_x86_64) $(EFI_OWN) $(EFI_OPT) $(efi_includes) $(DEPFLAGS) -c -o $@ $<

.PHONY: efi size core-aarch64
ifneq ($(filter-out efi/libc/%,$(efi_src)),)
efi: $(BUILD)/chunkboot-x86_64.efi ## the loader, a UEFI application
else
efi: $(efi_objects) $(efi_libs)
	@echo '  NOTE    efi/ has no sources yet: no loader; libraries and core were compiled'
endif

$(BUILD)/chunkboot-x86_64.efi: $(efi_objects) $(efi_libs) $(BUILD)/efi-x86_64/objects.list
	@printf '  LD      %s\n' $@
	$(Q)$(LLD_LINK) $(EFI_LDFLAGS) -machine:x64 -lldmap:$(BUILD)/chunkboot-x86_64.map -out:$@ $(efi_objects) $(efi_libs)

$(BUILD)/efi-x86_64/objects.list: FORCE
	@mkdir -p $(@D)
	@echo '$(efi_objects)' >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

size: $(BUILD)/chunkboot-x86_64.efi ## bytes of the loader by library and by own part
	@python3 mk/size.py $(BUILD)/chunkboot-x86_64.efi $(BUILD)/chunkboot-x86_64.map $(efi_libs)

# ---- aarch64: the core has to stay portable ----
aarch64_objects := $(patsubst %.c,$(BUILD)/efi-aarch64/%.o,$(core_src))
core-aarch64: $(aarch64_objects) ## compile the core for aarch64 too (no linking)

$(BUILD)/efi-aarch64/%.o: %.c mk/flags.mk mk/efi.mk | $(tp_headers) $(BUILD)/gen/build-info.h
	@mkdir -p $(@D)
	@printf '  CC      %s (aarch64)\n' $<
	$(Q)$(EFI_CC) $(EFI_TARGET_aarch64) $(EFI_OWN) $(EFI_OPT) -Ichunkboot -I$(BUILD)/gen $(EFI_LIBC) $(EFI_TP_CPPFLAGS) \
		$(DEPFLAGS) -c -o $@ $<

-include $(shell find $(BUILD)/efi-x86_64/chunkboot $(BUILD)/efi-x86_64/efi $(BUILD)/efi-aarch64 -name '*.d' 2>/dev/null)
