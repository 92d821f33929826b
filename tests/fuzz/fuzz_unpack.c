/* SPDX-License-Identifier: MIT */
/* Fuzzes initramfs unpacking; what it accepts must be normal archives, and stay as it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/newc.h"
#include "host/unpack.h"

#define OUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(struct cb_scratch *out, struct cb_scratch *again)
{
	struct cb_bytes first = { out->p, out->len };
	if (out->len % 4 != 0 || cb_unpack_initrd("fuzz", first, again, NULL) != CB_OK)
		abort();
	/* zeroes between archives may go on the way, content may not */
	if (again->len > out->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cb_scratch out, again;
	if (out.fd_plus_1 == 0 &&
	    (cb_scratch_open(P_tmpdir, OUT_MAX, &out, NULL) != CB_OK ||
	     cb_scratch_open(P_tmpdir, OUT_MAX, &again, NULL) != CB_OK))
		abort();
	out.len = again.len = 0;
	if (cb_unpack_initrd("fuzz", (struct cb_bytes){ data, len }, &out, NULL) == CB_OK)
		check(&out, &again);
	return 0;
}
