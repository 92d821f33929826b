/* SPDX-License-Identifier: MIT */
/* Fuzzes the manifest parser: what is accepted is written back to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct cb_manifest *m)
{
	struct cb_chunk *chunks = calloc(m->n_chunks + 1u, sizeof(*chunks));
	if (!chunks)
		return;
	for (uint32_t i = 0; i < m->n_chunks; i++)
		cb_manifest_chunk(m, i, &chunks[i]);
	for (unsigned i = 0; i < m->n_segments; i++) {
		char name[16];
		cb_segment_name(m, i, name);
	}
	size_t len = cb_manifest_len(m);
	uint8_t *back = malloc(len);
	if (len != m->bytes.len)
		abort();
	if (back) {
		cb_manifest_write(m, chunks, back);
		if (memcmp(back, m->bytes.p, len) != 0)
			abort();
	}
	free(back);
	free(chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_manifest m;
	if (cb_manifest_parse((struct cb_bytes){ data, len }, &m) == CB_OK)
		check(&m);
	return 0;
}
