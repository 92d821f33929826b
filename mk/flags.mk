# SPDX-License-Identifier: MIT
# Compilers and flags of our own code, for each of the three ways it is built. Changing this file rebuilds it all.

WERROR ?= -Werror
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wimplicit-fallthrough $(WERROR)
DEPFLAGS = -MMD -MP

# ---- Host: the product, by gcc ----
HOST_CC ?= gcc
HOST_CPPFLAGS := -Ichunkboot -I$(BUILD)/gen -D_GNU_SOURCE=
HOST_CFLAGS := -std=gnu17 -O2 -g -fPIE -fstack-protector-strong -fno-strict-aliasing \
	-ftrivial-auto-var-init=zero $(WARNINGS) -ffile-prefix-map=$(CURDIR)=.
HOST_LDFLAGS := -pie -Wl,-z,relro,-z,now
HOST_LIBS := -lfdisk -larchive -lmicrohttpd -ljansson -lbearssl -lsodium -lcrypto -lzstd -llzma -llz4 -lbz2 -lz -pthread
$(BUILD)/host/%.o: HOST_CPPFLAGS += -D_FORTIFY_SOURCE=2

# ---- Host with sanitizers, by clang: what the unit tests and the fuzzers run ----
SAN_CC ?= clang
SAN_SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_CFLAGS := -std=gnu17 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing $(SAN_SANITIZERS) $(WARNINGS)
# Comes after SAN_CFLAGS: no sanitizers, counters for llvm-cov, debug information that Debian 12's valgrind reads.
COV_CFLAGS := -fno-sanitize=all -gdwarf-4 -fprofile-instr-generate -fcoverage-mapping
TEST_CPPFLAGS := -Itests -Itests/unit -Itests/sim
LWIP_CPPFLAGS := -Ichunkboot/net -isystem $(TP)/lwip/src/include

# ---- The EFI target, by clang and lld-link ----
EFI_CC ?= clang
LLD_LINK ?= lld-link
LLVM_AR ?= llvm-ar
EFI_TARGET_x86_64 := --target=x86_64-unknown-windows -mno-red-zone -mno-stack-arg-probe
EFI_TARGET_aarch64 := --target=aarch64-unknown-windows
# No hosted headers can slip in (-nostdlibinc): what our shim lacks does not compile.
EFI_BASE := -std=gnu11 -ffreestanding -fshort-wchar -U_WIN32 -U_WIN64 -U_MSC_VER -fno-ms-compatibility \
	-fno-ms-extensions -ffunction-sections -fdata-sections -fno-strict-aliasing -nostdlibinc
EFI_LIBC := -isystem efi/libc
EFI_TP_CPPFLAGS := -isystem $(TP)/bearssl/inc -isystem $(TP)/sodium/src/libsodium/include -isystem $(TP)/zstd/lib \
	-DSODIUM_STATIC=1
EFI_GNUEFI := -isystem /usr/include/efi -isystem /usr/include/efi/x86_64
# clang 14 asks for the second option, later ones take the first alone.
EFI_ZERO_INIT := -ftrivial-auto-var-init=zero \
	-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
EFI_OWN := $(patsubst -std=gnu11,-std=gnu17,$(EFI_BASE)) -g0 $(EFI_ZERO_INIT) -fstack-protector-strong \
	-Wframe-larger-than=4096 $(WARNINGS)
EFI_OPT ?= -Oz
# Our own files that run once per byte or packet rather than once per boot; mk/library.mk has the libraries'.
EFI_HOT := core/blake2b core/digest core/chunk core/fetch% core/conn% core/http core/job core/mirror net/checksum net/frame net/stream
# Vector code is slow where the processor is emulated, and not faster for BLAKE2b where it isn't.
EFI_SCALAR := -fno-vectorize -fno-slp-vectorize
EFI_LDFLAGS := -subsystem:efi_application -entry:efi_main -nodefaultlib -opt:ref -opt:icf -Brepro
