# SPDX-License-Identifier: MIT
# Builds one third-party library for one target: make -f mk/library.mk LIB=bearssl VARIANT=efi-x86_64
#
# Runs as a make of its own because the file lists need the unpacked source. VARIANT is efi-x86_64 or san
# (lwIP for the simulator, with sanitizers), fuzz, cov or host (without).

BUILD ?= build
TP ?= build/third-party
include mk/flags.mk
Q := $(if $(V),,@)

OUT := $(BUILD)/$(VARIANT)
SRC := $(TP)/$(LIB)

# ---- File lists, relative to the library's source ----
rel = $(patsubst $(SRC)/%,%,$(wildcard $(addprefix $(SRC)/,$(1))))

bearssl_files = $(call rel,src/*.c src/*/*.c src/*/*/*.c)
bearssl_flags = -I$(SRC)/inc -I$(SRC)/src -DBR_64=1 -DBR_USE_URANDOM=0 -DBR_USE_WIN32_RAND=0 -DBR_USE_UNIX_TIME=0 \
	-DBR_USE_WIN32_TIME=0
bearssl_hot = src/symcipher/aes_x86ni_ctr% src/symcipher/chacha20_sse2% src/symcipher/poly1305% \
	src/hash/ghash_pclmul% src/hash/sha2big%

zstd_files = $(addprefix lib/common/,debug.c entropy_common.c error_private.c fse_decompress.c xxhash.c zstd_common.c) \
	$(call rel,lib/decompress/*.c)
# One variant of each decoder: the others are for windows larger than a chunk, and took 26 KB for nothing measurable.
zstd_flags = -DHUF_FORCE_DECOMPRESS_X1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -I$(SRC)/lib -I$(SRC)/lib/common -DZSTD_DISABLE_ASM=1 -DZSTD_LEGACY_SUPPORT=0 \
	-DZSTD_STRIP_ERROR_STRINGS=1 -DDYNAMIC_BMI2=0 -DZSTD_TRACE=0 -DXXH_NAMESPACE=ZSTD_ \
	$(if $(filter efi-%,$(VARIANT)),-DZSTD_NO_INTRINSICS=1 $(EFI_SCALAR))
zstd_hot = lib/decompress/zstd_decompress_block% lib/decompress/huf_decompress% lib/common/entropy_common% \
	lib/common/fse_decompress%

# Ed25519, Argon2 and HChaCha20 go into the loader; sealing (ChaCha20, Poly1305) is for its self-test. BLAKE2b is ours:
# efi/libsodium.c.
sodium_dirs := crypto_hash crypto_hash/sha512 crypto_hash/sha512/cp crypto_aead/xchacha20poly1305/sodium \
	crypto_aead/chacha20poly1305/sodium crypto_stream/chacha20/ref crypto_onetimeauth/poly1305/donna \
	crypto_onetimeauth/poly1305/sse2 crypto_sign/ed25519 crypto_sign/ed25519/ref10 crypto_verify/sodium \
	crypto_core/hchacha20
sodium_single := crypto_core/ed25519/core_ed25519.c crypto_core/ed25519/ref10/ed25519_ref10.c crypto_pwhash/crypto_pwhash.c \
	$(addprefix crypto_pwhash/argon2/,argon2-core.c argon2-encoding.c argon2-fill-block-ref.c \
	argon2-fill-block-ssse3.c argon2.c blake2b-long.c pwhash_argon2i.c pwhash_argon2id.c) \
	crypto_stream/chacha20/stream_chacha20.c crypto_stream/chacha20/dolbeau/chacha20_dolbeau-ssse3.c \
	crypto_onetimeauth/poly1305/onetimeauth_poly1305.c crypto_sign/crypto_sign.c randombytes/randombytes.c \
	$(addprefix sodium/,runtime.c utils.c codecs.c)
sodium_files = $(sort $(call rel,$(addprefix src/libsodium/,$(addsuffix /*.c,$(sodium_dirs)) $(sodium_single))))
sodium_flags = -I$(SRC)/src/libsodium/include -I$(SRC)/src/libsodium/include/sodium -DSODIUM_STATIC=1 -DCONFIGURED=1 \
	-DDEV_MODE=0 -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_TI_MODE=1 -DRANDOMBYTES_CUSTOM_IMPLEMENTATION=1 \
	-DRANDOMBYTES_DEFAULT_IMPLEMENTATION=NULL -DHAVE_EMMINTRIN_H=1 -DHAVE_PMMINTRIN_H=1 -DHAVE_TMMINTRIN_H=1 \
	-DHAVE_SMMINTRIN_H=1 -DHAVE_CPUID=1
# Argon2 may run on another processor, where our heap is out of reach: efi/kdf.c hands out its memory.
argon2_flags = $(if $(filter efi-%,$(VARIANT)),$(if $(findstring /argon2/,$<),-Dmalloc=cb_argon2_malloc -Dfree=cb_argon2_free))
sodium_hot = src/libsodium/crypto_hash/% \
	src/libsodium/crypto_pwhash/argon2/argon2-fill-block-% src/libsodium/crypto_stream/chacha20/dolbeau/% \
	src/libsodium/crypto_onetimeauth/poly1305/sse2/%

lwip_files = $(addprefix src/core/,def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c sys.c \
	tcp.c tcp_in.c tcp_out.c timeouts.c udp.c) $(call rel,src/core/ipv4/*.c src/core/ipv6/*.c) src/netif/ethernet.c
# In tests its memory can fail, too.
lwip_flags = -Ichunkboot -Ichunkboot/net -I$(SRC)/src/include $(if $(filter-out efi-%,$(VARIANT)),\
	-include tests/sim/sim_lwip_memory.h -Dmalloc=sim_lwip_malloc -Dcalloc=sim_lwip_calloc)
lwip_hot = src/core/tcp_in% src/core/inet_chksum% src/core/pbuf% src/core/ipv4/ip4% src/core/ipv6/ip6 src/netif/ethernet%

# ---- Flags ----
ifeq ($(VARIANT),efi-x86_64)
CC := $(EFI_CC)
AR := $(LLVM_AR)
FLAGS := $(EFI_TARGET_x86_64) $(EFI_BASE) $(EFI_LIBC) -w
hot = -O2
cold = $(EFI_OPT)
else ifeq ($(VARIANT),host)
CC := $(HOST_CC)
AR := ar
FLAGS := $(HOST_CFLAGS) -Wno-error -w
else
CC := $(SAN_CC)
AR := ar
FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing $(SAN_SANITIZERS) -w \
	$(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer-no-link) $(if $(filter cov,$(VARIANT)),-fno-sanitize=all -gdwarf-4)
endif
# clang 14 ignores the sources' "#pragma GCC target", and inlines nothing across functions with other targets.
arch_flags = $(if $(findstring ssse3,$<),-mssse3) $(if $(findstring sse41,$<),-msse4.1) \
	$(if $(findstring ghash_pclmul,$<),-mssse3 -mpclmul)

files := $($(LIB)_files)
$(if $(files),,$(error no files for library "$(LIB)" below $(SRC)))
objects := $(patsubst %.c,$(OUT)/$(LIB)/%.o,$(files))
headers_in_tree := $(if $(filter lwip,$(LIB)),$(wildcard chunkboot/net/lwipopts.h chunkboot/net/lwiphooks.h \
	chunkboot/net/arch/*.h))

$(OUT)/lib$(LIB).a: $(objects)
	@printf '  AR      %s\n' $@
	$(Q)rm -f $@.new && $(AR) rcs $@.new $(objects) && mv $@.new $@

$(OUT)/$(LIB)/%.o: $(SRC)/%.c mk/library.mk mk/flags.mk third-party.mk $(headers_in_tree)
	@mkdir -p $(@D)
	@[ -z "$(V)" ] || printf '  CC      %s\n' $<
	$(Q)$(CC) $(FLAGS) $(arch_flags) $(if $(filter $($(LIB)_hot),$*),$(hot),$(cold)) $($(LIB)_flags) $(argon2_flags) -c -o $@ $<
