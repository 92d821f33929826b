#!/bin/bash
# SPDX-License-Identifier: MIT
# The libsodium that goes into the loader has the fix of CVE-2025-69277: points outside the main subgroup are refused.
set -euo pipefail

make --silent --no-print-directory -f mk/library.mk BUILD="$CB_BUILD" LIB=sodium VARIANT=san >&2
cat >"$CB_TEST_TMP/test.c" <<'END'
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* core.c, which has it, is not part of the loader */
void sodium_misuse(void)
{
	abort();
}

int main(void)
{
	/* The negative of the base point's y: a point of twice its order. */
	unsigned char outside[32];
	unsigned char base[32];

	memset(outside, 0x99, sizeof(outside));
	outside[0] = 0x95;
	memset(base, 0x66, sizeof(base));
	base[0] = 0x58;
	if (!crypto_core_ed25519_is_valid_point(base))
		return puts("the base point is refused"), 1;
	if (crypto_core_ed25519_is_valid_point(outside))
		return puts("a point outside the main subgroup is accepted"), 1;
	return 0;
}
END
clang -fsanitize=address,undefined -DSODIUM_STATIC=1 -isystem build/third-party/sodium/src/libsodium/include \
	-o "$CB_TEST_TMP/test" "$CB_TEST_TMP/test.c" "$CB_BUILD/san/libsodium.a"
"$CB_TEST_TMP/test"
