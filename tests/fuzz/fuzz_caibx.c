/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of casync blob indexes; what it accepts must come out of the writer again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/caibx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_caibx x, again;
	if (cb_caibx_parse((struct cb_bytes){ data, len }, &x) != CB_OK)
		return 0;
	struct cb_chunk *chunks = calloc(x.n_chunks + 1u, sizeof(*chunks));
	uint8_t *out = malloc(len);
	if (!chunks || !out)
		abort();
	uint64_t start = 0;
	for (uint32_t i = 0; i < x.n_chunks; i++) {
		struct cb_caibx_item item;
		cb_caibx_item(&x, i, &item);
		chunks[i].raw_len = (uint32_t)(item.end - start);
		memcpy(chunks[i].id, item.id, CB_DIGEST_LEN);
		start = item.end;
	}
	cb_caibx_write(x.size, chunks, x.n_chunks, out);
	/* the feature flags are the only thing that is not kept */
	if (cb_caibx_len(x.n_chunks) != len || memcmp(out, data, 16) != 0 ||
	    memcmp(out + 24, data + 24, len - 24) != 0 ||
	    cb_caibx_parse((struct cb_bytes){ out, len }, &again) != CB_OK)
		abort();
	free(chunks);
	free(out);
	return 0;
}
