# SPDX-License-Identifier: MIT
# Unit tests, fuzzers, shell tests and lint; tests/run.py runs and counts them.

RUN_TESTS = python3 tests/run.py -j $(JOBS) --build $(BUILD) $(addprefix --only ,$(TESTS))

# Boots in QEMU
FIRST_TIER_BOOTS := 40

# ---- Programs; with TESTS only those that are asked for are built; a word may have its suite in front ("bench/fetch") ----
chosen = $(if $(TESTS),$(foreach bin,$(1),$(if $(strip \
	 $(foreach word,$(notdir $(TESTS)),$(findstring $(word),$(notdir $(bin))))),$(bin))),$(1))
unit_bin := $(patsubst tests/unit/%.c,$(BUILD)/san/%,$(wildcard tests/unit/test_*.c))
sim_bin := $(patsubst tests/sim/%.c,$(BUILD)/san/sim/%,$(wildcard tests/sim/test_*.c))
fuzz_bin := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

link_san = @printf '  LD      %s\n' $@; mkdir -p $(@D)
# A unit test may name linker options of its own: a line "/* LINK: -Wl,--wrap=FUNCTION */".
own_link_flags = $(shell sed -n 's|^/[*] LINK: \(.*\) [*]/$$|\1|p' $(1))
$(unit_bin): $(BUILD)/san/%: $(BUILD)/san/tests/unit/%.o $(call san_libs,san)
	$(link_san)
	$(Q)$(SAN_CC) $(SAN_SANITIZERS) $(call own_link_flags,tests/unit/$*.c) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS) -lcmocka
$(sim_bin): $(BUILD)/san/sim/%: $(BUILD)/san/tests/sim/%.o $(call san_libs,san)
	$(link_san)
	$(Q)$(SAN_CC) $(SAN_SANITIZERS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS) -lcmocka
# The campaigns without sanitizers: several times as many runs an hour.
sim_fast_bin := $(addprefix $(BUILD)/host/sim/,test_faulty_network test_server_chaos test_flipped_bits test_hostile_lan test_machine_life)
$(sim_fast_bin): $(BUILD)/host/sim/%: $(BUILD)/host/tests/sim/%.o $(sim_libs)
	$(link_san)
	$(Q)$(HOST_CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS) -lcmocka
$(fuzz_bin): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(call san_libs,fuzz)
	$(link_san)
	$(Q)$(SAN_CC) $(SAN_SANITIZERS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS) -lcmocka

# The same tests without sanitizers, for valgrind and for line counts.
cov_bin := $(patsubst $(BUILD)/san/%,$(BUILD)/cov/%,$(unit_bin) $(sim_bin))
cov_test_obj = $(BUILD)/cov/tests/$(if $(filter sim/%,$(1)),sim,unit)/$(notdir $(1)).o
.SECONDEXPANSION:
$(cov_bin): $(BUILD)/cov/%: $$(call cov_test_obj,$$*) $(call san_libs,cov)
	$(link_san)
	$(Q)$(SAN_CC) $(COV_CFLAGS) $(call own_link_flags,$(or $(wildcard tests/unit/$*.c),/dev/null)) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS) -lcmocka

# The loader's objects with another main: published answers, computed on UEFI; the same table on Linux.
CB_VECTORS ?= ../shared/vectors
selftest_objects := $(filter-out %/efi/main.o,$(efi_objects)) $(patsubst %,$(BUILD)/efi-x86_64/%.o,\
	tests/efi/selftest $(addprefix tests/unit/,answers answers_classes answers_wycheproof) gen/vectors)
$(BUILD)/efi-x86_64/tests/%.o $(BUILD)/efi-x86_64/gen/%.o: efi_includes += -Iefi -Itests/unit -Itests/efi $(EFI_GNUEFI)
$(BUILD)/gen/vectors.c: tests/efi/make-vectors.py FORCE
	@mkdir -p $(@D)
	$(Q)python3 $< $(CB_VECTORS) $@
$(BUILD)/san/test_vectors: $(BUILD)/san/gen/vectors.o
$(BUILD)/cov/test_vectors: $(BUILD)/cov/gen/vectors.o
$(BUILD)/san/gen/vectors.o $(BUILD)/cov/gen/vectors.o: $(BUILD)/gen/vectors.c tests/unit/answers.h mk/flags.mk
	@mkdir -p $(@D)
	@printf '  CC      %s\n' $<
	$(Q)$(SAN_CC) $(HOST_CPPFLAGS) $(TEST_CPPFLAGS) $(SAN_CFLAGS) $(if $(filter $(BUILD)/cov/%,$@),$(COV_CFLAGS)) -c -o $@ $<
$(BUILD)/efi-x86_64/gen/vectors.o: $(BUILD)/gen/vectors.c $(BUILD)/gen/build-info.h mk/flags.mk
	@mkdir -p $(@D)
	@printf '  CC      %s (efi)\n' $<
	$(Q)$(EFI_CC) $(EFI_TARGET_x86_64) $(EFI_OWN) $(EFI_OPT) $(efi_includes) -c -o $@ $<
$(BUILD)/selftest-x86_64.efi: $(selftest_objects) $(efi_libs)
	@printf '  LD      %s\n' $@
	$(Q)$(LLD_LINK) $(EFI_LDFLAGS) -machine:x64 -out:$@ $^

-include $(wildcard $(BUILD)/efi-x86_64/tests/*/*.d)

# Measuring programs: as the product is built, without sanitizers.
$(BUILD)/bench/%: $(BUILD)/host/tests/bench/%.o $(sim_libs)
	@mkdir -p $(@D)
	@printf '  LD      %s\n' $@
	$(Q)$(HOST_CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS)

# A line between network interfaces, and between them and QEMU.
$(BUILD)/wire: $(addprefix tests/net/,wire.c end.c link.c end.h link.h) mk/flags.mk | $(BUILD)/.deps-test
	@printf '  LD      %s\n' $@
	$(Q)$(HOST_CC) $(HOST_CPPFLAGS) $(TEST_CPPFLAGS) $(HOST_CFLAGS) -o $@ $(filter %.c,$^)

# The loader's network and fetch engine at the end of such a line, on Linux.
$(BUILD)/wire-client: $(BUILD)/san/tests/net/client.o $(call san_libs,san)
	$(link_san)
	$(Q)$(SAN_CC) $(SAN_SANITIZERS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(HOST_LIBS)

# ---- Suites: "--suite NAME" and then its items ----
# A script called lib*.sh is a helper of its neighbours, not a test.
scripts = $(filter-out tests/$(1)/lib%.sh,$(wildcard tests/$(1)/*.sh tests/$(1)/*.py))
lint_items := $(call scripts,lint)
cli_items := $(call scripts,cli)
interop_items := $(call scripts,interop)
net_items := $(call scripts,net)
qemu_items := $(call scripts,qemu)
fuzz_items = $(foreach bin,$(fuzz_bin),'$(notdir $(bin))=mk/fuzz-one.sh $(1) $(bin)')

valgrind_items = $(foreach bin,$(1),'$(notdir $(bin))=mk/valgrind-one.sh $(bin)')
# The core's programs that take valgrind some seconds at most; "make check-full" runs all.
valgrind_quick := $(filter $(patsubst %,$(BUILD)/cov/%,\
	$(addprefix sim/test_,boot boot_faults boot_plans boot_servers cache_offline keys_at_prompts sim_workers) \
	$(addprefix test_,bundle bytes caibx chunk cmdline config crew dhcp6 digest err fetch_pace handover http imageplan \
	json lan layout line manifest net net6 net6_hostile net_doubt net_timers newc record_seal state text tls url)),$(cov_bin))

suite_lint = --suite lint $(lint_items)
suite_unit = --suite unit $(unit_bin)
suite_sim = --suite sim $(sim_bin)
suite_cli = --suite cli $(cli_items)
suite_interop = --suite interop $(interop_items)
suite_net = --suite net $(net_items)
suite_qemu = --suite qemu $(qemu_items)
suite_valgrind = --suite valgrind $(call valgrind_items,$(valgrind_quick))
suite_fuzz = --suite fuzz $(call fuzz_items,10)

# Debian packages that a test uses and that must not be installed for it.
$(BUILD)/debs/%/.unpacked: mk/unpack-deb.sh $(BUILD)/.deps-test
	$(Q)mk/unpack-deb.sh $* $(@D)

lint_needs := $(BUILD)/.deps-test tool efi core-aarch64 $(TP)/sodium/.chunkboot-source
unit_needs := $(BUILD)/.deps-test $(call chosen,$(unit_bin))
sim_needs := $(BUILD)/.deps-test $(call chosen,$(sim_bin))
cli_needs := $(BUILD)/.deps-test tool
interop_needs := $(BUILD)/.deps-test tool $(BUILD)/san/test_newc $(patsubst %,$(BUILD)/debs/%/.unpacked,nginx varnish squid squid-common)
net_needs := $(BUILD)/.deps-test $(BUILD)/wire $(BUILD)/wire-client tool image-minimal
qemu_needs := $(BUILD)/.deps-test $(BUILD)/wire tool efi image-minimal $(BUILD)/debs/ipxe/.unpacked $(if $(call chosen,selftest),$(BUILD)/selftest-x86_64.efi)
fuzz_needs := $(BUILD)/.deps-test $(call chosen,$(fuzz_bin))
valgrind_needs := $(BUILD)/.deps-test $(call chosen,$(valgrind_quick))

.PHONY: test check-full plan-full check-unit check-sim check-cli check-interop check-net check-qemu check-fuzz check-valgrind fuzz coverage lint bench
first_tier = $(suite_lint) $(suite_unit) $(suite_sim) $(suite_fuzz) $(suite_valgrind) $(suite_cli) $(suite_interop) \
	$(suite_net) $(suite_qemu)
first_tier_needs := all $(lint_needs) $(unit_needs) $(sim_needs) $(fuzz_needs) $(valgrind_needs) $(interop_needs) \
	$(net_needs) $(qemu_needs)
test: $(first_tier_needs) ## everything of the first tier
	$(Q)$(RUN_TESTS) --max-boots $(FIRST_TIER_BOOTS) $(first_tier)

# The second tier: tests/full/*.sh, every unit and simulator program under valgrind, and the fuzzers for longer.
campaign_items = 'faulty_network=env SIM_SEEDS=10001-60000 $(BUILD)/host/sim/test_faulty_network' \
	'server_chaos=env SIM_SEEDS=10001-20000 $(BUILD)/host/sim/test_server_chaos' \
	'flipped_bits=env SIM_SEEDS=10001-60000 $(BUILD)/host/sim/test_flipped_bits' \
	'hostile_lan=env SIM_SEEDS=10001-40000 $(BUILD)/host/sim/test_hostile_lan' \
	'machine_life=env SIM_SEEDS=10001-12000 $(BUILD)/host/sim/test_machine_life'
second_tier = --suite full $(call scripts,full) $(call fuzz_items,120) \
	--suite campaign $(campaign_items) \
	--suite coverage 'coverage=mk/coverage.py $(BUILD) $(cov_bin)' \
	--suite valgrind-full $(call valgrind_items,$(cov_bin))
# With TESTS both tiers are looked through at once: that one of them has none of the names is no failure.
check-full: $(if $(TESTS),$(first_tier_needs),test) $(fuzz_needs) $(if $(call chosen,coverage),$(cov_bin),$(call chosen,$(cov_bin))) $(call chosen,$(sim_fast_bin)) ## what "test" has no time for, too
	$(Q)$(RUN_TESTS) $(if $(TESTS),$(first_tier)) --timeout 1800 $(second_tier)
plan-full: ## names what "check-full" would run beside "test"
	$(Q)python3 tests/run.py --plan $(second_tier)

check-unit: $(unit_needs) ## unit tests, with sanitizers
	$(Q)$(RUN_TESTS) $(suite_unit)
check-sim: $(sim_needs) ## whole boots in the simulator
	$(Q)$(RUN_TESTS) $(suite_sim)
# make sim CAMPAIGN=faulty_network SEEDS=7-7: those seeds; FAST=1: without sanitizers.
CAMPAIGN ?= faulty_network server_chaos flipped_bits hostile_lan machine_life
SEEDS ?=
FAST ?=
campaign_bin = $(addprefix $(BUILD)/$(if $(FAST),host,san)/sim/test_,$(CAMPAIGN))
.PHONY: sim
sim: $(BUILD)/.deps-test $(campaign_bin) ## fault campaigns: SEEDS=FIRST-LAST, CAMPAIGN=name, FAST=1
	$(Q)for bin in $(campaign_bin); do SIM_SEEDS='$(SEEDS)' SIM_VERBOSE='$(V)' $$bin || exit 1; done
check-cli: $(cli_needs) ## the tool's behaviour
	$(Q)$(RUN_TESTS) $(suite_cli)
check-interop: $(interop_needs) ## casync and TUF clients on our repositories
	$(Q)$(RUN_TESTS) $(suite_interop)
check-net: $(net_needs) ## the wire program that tests and benches use for a network
	$(Q)$(RUN_TESTS) $(suite_net)
check-qemu: $(qemu_needs) ## boots in QEMU with OVMF
	$(Q)$(RUN_TESTS) --max-boots $(FIRST_TIER_BOOTS) $(suite_qemu)
check-fuzz: $(fuzz_needs) ## each fuzzer for 10 seconds
	$(Q)$(RUN_TESTS) $(suite_fuzz)
check-valgrind: $(valgrind_needs) ## the core's quick unit tests under valgrind
	$(Q)$(RUN_TESTS) $(suite_valgrind)
coverage: $(BUILD)/.deps-test $(cov_bin) ## lines of the core that unit and simulator tests reach
	$(Q)mk/coverage.py $(BUILD) $(cov_bin)
fuzz: $(fuzz_needs) ## each fuzzer for FUZZ_SECONDS
	$(Q)$(RUN_TESTS) --timeout $$(($(FUZZ_SECONDS) + 120)) --suite fuzz $(call fuzz_items,$(FUZZ_SECONDS))
lint: $(lint_needs) ## form, dependency rules, symbols, PE layout, spelling
	$(Q)$(RUN_TESTS) $(suite_lint)
# The other programs of tests/bench/peers.sh, local-disk.sh and update.sh.
bench_debs := $(patsubst %,$(BUILD)/debs/%/.unpacked,$(sort \
	$(if $(call chosen,peers),nginx ipxe@trixie grub-common grub-efi-amd64-bin systemd-boot-efi) \
	$(if $(call chosen,local-disk),grub-common grub-efi-amd64-bin systemd-boot-efi) $(if $(call chosen,update),nginx zsync)))
bench: tool efi image-minimal $(BUILD)/wire $(bench_debs) ## measurements: tests/bench/*.sh
	$(Q)$(RUN_TESTS) -j 1 --timeout 3600 --show --suite bench $(call scripts,bench)
